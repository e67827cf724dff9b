"""Outlook's way of taking a mail back: another mail, which says so in its subject and in one sentence of text."""

import re

from gateway.mail.bounds import SUBJECT_LENGTH, TEXT_OCTETS
from gateway.mail.parse import Head, Malformed, body
from gateway.mail.quoted_html import text_above_quotes

LONGEST = 2_000
"""The characters of such a mail's text: it is one sentence, with the subject in it."""
_PREFIX = re.compile(
    r"(?:recall|zurückrufen|rückruf|nachrichtenrückruf|rappel|rappeler|recuperar|recuperación|retirar|anular|"
    r"richiamo|richiama|intrekken|recall message)\s?:\s*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"\bwould like to recall the message\b|\bmöchte die nachricht\b.{0,1000}\bzurückrufen\b"
    r"|\bsouhaite(?:rait)? (?:rappeler|annuler) le message\b"
    r"|\b(?:desea|quiere) (?:recuperar|retirar|anular) el mensaje\b|\bdesidera richiamare il messaggio\b"
    r"|\bwil het bericht\b.{0,1000}\bintrekken\b",
    re.IGNORECASE | re.DOTALL,
)


def may_recall(head: Head) -> bool:
    """Whether the subject is that of a recall; the text tells, since "Rappel : …" is a reminder to others."""
    return bool(_PREFIX.match(head.subject[:SUBJECT_LENGTH]))


def recalled(head: Head, raw: bytes) -> str | None:
    """The subject of the mail that is to be taken back, as it stands behind the prefix; None if it is no recall."""
    found = _PREFIX.match(head.subject[:SUBJECT_LENGTH])
    said = body(raw, TEXT_OCTETS) if found else None
    if found is None or said is None or isinstance(said, Malformed):
        return None
    text = said.text if said.text.strip() else text_above_quotes(said.html)
    says = len(text) <= LONGEST and bool(_SENTENCE.search(" ".join(text.split())))
    return head.subject[found.end() :].strip() if says else None
