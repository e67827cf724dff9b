"""The files of a message: which of its parts are some, what they are called, where they lie."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.mail.decoding import clean, safe_filename, untransferred
from gateway.mail.mime import Part
from gateway.mail.uuencoded import UUENCODED, blocks

AS_IT_IS = ("", "7bit", "8bit", "binary")
OCTETS = "application/octet-stream"
_SUFFIXES = {
    "application/pdf": ".pdf",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a message: `size` in octets once decoded, `filename` safe to offer for saving."""

    index: int
    filename: str
    content_type: str
    size: int
    content_id: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a file lies in its message, from `start` to `end`, and how it is encoded."""

    start: int
    end: int
    encoding: str

    def octets(self, message: Iterable[bytes]) -> Iterator[bytes]:
        """The file, decoded, from the message's octets, however they are cut."""
        return untransferred(_between(message, self.start, self.end), self.encoding)


def is_shown(part: Part) -> bool:
    """Whether it is read in line, be it a file with a name as well."""
    return part.content_type in ("text/plain", "text/html") and part.disposition != "attachment"


def _is_file(part: Part) -> bool:
    return not part.multipart and (not is_shown(part) or bool(part.filename))


def files_of(part: Part) -> list[Part]:
    inner = [found for one in part.parts for found in files_of(one)]
    return [*([part] if _is_file(part) else []), *within(part), *inner]


def within(part: Part) -> list[Part]:
    """The files that stand uuencoded in a text."""
    if part.multipart or part.content_type != "text/plain" or part.encoding not in AS_IT_IS:
        return []
    found = blocks(part.message, part.start, part.end)
    return [
        Part(OCTETS, filename=clean(name), encoding=UUENCODED[0], message=part.message, start=start, end=end)
        for start, end, name in found
    ]


def _between(chunks: Iterable[bytes], start: int, end: int) -> Iterator[bytes]:
    at = 0
    for chunk in chunks:
        if at >= end:
            return
        yield chunk[max(start - at, 0) : end - at]
        at += len(chunk)


def described(index: int, part: Part) -> Attachment:
    return Attachment(index, _named(index, part), part.content_type, len(part.content()), part.content_id)


def _named(index: int, part: Part) -> str:
    """The file's safe name, never empty; a message's name ends in .eml."""
    name = safe_filename(part.filename) or f"attachment-{index + 1}"
    suffix = _SUFFIXES.get(part.content_type, "")
    bare = "." not in name or (suffix == ".eml" and not name.lower().endswith(suffix))
    return name + suffix if bare else name
