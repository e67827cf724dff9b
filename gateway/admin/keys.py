"""The site's keys in an administrator's hands: rotated, retired, listed, beside a gateway that may serve."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.admin import key_sheets
from gateway.admin.access import Access, opened
from gateway.config.settings import Settings
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model import Invitation
from gateway.domain.vocabulary import State
from gateway.edge.run.patience import until
from gateway.edge.run.supervisor import is_in_use
from gateway.errors import ConfigError, StoreBusy
from gateway.flow import retired_keys
from gateway.flow.context import Context
from gateway.flow.outbound.heartbeat import node_of
from gateway.flow.upkeep import key_use, resealing
from gateway.prepare import key_source
from gateway.store.connections import WriteConnection, as_store_errors
from gateway.store.key_file import KeyRing, text_of
from gateway.store.key_sources import FileSource
from gateway.store.models import table_name

R = TypeVar("R")

AT_A_TIME = 200
"""Rows in one transaction: at some 25 µs each, nobody waits long for its end."""
HEARD_WITHIN = 30.0
"""Seconds in which every process that serves learns of new keys: it looks each second, and reads them again."""
TURN_WITHIN = 60.0
"""Seconds for which a busy database is asked again for a turn to write."""
PASSES = 10
"""How often all rows are gone through, at most: what was sealed under an older key meanwhile is found by the next."""

Advance = Callable[[int], None]
"""Called with how many more rows were gone through."""
Began = Callable[[int], contextlib.AbstractContextManager[Advance]]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that holds a value which does not open."""

    table: str
    id: int


@dataclass(slots=True)
class Rotated:
    """What a rotation has done. `unopened` are rows that were altered or do not belong to these keys."""

    current: str
    older: str
    resealed: int = 0
    unopened: set[Row] = field(default_factory=set)
    unreadable: int = 0
    """Rows that are none any more."""


def new_key(settings: Settings, to_file: Path | None) -> str:
    """Make a new key, if the last one is in use throughout, and put it where the keys are: its letter; "" for none.

    With `to_file` the new text of the key file is written there instead, for the administrator to put in its place.
    Raises OSError, and ConfigError where it cannot write them, nor those of other nodes, or a rotation is under way.
    """
    source = key_source(settings)
    ring = source.ring()
    with opened(settings) as access:
        patient(lambda: access.do(key_use.begin))  # before there is a newer one, so that it is known which was the last
        is_whole = access.ask(lambda ctx: _is_whole(ctx, ring))
        if not is_whole and to_file:
            raise ConfigError(
                f"the rotation to key {ring.current} is not finished; run `gateway keys rotate` without it"
            )
        if not is_whole:
            return ""
        anew = _rotated(ring)
        if to_file:
            write_new(to_file, text_of(anew))
        elif others := {node_of(name) for name in _serving(settings, access)} - {settings.node}:
            raise ConfigError(
                f"{', '.join(sorted(others))} could not open what this node would seal. Run `gateway keys rotate "
                "--new-file FILE`, put it in the place of every node's key file, delete it, and run this again"
            )
        elif isinstance(source, FileSource):
            source.write(anew)
        else:
            raise ConfigError(
                f"{source.where} cannot be written from here. Run `gateway keys rotate --new-file FILE`, "
                f"{source.next_step}, delete FILE, and run `gateway keys rotate` again"
            )
        return anew.current


def write_new(file: Path, text: str) -> None:
    """Write a file of keys, for its owner alone. Raises FileExistsError rather than overwrite anything."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())


def rotate(settings: Settings, began: Began) -> Rotated:
    """Seal everything anew under the current key, some hundred rows at a time; it may be ended and begun again.

    `began` is told before each pass how many rows there are. Raises ConfigError where a process serves without the new
    key, StoreBusy.
    """
    with opened(settings) as access:
        done = _seal_all(settings, access, began)
        patient(lambda: access.do(lambda ctx: _finish(ctx, done)))
        return done


def before_retiring(settings: Settings, letter: str) -> tuple[datetime, int]:
    """Links mailed before this time will be dead, and of how many people who are invited. Raises ConfigError."""
    _refuse_retiring(key_source(settings).ring(), letter)

    def dead(ctx: Context) -> tuple[datetime, int]:
        since = retired_keys.would_be_dead_before(ctx)
        return since, ctx.tx.count(Invitation, state=State.INVITED, created_at__lt=since)

    with opened(settings) as access:
        return access.ask(dead)


def _refuse_retiring(ring: KeyRing, letter: str) -> None:
    if letter == ring.current:
        raise ConfigError(f"key {letter} is the current one; `gateway keys rotate` makes another")
    if letter not in ring.letters:
        raise ConfigError(f"there is no key {letter} to be retired; `gateway keys list` shows those that there are")


def retire(settings: Settings, letter: str, began: Began) -> str:
    """Nothing opens under this key any more, and its tokens are dead; what is left to be done by hand, if anything.

    What is still sealed under it is sealed anew first. Raises ConfigError, StoreBusy.
    """
    source = key_source(settings)
    ring = source.ring()
    with opened(settings) as access:
        _refuse_retiring(ring, letter)
        if not access.ask(lambda ctx: _is_whole(ctx, ring)):
            raise ConfigError("a rotation is not finished; run `gateway keys rotate` first")
        _seal_all(settings, access, began)
        patient(lambda: access.do(lambda ctx: _retired(ctx, letter)))
        if isinstance(source, FileSource):
            source.write(ring.without(letter))
            return ""
        return f"{_by_hand(ring, letter)}; {source.next_step}"


def listed(settings: Settings) -> list[dict[str, object]]:
    """Each key: its letter, what it is for, and how many values are sealed under it. Nothing of the secrets."""
    ring = key_source(settings).ring()
    with opened(settings) as access:
        counts = access.ask(lambda ctx: {letter: resealing.count(ctx, letter) for letter in ring.secrets})
        serving = _serving(settings, access)
        return [
            {
                "key": letter,
                "for": _use(ring, letter),
                "sealed": counts[letter],
                "serving": sum(used == letter for used in serving.values()),
            }
            for letter in sorted(ring.secrets)
        ]


def split(settings: Settings, shares: int, needed: int) -> list[str]:
    """A key sheet for each share; that they were printed is kept, nothing of what is on them. Raises ConfigError."""
    ring = key_source(settings).ring()
    with opened(settings) as access:

        def printed(ctx: Context) -> list[str]:
            sheets = key_sheets.split(ring, shares, needed, settings.site.domain, ctx.today)
            letters = "".join(sorted(ring.secrets))
            key_use.printed(ctx, shares, needed, letters)
            ctx.audit(ADMINISTRATOR, Act.PRINTED_SHEETS, f"keys {letters}", f"{needed} of {shares}")
            return sheets

        return patient(lambda: access.do(printed))


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Only one changes the keys at a time. Raises ConfigError."""
    folder = os.open(settings.data_folder, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError("another `gateway keys` command changes the keys now; wait for its end") from error
    finally:
        os.close(folder)


def patient(work: Callable[[], R]) -> R:
    """Do something as soon as the database has a turn for it. Raises StoreBusy where none comes."""
    done: list[R] = []

    def try_it() -> bool:
        with contextlib.suppress(StoreBusy):
            done.append(work())
        return bool(done)

    until(try_it, TURN_WITHIN)
    return done[0] if done else work()


# -------------------------------------------------------------------------------------------------------------- parts


def _is_whole(ctx: Context, ring: KeyRing) -> bool:
    """Whether nothing is sealed under another key than the current one of this ring."""
    used = key_use.in_use(ctx.tx)
    return used is not None and used.current == ring.current and used.whole


def _rotated(ring: KeyRing) -> KeyRing:
    try:
        return ring.rotated()
    except ValueError as error:
        raise ConfigError(f"keys: {error}") from error


def _serving(settings: Settings, access: Access) -> dict[str, str]:
    """The letter under which each process seals that serves now."""
    if settings.has_nodes:
        return access.ask(lambda ctx: key_use.living(ctx.tx))
    return access.ask(lambda ctx: key_use.workers(ctx.tx)) if is_in_use(settings.serving_path) else {}


def _wait_for_servers(settings: Settings, access: Access) -> None:
    """Nothing may be sealed under a key that a serving process does not have. Raises ConfigError."""
    current = access.keys.current

    def without_it() -> list[str]:
        return sorted(name for name, letter in _serving(settings, access).items() if letter != current)

    if until(lambda: not without_it(), HEARD_WITHIN):
        return
    if settings.has_nodes:
        raise ConfigError(
            f"key {current} is not there yet for {', '.join(without_it())}: copy the key file to every node, and run "
            "this again"
        )
    raise ConfigError(
        f"the gateway that serves now does not have key {current}: restart it, and run this again "
        "(its keys cannot be read again while it runs, or the log says what is wrong with them)"
    )


def _length(ctx: Context) -> int:
    return sum(resealing.count_between(ctx, table, 0, resealing.last_of(ctx, table)) for table in resealing.TABLES)


def _seal_all(settings: Settings, access: Access, began: Began) -> Rotated:
    """Pass after pass through all rows, until one finds nothing under an older key."""
    patient(lambda: access.do(key_use.begin))
    _wait_for_servers(settings, access)
    done = Rotated(access.keys.current, "".join(sorted(access.keys.letters - {access.keys.current})))
    for _ in range(PASSES):
        before = done.resealed
        with began(access.ask(_length)) as advance:
            _go_through(access, done, advance)
        if done.resealed == before:
            _empty_log(settings)
            return done
    raise StoreBusy("something goes on sealing under an older key; end commands that run for long, and try again")


def _go_through(access: Access, done: Rotated, advance: Advance) -> None:
    """One pass through all rows."""
    known, done.unreadable = set(done.unopened), 0
    for table in resealing.TABLES:
        name = table_name(table)
        for after, upto, rows in _stretches(access, table):
            look = access.ask(partial(resealing.older, table=table, after=after, upto=upto))
            ids = [number for number in look.ids if Row(name, number) not in known]
            if ids:
                made = patient(partial(access.do, partial(resealing.reseal, table=table, ids=ids)))
                done.resealed += made.rows
                done.unopened |= {Row(name, number) for number in made.unopened}
            done.unreadable += look.unreadable
            advance(rows)


def _stretches(access: Access, table: type) -> Iterator[tuple[int, int, int]]:
    """Between which numbers some rows are that may be sealed anew in one transaction, and how many.

    After a restore numbers begin again far behind those that were used: the gap is crossed in ever longer strides.
    """
    after, stride, end = 0, AT_A_TIME, access.ask(partial(resealing.last_of, table=table))
    while after < end:
        upto = min(after + stride, end)
        rows = access.ask(partial(resealing.count_between, table=table, after=after, upto=upto))
        if rows > AT_A_TIME:
            stride = max(stride // 2, AT_A_TIME)
            continue
        if rows:
            yield after, upto, rows
        after, stride = upto, AT_A_TIME if rows else stride * 2


def _empty_log(settings: Settings) -> None:
    """What was sealed under the old key must not live on in the database's log. Raises StoreBusy."""
    if settings.has_nodes:
        return  # its log is the server's own: docs/scale.md
    path = settings.database_path
    log = WriteConnection(str(path), shared=path.with_name(path.name + ".lock").exists())
    with contextlib.closing(log), as_store_errors():
        if not until(log.forget, TURN_WITHIN):
            raise StoreBusy("readers keep its log from being emptied; run this again")


def _finish(ctx: Context, done: Rotated) -> None:
    key_use.complete(ctx)
    ctx.audit(ADMINISTRATOR, Act.ROTATED_KEYS, f"key {done.current}", f"from {done.older}" if done.older else "")


def _retired(ctx: Context, letter: str) -> None:
    key_use.retire(ctx, letter)
    ctx.audit(ADMINISTRATOR, Act.RETIRED_KEY, f"key {letter}")


def _by_hand(ring: KeyRing, letter: str) -> str:
    if letter == ring.digests:
        return f'write retired = ["{letter}"] into the text of the key file'
    return f"remove the line of key {letter} from the text of the key file"


def _use(ring: KeyRing, letter: str) -> str:
    if letter == ring.current:
        use = "seals what is new"
    elif letter in ring.letters:
        use = "opens what is older; its links are good"
    else:
        return "digests alone"
    return f"{use}; digests" if letter == ring.digests else use
