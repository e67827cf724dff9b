"""The mail that we write ourselves: UTF-8, CRLF, seven bits, short lines, and no way to add a header.

Nothing a person wrote reaches a header but through `encoding.field`. Boundaries are digests of what they divide, so
the same letter is the same octets again.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import cache

from gateway.mail.charsets import as_text
from gateway.mail.decoding import clean, safe_filename
from gateway.mail.encoding import base64_lines, display_name, field, mailbox, parameter, sevenbit
from gateway.mail.headers import only

__all__ = ["ComposedNotice", "Upload", "composed", "date", "display_name", "reheaded", "report", "written"]

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_FIXED = frozenset(
    {
        "MIME-Version",
        "Content-Language",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "X-Gateway-Audience",
        "X-Gateway-Notice",
    }
)
"""Fields that have one of a few values, none of them a person's: written once and remembered."""
_MIME_FIELDS = frozenset(
    {
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-description",
        "content-language",
        "content-location",
        "content-base",
        "content-id",
    }
)


@dataclass(frozen=True, slots=True)
class ComposedNotice:
    """A notice, ready to be written: names and addresses apart, `headers` as they shall stand."""

    sender_name: str
    sender: str
    to_name: str
    to: str
    subject: str
    text: str
    html: str
    message_id: str
    date: datetime
    language: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody attaches in the portal."""

    filename: str
    content_type: str
    digest: bytes
    """SHA-256 of its octets."""
    chunks: Callable[[], Iterator[bytes]]


def date(at: datetime) -> str:
    """A time as a Date field has it (RFC 5322 §3.3)."""
    return format_datetime(at)


def composed(one: ComposedNotice) -> bytes:
    """A notice: the same words as text and as HTML (RFC 2046 §5.1.4)."""
    return _top(one) + _words(one)


def enclosing(one: ComposedNotice) -> tuple[bytes, bytes]:
    """A notice with a whole mail in it (RFC 2046 §5.2.1): what comes before the mail's octets, and what behind them.

    Whoever wrote that mail could not know the mark that divides the two: our own Message-ID, with a keyed digest in it,
    decides it.
    """
    words = _words(one)
    content_type, mark = _division("mixed", [words, one.message_id.encode()])
    enclosed = _head(
        ("Content-Type", "message/rfc822"),
        ("Content-Transfer-Encoding", "8bit"),  # as it came: RFC 2046 §5.2.1 lets it be nothing that recodes
        ("Content-Disposition", 'attachment; filename="mail.eml"'),
    )
    return (
        _top(one) + content_type + b"\r\n%b\r\n%b\r\n%b\r\n%b\r\n" % (mark, words, mark, enclosed),
        b"\r\n%b--\r\n" % mark,
    )


def _words(one: ComposedNotice) -> bytes:
    return _multipart("alternative", [_text_part("plain", one.text), _text_part("html", one.html)])


def _top(one: ComposedNotice) -> bytes:
    return _head(
        ("From", mailbox(one.sender_name, one.sender)),
        ("To", mailbox(one.to_name, one.to)),
        ("Subject", one.subject),
        ("Date", format_datetime(one.date)),
        ("Message-ID", one.message_id),
        ("Content-Language", one.language),  # RFC 3282
        *one.headers,
        ("MIME-Version", "1.0"),
    )


def written(
    author_name: str,
    author: str,
    to: str,
    subject: str,
    text: str,
    attachments: Sequence[Upload],
    message_id: str,
    date: datetime,
    in_reply_to: str = "",
    calendar: bytes = b"",
) -> Iterator[bytes]:
    """A message that a person wrote in the portal, bit by bit: whole, it would be larger than its files together.

    `calendar` is an answer to a meeting, which says the same as the text (RFC 6047 §2.4).
    """
    top = _head(
        ("From", mailbox(author_name, author)),
        ("To", mailbox("", to)),
        ("Subject", subject),
        ("Date", format_datetime(date)),
        ("Message-ID", message_id),
        *((("In-Reply-To", in_reply_to), ("References", in_reply_to)) if in_reply_to else ()),
        ("MIME-Version", "1.0"),
    )
    words = _text_part("plain", text)
    if calendar:
        kind = ("Content-Type", "text/calendar; method=REPLY; charset=utf-8")
        encoding = ("Content-Transfer-Encoding", "base64")
        reply = _head(kind, encoding) + b"\r\n" + b"".join(base64_lines(iter((calendar,))))
        words = _multipart("alternative", [words, reply])
    return _mixed(top, words, attachments) if attachments else iter((top + words,))


def _mixed(top: bytes, words: bytes, attachments: Sequence[Upload]) -> Iterator[bytes]:
    heads = [_file_head(upload) for upload in attachments]
    content_type, mark = _division("mixed", [words, *heads, *(upload.digest for upload in attachments)])
    yield top + content_type + b"\r\n%b\r\n%b\r\n" % (mark, words)
    for head, upload in zip(heads, attachments, strict=True):
        yield b"%b\r\n%b\r\n" % (mark, head)
        yield from base64_lines(upload.chunks())
        yield b"\r\n"
    yield mark + b"--\r\n"


def reheaded(raw: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """A stored message's body and MIME fields, octet for octet, under new headers."""
    return _head(*headers) + only(raw, _MIME_FIELDS)


def report(
    *,
    site: str,
    postmaster: str,
    to: str,
    recipient: str,
    status: str,
    reply: str,
    original_head: bytes,
    message_id: str,
    date: datetime,
    arrived: datetime,
) -> bytes:
    """A non-delivery report: words, facts, and the head of the mail; never its body (RFC 3464, RFC 6522)."""
    top = _head(
        ("From", mailbox("Mail Delivery System", postmaster)),
        ("To", mailbox("", to)),
        ("Subject", "Undelivered mail returned to sender"),
        ("Date", format_datetime(date)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-replied"),  # RFC 3834 §5
        ("MIME-Version", "1.0"),
    )
    words = (
        f"This is the mail system of {clean(site)}.\n\n"
        f"Your message could not be delivered to {clean(recipient)}.\n"
        f"The receiving system answered:\n\n    {clean(reply)[:500]}\n\n"
        "Only the headers of your message are returned.\n"
    )
    facts = _facts(site, recipient, status, reply, arrived)
    returned = _text_part("rfc822-headers", as_text(original_head))
    parts = [_text_part("plain", words), _head(("Content-Type", "message/delivery-status")) + b"\r\n" + facts, returned]
    return top + _multipart("report", parts, "; report-type=delivery-status")


def disposition(
    *, site: str, sender: str, bot: str, to: str, reader: str, header_id: str, message_id: str, date: datetime
) -> bytes:
    """A read receipt: that a message was opened, and nothing of what it says (RFC 8098 §3)."""
    opened = date.strftime("%Y-%m-%d %H:%M UTC")
    answers = [(name, header_id) for name in ("In-Reply-To", "References") if header_id]
    top = _head(
        ("From", f"{sender} <{bot}>"),
        ("To", to),
        ("Subject", f"Read: your secure mail to {clean(reader)}"),
        ("Date", format_datetime(date)),
        ("Message-ID", message_id),
        *answers,
        ("Auto-Submitted", "auto-replied"),  # RFC 3834 §5
        ("MIME-Version", "1.0"),
    )
    words = (
        f"Your secure mail to {clean(reader)} was opened for the first time on {opened}.\n\n"
        "You asked for this receipt. It does not say whether the mail was understood.\n"
    )
    facts = _head(
        ("Reporting-UA", f"{site}; secure-mail gateway"),
        ("Final-Recipient", _typed_address(reader)),
        *([("Original-Message-ID", header_id)] if header_id else []),
        ("Disposition", "manual-action/MDN-sent-automatically; displayed"),
    )
    kind = _head(("Content-Type", "message/disposition-notification"))
    parts = [_text_part("plain", words), kind + b"\r\n" + facts]
    return top + _multipart("report", parts, "; report-type=disposition-notification")


def _facts(site: str, recipient: str, status: str, reply: str, arrived: datetime) -> bytes:
    """The body of message/delivery-status (RFC 3464 §2)."""
    of_the_message = _head(("Reporting-MTA", f"dns; {site}"), ("Arrival-Date", format_datetime(arrived)))
    of_the_recipient = _head(
        ("Final-Recipient", _typed_address(recipient)),
        ("Action", "failed"),
        ("Status", status if _STATUS.fullmatch(status) else "5.0.0"),
        ("Diagnostic-Code", f"smtp; {clean(reply)[:500]}"),
    )
    return of_the_message + b"\r\n" + of_the_recipient


def _typed_address(recipient: str) -> str:
    plain = clean(recipient)
    if plain.isascii():
        return f"rfc822; {plain}"
    escaped = "".join(c if c.isascii() and c not in "\\+=" else f"\\x{{{ord(c):X}}}" for c in plain)
    return f"utf-8; {escaped}"  # RFC 6533 §3


def _head(*headers: tuple[str, str]) -> bytes:
    return b"".join(_fixed(name, value) if name in _FIXED else field(name, value) for name, value in headers)


@cache
def _fixed(name: str, value: str) -> bytes:
    return field(name, value)


def _text_part(subtype: str, words: str) -> bytes:
    encoding, octets = sevenbit(words)
    return _text_head(subtype, encoding) + b"\r\n" + octets


@cache
def _text_head(subtype: str, encoding: str) -> bytes:
    kind = ("Content-Type", f"text/{subtype}; charset=utf-8")
    return _head(kind, ("Content-Transfer-Encoding", encoding))


def _file_head(upload: Upload) -> bytes:
    return _head(
        ("Content-Type", _sound_type(upload.content_type)),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f"attachment; {parameter('filename', safe_filename(upload.filename) or 'attachment')}"),
    )


def _sound_type(given: str) -> str:
    """The type without parameters; what base64 may not wrap (RFC 2046 §5.1, §5.2) becomes mere octets."""
    kind = given.partition(";")[0].strip().lower()
    whole = kind.startswith(("multipart/", "message/"))
    return kind if _TYPE.fullmatch(kind) and not whole else "application/octet-stream"


def _multipart(subtype: str, parts: Sequence[bytes], more: str = "") -> bytes:
    content_type, mark = _division(subtype, parts, more)
    divided = b"".join(b"%b\r\n%b\r\n" % (mark, part) for part in parts)
    return content_type + b"\r\n" + divided + mark + b"--\r\n"


def _division(subtype: str, divided: Sequence[bytes], more: str = "") -> tuple[bytes, bytes]:
    """The Content-Type of what is to be divided, and the mark that goes between its parts.

    It cannot stand in them: they would have to hold a digest of themselves, and base64 has no such characters.
    """
    digest = hashlib.sha256(b"\r\n".join(divided)).hexdigest()
    boundary = f"=_{digest[:32]}"
    content_type = _head(("Content-Type", f'multipart/{subtype}; boundary="{boundary}"{more}'))
    return content_type, b"--" + boundary.encode("ascii")
