"""The form that a message has under DATA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.stuffing import stuffed


def sent(*chunks):
    return b"".join(stuffed(chunks))


def received(wire):
    """What a server makes of it: lines up to the lone dot, one dot taken from each (RFC 5321 §4.5.2)."""
    *lines, dot, nothing = wire.split(b"\r\n")
    assert (dot, nothing) == (b".", b"")
    assert b"." not in lines, "it ends early"
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


@pytest.mark.parametrize(
    ("chunks", "wire"),
    [
        ((), b".\r\n"),
        ((b".",), b"..\r\n.\r\n"),
        ((b"a\r\n.b\r\n",), b"a\r\n..b\r\n.\r\n"),
        ((b"a\r\n", b".\r\n"), b"a\r\n..\r\n.\r\n"),
        ((b"a\r", b"\n.\r\n"), b"a\r\n..\r\n.\r\n"),
        ((b"a\r", b"\n", b"", b".", b"\r\n"), b"a\r\n..\r\n.\r\n"),
        ((b"a.", b".b\r\n"), b"a..b\r\n.\r\n"),
        ((b"no line end",), b"no line end\r\n.\r\n"),
        ((b"a\n.\nb\r.\rc\r",), b"a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n"),
    ],
)
def test_dots_and_line_ends(chunks, wire):
    assert sent(*chunks) == wire


@given(st.lists(st.binary(max_size=3) | st.text("\r\n.a", max_size=5).map(str.encode)))
def test_however_it_is_cut_it_arrives_whole_and_ends_once(chunks):
    whole = b"".join(chunks)
    assert sent(*chunks) == sent(whole)
    arrived = received(sent(*chunks))
    plain = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    assert arrived == (plain if plain.endswith(b"\r\n") or not plain else plain + b"\r\n")
