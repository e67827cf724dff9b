"""Two mailboxes never become one: only what mail servers treat as equal is folded (RFC 6532 §3.1, UTS 46)."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.address import address, domain_key
from gateway.domain.commands import Command, parse
from gateway.errors import BadAddress

SAME = [
    ("Pat@Home.Example", "pat@home.example"),
    ("PAT+X@home.example", "pat+x@home.example"),
    ("e\u0301@home.example", "\u00e9@home.example"),
    ("E\u0301@home.example", "\u00c9@home.example"),
    ("\u1100\u1161@home.example", "\uac00@home.example"),
    ('"Pat"@home.example', "pat@home.example"),
    ("a@B\u00fccher.example", "a@xn--bcher-kva.example"),
    ("a@bu\u0308cher.example", "a@b\u00fccher.example"),
    ("a@\uff42\uff4f\uff58.example", "a@box.example"),
    ("a@\u212aite.example", "a@kite.example"),
    ("a@home\u3002example", "a@home.example"),
]
APART = [
    ("stra\u00dfe@home.example", "strasse@home.example"),
    ("a@stra\u00dfe.example", "a@strasse.example"),
    ("pat+x@home.example", "pat+y@home.example"),
    ("pat+x@home.example", "pat@home.example"),
    ("p.at@home.example", "pat@home.example"),
    ("\u00c9@home.example", "\u00e9@home.example"),
    ("\u0130@home.example", "i@home.example"),
    ("\u0130@home.example", "i\u0307@home.example"),
    ("\u0131@home.example", "i@home.example"),
    ("\u0131@home.example", "I@home.example"),
    ("\u212aate@home.example", "kate@home.example"),
    ("\u212aate@home.example", "Kate@home.example"),
    ("a\u1fefx@home.example", "a`x@home.example"),
    ("\u017fam@home.example", "sam@home.example"),
    ("\ufb00@home.example", "ff@home.example"),
    ("\uff41@home.example", "a@home.example"),
    ("\u03c3@home.example", "\u03c2@home.example"),
    ("\u03a3@home.example", "\u03c3@home.example"),
    ("\u00b5@home.example", "\u03bc@home.example"),
    ("a\u00aa@home.example", "aa@home.example"),
    ("\u0430@home.example", "a@home.example"),
    ("a@\u0131x.example", "a@ix.example"),
    ("a@\u03c2x.example", "a@\u03c3x.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_mail_servers_treat_as_equal_is_one(one: str, other: str) -> None:
    assert address(one).key == address(other).key
    assert (address(one).typed, address(other).typed) == (one, other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_nothing_else_is(one: str, other: str) -> None:
    assert address(one).key != address(other).key


@pytest.mark.parametrize(
    "typed", ["a\uff20home.example", "a\ufe6bhome.example", "a\u037eb@home.example", "a\u200b@home.example"]
)
def test_what_only_looks_like_an_address_is_none(typed: str) -> None:
    with pytest.raises(BadAddress):
        address(typed)


@given(st.text(st.characters(codec="utf-8", categories=("L", "M", "N")), min_size=1, max_size=6))
def test_a_key_is_its_own_key_and_no_letter_becomes_an_ascii_one(local: str) -> None:
    try:
        key = address(f"{local}@home.example").key
    except BadAddress:
        return
    assert address(key).key == key
    ascii_before = sum(one.isascii() for one in unicodedata.normalize("NFC", local) if one not in "\u212a\u1fef")
    assert sum(one.isascii() for one in key.rpartition("@")[0]) <= max(ascii_before, sum(map(str.isascii, local)))


@given(st.sampled_from([one for pair in SAME + APART for one in pair]))
def test_a_domain_is_compared_alike_alone_and_in_an_address(typed: str) -> None:
    assert domain_key(typed.rpartition("@")[2]) == address(typed).domain


@pytest.mark.parametrize("typed", [one for pair in APART for one in pair])
def test_a_command_speaks_of_the_very_address_that_was_typed(typed: str) -> None:
    for line in (f"INVITE {typed}", f"{typed} CANCEL", f"pat@home.example MOVE {typed}"):
        command = parse(line, date(2026, 3, 2))
        assert isinstance(command, Command)
        assert (command.to or command.person) == address(typed)
