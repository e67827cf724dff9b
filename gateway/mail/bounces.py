"""What a mail that came back says: RFC 3464 where it is a report, else the words that mail systems use.

Whether a mail is about one of ours is not judged here: that is told by the address that it came back to. What has
failed is permanent or temporary by what is meant, as far as it can be told, whatever the numbers are:

1. what the other server answered (Diagnostic-Code) in words that the table knows, else by an enhanced status that tells
   of something passing (a full mailbox, no answer, too long in the queue), be its class 5;
2. that it was given up, as an Action; then what Status says, in its comment and by its number;
3. the class of the answer's number, then that of Status, unless that is X.0.0 and people's words say more.

Where nothing says anything it is permanent. A mail without a report is judged by its words, then by its numbers.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from gateway.mail.bounce_words import Told, folded, lasts, tells
from gateway.mail.bounds import (
    BOUNCE_TEXT,
    DIAGNOSTIC_LENGTH,
    LIST_LENGTH,
    STATUS_GROUPS,
    STATUS_OCTETS,
    SUBJECT_LENGTH,
    TEXT_OCTETS,
)
from gateway.mail.decoding import decoded
from gateway.mail.parse import Body, Malformed, attachment, body, head, legacy
from gateway.mail.scan import bounded


class Severity(StrEnum):
    """How final it is."""

    PERMANENT = "permanent"
    """It has failed, and will fail again."""
    TEMPORARY = "temporary"
    """It has failed, and nobody tries any more; it might not fail the next time."""
    DELAYED = "delayed"
    """It is still tried."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What became of one recipient (RFC 3464 §2.3); what was not said is ""."""

    severity: Severity
    status: str = ""
    recipient: str = ""
    diagnostic: str = ""

    @property
    def permanent(self) -> bool:
        return self.severity is Severity.PERMANENT


_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")  # RFC 3463 §2
_REPLY = re.compile(  # RFC 5321 §4.2.1; "480-624-2500" is a telephone
    r"(?<![\d.-])(?:(4)(?:2[12]|3[0-2]|4[1-6]|5[0-5]|7[1-4])|(5)(?:0[0-4]|1[0-7]|2[0-3]|[3457]\d))(?=[\s:-])(?!-\d{3})"
)
_PASSING = frozenset({"2.2", "3.1", "4.2", "4.5", "4.7", "4.300", "4.316"})
"""RFC 3463 §3.3 to §3.5: full, no connection, congestion, expired; "useful only as a persistent transient error". The
last two are Exchange Online's for "message expired". X.4.1 is not here: there it says "access denied" as well.
"""
_FAILED = frozenset(
    {
        *("failed", "failure", "error", "undeliverable", "undelivered", "bounced", "rejected", "refused", "returned"),
        *("dropped", "expired", "abandoned"),
    }
)
"""RFC 3464 §2.3.3 knows the first alone; the others are written all the same."""
_GIVEN_UP = frozenset({"expired", "abandoned"})
_STILL_TRIED = frozenset({"delayed", "deferred", "queued"})
_ARRIVED = frozenset({"delivered", "relayed", "expanded"})
_RANK = (Severity.PERMANENT, Severity.TEMPORARY, Severity.DELAYED)
_TELLING = frozenset({"action", "final-recipient"})
_REFUSAL = re.compile(r"\(rejected\)", re.IGNORECASE)
"""RFC 5429 §2.1: a filter refuses a mail in the form of a read receipt, which else tells of no failure."""
_ORIGINAL = re.compile(
    r"^(?:[ \t]{0,20}+[-=_]{3}.{0,100}?(?:original|copy|below|returned|message|headers?|kopie|nachricht)"
    r"|received: (?:from|by)"
    r"|return-path:"
    r"|--- below this line)",
    re.IGNORECASE | re.MULTILINE,
)


def bounce(raw: bytes) -> Bounce | None:
    """What a mail that came back says; None for one that tells of no failure."""
    found = body(raw, TEXT_OCTETS)
    if isinstance(found, Malformed):
        return None
    reported = _reported(raw, found)
    if reported is None:
        return _worded(raw, found)
    return min(reported, key=lambda one: _RANK.index(one.severity), default=None)


def _above_original(found: Body) -> str:
    """What a mail system says, without the mail of which it speaks."""
    return _ORIGINAL.split((found.text or _shown(found.html))[:BOUNCE_TEXT], maxsplit=1)[0]


def _severity(evidence: Iterable[bool | None]) -> Severity:
    """By the first that tells whether it lasts."""
    lasting = next((one for one in evidence if one is not None), True)
    return Severity.PERMANENT if lasting else Severity.TEMPORARY


def _is_passing(told: str) -> bool | None:
    """False where an enhanced status tells of something that passes; it never tells that anything lasts."""
    status = next((one for one in _STATUS.finditer(told) if one[1] != "2"), None)
    return False if status and f"{status[2]}.{status[3]}" in _PASSING else None


def _class(told: str) -> bool | None:
    """By the class of an enhanced status (RFC 3463 §2), else of a reply (RFC 5321 §4.2.1)."""
    status = next((one for one in _STATUS.finditer(told) if one[1] != "2"), None)
    if status:
        return status[1] == "5"
    reply = _REPLY.search(told + " ")
    return reply[2] == "5" if reply else None


# ------------------------------------------------------------------------------------------------------- RFC 3464


def _reported(raw: bytes, found: Body) -> list[Bounce] | None:
    """The failures of a report, none if all went well; None where no report says what became of anybody."""
    kinds = ("delivery-status", "feedback-report", "disposition-notification")
    status = next((one for one in found.attachments if one.content_type.endswith(kinds)), None)
    part = attachment(raw, status.index) if status else None
    if status is None or part is None:
        return None
    if not status.content_type.endswith("delivery-status"):
        return None if _REFUSAL.search(head(raw).get("auto-submitted")) else []
    # The fields of each recipient stand in groups; those of the message come first, and have no Action.
    groups = re.split(rb"\n(?:\r?\n)++", part[1][:STATUS_OCTETS].strip(), maxsplit=STATUS_GROUPS)[:STATUS_GROUPS]
    told = [{one.name: decoded(one.value) for one in bounded(group)[0]} for group in groups]
    if not any(group.keys() >= _TELLING for group in told):  # some mix up the groups
        told = [{name: value for group in told for name, value in group.items()}]
    told = [group for group in told if "action" in group]
    in_text = cache(lambda: lasts(folded(_above_original(found))))  # asked of each recipient, read once
    return [one for group in told if (one := _of_recipient(group, in_text))] if told else None


def _of_recipient(group: dict[str, str], in_text: Callable[[], bool | None]) -> Bounce | None:
    action = re.split(r"[\s;(]", group["action"].lower().strip())[0]
    status = _STATUS.search(group.get("status", ""))
    answered = group.get("diagnostic-code", "").strip()
    diagnostic = re.sub(r"^[\w-]{0,30}\s{0,5};", "", answered).strip()[:DIAGNOSTIC_LENGTH]
    is_unknown = action not in _FAILED | _STILL_TRIED
    if action in _ARRIVED or (is_unknown and (status is None or status[1] == "2")):
        return None
    if action in _STILL_TRIED:
        severity = Severity.DELAYED
    else:
        severity = _severity(_reasons(action, group.get("status", "")[:DIAGNOSTIC_LENGTH], diagnostic, in_text))
    recipient = group.get("final-recipient") or group.get("original-recipient", "")
    return Bounce(severity, status[0] if status else "", recipient.rpartition(";")[2].strip(), diagnostic)


def _reasons(action: str, status: str, diagnostic: str, in_text: Callable[[], bool | None]) -> Iterator[bool | None]:
    """In the order in which they are believed."""
    yield lasts(folded(diagnostic))
    yield _is_passing(diagnostic)
    yield False if action in _GIVEN_UP else None
    yield lasts(folded(status))
    yield _is_passing(status)
    yield _class(diagnostic)
    if status and not re.match(r"[45]\.0\.0\b", status.strip()):
        yield _class(status)
    yield in_text()
    yield _class(status)


# ---------------------------------------------------------------------------------------------------------- in words


def _worded(raw: bytes, found: Body) -> Bounce | None:
    """A bounce in the words of some mail system: what looks like one is read for how final it is."""
    top = head(raw)
    said = _above_original(found)
    subject = top.subject[:SUBJECT_LENGTH]
    failed = top.get("x-failed-recipients")[:LIST_LENGTH]
    title, text = folded(subject), folded(said)
    reason = lasts(text)
    by_a_daemon = _is_daemon(top.get("from")[:LIST_LENGTH])
    titled = tells(Told.TITLE, title)
    speaks = tells(Told.OPENING, text) or ((by_a_daemon or titled) and reason is not None)
    numbers = _class(f"{subject}\n{said}")
    if numbers is not True and _is_still_tried(f"{title}. {text}"):
        severity = Severity.DELAYED
    else:
        severity = _severity((reason, lasts(title), _is_passing(said), numbers))
    if failed or by_a_daemon + titled + speaks > 1:
        status = next((one[0] for one in _STATUS.finditer(said) if one[1] != "2"), "")
        return Bounce(severity, status, failed[:320])
    maybe = by_a_daemon or titled or not top.get("from")
    return _by_library(raw, severity) if maybe else None


def _is_daemon(author: str) -> bool:
    return "<>" in author or tells(Told.AUTHOR, folded(re.sub(r"[-_.]", " ", author)))


def _is_still_tried(text: str) -> bool:
    return tells(Told.STILL_TRIED, text) and not tells(Told.OVER, text)


def _by_library(raw: bytes, severity: Severity) -> Bounce | None:
    """Systems that write like nobody else, as flufl.bounce knows them; of this severity, if it fails at all."""
    from flufl.bounce import all_failures  # noqa: PLC0415 - for rare mail

    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)  # it logs tracebacks of its own over odd mail

    message = legacy(raw)
    if message is None:
        return None
    try:
        temporary, permanent = all_failures(message)
    except Exception:
        return None
    one = next(iter(permanent or temporary), None)
    if one is None:
        return None
    recipient = one.decode("utf-8", "replace")[:320]
    return Bounce(severity if permanent else Severity.TEMPORARY, recipient=recipient)


def _shown(html: str) -> str:
    return re.sub(r"<[^<>]{0,2000}+>", " ", html[:BOUNCE_TEXT])
