"""`gateway rehearse`: a mailbox of one's own goes through the rules, read-only, beside a gateway that may serve."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.admin import mbox
from gateway.admin.access import opened
from gateway.config.settings import Settings
from gateway.errors import BadPlace, TooLarge
from gateway.flow.context import Context
from gateway.flow.inbound import observe
from gateway.flow.inbound.rehearse import Rehearsed, rehearse

AT_A_TIME = 50
"""Mails in one look at the database."""
HEAD = 1 << 16
"""Octets in which it shows whether a file is a mail."""
SUFFIXES = (".eml", ".mail", ".msg.txt")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the mailbox: what it is called there, and its octets; None for one that is larger than is taken."""

    name: str
    octets: bytes | None


def letters(place: Path, largest: int) -> tuple[int, Iterator[Letter]]:
    """How many mails there are, and each: of an mbox file, a Maildir, a folder of .eml files, or one such file.

    Nothing is written. Raises BadPlace where there is no mailbox, and OSError.
    """
    if place.is_dir() and (place / "cur").is_dir():
        files = sorted(one for name in ("cur", "new") for one in (place / name).glob("[!.]*") if one.is_file())
        return len(files), (_read(file.name.partition(":")[0], file, largest) for file in files)
    if place.is_dir():
        files = sorted(one for one in place.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
        return len(files), (_read(file.relative_to(place).as_posix(), file, largest) for file in files)
    if place.exists() and not place.is_file():  # reading a pipe or a device would not end
        raise BadPlace(f"{place}: it is neither a file nor a folder")
    with place.open("rb") as file:
        start = file.read(HEAD)
        file.seek(0)
        found = mbox.places(file) if start.startswith(b"From ") else []
    if not start:
        raise BadPlace(f"{place}: it is empty")
    if found:
        return len(found), _of(place, found, largest)
    if not mbox.is_mail(start):
        raise BadPlace(f"{place}: it is no mailbox; name an mbox file, a Maildir, or a folder of .eml files")
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


def _of(place: Path, found: Sequence[tuple[int, int]], largest: int) -> Iterator[Letter]:
    with place.open("rb") as file:
        for number, (begin, end) in enumerate(found):
            file.seek(begin)
            yield _letter(str(number), file.read(min(end - begin, largest + 1)), largest)


def _read(name: str, file: Path, largest: int) -> Letter:
    with file.open("rb") as opened_:
        return _letter(name, opened_.read(largest + 1), largest)


def _letter(name: str, octets: bytes, largest: int) -> Letter:
    return Letter(name, None if len(octets) > largest else _as_sent(octets))


def _as_sent(octets: bytes) -> bytes:
    """With the line ends of a mail on the wire: mailboxes have those of the system."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
