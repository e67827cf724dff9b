"""A small mail client: reading what arrived, writing and answering, and handing mail in over SMTP."""

import re
import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.demo.people import Person
from gateway.mail import parse
from gateway.mail.decoding import clean
from gateway.mail.mailboxes import mailboxes
from gateway.mail.parse import Attachment, Body, Mailbox

TIMEOUT = 30
"""Seconds for each step of handing in."""


class NotTaken(Exception):
    """The mail was not taken; the text is what the server said, or what is wrong with the mail."""


# ---------------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class File:
    """A file that a sample person attaches."""

    filename: str
    content_type: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as a person sees it. `notice` says which kind of the gateway's own mails it is, "" for all others."""

    author: Mailbox | None
    answer_to: str
    subject: str
    notice: str
    message_id: str
    text: str
    html: str
    files: tuple[Attachment, ...]

    @property
    def author_name(self) -> str:
        if self.author is None:
            return "(nobody)"
        return self.author.name or self.author.address.typed


def read(octets: bytes) -> Letter:
    """Take a mail apart; one that cannot be taken apart has no text."""
    head = parse.head(octets)
    body = parse.body(octets)
    shown = body if isinstance(body, Body) else Body("", "", ())
    author = next(iter(head.authors), None)
    return Letter(
        author=author,
        answer_to=head.get("reply-to") or (author.address.typed if author else ""),  # RFC 5322 §3.6.2
        subject=head.subject or "(no subject)",
        notice=head.get("x-gateway-notice"),
        message_id=head.message_id,
        text=shown.text,
        html=shown.html,
        files=shown.attachments,
    )


# ---------------------------------------------------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail before it is sent; `to` holds addresses, with commas between them."""

    to: str = ""
    subject: str = ""
    body: str = ""
    in_reply_to: str = ""


def from_mailto(link: str) -> Draft:
    """What a `mailto:` link asks to be written (RFC 6068 §2: `+` means itself)."""
    parts = urlsplit(link)
    fields = parse_qs(parts.query.replace("+", "%2B"))
    return Draft(to=unquote(parts.path), subject=fields.get("subject", [""])[0], body=fields.get("body", [""])[0])


def answer(letter: Letter, at: datetime, typed: str = "") -> Draft:
    """A reply: what was typed on top, the answered mail quoted below."""
    subject = letter.subject if re.match(r"re:", letter.subject, re.IGNORECASE) else f"Re: {letter.subject}"
    quoted = "".join(f"> {line}\n" for line in letter.text.splitlines())
    body = f"{typed}\n\nOn {at:%d %B %Y, %H:%M} {letter.author_name} wrote:\n{quoted}"
    return Draft(to=letter.answer_to, subject=subject, body=body, in_reply_to=letter.message_id)


def octets(author: Person, draft: Draft, at: datetime, files: Sequence[File] = ()) -> bytes:
    """The draft as it goes onto the wire."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f'"{author.name}" <{author.address}>'
    mail["To"] = ", ".join(_recipients(draft))
    mail["Subject"] = clean(draft.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = make_msgid(domain=author.domain)
    if draft.in_reply_to:
        mail["In-Reply-To"] = mail["References"] = clean(draft.in_reply_to)
    mail.set_content(draft.body)
    for file in files:
        kind, _, subkind = (file.content_type or "application/octet-stream").partition("/")
        mail.add_attachment(file.octets, maintype=kind, subtype=subkind, filename=file.filename)
    return mail.as_bytes()


def hand_in(server: tuple[str, int], author: Person, draft: Draft, mail: bytes) -> None:
    """Send over SMTP, as a mail client does; it blocks. Raises NotTaken."""
    try:
        with smtplib.SMTP(*server, timeout=TIMEOUT) as client:
            client.sendmail(author.address, list(_recipients(draft)), mail)
    except smtplib.SMTPRecipientsRefused as refused:
        raise NotTaken("; ".join(_said(*reply) for reply in refused.recipients.values())) from refused
    except smtplib.SMTPResponseException as refused:
        raise NotTaken(_said(refused.smtp_code, refused.smtp_error)) from refused


def _recipients(draft: Draft) -> Iterator[str]:
    found = mailboxes(draft.to)
    if not found:
        raise NotTaken("To: write a mail address, such as pat@home.example; several with commas between them")
    return (one.address.typed for one in found)


def _said(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
