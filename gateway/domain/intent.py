"""Was a mail meant to be secure: each sign that tells, what follows from it, and the words in which it is shown.

`docs/secure-or-not.md` is generated from this table.
"""

from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    """What a sign says of its mail."""

    SECURE = "secure"
    ASK = "ask its sender"
    CLEAR = "passes as it came"


class NearMiss(StrEnum):
    """What becomes of mail that was perhaps meant to be secure."""

    ASK = "ask"
    SECURE = "secure"
    PASS = "pass"  # noqa: S105 - what it does


class Encrypted(StrEnum):
    """What becomes of secure mail that its sender has encrypted already, for a reader's own key."""

    PASS = "pass"  # noqa: S105 - what it does
    REFUSE = "refuse"


class Sign(StrEnum):
    """What shows how a mail is meant; the value is stored, logged and shown."""

    TAG = "its subject has the tag"
    FIELD = "a field of its head marks it"
    LABEL = "it carries a sensitivity label"
    DETAILS = "a field of its head says who the recipient is"
    ALWAYS = "all letters of this site are secure"
    TALK = "it goes on with secure mail to this person"
    RECALL = "it recalls secure mail"
    ANSWERED = "its sender has said that it is secure"
    NEAR_TAG = "its subject almost has the tag"
    NEW_IN_TALK = "it goes on with secure mail, to somebody who had no part in it"
    MANY_READERS = "many strangers would see each other's addresses"
    REPORT = "it is a report on other mail"
    NOTE_OF_ABSENCE = "it is a note of absence"
    READ_RECEIPT = "it is a read receipt"
    CALENDAR_ANSWER = "it is a calendar's answer"
    JOURNAL = "it is a journal report to an archive"
    PROCESSED = "it has been here before, and its stamp is genuine"
    PLAIN = "its sender has said that it is ordinary mail"
    NONE = "nothing marks it"

    @property
    def intent(self) -> Intent:
        return SIGNS[self].intent

    @property
    def is_letter(self) -> bool:
        """Whether a mail with this sign may invite somebody."""
        return self not in _NO_LETTERS


@dataclass(frozen=True, slots=True)
class Meaning:
    """What follows from a sign, and how it looks in mail."""

    intent: Intent
    looks: str


SIGNS: dict[Sign, Meaning] = {
    Sign.REPORT: Meaning(
        Intent.CLEAR,
        "`multipart/report` other than a read receipt, or the envelope sender `<>` with a mail system as its author",
    ),
    Sign.READ_RECEIPT: Meaning(Intent.CLEAR, "a report of the type `disposition-notification` (RFC 8098)"),
    Sign.NOTE_OF_ABSENCE: Meaning(
        Intent.CLEAR,
        "`Auto-Submitted: auto-replied`, a field that only responders write, or a subject such as *Automatic reply: …* "
        "beside `Auto-Submitted` or `X-Auto-Response-Suppress`",
    ),
    Sign.CALENDAR_ANSWER: Meaning(
        Intent.CLEAR, "`text/calendar` with `method=REPLY`, or Outlook's answer to a meeting: *Accepted: …*"
    ),
    Sign.JOURNAL: Meaning(
        Intent.CLEAR,
        "`X-MS-Journal-Report` in a mail with the envelope sender `<>` (or Exchange's own), to an address of "
        "`secure_mail.exempt`",
    ),
    Sign.RECALL: Meaning(
        Intent.SECURE, "Outlook's *Recall: …* of a subject with the tag, or of secure mail: it is run"
    ),
    Sign.TAG: Meaning(
        Intent.SECURE,
        "`[secure]` or a tag of `secure_mail.more_tags`, in any subject of the head: in any case and width, with or "
        "without accents, with characters that nobody sees, with details, never closed",
    ),
    Sign.FIELD: Meaning(Intent.SECURE, "a field that is named in `secure_mail.headers`: `X-Secure: yes` (`true`, `1`)"),
    Sign.LABEL: Meaning(
        Intent.SECURE,
        "`Sensitivity` or `msip_labels` as named in `secure_mail.headers`: in Outlook's languages, by a label's name "
        "or its GUID, in whichever part of the field",
    ),
    Sign.DETAILS: Meaning(Intent.SECURE, "`X-Secure-Details: patient 1980-02-03`, from a trusted client"),
    Sign.ALWAYS: Meaning(Intent.SECURE, '`secure_mail.when = "always"`'),
    Sign.TALK: Meaning(
        Intent.SECURE, "`In-Reply-To` or `References` names secure mail that this recipient wrote or was sent"
    ),
    Sign.ANSWERED: Meaning(Intent.SECURE, "the sender answered YES"),
    Sign.NEAR_TAG: Meaning(
        Intent.ASK,
        "`[secured]`, `[secrue]`, `(secure)`, `{secure}`, `[secure-mail]`, `[encrypt]`, `#secure`, `secure: …`",
    ),
    Sign.NEW_IN_TALK: Meaning(Intent.ASK, "`In-Reply-To` or `References` names secure mail to others"),
    Sign.MANY_READERS: Meaning(Intent.ASK, "ten or more people without an account in To and Cc of secure mail"),
    Sign.PROCESSED: Meaning(
        Intent.CLEAR, "the field of `smtp.processed_header` as the gateway has written it for this very mail"
    ),
    Sign.PLAIN: Meaning(Intent.CLEAR, "the sender answered PLAIN"),
    Sign.NONE: Meaning(
        Intent.CLEAR, "anything else: `[external]`, `[security-announce]`, *Secure your account*, mail of lists"
    ),
}
"""In the order in which they are looked for: the first that a mail shows counts."""

_HEADINGS = {
    Intent.SECURE: "What makes a mail secure",
    Intent.ASK: "What is asked about first",
    Intent.CLEAR: "What passes as it came",
}


def described() -> str:
    """The table in Markdown, for the documentation."""
    parts = []
    for intent, heading in _HEADINGS.items():
        rows = [f"| {sign.value} | {meaning.looks} |" for sign, meaning in SIGNS.items() if meaning.intent is intent]
        parts += ["", f"## {heading}", "", "| the reason that is given | what a mail looks like |", "|---|---|", *rows]
    return "\n".join(parts).lstrip("\n") + "\n"


_NO_LETTERS = frozenset({Sign.REPORT, Sign.READ_RECEIPT, Sign.NOTE_OF_ABSENCE, Sign.CALENDAR_ANSWER, Sign.JOURNAL})
