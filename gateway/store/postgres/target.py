"""A PostgreSQL database that a copy is made in.

A batch of rows is there whole or not at all, and what is there is known: a copy that was broken off goes on behind the
last row of each table. Until it has been compared, a note in `meta`
says that it is not finished: row 0, a number that no database gives.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, Self

import psycopg
from psycopg import sql

from gateway.domain.model import TABLES, Meta
from gateway.errors import BadPlace, StoreBusy, StoreDamaged
from gateway.store.kinds import stored_as
from gateway.store.migrations import newest_scripts
from gateway.store.models import table_name
from gateway.store.postgres.connections import as_store_errors, connect
from gateway.store.postgres.schema import migrate
from gateway.store.postgres.source import Row, SqliteSource
from gateway.store.postgres.url import shown_url, url_fault

Step = Callable[[str, int, int], None]

ROWS = 5000
OCTETS = 16 * 1024 * 1024
"""Of one batch: whichever of the two is reached first."""
NOTE = 0
"""The number of the note in `meta`."""
_COPYING = 0x63_6F_70_79
"""The number of the lock that one copy holds."""
_TYPES = {int: "int8", str: "text", bytes: "bytea"}
_PIECES, _PIECE_TYPES = ("content_id", "number", "at", "sealed"), ("text", "int4", "int8", "bytea")
_RELATIONS = """
    SELECT relation.relname, relation.relkind IN ('r', 'p') FROM pg_class relation
    WHERE relation.relnamespace = current_schema()::regnamespace AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE pg_depend.objid = relation.oid AND pg_depend.deptype = 'e')
    ORDER BY relation.relname
"""
"""What lies where tables are made, but for what an extension has brought; and whether it is a table."""


class PostgresTarget:
    """The database at this URL. Everything raises BadPlace, StoreBusy, StoreFull, StoreDamaged."""

    def __init__(self, url: str) -> None:
        if fault := url_fault(url):
            raise BadPlace(f"--to: {fault}")
        self.shown = shown_url(url)
        """The URL without its password."""
        self._url = url

    def __enter__(self) -> Self:
        self._connection = connect(self._url)
        try:
            with _told(self.shown):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise
        return self

    def _prepare(self) -> None:
        self._connection.execute("SET statement_timeout = 0")
        if (encoding := self._connection.info.parameter_status("server_encoding")) != "UTF8":
            raise BadPlace(f"--to: {self.shown} is encoded as {encoding}; make a database WITH ENCODING 'UTF8'")
        if not self._one("SELECT pg_try_advisory_lock(%s)", [_COPYING]):
            raise StoreBusy(f"another copy into {self.shown} is under way")

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    # ------------------------------------------------------------------------------------------------ what it is marked

    def holds(self) -> str:
        """What is in it that no empty database of ours has; "" for nothing."""
        with _told(self.shown):
            found: dict[str, bool] = dict(self._connection.execute(_RELATIONS).fetchall())
            if found and "schema_version" not in found:
                return f"the table {next(iter(found))}"
            for name in (one for one, is_table in found.items() if is_table and one != "schema_version"):
                query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name))
                if self._one(query):
                    return f"rows in the table {name}"
        return ""

    def note(self, name: str) -> bytes | None:
        """What `meta` has under this name, if there is such a table, and such a row."""
        with _told(self.shown):
            if self._one("SELECT to_regclass('meta')") is None:
                return None
            found = self._connection.execute("SELECT value FROM meta WHERE name = %s", [name]).fetchone()
        return bytes(found[0]) if found else None

    def begin(self, name: str, value: bytes) -> None:
        """Make the tables, and note that they are not what they are to be."""
        with _told(self.shown):
            migrate(self._connection)
            self._connection.execute("INSERT INTO meta (id, name, value) VALUES (%s, %s, %s)", [NOTE, name, value])

    def is_newest(self) -> bool:
        """Whether its tables are this gateway's."""
        with _told(self.shown):
            return bool(self._one("SELECT version FROM schema_version") == len(newest_scripts()))

    # --------------------------------------------------------------------------------------------------------- filling

    def fill(self, source: SqliteSource, step: Step) -> None:
        """Copy what is not there yet: all rows, then the pieces of large content."""
        total, done = sum(map(source.count, TABLES)), 0
        for table in TABLES:  # each comes behind those that its rows refer to
            last = self._last(table)
            done += source.count(table, last) if last is not None else 0
            columns = [one.name for one in fields(table)]
            rows = ([row] for row in source.rows(table, last))
            types = [_TYPES[kind] for kind in stored_as(table)]
            while written := self._write(table_name(table), columns, types, rows):
                done += written
                step("rows", done, total)
        self._fill_pieces(source, step)

    def _fill_pieces(self, source: SqliteSource, step: Step) -> None:
        """Each file whole in one transaction, so that its first piece tells of all."""
        total, done = sum(1 for _ in source.large()), 0
        large = source.large()
        while some := list(islice(large, ROWS)):
            query = "SELECT content_id FROM chunk WHERE number = 0 AND content_id = ANY(%s)"
            with _told(self.shown):
                there = {name for (name,) in self._connection.execute(query, [some])}
            done += len(there)
            files = (source.pieces(one) for one in some if one not in there)
            while written := self._write("chunk", _PIECES, _PIECE_TYPES, files):
                done += written
                step("large content", done, total)

    def _write(self, table: str, columns: Sequence[str], types: Sequence[str], groups: Iterator[Iterable[Row]]) -> int:
        """Write one batch of groups, none of which is parted, and commit; how many groups, 0 once none is left."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), _names(columns))
        done = octets = 0
        with (
            _told(table),
            self._connection.transaction(),
            self._without_triggers(table),
            self._connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            copy.set_types(types)
            for group in groups:
                for row in group:
                    copy.write_row(row)
                    octets += sum(len(value) for value in row if isinstance(value, bytes))
                done += 1
                if done >= ROWS or octets >= OCTETS:
                    break
        return done

    @contextlib.contextmanager
    def _without_triggers(self, table: str) -> Iterator[None]:
        """In the transaction that is open: ours hold off mistakes of those who serve, and see one row at a time."""
        alter = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
        self._connection.execute(alter.format(sql.Identifier(table), sql.SQL("DISABLE")))
        yield
        self._connection.execute(alter.format(sql.Identifier(table), sql.SQL("ENABLE")))

    def _last(self, table: type) -> Any:
        """The highest id that is there; None for none."""
        query = sql.SQL("SELECT max(id) FROM {} WHERE {}").format(sql.Identifier(table_name(table)), _copied(table))
        with _told(self.shown):
            return self._one(query)

    def settle(self, source: SqliteSource) -> None:
        """Have rows numbered on behind all numbers that were ever given, and the planner know how much there is."""
        with _told(self.shown):
            for table in TABLES:
                name, last = table_name(table), source.last_number(table) if stored_as(table)[0] is int else 0
                if last:
                    self._connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f'"{name}"', last])
            self._connection.execute("ANALYZE")

    # --------------------------------------------------------------------------------------------------------- reading

    def rows(self, table: type) -> Iterator[Row]:
        """The rows of a table by their ids."""
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY id").format(
            _names([one.name for one in fields(table)]), sql.Identifier(table_name(table)), _copied(table)
        )
        return self._read(query, [_TYPES[kind] for kind in stored_as(table)])

    def pieces(self) -> Iterator[Row]:
        """The pieces of all large content: content, number, octets."""
        query = sql.SQL("SELECT content_id, number, sealed FROM chunk ORDER BY content_id, number")
        return self._read(query, ["text", "int4", "bytea"])

    def count_pieces(self) -> int:
        with _told(self.shown):
            return int(self._one("SELECT count(*) FROM chunk"))

    def _read(self, query: sql.Composable, types: Sequence[str]) -> Iterator[Row]:
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(query)
        with _told(self.shown), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            yield from copy.rows()

    def _one(self, query: str | sql.Composable, parameters: Sequence[Any] = ()) -> Any:
        found = self._connection.execute(query, parameters).fetchone()  # type: ignore[arg-type]  # our own texts
        return found[0] if found else None


def _names(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _copied(table: type) -> sql.SQL:
    """Which rows are copied ones."""
    return sql.SQL(f"id <> {NOTE}" if table is Meta else "true")


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """What the server refuses, in its words without the row's own: those may be a person's."""
    try:
        with as_store_errors():
            yield
    except psycopg.IntegrityError as error:
        raise StoreDamaged(f"{what}: {error.diag.message_primary}") from error
    except psycopg.Error as error:
        raise BadPlace(f"--to: {what}: {error.diag.message_primary or type(error).__name__}") from error
