"""Is a mail marked secure, and what does its tag say."""

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.site import Marks
from gateway.mail.decoding import clean
from gateway.mail.parse import Head


@dataclass(frozen=True, slots=True)
class Marked:
    """What the sender asked for.

    `details` is the text within the tag after its word; `subject` is the decoded subject without the tag; `tagged`
    says whether there was one.
    """

    secure: bool
    details: str
    subject: str
    tagged: bool


def read_marks(head: Head, marks: Marks) -> Marked:
    """Read subject tag and headers; every tag is taken out, the first details given stand."""
    subject = head.subject
    tags = list(_pattern(marks.subject_tag).finditer(subject)) if marks.subject_tag else []
    bare = clean(_pattern(marks.subject_tag).sub(" ", subject)) if tags else subject
    details = next((clean(tag["details"]) for tag in tags if tag["details"]), "")
    secure = marks.always or bool(tags) or any(_has(head, name, value) for name, value in marks.headers)
    return Marked(secure, details, bare, bool(tags))


@lru_cache(maxsize=16)
def _pattern(tag: str) -> re.Pattern[str]:
    """`[secure]` also reads `[ Secure: patient 1980-02-03 ]`; a configured tag without brackets is read as it stands.

    A tag that its writer forgot to close runs to the end: rather hold a mail than let one pass that was meant to be
    secure.
    """
    words = r"\s+".join(re.escape(word) for word in tag.removesuffix("]").split())
    if not tag.endswith("]"):
        return re.compile(rf"{words}(?P<details>)", re.IGNORECASE)
    opened = re.sub(r"^(\\\[)", r"\1\\s*", words)
    return re.compile(rf"{opened}(?:\s*:\s*|\s+|(?=\]))(?P<details>[^\]]*)(?:\]|$)", re.IGNORECASE)


def _has(head: Head, name: str, value: str) -> bool:
    wanted = value.strip().casefold()
    return any(given.partition(";")[0].strip().casefold() == wanted for given in head.all(name))
