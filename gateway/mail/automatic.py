"""Mail that no person wrote: reports, notes of absence, lists."""

import re
from collections.abc import Callable, Iterator, Sequence

from gateway.mail.bounds import LIST_LENGTH, SUBJECT_LENGTH, VALUE_OCTETS
from gateway.mail.parse import Head

_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTO = (
    r"(?:auto(?:mat(?:ic|ed))?[- ]?(?:reply|response|responder|answer|message|antwort|svar)"
    r"|out[- ]of[- ](?:the[- ])?office(?:[- ]?(?:auto-?)?(?:reply|response|message|notice))?|ooo|o\.o\.o\."
    r"|vacation(?: (?:reply|response|message|notice|alert))?|away(?: from (?:my )?(?:mail|office)| message)?"
    r"|on (?:\w{1,20}+ )?(?:leave|vacation|holidays?)"
    r"|im urlaub|en (?:vacances|congés?)|de (?:vacaciones|férias)|in ferie"
    r"|(?:met|op) vakantie|automatische antwort|abwesenheit(?:s(?:notiz|meldung|assistent|agent))?|abwesend"
    r"|réponse automatique|message d'absence|absence(?: du bureau)?"
    r"|respuesta automática|fuera de (?:la )?oficina|ausencia|ausente"
    r"|risposta automatica|assenza|assente|fuori (?:sede|ufficio)|resposta automática|fora do escritório"
    r"|automatisch antwoord|afwezig(?:heid)?(?:sbericht)?|automatiskt svar|automatisk svar|autosvar|frånvaro|fravær"
    r"|automaattinen vastaus|poissa|odpowiedź automatyczna|automatyczna odpowiedź|automatická odpověď"
    r"|automatikus válasz|automatik yanıt|răspuns automat|автоответ|автоматический ответ|автоматична відповідь"
    r"|自動(?:応答|返信)|自动(?:答复|回复)|自動回覆|자동 ?(?:회신|응답))"
)
_AWAY = re.compile(
    rf"\[?{_AUTO}(?:\s{{0,5}}[]:：]|\s{{1,5}}[-–]\s)|{_AUTO} re:"  # "Automatic reply: …", "[Autoreply] …"
    rf"|{_AUTO} (?:until|till|from|through|bis|vom|jusqu|hasta|fino|tot|até)\b"
    rf"|.{{0,200}}[(\[]{_AUTO}[)\]]\W{{0,20}}+$"
    rf"|\W{{0,20}}+{_AUTO}\W{{0,20}}+$"  # "… (Automatic Response)", or nothing else
    r"|auto:\s"  # RFC 5230 §4.2, and Notes
    r"|[^:?]{1,60} is (?:currently )?(?:out of|away from) (?:the |my |his |her |their )?office\b[^?]*$",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"\b(?:i am|i'm|i’m|i will be|i'll be|i’ll be)(?: currently| now| presently)? (?:away|out of (?:the |my )?office"
    r"|out of town|on (?:\w{1,20}+ )?(?:leave|vacation|holidays?))\b"
    r"|\bthis is an auto(?:mat(?:ed|ic))?[- ]?(?:ally generated )?(?:e-?mail |mail )?(?:reply|response|message|answer)"
    r"|\bich bin (?:derzeit|zurzeit|zur zeit|bis|vom|ab|im moment|momentan|aktuell)\b.{0,60}(?:nicht|urlaub|abwesend)"
    r"|\bich befinde mich\b.{0,40}urlaub|\bdies ist eine automatisch"
    r"|\bje (?:suis|serai)\b.{0,30}(?:absente?|en congés?|en vacances)"
    r"|\bceci est une? (?:message|réponse) automatique"
    r"|\b(?:estoy|estaré|me encuentro)\b.{0,30}(?:fuera de la oficina|ausente|de vacaciones)"
    r"|\b(?:sono|sarò)\b.{0,30}(?:assente|in ferie|fuori ufficio)|\bik ben\b.{0,40}(?:afwezig|met vakantie|op vakantie)"
    r"|\b(?:estou|estarei)\b.{0,30}(?:ausente|de férias|fora do escritório)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:\[[^][]{1,60}\]|\([^()]{1,60}\)|\{[^{}]{1,60}\}|<[^<>]{1,60}>)[\s:–-]{0,5}+"
    r"|(?!(?:re|aw|sv|vs|vb|rv|res|antw?|odp|rif|ynt|fwd?|wg|tr|enc|i|r)\s?:)"
    r"[\w#.-]{2,40}+(?: #?\d{1,12}+)?\s?:\s{1,5}+",
    re.IGNORECASE,
)
"""What systems put before a subject: "[ticket 4711]", "EXTERNAL:". "Re:" is not among it: people write that."""
_OPENED = re.compile(
    r"(?:(?:not |nicht |non |no |não |niet |inte |ikke )?(?:read|gelesen|lue?|le[ií]do|letto|lid[ao]|gelezen|l[aäæe]st)"
    r"|ungelesen gelöscht|luettu|przeczytano|odczytano|прочитано|прочтено|開封済み|已读|已讀)\s?[:：]",
    re.IGNORECASE,
)
"""How Outlook's receipts begin in its languages."""
_DAEMON = re.compile(
    r"(?:mail(?:er)?[-_.]?daemon|post[-_.]?master|no[-_.]?reply|do[-_.]?not[-_.]?reply|mdaemon|auto[-_.]?responder)@",
    re.IGNORECASE,
)

_TNEF = frozenset({"application/ms-tnef", "multipart/mixed"})

Rule = Callable[[Head, str], bool]


def _word(head: Head, name: str) -> str:
    """The first word of a field, without parameters and comments."""
    return re.split(r"[;(\s]", head.get(name)[:SUBJECT_LENGTH].lower(), maxsplit=1)[0]


def _null_sender(_head: Head, mail_from: str) -> bool:
    return mail_from.strip("<> ") == ""  # RFC 5321 §4.5.5


def _auto_submitted(head: Head, _mail_from: str) -> bool:
    return _word(head, "auto-submitted") not in ("", "no")  # RFC 3834 §5


def _bulk(head: Head, _mail_from: str) -> bool:
    return _word(head, "precedence") in _BULK  # RFC 3834 §2 names it; widely used


def _mailing_list(head: Head, _mail_from: str) -> bool:
    return _has(head, "list-id", "list-unsubscribe")  # RFC 2919, RFC 2369


def _auto_reply(head: Head, _mail_from: str) -> bool:
    """Fields that no standard knows, and that only responders set."""
    return _has(
        head,
        *("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-auto-reply", "x-mail-autoreply"),
        *("x-vacation", "x-away-message", "x-ms-exchange-inbox-rules-loop", "x-autorespond-from", "x-auto-responder"),
    ) or head.get("x-ms-exchange-generated-message-source").lower().startswith("mailbox rules agent")


def _generated(head: Head, _mail_from: str) -> bool:
    """Fields of programs that answer, forward and report."""
    return _has(head, "x-autogenerated", "x-cron-env", "x-facebook-notify", "x-fc-machinegenerated")


def _note_of_absence(head: Head, _mail_from: str) -> bool:
    """Exchange and others mark such a note by its subject alone."""
    subject = head.subject[:300]
    return any(_AWAY.match(subject, at) or _ABSENT.match(subject, at) for at in _starts(subject))


def _starts(subject: str) -> Iterator[int]:
    """Where a subject begins, and where it may once have begun, before systems put something there."""
    at = 0
    for _ in range(4):
        yield at
        before = _BEFORE.match(subject, at)
        if not before:
            return
        at = before.end()


def _daemon(head: Head, mail_from: str) -> bool:
    return bool(_DAEMON.match(mail_from.strip("<> ")) or _DAEMON.search(head.get("from")[:LIST_LENGTH]))


def _calendar(head: Head, _mail_from: str) -> bool:
    return _word(head, "content-type") == "text/calendar"  # RFC 6047 §2.4: an answer to an invitation


def _read_receipt(head: Head, _mail_from: str) -> bool:
    return "disposition-notification" in head.get("content-type")[:VALUE_OCTETS].lower()  # RFC 8098 §3


def _outlook_receipt(head: Head, _mail_from: str) -> bool:
    """A receipt in Outlook's own form, a file within the mail ([MS-OXTNEF]); its subject alone could be a person's."""
    in_a_file = head.get("x-ms-tnef-correlator").strip() or _word(head, "content-type") in _TNEF
    return bool(in_a_file and _OPENED.match(head.subject[:300]))


def _report(head: Head, _mail_from: str) -> bool:
    return _word(head, "content-type") == "multipart/report"  # RFC 6522 §3


RULES: tuple[tuple[str, Rule], ...] = (
    ("read-receipt", _read_receipt),
    ("report", _report),
    ("outlook-receipt", _outlook_receipt),
    ("absence", _note_of_absence),
    ("auto-reply", _auto_reply),
    ("auto-generated", _generated),
    ("mailing-list", _mailing_list),
    ("auto-submitted", _auto_submitted),
    ("null-sender", _null_sender),
    ("precedence", _bulk),
    ("daemon", _daemon),
    ("calendar", _calendar),
)
"""In order: the first that applies names the kind, so what tells most comes first. `X-Auto-Response-Suppress` is
missing on purpose: people's own mail carries it too.
"""
SURE = frozenset({"read-receipt", "report", "auto-submitted", "null-sender"})
"""The signs that no person's mail bears: what it says to us is not heard. People's own mail has the others where a rule
of theirs has passed it on, their server marks all that leaves, or what they answer was about leave."""
NO_ANSWER = frozenset({"report", "read-receipt", "outlook-receipt", "mailing-list", "calendar"})
"""The kinds that do not say that a person may be away, as whatever else answers for them does."""
STRONG_NOTES = frozenset({"absence", "auto-reply"})
"""Those that no mail system's own report looks like."""


def automatic(head: Head, mail_from: str) -> str:
    """Why this is taken for automatic mail, in a short name; "" if a person wrote it."""
    return next((name for name, rule in RULES if rule(head, mail_from)), "")


def surely_automatic(head: Head, mail_from: str) -> bool:
    """Whether there is no doubt that no person wrote this."""
    return any(rule(head, mail_from) for name, rule in RULES if name in SURE)


def speaks_of_absence(lines: Sequence[str]) -> bool:
    """Whether a text begins like the note of somebody who is away, whatever its head says."""
    return any(_ABSENT.search(line) for line in lines[:2])


def _has(head: Head, *names: str) -> bool:
    return any(map(head.has, names))


def is_note_of_absence(head: Head) -> bool:
    """Whether the subject is one that notes of absence have."""
    return _note_of_absence(head, "")


def is_responder(head: Head) -> bool:
    """Whether a field says so that only responders write."""
    return _auto_reply(head, "") and not head.has("x-ms-exchange-inbox-rules-loop")


def is_daemon(head: Head, mail_from: str) -> bool:
    """Whether a mail system is named as the author."""
    return _daemon(head, mail_from)
