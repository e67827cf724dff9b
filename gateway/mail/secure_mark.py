"""Was a mail meant to be secure, as far as its own head tells, and what does it say of its recipient."""

from dataclasses import dataclass

from gateway.domain.intent import Intent, Sign
from gateway.domain.site import Marks
from gateway.mail import subject_tag
from gateway.mail.decoding import decoded
from gateway.mail.headers import Change
from gateway.mail.labels import carries
from gateway.mail.letters import no_letter
from gateway.mail.parse import Head

_LABELS = frozenset({"sensitivity", "msip_labels"})
_DETAILS = "x-secure-details"
_SUBJECTS = ("subject", "topic")
"""How the names of fields end that repeat the subject, as Outlook's Thread-Topic does."""
_READERS = ("to", "cc", "resent-to", "resent-cc", "apparently-to", "x-original-to", "x-envelope-to")
_INDEX = "thread-index"  # Outlook's key to the conversation, made when the subject still had its tag


@dataclass(frozen=True, slots=True)
class Marked:
    """What the sender asked for.

    `details` is the text within the tag after its word; `subject` is the decoded subject without the tag; `tagged`
    says whether there was one, or nearly; `near` is what nearly was one, as it was written.
    """

    sign: Sign
    details: str = ""
    subject: str = ""
    tagged: bool = False
    near: str = ""

    @property
    def secure(self) -> bool:
        return self.sign.intent is Intent.SECURE

    @property
    def asks(self) -> bool:
        return self.sign.intent is Intent.ASK


def read_marks(
    head: Head, marks: Marks, mail_from: str = "-", *, trusted: bool = True, archived: bool = False
) -> Marked:
    """Read subjects and fields: every tag is taken out, the first details given stand.

    What is no letter is not marked by what it quotes; a journal report only where it goes to archives alone.
    """
    subjects = head.all("subject")
    found = [(one, tag) for one in subjects for tag in subject_tag.tags(one, marks.tags)]
    subject = bare_subject(head.subject, marks)
    given = [tag.details for _, tag in found if tag.details]
    sign = no_letter(head, mail_from, archived=archived)
    if sign:
        return Marked(sign, "", subject, bool(found))
    if trusted and (said := head.get(_DETAILS)):
        given.append(said)
    near = _near(head, subjects, marks) if not found else []
    given += [tag.details for _, tag in near if tag.details]
    sign = _sign(head, marks, tagged=bool(found), near=bool(near), detailed=trusted and head.has(_DETAILS))
    shown = next((one[tag.start : tag.end] for one, tag in near), "")
    return Marked(sign, next(iter(given), ""), subject, bool(found or near), shown)


def _sign(head: Head, marks: Marks, *, tagged: bool, near: bool, detailed: bool) -> Sign:
    """The first sign that the mail shows."""
    if tagged:
        return Sign.TAG
    for name, value in marks.headers:
        if carries(head, name, value):
            return Sign.LABEL if name.lower() in _LABELS else Sign.FIELD
    if detailed:
        return Sign.DETAILS
    if marks.always:
        return Sign.ALWAYS
    return Sign.NEAR_TAG if near else Sign.NONE


def _near(head: Head, subjects: tuple[str, ...], marks: Marks) -> list[tuple[str, subject_tag.Tag]]:
    """What almost is a tag, in the mail of a person: lists have names of their own in brackets."""
    if not marks.tags or any(map(head.has, ("list-id", "list-post", "list-unsubscribe"))):  # RFC 2919, RFC 2369
        return []
    return [(one, tag) for one in subjects for tag in subject_tag.near(one, marks.tags)]


def bare_subject(subject: str, marks: Marks) -> str:
    """A subject, or what repeats it, without what marks or nearly marks a mail."""
    found = subject_tag.tags(subject, marks.tags) or (subject_tag.near(subject, marks.tags) if marks.tags else [])
    return subject_tag.without(subject, found) if found else subject


def blemishes(head: Head, marks: Marks, *, tagged: bool, crowded: bool = False) -> tuple[Change, ...]:
    """The fields that a reader of secure mail must not get as they are: blind copies, tags, what is said of them.

    `crowded`: the visible recipients are so many that none is to see the others.
    """
    unseen = {_DETAILS, *([_INDEX] if tagged else []), *(_READERS if crowded else [])}
    found: list[Change] = []
    for one in head.fields:
        if one.name.endswith("bcc") or one.name in unseen:
            found.append((one, None))
        elif one.name.endswith(_SUBJECTS):
            value = decoded(one.value)
            if (bare := bare_subject(value, marks)) != value:
                found.append((one, bare))
    return tuple(found)
