"""A part of a file, as players of sound ask for it to play from the middle (RFC 9110 §14)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ONE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """The octets from `start` up to `end` of a file of `size`; none where that begins beyond its end."""

    start: int
    end: int
    size: int

    @property
    def is_there(self) -> bool:
        return 0 <= self.start < self.end <= self.size

    @property
    def told(self) -> str:
        """As Content-Range has it (§14.4)."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}" if self.is_there else f"bytes */{self.size}"

    def of(self, file: Iterator[bytes]) -> Iterator[bytes]:
        """These octets of the file."""
        at = 0
        for chunk in file:
            if at >= self.end:
                return
            if part := chunk[max(self.start - at, 0) : self.end - at]:
                yield part
            at += len(chunk)


def asked(field: str, size: int) -> Span | None:
    """What the field Range asks for; None for all of the file, as for several parts or what cannot be read (§14.2)."""
    found = _ONE.fullmatch(field.strip())
    if not found or not (found["first"] or found["last"]):
        return None
    if not found["first"]:  # so many from the end
        return Span(max(size - int(found["last"]), 0), size, size)
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else size - 1
    return None if found["last"] and last < first else Span(first, min(last + 1, size), size)
