"""What a mail that came back says: RFC 3464 where it is a report, else the words that mail systems use.

Whether a mail is about one of ours is not judged here: that is told by the address that it came back to.
"""

import logging
import re
from dataclasses import dataclass
from enum import StrEnum

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


_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")  # RFC 3463 §2
_CODE = re.compile(r"(?<![\d.])([45])[0-7]\d(?=[\s-])(?:[\s-]+#?[45]\.\d{1,3}\.\d{1,3})?")  # RFC 5321 §4.2.1
_FAILED = frozenset({"failed", "failure", "error", "undeliverable"})
"""RFC 3464 §2.3.3 knows the first alone; the others are written all the same."""
_RANK = (Severity.PERMANENT, Severity.TEMPORARY, Severity.DELAYED)
_TELLING = frozenset({"action", "final-recipient"})
_REFUSAL = re.compile(r"\(rejected\)", re.IGNORECASE)
"""RFC 5429 §2.1: a filter refuses a mail in the form of a read receipt, which else tells of no failure."""

_DAEMON = re.compile(
    r"mailer[-_ ]?daemon|postmaster|mail ?delivery|mdaemon|mail[-_ ]?system|microsoftexchange|double-bounce|bounce"
    r"|mailadmin|maildelivery|<>",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"undeliver|not delivered|non[- ]?deliver|deliver(?:y|ing)\b.{0,30}\b(?:fail|delay|status|problem|error"
    r"|incomplete|notif)"
    r"|fail(?:ed|ure)?\b.{0,20}\b(?:deliver|notice)|returned (?:mail|to sender)|could ?n[o']t be delivered"
    r"|mail failure"
    r"|message (?:rejected|delayed|undeliverable)|delayed (?:mail|message)|warning: (?:could not|message)|mail error"
    r"|unzustellbar|nicht zugestellt|zustell(?:ung|fehler|status)|verzögert|non remis|échec|retard de remise"
    r"|non distribu"
    r"|no (?:se )?(?:ha |puede )?(?:podido )?entrega|devuelto|error de entrega|no entregado|retras"
    r"|mancat[ao] (?:consegna"
    r"|recapito)|non recapitabile|onbestelbaar|niet afgeleverd|ikke levere|kunde inte levereras|niedostarczon|zwrot"
    r"|недоставлен|не доставлен|退信|投递|配信|送信できません|エラー",
    re.IGNORECASE,
)
_SPEAKS = re.compile(
    r"this is the mail system at|qmail-send program|created automatically by mail delivery software"
    r"|mail delivery system"
    r"|(?:could ?n[o']t|was not|can ?not|unable to) (?:be )?deliver|delivery to the following recipients?"
    r"|wasn't delivered"
    r"|address not found|following address(?:es)? (?:failed|had)|permanent fatal errors|delivery has (?:failed"
    r"|been delayed)"
    r"|konnte nicht zugestellt|n'a pas pu être (?:remis|distribu)|no se (?:ha podido|pudo|puede) entregar",
    re.IGNORECASE,
)
_STILL_TRIED = re.compile(
    r"delayed|delay\b|(?:will|to) (?:be )?(?:keep|continue|retr)|keep trying|retry(?:ing)? for"
    r"|still (?:be )?(?:be?ing )?tr"
    r"|not yet (?:been )?delivered|(?:do|need) not (?:need to )?(?:resend|re-send|do anything)|no action is required"
    r"|verzögert|noch nicht zugestellt|weiter(?:hin)? versuch|retard|encore pu|nouvelles tentatives|retras"
    r"|seguir[áe] intent"
    r"|in ritardo|vertraagd",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|permanent(?:ly)?\b|no longer|will not be retried|gave up|endgültig|définitivement"
    r"|expired|too long|permanente",
    re.IGNORECASE,
)
_FOR_GOOD = re.compile(r"permanent (?:error|failure|fatal)|failed permanently|permanently failed", re.IGNORECASE)
_NOBODY = re.compile(
    r"(?:user|mailbox|account|recipient|address|destinat\w{1,20}+|e-?mail|empfänger\w{0,20}+|usuario|utilisateur)\b.{0,40}\b"
    r"(?:unknown|not found|does ?n[o']t exist|doesn.t exist|disabled|inactive|suspended|invalid|not exist"
    r"|rejected|unavailable|not (?:a )?valid"
    r"|unbekannt|nicht gefunden|existiert nicht|inconnu|n'existe pas|introuvable|no existe|desconocid\w{1,20}+"
    r"|inesistente)"
    r"|(?:unknown|no such|invalid|bad|unrouteable|unbekannte[rn]?|inconnu|desconocid\w{1,20}+) (?:local )?"
    r"(?:user|mailbox|recipient|address|account|domain|host|destination|empfänger)|host (?:unknown|not found)"
    r"|nxdomain"
    r"|not a (?:valid|known) (?:e-?mail )?(?:user|mailbox|recipient|address|account)"
    r"|couldn't be found|could not be found|wasn't found|relay(?:ing)? (?:access )?denied|blocked|spam|refused",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"(?:mailbox|inbox|quota|postfach|boîte|buzón|casella)\b.{0,40}\b(?:full|exceed|voll|überschritten|pleine"
    r"|llen[oa]|piena)"
    r"|over ?quota|exceed\w{0,10}+ .{0,30}(?:quota|storage)|temporar|try again"
    r"|greylist|timed? ?out|too busy|insufficient",
    re.IGNORECASE,
)
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
    return [one for group in told if (one := _of_recipient(group))] if told else None


def _of_recipient(group: dict[str, str]) -> Bounce | None:
    action = re.split(r"[\s;(]", group["action"].lower().strip())[0]
    status = _STATUS.search(group.get("status", ""))
    code = status[0] if status else ""
    diagnostic = group.get("diagnostic-code", "").partition(";")[2].strip()[:DIAGNOSTIC_LENGTH]
    if action in _FAILED:
        worse = _CODE.search(diagnostic + " ") if code in ("", "5.0.0", "4.0.0") else None
        final = (worse[1] if worse else code[:1] or "5") == "5"
        severity = Severity.PERMANENT if final else Severity.TEMPORARY
    elif action == "delayed":
        severity = Severity.DELAYED
    else:
        return None
    recipient = group.get("final-recipient") or group.get("original-recipient", "")
    return Bounce(severity, code, recipient.rpartition(";")[2].strip(), diagnostic)


# ---------------------------------------------------------------------------------------------------------- in words


def _worded(raw: bytes, found: Body) -> Bounce | None:
    """A bounce in the words of some mail system: what looks like one is read for how final it is."""
    top = head(raw)
    said = _ORIGINAL.split((found.text or _shown(found.html))[:BOUNCE_TEXT], maxsplit=1)[0]
    by_a_daemon = bool(_DAEMON.search(top.get("from")[:LIST_LENGTH]))
    subject = top.subject[:SUBJECT_LENGTH]
    titled = bool(_TITLE.search(subject))
    names_failed = bool(top.get("x-failed-recipients"))
    speaks = bool(_SPEAKS.search(said) or (by_a_daemon and _NOBODY.search(said)))
    if not names_failed and by_a_daemon + titled + speaks < 2:
        maybe = by_a_daemon or titled or not top.get("from")
        return _by_library(raw) if maybe else None
    status = next((one for one in _STATUS.finditer(said) if one[1] != "2"), None)
    severity = _severity(f"{subject}\n{said}", status[1] if status else "")
    return Bounce(severity, status[0] if status else "", top.get("x-failed-recipients")[:320])


def _severity(said: str, status_class: str) -> Severity:
    tried = bool(_STILL_TRIED.search(said)) and not _GIVEN_UP.search(said)
    if tried and status_class != "5":
        return Severity.DELAYED
    code = _CODE.search(said)
    final = status_class or (code[1] if code else "")
    if final:
        return Severity.PERMANENT if final == "5" else Severity.TEMPORARY
    passes = _FULL.search(said) and not _NOBODY.search(said) and not _FOR_GOOD.search(said)
    return Severity.TEMPORARY if passes else Severity.PERMANENT


def _by_library(raw: bytes) -> Bounce | None:
    """Systems that write like nobody else, as flufl.bounce knows them."""
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
    severity = Severity.PERMANENT if permanent else Severity.TEMPORARY
    return Bounce(severity, recipient=one.decode("utf-8", "replace")[:320])


def _shown(html: str) -> str:
    return re.sub(r"<[^<>]{0,2000}+>", " ", html[:BOUNCE_TEXT])
