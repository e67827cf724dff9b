"""A long message without most of what is only files in it: enough to take it apart, in little memory.

Of a long run of base64 the ends are kept, and how many digits were left out between them. A part that has to be read
itself, a text, or what other parts lie in, is kept whole: it is known after a first look, and left whole in a second.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from gateway.mail.bounds import OUTLINED_OCTETS, SIGNED_OCTETS
from gateway.mail.mime import Part, TooMuch, tree
from gateway.mail.opened import needs_reading
from gateway.mail.transfer import BASE64_DIGITS

BLOCK = 4_096
"""The octets that are looked at at once: what is cut out is made of whole ones."""
_LINE_ENDS = b"\r\n"
_OF_FILES = BASE64_DIGITS + _LINE_ENDS

Chunks = Callable[[], Iterable[bytes]]
Places = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """What was left out at a place of the outline: so many octets, of which so many are digits of base64."""

    at: int
    octets: int
    digits: int


@dataclass(frozen=True)
class Outline:
    """A message's `octets`, or its outline's, with the `cuts` that were made; `chunks` gives all of it anew."""

    octets: bytes = field(repr=False)
    chunks: Chunks
    cuts: Sequence[Cut] = ()

    def original(self, places: Places) -> Places:
        """Where what lies at these places of the outline lies in the message."""
        if not self.cuts:
            return places
        return tuple((start + self._left_out(start), end + self._left_out(end)) for start, end in places)

    def cuts_between(self, start: int, end: int) -> Sequence[Cut]:
        """What was left out between two places of the outline."""
        return self.cuts[self._cuts_before(start) : self._cuts_before(end)]

    def _cuts_before(self, at: int) -> int:
        return bisect_left(self.cuts, at, key=lambda cut: cut.at)

    def _left_out(self, at: int) -> int:
        return self._sums[self._cuts_before(at)]

    @cached_property
    def _sums(self) -> list[int]:
        return [0, *accumulate(cut.octets for cut in self.cuts)]


def outlined(size: int, chunks: Chunks) -> Outline:
    """A message of `size` octets, which `chunks` gives as often as it is asked: whole, or its outline if it is long."""
    if size <= OUTLINED_OCTETS:
        return Outline(b"".join(chunks()), chunks)
    first = _cut(chunks, ())
    try:
        root = tree(first.octets)
    except TooMuch:
        return first  # nor will it be taken apart
    if size <= SIGNED_OCTETS and _is_signed(root):
        return Outline(b"".join(chunks()), chunks)
    places = tuple((one.start, one.end) for one in root.leaves() if needs_reading(one))
    read = first.original(tuple(one for one in places if first.cuts_between(*one)))
    return _cut(chunks, read) if read else first


def _is_signed(part: Part) -> bool:
    return part.content_type == "multipart/signed" or any(map(_is_signed, part.parts))


def _cut(chunks: Chunks, whole: Places) -> Outline:
    """The outline, with what lies at these places left `whole`."""
    kept, cuts = bytearray(), list[Cut]()
    last: bytes | None = None  # of a run, which is kept if it is its end
    is_run = False
    at = 0
    for block in _blocks(chunks()):
        of_file = not block.translate(None, _OF_FILES) and not any(a < at + len(block) and at < b for a, b in whole)
        at += len(block)
        if last is not None and of_file:
            _leave_out(cuts, len(kept), last)
        elif last is not None:
            kept += last
        last = block if of_file and is_run else None
        if last is None:
            kept += block
        is_run = of_file
    return Outline(bytes(kept + (last or b"")), chunks, tuple(cuts))


def _leave_out(cuts: list[Cut], at: int, block: bytes) -> None:
    before = cuts.pop() if cuts and cuts[-1].at == at else Cut(at, 0, 0)
    digits = len(block.translate(None, _LINE_ENDS))
    cuts.append(Cut(at, before.octets + len(block), before.digits + digits))


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        octets = rest + chunk
        end = len(octets) // BLOCK * BLOCK
        yield from (octets[at : at + BLOCK] for at in range(0, end, BLOCK))
        rest = octets[end:]
    yield rest
