"""`gateway rehearse`: a mailbox of one's own goes through the rules, read-only, beside a gateway that may serve."""

import mailbox
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.admin.access import opened
from gateway.config.settings import Settings
from gateway.errors import ConfigError, TooLarge
from gateway.flow.context import Context
from gateway.flow.inbound import observe
from gateway.flow.inbound.rehearse import Rehearsed, rehearse

AT_A_TIME = 50
"""Mails in one look at the database."""
SUFFIXES = (".eml", ".mail", ".msg.txt")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the mailbox: what it is called there, and its octets; None for one that is larger than is taken."""

    name: str
    octets: bytes | None


def letters(place: Path, largest: int) -> tuple[int, Iterator[Letter]]:
    """How many mails there are, and each: of an mbox file, a Maildir, a folder of .eml files, or one such file.

    Nothing is written. Raises ConfigError where there is no mailbox, and OSError.
    """
    if place.is_dir() and (place / "cur").is_dir():
        return _of(mailbox.Maildir(str(place), create=False), largest)
    if place.is_dir():
        files = sorted(one for one in place.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
        return len(files), (_read(file.relative_to(place).as_posix(), file, largest) for file in files)
    with place.open("rb") as file:
        start = file.read(5)
    if start == b"From ":
        return _of(mailbox.mbox(str(place), create=False), largest)
    if not start:
        raise ConfigError(f"{place}: it is empty")
    return 1, iter([_read(place.name, place, largest)])


def rehearsed(
    settings: Settings, place: Path, begin: Callable[[int], Callable[[int], None]]
) -> list[tuple[str, Rehearsed]]:
    """What would become of each mail for each of its recipients, by its name in the mailbox.

    `begin` is told how many mails there are, and gives what is told of each so many that were read. Raises as `letters`
    and `ask`.
    """
    largest, authserv_id = int(settings.smtp.max_message_size), settings.mailbox.authserv_id
    count, found = letters(place, largest)
    told: list[tuple[str, Rehearsed]] = []
    step = begin(count)
    with opened(settings) as access:
        while batch := [letter for _, letter in zip(range(AT_A_TIME), found, strict=False)]:
            told += access.ask(_look, batch, authserv_id)
            step(len(batch))
    return told


def _look(ctx: Context, batch: list[Letter], authserv_id: str) -> list[tuple[str, Rehearsed]]:
    return [(letter.name, one) for letter in batch for one in _one(ctx, letter, authserv_id)]


def _one(ctx: Context, letter: Letter, authserv_id: str) -> list[Rehearsed]:
    if letter.octets is None:
        return [Rehearsed("", "", observe.REFUSED, TooLarge.smtp_reply, "")]
    return rehearse(ctx, letter.octets, authserv_id)


def _of(box: mailbox.Mailbox[mailbox.Message], largest: int) -> tuple[int, Iterator[Letter]]:
    return len(box), _each(box, largest)


def _each(box: mailbox.Mailbox[mailbox.Message], largest: int) -> Iterator[Letter]:
    try:
        for key in box.keys():  # noqa: SIM118 - it is no dictionary
            yield _letter(str(key), box.get_file(key), largest)
    finally:
        box.close()


def _read(name: str, file: Path, largest: int) -> Letter:
    with file.open("rb") as opened_:
        return _letter(name, opened_, largest)


def _letter(name: str, file: Any, largest: int) -> Letter:
    octets = file.read(largest + 1)
    file.close()
    return Letter(name, None if len(octets) > largest else _as_sent(octets))


def _as_sent(octets: bytes) -> bytes:
    """With the line ends of a mail on the wire: mailboxes have those of the system."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
