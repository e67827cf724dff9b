"""The end of data is found in pieces of any size, and what must not stand in content is seen in any piece."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.smtp.data_reader import DataReader, is_forbidden, unstuffed

OCTETS = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r", b"\n", b"\0", b"\r\n.", b"x" * 300])).map(
    b"".join
)
CUTS = st.lists(st.integers(min_value=1, max_value=7), min_size=1)


def pieces(octets, cuts):
    """The octets cut into pieces whose sizes repeat."""
    at = number = 0
    while at < len(octets):
        size = cuts[number % len(cuts)]
        yield octets[at : at + size]
        at, number = at + size, number + 1


def read(octets, cuts=(7,)):
    """What is read of these octets, in one: whether it ended, the content, what follows, whether it is forbidden."""
    reader, content, rest, forbidden = DataReader(), b"", b"", False
    for piece in pieces(octets, cuts):
        if reader.ended:
            rest += piece
            continue
        found, rest = reader.feed(piece)
        forbidden |= is_forbidden(found)
        content += unstuffed(found)
    return reader.ended, content, rest, forbidden


def expected(octets):
    """The same by the book, on the whole: lines up to the first that is a lone dot (RFC 5321 §4.1.1.4, §4.5.2)."""
    lines = octets.split(b"\r\n")
    if b"." not in lines[:-1]:
        return None
    end = lines.index(b".")
    content = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:end])
    forbidden = bool(re.search(rb"\r(?!\n)|(?<!\r)\n|\0", b"".join(line + b"\r\n" for line in lines[:end])))
    return True, content, b"\r\n".join(lines[end + 1 :]), forbidden


@given(OCTETS, CUTS)
def test_any_cutting_reads_as_the_book_says(octets, cuts):
    octets += b"\r\n.\r\nMAIL FROM:<next@riverside.example>\r\n"
    assert read(octets, cuts) == expected(octets)


@given(OCTETS, CUTS)
def test_nothing_is_forgotten_before_the_end(octets, cuts):
    ended, content, _, _ = read(octets, cuts)
    if not ended:
        assert len(octets) - len(content) <= 4 + octets.count(b"\r\n.") + octets.startswith(b".")


@pytest.mark.parametrize("octets", [b"a\rb", b"\rb", b"a\n", b"\n", b"a\0b", b"\r\r\n", b"\n\r\n"])
def test_bare_line_ends_and_nul_are_forbidden(octets):
    assert is_forbidden(octets)


def test_line_breaks_are_not_forbidden():
    assert not is_forbidden(b"a\r\n\r\n.b\r\n")
