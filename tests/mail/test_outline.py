"""A long message is taken apart by its outline just as it is whole, and its files are where they are."""

import base64
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail import outline, parse
from gateway.mail.outline import Outline, outlined
from tests.mail import tnef
from tests.mail.test_signature import KEYS, cms, opaque

CHANCE = random.Random(7)  # noqa: S311 - octets for files, the same in each run


def part(octets: bytes, fields: str = "Content-Type: application/pdf; name=a.pdf", encoding: str = "base64") -> bytes:
    sent = base64.encodebytes(octets).replace(b"\n", b"\r\n") if encoding == "base64" else octets
    return f"{fields}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + sent


def mail(*parts: bytes, kind: str = "mixed") -> bytes:
    head = f"Subject: x\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n".encode()
    return head + b"".join(b"--b\r\n" + one + b"\r\n" for one in parts) + b"--b--\r\n"


def chunks(raw: bytes, size: int = 256 * 1024):
    return lambda: (raw[at : at + size] for at in range(0, len(raw), size))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Every message is long."""
    monkeypatch.setattr(outline, "OUTLINED_OCTETS", 0)


def agreed(raw: bytes, size: int = 256 * 1024) -> Outline:
    """The outline, from which the same is read as from the whole message."""
    found = outlined(len(raw), chunks(raw, size))
    whole, short = parse.body(raw), parse.body(found)
    assert isinstance(whole, parse.Body)
    assert isinstance(short, parse.Body)
    assert replace(short, signed=()) == replace(whole, signed=())
    for one in whole.attachments:
        here = parse.piece(found, one.index)
        assert here is not None
        assert (here[0], b"".join(here[1].octets(chunks(raw, 1000)()))) == parse.attachment(raw, one.index)
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 3, 12_000, 100_000, 100_001, 100_002])
def test_its_files_are_the_same_and_most_of_them_is_left_out(size):
    raw = mail(part(b"words", "Content-Type: text/plain"), *(part(CHANCE.randbytes(size)) for _ in range(3)))
    found = agreed(raw)
    assert len(found.octets) < 40_000
    assert (len(found.cuts) > 0) == (size > 5_000)


@pytest.mark.parametrize(
    "kept",
    [
        part(b"long words " * 9_000, "Content-Type: text/html; charset=utf-8"),
        part(tnef.tnef(tnef.file("inner.pdf", CHANCE.randbytes(90_000))), "Content-Type: application/ms-tnef"),
        part(b"begin 644 a.pdf\r\n" + b"MAAAA" * 3 + b"\r\nend", "Content-Type: text/plain", "7bit"),
    ],
    ids=["a text", "winmail.dat", "uuencode"],
)
def test_what_is_read_itself_is_whole(kept):
    agreed(mail(kept, part(CHANCE.randbytes(100_000))))


def test_a_signed_message_is_whole():
    inner = agreed(opaque(cms(KEYS["EC"])))
    assert inner.cuts == ()
    raw = mail(part(CHANCE.randbytes(60_000)), part(b"x", "Content-Type: application/pkcs7-signature"), kind="signed")
    assert agreed(raw).cuts == ()


def test_of_one_that_is_too_long_nothing_is_said_that_was_not_found(monkeypatch):
    monkeypatch.setattr(outline, "SIGNED_OCTETS", 100)
    signature = part(cms(KEYS["EC"]), "Content-Type: application/pkcs7-signature")
    raw = mail(part(CHANCE.randbytes(60_000)), signature, kind="signed")
    body = parse.body(outlined(len(raw), chunks(raw)))
    assert isinstance(body, parse.Body)
    assert [one.is_whole for one in body.signed] == [False]


@pytest.mark.parametrize(
    "odd",
    [
        part(b"A" * 50_000, encoding="7bit"),
        part(b"A" * 50_000, encoding="quoted-printable"),
        part(base64.b64encode(b"ab") * 20_000, encoding="7bit"),
        part(b"QUJD" * 9_000 + b"QQ==\r\n" + b"QUJD" * 9_000, encoding="Base64 "),
        part(b"QUJD" * 9_000 + b"Q", encoding="base64\t"),
    ],
    ids=["7bit", "quoted-printable", "base64 as it stands", "padded inside", "a digit too many"],
)
def test_what_only_looks_like_base64(odd):
    agreed(mail(part(b"words", "Content-Type: text/plain"), odd, part(CHANCE.randbytes(30_000))))


def test_messages_within_it_are_opened():
    inner = mail(part(CHANCE.randbytes(50_000))).replace(b"=b\r\n", b"=i\r\n").replace(b"--b", b"--i")
    raw = mail(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    found = parse.piece(agreed(raw), 0, 0)
    assert found is not None
    assert b"".join(found[1].octets(chunks(raw)())) == (parse.attachment(inner, 0) or (None, b""))[1]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 60_000), max_size=5), st.integers(1, 70_000), st.integers(0, 9_000))
def test_however_it_comes(sizes, size, before):
    first = part(b"w " * before, "Content-Type: text/plain", "7bit")
    agreed(mail(first, *(part(CHANCE.randbytes(one)) for one in sizes)), size)
