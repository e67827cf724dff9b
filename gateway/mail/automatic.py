"""Mail that no person wrote, and what a non-delivery report says."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.mail.decoding import decoded
from gateway.mail.parse import Head, Malformed, attachment, body
from gateway.mail.scan import bounded

_FAILURES = frozenset({"failed", "delayed"})
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")  # RFC 3463 §2
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})

Rule = Callable[[Head, str], bool]


def _word(head: Head, name: str) -> str:
    """The first word of a field, without parameters and comments."""
    return re.split(r"[;(\s]", head.get(name).lower(), maxsplit=1)[0]


def _null_sender(_head: Head, mail_from: str) -> bool:
    return mail_from.strip("<> ") == ""  # RFC 5321 §4.5.5


def _auto_submitted(head: Head, _mail_from: str) -> bool:
    return _word(head, "auto-submitted") not in ("", "no")  # RFC 3834 §5


def _bulk(head: Head, _mail_from: str) -> bool:
    return _word(head, "precedence") in _BULK  # RFC 3834 §2 names it; widely used


def _mailing_list(head: Head, _mail_from: str) -> bool:
    return _has(head, "list-id", "list-unsubscribe")  # RFC 2919, RFC 2369


def _auto_reply(head: Head, _mail_from: str) -> bool:
    return _has(head, "x-autoreply", "x-autorespond")


def _read_receipt(head: Head, _mail_from: str) -> bool:
    return "disposition-notification" in head.get("content-type").lower()  # RFC 8098 §3


def _report(head: Head, _mail_from: str) -> bool:
    return _word(head, "content-type") == "multipart/report"  # RFC 6522 §3


RULES: tuple[tuple[str, Rule], ...] = (
    ("null-sender", _null_sender),
    ("auto-submitted", _auto_submitted),
    ("precedence", _bulk),
    ("mailing-list", _mailing_list),
    ("auto-reply", _auto_reply),
    ("read-receipt", _read_receipt),
    ("report", _report),
)
"""`X-Auto-Response-Suppress` is missing on purpose: people's own mail carries it too."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What became of one recipient (RFC 3464 §2.3). `permanent` says that nobody is still trying."""

    permanent: bool
    action: str
    status: str
    recipient: str
    diagnostic: str


def automatic(head: Head, mail_from: str) -> str:
    """Why this is taken for automatic mail, in a short name; "" if a person wrote it."""
    return next((name for name, rule in RULES if rule(head, mail_from)), "")


def bounce(raw: bytes) -> Bounce | None:
    """What a non-delivery report says; None if it is none, or tells of no failure (RFC 3464)."""
    found = body(raw)
    if isinstance(found, Malformed):
        return None
    status = next((one for one in found.attachments if one.content_type.endswith("delivery-status")), None)
    part = attachment(raw, status.index) if status else None
    told = [one for one in _recipients(part[1]) if one.action in _FAILURES] if part else []
    return next((one for one in told if one.permanent), told[0] if told else None)


def _recipients(octets: bytes) -> list[Bounce]:
    """The fields of each recipient; those of the message come first, and have no Action."""
    groups = re.split(rb"(?:\r?\n){2,}", octets[:65_536].strip())
    told = [{one.name: decoded(one.value) for one in bounded(group)[0]} for group in groups]
    return [_bounce(group) for group in told if "action" in group]


def _bounce(group: dict[str, str]) -> Bounce:
    action = group["action"].lower()
    status = _STATUS.search(group.get("status", ""))
    code = status[0] if status else ""
    recipient = group.get("final-recipient") or group.get("original-recipient", "")
    return Bounce(
        permanent=action == "failed" and not code.startswith("4"),
        action=action,
        status=code,
        recipient=recipient.rpartition(";")[2].strip(),
        diagnostic=group.get("diagnostic-code", "").partition(";")[2].strip()[:500],
    )


def _has(head: Head, *names: str) -> bool:
    return any(one.name in names for one in head.fields)
