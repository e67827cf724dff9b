import email
import hashlib
import re
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail import compose, encoding, parse
from gateway.mail.bounces import Bounce, Severity, bounce
from gateway.mail.compose import ComposedNotice, Upload
from gateway.mail.scan import walk
from tests.mail.samples import AT, hostile, words


def read(raw: bytes) -> EmailMessage:
    """The message as the stdlib reads it, for a second opinion."""
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def is_clean(raw: bytes) -> bool:
    """Whether any hop would take it: no bare CR or LF, no NUL, no long line."""
    broken = re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", raw)
    return not broken and max(len(line) for line in raw.split(b"\r\n")) <= 998


def a_letter(**changes: object) -> ComposedNotice:
    plain: dict[str, object] = {
        "sender_name": "Dr Ada via Riverside Secure Mail",
        "sender": "bot@secure.riverside.example",
        "to_name": "Pat",
        "to": "pat@home.example",
        "subject": "A secure message for you",
        "text": "Dear Pat,\n\nhttps://secure.riverside.example/invite/abc\n",
        "html": '<p lang="en">Dear Pat</p>\n',
        "message_id": "<1.a@secure.riverside.example>",
        "date": AT,
        "language": "en",
        "headers": (("Reply-To", "bot+t@secure.riverside.example"), ("Auto-Submitted", "auto-generated")),
    }
    return ComposedNotice(**{**plain, **changes})  # type: ignore[arg-type]


NAMES = [
    "from", "to", "subject", "date", "message-id", "content-language", "reply-to", "auto-submitted", "mime-version",
    "content-type",
]  # fmt: skip


def names(raw: bytes) -> list[str]:
    return [field.name for field in walk(raw)]


def test_a_letter() -> None:
    raw = compose.composed(a_letter())
    message = read(raw)

    assert names(raw) == NAMES
    assert message["From"].addresses[0].display_name == "Dr Ada via Riverside Secure Mail"
    assert raw.startswith(b'From: "Dr Ada via Riverside Secure Mail" <bot@secure.riverside.example>\r\n')
    assert message["To"] == "Pat <pat@home.example>"
    assert message["Date"] == "Tue, 03 Mar 2026 09:02:00 +0000"
    assert message["Content-Language"] == "en"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert parse.body(raw) == parse.Body(a_letter().text, a_letter().html, ())
    assert is_clean(raw)


def test_the_same_letter_is_the_same_octets() -> None:
    assert compose.composed(a_letter()) == compose.composed(a_letter())


def test_odd_text_is_safe_on_seven_bits() -> None:
    text = "Grüße\n.\nFrom x\n" + "x" * 3000 + " \nend\t\r\rlast"
    raw = compose.composed(a_letter(text=text, html="<p>" + "y" * 1200))

    assert raw.isascii()
    assert is_clean(raw)
    found = parse.body(raw)
    assert isinstance(found, parse.Body)
    assert found.text == text.replace("\r", "\n")
    assert read(raw).get_body(("plain",)).get_content().replace("\r\n", "\n") == found.text


def test_an_international_address_stays_whole() -> None:
    raw = compose.composed(a_letter(to="pät@home.example", to_name="Pät"))

    assert b" <p\xc3\xa4t@home.example>\r\n" in raw
    assert parse.head(raw.replace(b"\r\nTo:", b"\r\nX: y\r\nFrom:")).authors[1].name == "Pät"


EVIL = [
    "x\r\nBcc: omar@hillside.example",
    "=?utf-8?q?x=0D=0ABcc:_omar@hillside.example?=",
    "x\u2028Bcc: omar@hillside.example",
    "\u202egpj.x",
    "{{7*7}}",
    "<img onerror=x>",
    '"><x@evil.example>,',
    "x" * 5000,
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("place", ["sender_name", "to_name", "subject", "message_id", "language", "sender", "to"])
def test_nothing_breaks_out_of_a_letters_header(evil: str, place: str) -> None:
    raw = compose.composed(a_letter(**{place: evil}))
    expected = [name for name in NAMES if (name, place) != ("message-id", "message_id")]

    assert names(raw) == expected  # what is no identifier is left out
    assert is_clean(raw)
    assert [name.lower() for name in read(raw)] == expected
    assert "bcc" not in names(read(raw).as_bytes())


@pytest.mark.parametrize("name", ["Message-ID", "In-Reply-To", "References"])
def test_identifiers_stay_whole_or_are_left_out(name: str) -> None:
    longest, too_long = f"<{'x' * 898}@y>", f"<{'x' * 899}@y>"

    assert encoding.field(name, f"<1@y> {longest}") == f"{name}: <1@y>\r\n {longest}\r\n".encode()
    assert encoding.field(name, f"{too_long} <2@y> <ü@y> <a b@y>") == f"{name}: <2@y>\r\n".encode()
    assert encoding.field(name, too_long) == b""


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_breaks_out_of_an_extra_header(evil: str) -> None:
    raw = compose.composed(a_letter(headers=(("Reply-To", evil), ("X-Note", evil), (f"X {evil}", "y"))))

    assert names(raw) == [*NAMES[:6], "reply-to", "x-note", *NAMES[8:]]
    assert is_clean(raw)


def test_a_decoded_subject_is_as_it_was_given() -> None:
    for subject in ("=?utf-8?q?x=0D=0ABcc:_a?=", "Résultats 😀 " * 20, "a\u2028b"):
        raw = compose.composed(a_letter(subject=subject))
        assert parse.head(raw).subject == " ".join(subject.split())


def a_message(*uploads: Upload, subject: str = "Re: results", in_reply_to: str = "") -> bytes:
    pieces = compose.written(
        "Pat", "pat@home.example", "ada@riverside.example", subject, "Thank you", uploads, "<2@x>", AT, in_reply_to
    )
    return b"".join(pieces)


def upload(filename: str, content_type: str, octets: bytes, step: int = 1000) -> Upload:
    """A file that comes in pieces of `step` octets."""
    pieces = [octets[start : start + step] for start in range(0, len(octets), step)]
    return Upload(filename, content_type, hashlib.sha256(octets).digest(), lambda: iter(pieces))


def test_a_message_written_in_the_portal() -> None:
    raw = a_message(in_reply_to="<1@x>")

    assert names(raw) == [
        "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "mime-version", "content-type",
        "content-transfer-encoding",
    ]  # fmt: skip
    assert parse.body(raw) == parse.Body("Thank you", "", ())
    assert read(raw)["References"] == "<1@x>"


def test_attachments() -> None:
    octets = bytes(range(256)) * 20
    raw = a_message(upload("scan.pdf", "application/pdf", octets), upload("a.txt", "text/plain; charset=x", b"a"))

    found = parse.body(raw)
    assert isinstance(found, parse.Body)
    assert [(a.filename, a.content_type, a.size) for a in found.attachments] == [
        ("scan.pdf", "application/pdf", len(octets)),
        ("a.txt", "text/plain", 1),
    ]
    assert found.text == "Thank you"
    assert parse.attachment(raw, 0) == (found.attachments[0], octets)
    assert next(part.get_content() for part in read(raw).iter_attachments()) == octets
    assert is_clean(raw)


@pytest.mark.parametrize(
    "content_type", ["", "pdf", "a/b/c", "text/html\r\nBcc: x", "multipart/mixed", "message/rfc822", "é/é", "a b/c"]
)
def test_an_odd_content_type_is_mere_octets(content_type: str) -> None:
    raw = a_message(upload("x", content_type, b"x"))

    assert [part.get_content_type() for part in read(raw).iter_attachments()] == ["application/octet-stream"]


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        ("results.pdf", "results.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.txt", "y.txt"),
        ("Befund Müller 😀.pdf", "Befund Müller 😀.pdf"),
        ("é" * 90 + ".pdf", "é" * 90 + ".pdf"),
        ('a"\r\nBcc: x@y.example.pdf', "a_ Bcc_ x@y.example.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("=?utf-8?q?a=0Ab?=.pdf", "=_utf-8_q_a=0Ab_=.pdf"),
        ("", "attachment"),
    ],
)
def test_file_names(filename: str, kept: str) -> None:
    raw = a_message(upload(filename, "application/x-test", b"x"))

    found = parse.body(raw)
    assert isinstance(found, parse.Body)
    assert [a.filename for a in found.attachments] == [kept]
    assert [part.get_filename() for part in read(raw).iter_attachments()] == [kept]
    assert b"\r\nBcc" not in raw


def test_a_stored_body_under_new_headers() -> None:
    stored = (
        b"From: pat@home.example\r\nBcc: x@y.example\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain;\r\n charset=x\r\n\r\nBody \xff\r\n"
    )

    raw = compose.reheaded(stored, [("From", "Dr Ada <ada@riverside.example>"), ("Subject", "Hé\r\nBcc: x")])

    assert raw == (
        b'From: "Dr Ada" <ada@riverside.example>\r\nSubject: =?utf-8?b?SMOpIEJjYzogeA==?=\r\n'
        b"MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n charset=x\r\n\r\nBody \xff\r\n"
    )


def a_report(**changes: object) -> bytes:
    plain: dict[str, object] = {
        "site": "secure.riverside.example",
        "postmaster": "postmaster@secure.riverside.example",
        "to": "ada@riverside.example",
        "recipient": "pat@home.example",
        "status": "5.1.1",
        "reply": "550 5.1.1 No such user",
        "original_head": "Subject: Grüße\r\nFrom: ada@riverside.example\r\n".encode(),
        "message_id": "<3@secure.riverside.example>",
        "date": AT,
        "arrived": AT,
    }
    return compose.report(**{**plain, **changes})  # type: ignore[arg-type]


def test_a_non_delivery_report() -> None:
    raw = a_report()
    message = read(raw)

    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert bounce(raw) == Bounce(Severity.PERMANENT, "5.1.1", "pat@home.example", "550 5.1.1 No such user")
    assert raw.isascii()
    assert is_clean(raw)


@pytest.mark.parametrize("place", ["site", "recipient", "status", "reply", "to", "postmaster"])
@pytest.mark.parametrize("evil", EVIL)
def test_nothing_breaks_out_of_a_report(place: str, evil: str) -> None:
    raw = a_report(**{place: evil})
    found = bounce(raw)

    assert names(raw) == names(a_report())
    assert is_clean(raw)
    assert found is not None
    assert found.severity is not Severity.DELAYED


def test_an_international_recipient_is_named_in_ascii() -> None:
    assert rb"Final-Recipient: utf-8; p\x{E4}t@home.example" in a_report(recipient="pät@home.example")


@settings(max_examples=100)
@given(words, words, words, hostile)
def test_nothing_raises(one: str, two: str, three: str, raw: bytes) -> None:
    composed = a_letter(sender_name=one, to=two, subject=three, text=one, html=two, headers=((two, three), ("To", one)))
    assert is_clean(compose.composed(composed))
    uploads = [upload(one, two, raw)]
    assert is_clean(b"".join(compose.written(one, two, three, one, two, uploads, three, AT, one)))
    assert is_clean(a_report(site=one, recipient=two, reply=three, status=one, original_head=raw))
    assert "bcc" not in names(compose.reheaded(b"\r\n" + raw, [("Subject", one), ("From", two)]))


@settings(max_examples=100)
@given(st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore").decode()))
def test_text_comes_back(text: str) -> None:
    found = parse.body(compose.composed(a_letter(text=text)))

    assert isinstance(found, parse.Body)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    expected = re.sub("[\x00-\x08\x0b\x0e-\x1f\x7f]", "", expected).removeprefix("\ufeff")  # a mark of its order
    expected = re.sub("[\x80-\x9f]", lambda sign: sign[0].encode("latin-1").decode("cp1252", "replace"), expected)
    assert found.text == (expected if expected.strip() else "")
