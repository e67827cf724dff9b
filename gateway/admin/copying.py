"""A SQLite database copied to PostgreSQL, as `gateway migrate --to` does it: everything, compared, and resumable.

The source is only read. The target is marked until all was found equal, so that nobody serves from a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from gateway.admin import drills
from gateway.admin.access import place
from gateway.admin.unfinished import NAME, CopyNote, read_note
from gateway.config.settings import Settings
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model import Meta
from gateway.edge.run.clock import the_clock
from gateway.edge.run.supervisor import is_in_use, sole_use
from gateway.errors import BadPlace, ConfigError, StoreDamaged
from gateway.flow.context import Context
from gateway.ports import Keys
from gateway.prepare import check_at_hand, check_keys, keys_of
from gateway.store.damaged import newest_version
from gateway.store.postgres.comparing import MOST_NAMED, Compared, compare
from gateway.store.postgres.runner import write_once
from gateway.store.postgres.source import SqliteSource
from gateway.store.postgres.target import PostgresTarget, Step


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, table by table. The copy is complete if all are equal."""

    source: str
    target: str
    """Its URL without the password."""
    tables: Sequence[Compared]
    files: int
    """Of large content, that are pieces in the target now."""
    missing: int
    """Of those that should be there."""
    left_out: int
    """That no content names."""
    replaced: int
    """Values with NUL in them, which is U+FFFD in the target."""

    @property
    def is_equal(self) -> bool:
        return all(one.is_equal for one in self.tables)


def of_database(settings: Settings, url: str) -> Settings:
    """The settings, with this `database.url`."""
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": url})})


def copy_to_postgres(settings: Settings, url: str, step: Step, *, without_missing: bool = False) -> Copied:
    """Copy the database of the settings to an empty one at this URL, or go on with that; nobody may serve meanwhile.

    `without_missing`: also where files of large content are missing. Raises ConfigError, BadPlace, WrongKey, StoreBusy,
    StoreFull, StoreDamaged, OSError.
    """
    target, path = PostgresTarget(url), settings.database_path
    if not path.exists():
        raise ConfigError(f"--from: there is no {path}. Nothing was changed")
    check_at_hand(settings)
    if is_in_use(settings.serving_path):
        raise ConfigError("this gateway serves now: stop it first (systemctl stop gateway). Nothing was changed")
    keys = keys_of(settings)
    with sole_use(settings.serving_path, patience=0), SqliteSource(path, settings.spool_path) as source:
        _check_source(source, keys)
        missing = _missing(source, settings, without_missing=without_missing)
        with target:
            note = _claim(target, source)
            target.fill(source, step)
            done = _compared(source, target, step, missing)
            if done.is_equal:
                target.settle(source)
                if source.was_changed():
                    raise ConfigError(f"{path} was changed meanwhile: {_ANEW}")
                site, now = settings.policy(), the_clock().now()
                write_once(url, lambda tx: _finish(Context(tx, site, keys, now, place()), note))
    return done


_UNTOUCHED = "It was not touched"
_ANEW = "empty the target (dropdb, createdb), and run this again while no other command changes the database"


def _check_source(source: SqliteSource, keys: Keys) -> None:
    if source.schema < newest_version():
        raise ConfigError(
            f"--from: the database has schema {source.schema}, and this gateway's is {newest_version()}: bring it "
            "forward first (gateway migrate). Nothing was changed"
        )
    if source.schema > newest_version():
        raise ConfigError(f"--from: the database has schema {source.schema}: it was written by a newer gateway")
    if fault := source.fault():
        raise StoreDamaged(fault)
    source.ask(drills.refuse)
    source.ask(partial(check_keys, keys=keys))


def _missing(source: SqliteSource, settings: Settings, *, without_missing: bool) -> int:
    """How many files of large content are missing. Raises BadPlace unless that is taken for granted."""
    lost = source.missing()
    first = list(islice(lost, MOST_NAMED))
    count = len(first) + sum(1 for _ in lost)
    if count and not without_missing:
        raise BadPlace(
            f"{count} files of held mail are missing in {settings.spool_path} ({', '.join(first)}"
            f"{', …' if count > len(first) else ''}): gateway doctor says whose they are. Restore them from a backup, "
            "or copy without them by --without-missing. Nothing was changed"
        )
    return count


def _claim(target: PostgresTarget, source: SqliteSource) -> CopyNote:
    """The target is empty, or a copy of this source that was begun."""
    path, inode = source.identity
    noted = target.note(NAME)
    if noted is None:
        if held := target.holds():
            raise BadPlace(f"--to: {target.shown} is not empty, there is {held}: name an empty database. {_UNTOUCHED}")
        note = CopyNote(path, inode, the_clock().now().isoformat())
        target.begin(NAME, note.octets())
        return note
    note = read_note(noted)
    if note.finished:
        raise BadPlace(f"--to: {target.shown} was copied from {note.path} whole, on {note.finished}. {_UNTOUCHED}")
    if (note.path, note.inode) != (path, inode):
        raise BadPlace(
            f"--to: {target.shown} is a copy that was begun of another file, {note.path}: name an empty database, or "
            f"that file. {_UNTOUCHED}"
        )
    if not target.is_newest():
        raise BadPlace(f"--to: {target.shown} is a copy that another version of the gateway has begun: {_ANEW}")
    return note


def _compared(source: SqliteSource, target: PostgresTarget, step: Step, missing: int) -> Copied:
    source.replaced = 0
    tables = list(compare(source, target, step))
    files = sum(1 for _ in source.large()) - missing
    return Copied(source.identity[0], target.shown, tables, files, missing, source.left_out(), source.replaced)


def _finish(ctx: Context, note: CopyNote) -> None:
    """From now on it may be served."""
    ctx.tx.remove(Meta, name=NAME)
    ctx.tx.add(Meta(name=NAME, value=replace(note, finished=ctx.now.isoformat(timespec="seconds")).octets()))
    ctx.audit(ADMINISTRATOR, Act.COPIED_DATABASE, "the database", "from SQLite to PostgreSQL")
