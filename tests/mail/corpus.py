"""Replies as mail clients write them, with places for what is typed and for the notice that is quoted.

A file is a message whose bodies are readable: they are put into their charset and transfer encoding here. `«command»`
and `«command html»` stand where a person types; `«notice»`, `«quoted notice»` (with marks) and `«notice html»` where
the client puts what is answered.
"""

import asyncio
import base64
import itertools
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from gateway.mail.reply import typed as read
from tests.practice import ADA, CLEO, OMAR, PAT, PATIENT_TAG, TEMPLATES, World

FOLDER = Path(__file__).parent / "replies"
CLIENTS = sorted((FOLDER / "clients").glob("*.eml"))
"""Replies with the command on top: it runs."""
BELOW = sorted((FOLDER / "below").glob("*.eml"))
"""Replies with the command where none is looked for: it does not run."""

_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\w")
_BOUNDARY = re.compile(r'boundary="([^"]+)"')
_CHARSET = re.compile(r'charset="?([\w-]+)')
_ENCODING = re.compile(r"^content-transfer-encoding: *(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Quoted:
    """A notice as clients quote it."""

    text: str
    html: str

    def places(self, command: str, *, outlook: bool) -> dict[str, str]:
        linked = _ADDRESS.sub(r'<a href="mailto:\g<0>">\g<0></a>', escape(command, quote=False))
        return {
            "«command»": _ADDRESS.sub(r"\g<0><mailto:\g<0>>", command) if outlook else command,
            "«command html»": linked,
            "«notice»": self.text,
            "«quoted notice»": "".join(f"> {line}".rstrip() + "\n" for line in self.text.splitlines()),
            "«notice html»": self.html,
        }


def reply(path: Path, command: str, notice: Quoted) -> bytes:
    """The reply of a file with this typed into it, as it would be on the wire."""
    template = path.read_text(encoding="utf-8")
    places = notice.places(command, outlook=path.stem.startswith("outlook"))
    boundaries = "|".join(map(re.escape, _BOUNDARY.findall(template)))
    pieces = re.split(rf"^(--(?:{boundaries})(?:--)?\n)", template, flags=re.MULTILINE) if boundaries else [template]
    return b"".join(_piece(piece, places) for piece in pieces).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _piece(piece: str, places: dict[str, str]) -> bytes:
    head, blank, body = piece.partition("\n\n")
    for place, words in places.items():
        body = body.replace(place, words)
    charset = match[1] if (match := _CHARSET.search(head)) else "us-ascii"
    html = "text/html" in head
    octets = body.encode(charset, "xmlcharrefreplace" if html else "replace")
    encoding = match[1].lower() if (match := _ENCODING.search(head)) else ""
    if blank and encoding == "base64" and "text/" in head:
        octets = base64.encodebytes(octets.replace(b"\n", b"\r\n"))
    elif blank and encoding == "quoted-printable":
        octets = quopri.encodestring(octets)
    return head.encode("utf-8") + blank.encode() + octets


def typed(path: Path, command: str, notice: Quoted) -> tuple[str, ...]:
    return read(reply(path, command, notice)).lines


@cache
def notices() -> tuple[Quoted, ...]:
    """Notices of ours that hold verbs: a receipt, one on three people, a manual, a list, a lock-out, a confirmation."""
    return tuple(asyncio.run(_notices()))


async def _notices() -> list[Quoted]:
    one, three, locked = World(TEMPLATES), World(TEMPLATES), World(TEMPLATES)
    await one.write(ADA, PAT)
    await three.write(ADA, PAT, CLEO, OMAR)
    await three.say("HELP")
    await three.say("LIST")
    await three.say("pat@home.example PATIENT 1980-02-03\nomar@hillside.example CLINICIAN\nSTATUS")
    await locked.write(ADA, PAT, tag=PATIENT_TAG)
    await locked.try_birthdate(times=3)
    mails = [mail.rendered for world in (one, three, locked) for mail in world.mails]
    return [Quoted(mail.text, _inner(mail.html)) for mail in mails]


def _inner(html: str) -> str:
    """What stands in the body of a document, as it is quoted."""
    return re.split(r"</body>", re.split(r"<body[^>]*>", html)[1])[0]


def turns(path: Path) -> Iterator[Quoted]:
    """All notices by turns, without end; each path begins with another one."""
    first = sum(path.stem.encode()) % len(notices())
    return itertools.cycle(notices()[first:] + notices()[:first])


def every(paths: list[Path]) -> Iterator[tuple[Path, Quoted]]:
    """Every reply with every notice, by turns."""
    for number, path in enumerate(paths):
        for at in range(3):
            yield path, notices()[(number + at) % len(notices())]
