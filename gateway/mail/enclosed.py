"""Files that lie within a text: uuencoded between its lines, or in the `data:` links of HTML (RFC 2397)."""

import mimetypes
import re
from dataclasses import dataclass

from gateway.mail.bounds import PARTS

_UUENCODED = re.compile(
    rb"^begin(?P<kind>-base64)? [0-7]{3,4} (?P<name>[^\r\n]{1,255})\r?\n"
    rb"(?P<lines>(?:[ -`]{1,90}\r?\n)++|(?:[A-Za-z0-9+/=]{1,90}\r?\n)++)"
    rb"(?:\r?\n)?(?:end|====)[ \t]*+(?:\r?\n|\Z)",
    re.MULTILINE,
)
_LINK = re.compile(
    rb"(?P<before>\b(?:src|href|data)\s*+=\s*+)"
    rb"(?:\"\s*+data:(?P<double>[^\"]*+)\"|'\s*+data:(?P<single>[^']*+)'|data:(?P<bare>[^\s\"'>]*+))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file from `start` to `end` of a text; `content_id` is what the text names it by, where it shows it."""

    start: int
    end: int
    encoding: str
    filename: str
    content_type: str
    content_id: str = ""


def in_text(octets: bytes) -> tuple[bytes, tuple[Enclosed, ...]]:
    """A text without the files that are uuencoded in it, and these."""
    if b"begin" not in octets:
        return octets, ()
    found: list[Enclosed] = []

    def take(block: re.Match[bytes]) -> bytes:
        if len(found) >= PARTS or not (block["kind"] or _is_uuencoded(block["lines"])):
            return block[0]
        name = block["name"].decode("utf-8", "replace").strip()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        encoding = "base64" if block["kind"] else "uuencode"
        found.append(Enclosed(block.start("lines"), block.end("lines"), encoding, name, kind))
        return b""

    return _UUENCODED.sub(take, octets), tuple(found)


def in_html(octets: bytes, place: int) -> tuple[bytes, tuple[Enclosed, ...]]:
    """HTML whose `data:` links name files by Content-ID instead, and these; `place` tells it from other HTML."""
    if b"data:" not in octets.lower():
        return octets, ()
    found: list[Enclosed] = []

    def take(link: re.Match[bytes]) -> bytes:
        group = next(one for one in ("double", "single", "bare") if link[one] is not None)
        kind, comma, _ = link[group].partition(b",")
        if not comma or len(found) >= PARTS or len(kind) > 200:
            return link["before"] + b'""'
        name, *parameters = kind.decode("latin-1").lower().split(";")
        encoding = "data;base64" if "base64" in [one.strip() for one in parameters] else "data"
        content_id = f"{place}.{link.start()}.within"
        start = link.start(group) + len(kind) + 1
        found.append(Enclosed(start, link.end(group), encoding, "", name.strip() or "text/plain", content_id))
        return link["before"] + f'"cid:{content_id}"'.encode()

    return _LINK.sub(take, octets), tuple(found)


def _is_uuencoded(lines: bytes) -> bool:
    """Whether the first line is no longer than it says; spaces at its end get lost on the way."""
    first = lines.partition(b"\n")[0].rstrip(b"\r")
    length = (first[0] - 32) & 63
    return len(first) - 1 <= (length + 2) // 3 * 4 + 1  # some programs add a sum
