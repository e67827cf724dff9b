"""Everything that is held about an address, in a folder or a zip: a page for people, JSON, and the mails themselves."""

import contextlib
import itertools
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from gateway.admin.access import Access
from gateway.domain.address import Address
from gateway.edge.render import Templates
from gateway.errors import BadPlace, WrongKey
from gateway.flow.administration import dossier
from gateway.flow.administration.dossier import Facts, Letter, Part
from gateway.mail.outline import outlined
from gateway.portal.mail.content import words_of

AT_A_TIME = 2000
"""Rows that are looked through in one transaction."""
DAMAGED = "This message was damaged where it is kept, so that it cannot be opened, or not to its end.\n"


class Place(Protocol):
    """Where files are written."""

    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """A new file in it, for its owner alone."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        return os.fdopen(os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


@dataclass(frozen=True, slots=True)
class Zip:
    file: zipfile.ZipFile

    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        return self.file.open(name, "w", force_zip64=True)


@contextlib.contextmanager
def place(path: Path) -> Iterator[Place]:
    """A new folder, or a new file whose name ends with .zip; nothing is overwritten. Raises OSError, BadPlace."""
    if path.exists():
        raise BadPlace(f"{path} exists already; name a new folder, or a new file that ends with .zip")
    if path.suffix == ".zip":
        raw = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        with raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
            yield Zip(file)
        return
    path.mkdir(mode=0o700)
    yield Folder(path)


def export(
    access: Access, at: Address, into: Place, advance: Callable[[int], None], *, with_holds: bool = False
) -> int:
    """Write all of it, the messages first; how many could be opened. Raises OSError, StoreBusy.

    Legal holds are told `with_holds` alone: whom they are on is not to learn of them by an export.
    """
    access.do(dossier.note, at)
    found: list[Part] = []
    opened = 0
    for title, look, name in _MESSAGES:
        rows, copies = access.ask(look, at)
        told = {row.get("copy") or row.get("message"): row for row in rows}
        for copy_id in copies:
            letter = access.do(dossier.letter, copy_id, name)
            if letter:
                told[letter.row.get("copy") or letter.row.get("message")] = letter.row | _write(access, into, letter)
                opened += 1
            advance(1)
        found.append(Part(title, list(told.values())))
    found += [part for part in access.ask(dossier.parts, at) if with_holds or part.title != dossier.HOLDS]
    found.append(Part("Mail to and from them", _all(access, dossier.deliveries, at)))
    found.append(Part("What was observed of their mail", access.ask(dossier.observations, at)))
    found.append(Part("Audit", _all(access, dossier.audit, access.ask(dossier.names, at))))
    _write_index(access, at, into, found)
    return opened


_MESSAGES: tuple[tuple[str, Callable[..., tuple[list[Facts], list[int]]], str], ...] = (
    ("Messages to them", dossier.letters, "received"),
    ("Messages by them", dossier.written, "sent"),
)


def _all(access: Access, look: Callable[..., tuple[list[Facts], int]], about: Any) -> list[Facts]:
    rows, after = access.ask(look, about, 0, AT_A_TIME)
    while after:
        more, after = access.ask(look, about, after, AT_A_TIME)
        rows += more
    return rows


def _write(access: Access, into: Place, letter: Letter) -> dict[str, str]:
    """The message as it came, and its text; the names of the two files."""
    stored = letter.content

    def chunks() -> Iterator[bytes]:
        yield from access.content.chunks(stored.id, stored.inline, letter.data_key)

    mail, text = f"{letter.name}.eml", f"{letter.name}.txt"
    try:
        with into.open(mail) as file:
            for octets in itertools.chain(filter(None, (letter.before,)), chunks()):
                file.write(octets)
        words, _ = words_of(outlined(stored.size, chunks))
    except (WrongKey, KeyError, OSError):
        words = DAMAGED
    with into.open(text) as file:
        file.write(words.encode("utf-8", "replace"))
    return {"mail": mail, "text": text}


def _write_index(access: Access, at: Address, into: Place, found: list[Part]) -> None:
    taken = access.clock.now().isoformat(timespec="seconds")
    shown = [{"title": part.title, "rows": [_for_people(row) for row in part.rows]} for part in found if part.rows]
    empty = [part.title for part in found if not part.rows]
    facts = {"who": at.typed, "at": taken, "parts": shown, "empty": empty}
    page = Templates(access.site, pages="admin").page("person", "en", facts)
    with into.open("index.html") as file:
        file.write(page.encode("utf-8", "replace"))
    data = {"address": at.typed, "taken": taken, **{part.title: part.rows for part in found}}
    with into.open("data.json") as file:
        file.write(json.dumps(data, indent=2, ensure_ascii=False).encode("utf-8", "replace"))


def _for_people(row: Facts) -> Facts:
    """What a person reads of a row: without numbers of rows, and what is empty; all of it is in data.json."""
    said = {name.replace("_", " "): value for name, value in row.items() if value not in (None, "", False)}
    return {name: value for name, value in said.items() if name != "id" and not name.endswith(" id")}
