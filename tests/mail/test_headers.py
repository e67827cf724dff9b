import re
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings

from gateway.mail import headers
from gateway.mail.parse import head
from gateway.mail.scan import walk
from tests.mail.samples import AT, hostile, words

MAIL = (
    b"Received: from x\r\n\tby y; z\r\nSUBJECT : [secure]\r\n results\r\nbcc: omar@hillside.example,\r\n"
    b"\tcleo@riverside.example\r\nX-Odd: \xff\xfe\r\nBcc : a@b.example\r\n\r\nBcc: body\r\n"
)


def without(raw: bytes, *names: str) -> bytes:
    return headers.retold(raw, [(one, None) for one in walk(raw) if one.name in names])


def with_subject(raw: bytes, subject: str) -> bytes:
    return headers.retold(raw, [(one, subject) for one in walk(raw) if one.name == "subject"])


def test_fields_go_and_nothing_else_changes() -> None:
    expected = MAIL.replace(b"bcc: omar@hillside.example,\r\n\tcleo@riverside.example\r\n", b"")

    assert without(MAIL, "bcc") == expected.replace(b"Bcc : a@b.example\r\n", b"")
    assert without(MAIL, "x-none") == MAIL


def test_a_field_is_found_however_long_the_head() -> None:
    raw = b"X: y\r\n" * 12_000 + b"X-Long: " + b"y" * 2**21 + b"\r\nBcc: a@b.example\r\n\r\nbody"

    assert without(raw, "bcc") == raw.replace(b"Bcc: a@b.example\r\n", b"")


def test_a_field_without_a_line_break_at_the_end() -> None:
    assert without(b"A: b\r\nBcc: c", "bcc") == b"A: b\r\n"
    assert headers.only(b"A: b\r\nC: d", frozenset({"c"})) == b"C: d\r\n\r\n"


def test_the_subject_alone_is_replaced() -> None:
    changed = with_subject(MAIL, "results")

    assert changed == MAIL.replace(b"SUBJECT : [secure]\r\n results\r\n", b"SUBJECT: results\r\n")


def test_no_subject_stays_none() -> None:
    assert with_subject(b"A: b\r\n\r\nSubject: x\r\n", "y") == b"A: b\r\n\r\nSubject: x\r\n"


@pytest.mark.parametrize(
    "subject",
    ["", "plain", "Ünïcödé " * 30, "word " * 60, "x" * 3000, "=?utf-8?q?=0ABcc:_x?=", "[secure] 😀" * 20, "a:b"],
)
def test_a_subject_comes_back_as_it_was(subject: str) -> None:
    changed = with_subject(MAIL, subject)
    found = head(changed)

    assert found.subject == " ".join(subject.split())
    assert [field.name for field in found.fields] == [field.name for field in head(MAIL).fields]
    assert changed.endswith(b"\r\n\r\nBcc: body\r\n")
    assert max(len(line) for line in changed.split(b"\r\n")) <= 998


def test_a_subject_is_folded() -> None:
    changed = with_subject(b"Subject: x\r\n\r\n", "patient results " * 30)

    assert max(len(line) for line in changed.split(b"\r\n")) <= 78


@settings(max_examples=200)
@given(words)
def test_no_subject_adds_a_field(subject: str) -> None:
    changed = with_subject(MAIL, subject)

    assert [field.name for field in walk(changed)] == [field.name for field in walk(MAIL)]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", changed)
    assert changed[: changed.index(b"X-Odd")].isascii()


def test_prepended_fields_stand_first() -> None:
    assert headers.prepend(b"C: d\r\n\r\n", "A: 1\r\n", "B: ü") == "A: 1\r\nB: ü\r\nC: d\r\n\r\n".encode()


def test_only_keeps_fields_and_body() -> None:
    assert headers.only(MAIL, frozenset({"x-odd"})) == b"X-Odd: \xff\xfe\r\n\r\nBcc: body\r\n"


def test_the_head_alone() -> None:
    assert headers.header_block(MAIL) == MAIL.removesuffix(b"\r\nBcc: body\r\n")
    assert headers.header_block(b"A: b\r\nX: " + b"y" * 2**20 + b"\r\n\r\n") == b"A: b\r\n"


def test_a_received_field() -> None:
    field = headers.received(
        helo="mail.riverside.example",
        peer="192.0.2.1",
        by="secure.riverside.example",
        protocol="ESMTPS",
        id="a1b2",
        at=AT.astimezone(timezone(timedelta(hours=1))),
    )

    assert field == (
        "Received: from mail.riverside.example ([192.0.2.1])\r\n"
        "\tby secure.riverside.example with ESMTPS id a1b2;\r\n"
        "\tTue, 03 Mar 2026 10:02:00 +0100\r\n"
    )


@pytest.mark.parametrize(
    ("helo", "peer", "shown"),
    [
        ("[192.0.2.1]", "2001:db8::1", "from [192.0.2.1] ([IPv6:2001:db8::1])"),
        ("x (y)\r\nBcc: z", "192.0.2.1", "from xyBcc:z ([192.0.2.1])"),
        ("", "192.0.2.1", "from unknown ([192.0.2.1])"),
        ("é;", "", "from unknown ([unknown])"),
    ],
)
def test_a_client_cannot_write_into_the_received_field(helo: str, peer: str, shown: str) -> None:
    field = headers.received(helo=helo, peer=peer, by="s.example", protocol="SMTP", id="1", at=AT)

    assert field.splitlines()[0] == f"Received: {shown}"
    assert len(field.splitlines()) == 3
    assert " for " not in field


@settings(max_examples=200)
@given(hostile)
def test_nothing_raises_and_what_stays_is_untouched(raw: bytes) -> None:
    names = frozenset({"subject", "from"})
    left = without(raw, *names)
    kept = [raw[field.start : field.end] for field in walk(raw) if field.name not in names]

    assert left.startswith(b"".join(kept))
    assert left.endswith(raw[head(raw).end :])
    assert headers.only(raw, names).endswith(raw[head(raw).end :])
    assert raw.startswith(headers.header_block(raw))
    with_subject(raw, "x")
    headers.prepend(raw, "A: b")
