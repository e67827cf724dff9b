"""What is no letter: reports, notes of absence, receipts, a calendar's answers. A tag in them is only quoted."""

import re
from collections.abc import Callable

from gateway.domain.intent import Sign
from gateway.mail.automatic import is_daemon, is_note_of_absence, is_responder
from gateway.mail.bounds import SUBJECT_LENGTH, VALUE_OCTETS
from gateway.mail.parse import Head

_ANSWERED = re.compile(
    r"(?:accepted|tentative|tentatively accepted|declined|zugesagt|mit vorbehalt|abgelehnt|accepté|acceptée|provisoire|"
    r"refusé|refusée|aceptad[oa]|provisional|rechazad[oa]|accettat[oa]|provvisorio|rifiutat[oa]|geaccepteerd|voorlopig|"
    r"geweigerd|aceite|aceito|recusad[oa])\s?:",
    re.IGNORECASE,
)

Rule = Callable[[Head, str], bool]


def is_journal(head: Head, mail_from: str) -> bool:
    """Exchange's copy for an archive: from nobody, or from Exchange's own mailbox; a person's mail cannot be one."""
    sender = mail_from.strip("<> ")
    return head.has("x-ms-journal-report") and (not sender or sender.lower().startswith("microsoftexchange"))


def _read_receipt(head: Head, _mail_from: str) -> bool:
    return "disposition-notification" in _content_type(head)  # RFC 8098 §3


def _report(head: Head, mail_from: str) -> bool:
    if _content_type(head).startswith("multipart/report"):  # RFC 6522 §3
        return True
    return not mail_from.strip("<> ") and is_daemon(head, mail_from)  # a mail system that writes in its own way


def _note_of_absence(head: Head, _mail_from: str) -> bool:
    """By a sure sign, or by its subject beside another sign: people write about absence, too."""
    submitted = head.get("auto-submitted")[:SUBJECT_LENGTH].lower()
    if submitted.startswith("auto-replied") or is_responder(head):  # RFC 3834 §5
        return True
    return (submitted not in ("", "no") or head.has("x-auto-response-suppress")) and is_note_of_absence(head)


def _calendar_answer(head: Head, _mail_from: str) -> bool:
    kind = _content_type(head)
    if kind.startswith("text/calendar"):
        return bool(re.search(r"method\s?=\s?\"?(?:reply|counter|declinecounter)\b", kind))  # RFC 6047 §2.4
    is_outlooks = "calendarmessage" in head.get("content-class").lower()
    return is_outlooks and bool(_ANSWERED.match(head.subject[:SUBJECT_LENGTH]))


def _content_type(head: Head) -> str:
    return head.get("content-type")[:VALUE_OCTETS].lower()


RULES: tuple[tuple[Sign, Rule], ...] = (
    (Sign.READ_RECEIPT, _read_receipt),
    (Sign.REPORT, _report),
    (Sign.NOTE_OF_ABSENCE, _note_of_absence),
    (Sign.CALENDAR_ANSWER, _calendar_answer),
)


def no_letter(head: Head, mail_from: str, *, archived: bool) -> Sign | None:
    """What a mail is in place of a letter, by the first rule that applies; None for a letter.

    `archived`: it goes to archives alone, where a journal report may pass.
    """
    if archived and is_journal(head, mail_from):
        return Sign.JOURNAL
    return next((sign for sign, rule in RULES if rule(head, mail_from)), None)
