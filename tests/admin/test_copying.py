"""`gateway migrate --to`: a database is copied to PostgreSQL, whole and equal, however often that is broken off."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from itertools import count

import psycopg
import pytest
from typer.testing import CliRunner

from gateway.admin import unfinished
from gateway.admin.audit_check import Walk
from gateway.admin.checks import store
from gateway.admin.copying import copy_to_postgres
from gateway.admin.unfinished import refuse_unfinished
from gateway.cli.app import app
from gateway.config.toml_file import load
from gateway.domain.model import TABLES, Content, Meta, Sender
from gateway.domain.model_records import Audit, AuditBatch
from gateway.edge.run.supervisor import sole_use
from gateway.errors import ConfigError
from gateway.flow.context import Context
from gateway.store.connections import open_database
from gateway.store.content import CHUNK, SpooledContent
from gateway.store.models import models, table_name
from gateway.store.postgres import guards
from gateway.store.postgres import target as targets
from gateway.store.postgres.connections import connect
from gateway.store.postgres.runner import read_once, write_once
from gateway.store.postgres.schema import migrate
from gateway.store.repository import Repository, SqliteTx
from gateway.store.runner import read_once as read_sqlite
from gateway.store.sealing import TAG, load_keys
from tests.admin import patient
from tests.store.written import row_of

pytestmark = pytest.mark.peer

LAST = 5000
"""The highest number of a sender that was ever given; its row is gone."""


class Killed(Exception):
    """As if the process had ended there."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A gateway's folder with rows in every table, and content in files of one, two and three pieces."""
    folder = tmp_path_factory.mktemp("whole") / "gateway"
    patient.made(folder)
    with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as connection:
        database = open_database(folder / "gateway.db")
        tx = SqliteTx(Repository(models(database)), connection)
        content = SpooledContent(folder / "gateway.db.spool")
        for octets in (b"x" * CHUNK, b"y" * (CHUNK + 1)):
            sealed = content.put(octets)
            tx.add(Content(id=sealed.content_id, size=sealed.size))
        for table in TABLES:
            if not tx.count(table):
                tx.add(row_of(table))
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'sender'", [LAST])
        connection.execute("INSERT INTO observation VALUES (76, 0, '', '', '', '')")
        connection.execute("INSERT INTO observation VALUES (77, 0, 'a' || char(0) || 'b', '', '', '')")
        connection.execute("PRAGMA journal_mode=wal")
    return folder


@pytest.fixture
def folder(whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "gateway")
    monkeypatch.setenv("GATEWAY_CLOCK_FILE", str(tmp_path / "gateway" / "now"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "gateway"


@pytest.fixture
def empty(postgres_server):
    """The URL of a database in which there is nothing."""
    return postgres_server.database("copied")


def nothing(*_):
    pass


def copied(folder, url, step=nothing, **how):
    return copy_to_postgres(load(folder / "gateway.toml"), url, step, **how)


def run(folder, *words):
    return CliRunner().invoke(app, ["migrate", "--config", str(folder / "gateway.toml"), *map(str, words)])


def say(url, statement):
    with closing(connect(url)) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


def change(folder, statement):
    with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as database:
        database.execute(statement)


def all_rows(tx):
    """Everything that a gateway finds, but for what a copy says of itself."""
    rows = {table: tx.find(table) for table in TABLES}
    rows[Meta] = [row for row in rows[Meta] if row.name != unfinished.NAME]
    rows[Audit] = [row for row in rows[Audit] if row.action != "copied the database"]
    return rows


def held(rows):
    """As text of rows, which PostgreSQL holds."""
    return {table: [repr(row).replace("\\x00", "\N{REPLACEMENT CHARACTER}") for row in rows[table]] for table in rows}


def assert_is_whole(folder, url):
    read_once(url, refuse_unfinished)
    assert held(read_once(url, all_rows)) == held(read_sqlite(open_database(folder / "gateway.db"), all_rows))
    files = {file.name: file.read_bytes() for file in (folder / "gateway.db.spool").iterdir()}
    pieces = say(url, "SELECT content_id, number, sealed FROM chunk ORDER BY content_id, number")
    assert {name for name, _, _ in pieces} == set(files)
    for name, octets in files.items():
        own = [(number, sealed) for of, number, sealed in pieces if of == name]
        assert [number for number, _ in own] == list(range(len(own)))
        assert {len(sealed) for _, sealed in own[:-1]} <= {CHUNK + TAG}
        assert b"".join(sealed for _, sealed in own) == octets


# ------------------------------------------------------------------------------------------------------------ a copy


def test_everything_is_copied_and_the_copy_is_equal(folder, empty):
    before = sorted(path.name for path in folder.iterdir())
    done = copied(folder, empty)
    assert done.is_equal
    assert {one.table for one in done.tables} == {table_name(table) for table in TABLES} | {"chunk"}
    assert all(one.source.rows == one.copy.rows > 0 for one in done.tables)
    assert (done.missing, done.left_out, done.replaced) == (0, 0, 1)
    assert done.files == len(list((folder / "gateway.db.spool").iterdir())) >= 3
    assert_is_whole(folder, empty)
    assert {name for name in before if name in listed(folder)} == set(before)


def listed(folder):
    return {path.name for path in folder.iterdir()}


def test_the_database_that_is_copied_is_not_written_to(folder, empty):
    file = folder / "gateway.db"
    before = file.read_bytes()
    copied(folder, empty)
    assert file.read_bytes() == before


def test_each_table_of_the_schema_is_one_of_those_that_are_copied(folder):
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        assert {name for (name,) in found} == {table_name(table) for table in TABLES}
        for table in TABLES:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table_name(table)})")]
            assert set(columns) == {one.name for one in fields(table)}


def test_each_table_is_copied_behind_those_that_its_rows_refer_to(folder):
    order = [table_name(table) for table in TABLES]
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        for place, name in enumerate(order):
            referred = {row[2] for row in database.execute(f"PRAGMA foreign_key_list({name})")}
            assert referred <= set(order[: place + 1]), name


def test_numbers_go_on_behind_all_that_were_ever_given(folder, empty):
    copied(folder, empty)
    rows = read_once(empty, all_rows)
    for table in TABLES:
        if table in (Content, Sender, AuditBatch):  # has no number; see below; is numbered behind the last one
            continue
        [(following,)] = say(empty, f"SELECT nextval(pg_get_serial_sequence('{table_name(table)}', 'id'))")
        own = 1 if table in (Meta, Audit) else 0  # what the copy itself has added
        assert following == rows[table][-1].id + own + 1, table
    sender = Sender(practice_id="riverside", address="n@riverside.example", typed="n@riverside.example", name="N")
    assert write_once(empty, lambda tx: tx.add(sender)).id == LAST + 1


def test_the_move_is_in_the_audit_and_the_audit_holds(folder, empty):
    copied(folder, empty)
    [last] = read_once(empty, lambda tx: tx.find(Audit, order="-id", limit=1))
    assert (last.action, last.detail) == ("copied the database", "from SQLite to PostgreSQL")
    settings, keys = load(folder / "gateway.toml"), load_keys(folder / "gateway.keys")

    class Looks:
        def ask(self, look):
            return read_once(empty, lambda tx: look(Context(tx, settings.policy(), keys, last.at)))

        leaves_gaps = False  # of a database in which nothing else has happened yet

        def missing_triggers(self):
            with closing(connect(empty)) as connection:
                return guards.missing_triggers(connection)

        def last_number(self, table):
            with closing(connect(empty)) as connection:
                return guards.last_number(connection, table)

    Looks.keys = keys
    walk = Walk(Looks())
    assert list(walk.findings()) == []
    assert walk.walked.batches > 0


def test_the_schema_is_as_in_a_database_that_was_made_new(folder, empty, postgres_server):
    copied(folder, empty)
    fresh = postgres_server.database("fresh")
    with closing(connect(fresh)) as connection:
        migrate(connection)
    for query in (
        "SELECT tgname, tgenabled, tgtype FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        "SELECT conname, convalidated FROM pg_constraint ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY 1, 2",
    ):
        assert say(empty, query) == say(fresh, query)


def test_triggers_are_not_in_the_way_and_stand_afterwards(folder, empty):
    with closing(connect(empty)) as connection:
        migrate(connection)
    say(empty, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$")
    for table in map(table_name, TABLES):
        say(empty, f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")
    say(empty, "ALTER TABLE meta DISABLE TRIGGER refuse")  # the note that the copy is not finished comes there as a row
    with pytest.raises(psycopg.errors.RaiseException, match="never"):
        copied(folder, empty)  # no sooner than the move itself is noted
    [(enabled,)] = say(empty, "SELECT array_agg(DISTINCT tgenabled::text) FROM pg_trigger WHERE NOT tgisinternal")
    assert enabled == ["O"]
    assert held(read_once(empty, all_rows)) == held(read_sqlite(open_database(folder / "gateway.db"), all_rows))


# ------------------------------------------------------------------------------------------------------- broken off


def at_most(batches):
    """A step that ends the process after so many batches were committed."""
    left = count(1)

    def step(title, done, total):
        assert done <= total
        if title in ("rows", "large content") and next(left) > batches:
            raise Killed

    return step


def test_a_copy_that_was_broken_off_after_each_batch_goes_on_where_it_was(folder, empty, monkeypatch):
    monkeypatch.setattr(targets, "ROWS", 3)
    done, runs = None, 0
    while done is None:
        try:
            done = copied(folder, empty, at_most(1))
        except Killed:
            runs += 1
            with pytest.raises(ConfigError, match="not finished"):
                read_once(empty, refuse_unfinished)
    assert runs > 20
    assert done.is_equal
    assert_is_whole(folder, empty)


def test_progress_begins_where_it_was(folder, empty, monkeypatch):
    monkeypatch.setattr(targets, "ROWS", 2)
    seen = []
    with pytest.raises(Killed):
        copied(folder, empty, at_most(12))
    copied(folder, empty, lambda *one: seen.append(one))
    rows = [one for one in seen if one[0] == "rows"]
    assert rows[0][1] > 12
    assert rows[-1][1] == rows[-1][2]


CHILD = """
import os, sys
from pathlib import Path
from gateway.admin.copying import copy_to_postgres
from gateway.config.toml_file import load
from gateway.store.postgres import source, target

folder, url, where, after = sys.argv[1:]
target.ROWS = 4
seen = 0

def ending(rows):
    global seen
    for row in rows:
        yield row
        seen += 1
        if seen == int(after):
            os._exit(9)

original = getattr(source.SqliteSource, where)
setattr(source.SqliteSource, where, lambda *words: ending(original(*words)))
copy_to_postgres(load(Path(folder) / "gateway.toml"), url, lambda *_: None)
"""


@pytest.mark.parametrize(("where", "after"), [("rows", 30), ("pieces", 2), ("pieces", 5)])
def test_a_process_that_ends_within_a_batch_leaves_nothing_that_is_half(folder, empty, where, after):
    child = [sys.executable, "-c", CHILD, str(folder), empty, where, str(after)]
    ended = subprocess.run(child, check=False, capture_output=True, text=True)
    assert ended.returncode == 9, ended.stderr
    with pytest.raises(ConfigError, match="not finished"):
        read_once(empty, refuse_unfinished)
    assert copied(folder, empty).is_equal
    assert_is_whole(folder, empty)


def test_a_target_whose_tables_were_made_and_no_more_is_as_good_as_empty(folder, empty):
    with closing(connect(empty)) as connection:
        migrate(connection)
    assert copied(folder, empty).is_equal


# -------------------------------------------------------------------------------------------------------- not equal


def all_but_compared(folder, url):
    """Copied, and ended just before the comparison."""

    def step(title, *_):
        if title == "compared":
            raise Killed

    with pytest.raises(Killed):
        copied(folder, url, step)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE sender SET name = name || ' ' WHERE id = 1", "sender: 1 rows differ (1)"),
        ("DELETE FROM observation WHERE id = 76", "observation: 1 rows differ (76)"),
        ("INSERT INTO meta (id, name, value) VALUES (900, 'x', '')", "meta: 1 rows differ (900)"),
        ("UPDATE content SET inline = inline || '\\x00' WHERE inline IS NOT NULL", "content: "),
        ("UPDATE chunk SET sealed = set_byte(sealed, 7, 255 - get_byte(sealed, 7)) WHERE number = 1", "chunk: "),
        ("UPDATE delivery SET wrapped_key = '' WHERE wrapped_key IS NULL", "delivery: "),
    ],
)
def test_what_is_not_equal_is_found_and_never_served(folder, empty, damage, says):
    all_but_compared(folder, empty)
    say(empty, damage)
    done = run(folder, "--to", empty)
    assert done.exit_code == 1
    assert says in done.output
    assert "the copy is not equal, and nothing can be served from it" in done.output
    with pytest.raises(ConfigError, match="not finished"):
        read_once(empty, refuse_unfinished)


@pytest.mark.parametrize("words", [["audit", "verify"], ["queue", "list"], ["status"]])
def test_no_command_works_on_a_copy_that_is_not_finished(folder, empty, words, monkeypatch):
    all_but_compared(folder, empty)
    before = dump(empty)
    monkeypatch.setenv("GATEWAY_DATABASE__URL", empty)
    done = CliRunner().invoke(app, [*words, "--config", str(folder / "gateway.toml")])
    assert done.exit_code == os.EX_CONFIG
    assert f"run gateway migrate --from sqlite:///{folder / 'gateway.db'} --to again" in done.output
    with pytest.raises(ConfigError, match="not finished"):
        asyncio.run(store.database(load(folder / "gateway.toml")))
    assert dump(empty) == before


def test_who_changes_the_database_meanwhile_is_noticed(folder, empty):
    def step(title, *_):
        if title == "compared":
            change(folder, "UPDATE sender SET name = 'Other' WHERE id = 1")

    with pytest.raises(ConfigError, match="was changed meanwhile"):
        copied(folder, empty, step)
    with pytest.raises(ConfigError, match="not finished"):
        read_once(empty, refuse_unfinished)
    again = run(folder, "--to", empty)
    assert again.exit_code == 1
    assert "sender: 1 rows differ (1)" in again.output


def test_a_file_that_is_missing_is_said_before_anything_is_done(folder, empty):
    lost, *_ = sorted((folder / "gateway.db.spool").iterdir())
    lost.unlink()
    done = run(folder, "--to", empty)
    assert done.exit_code == 1
    assert f"1 files of held mail are missing in {folder / 'gateway.db.spool'} ({lost.name})" in done.output
    assert say(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    without = run(folder, "--to", empty, "--without-missing", "--json")
    assert without.exit_code == 0, without.output
    assert json.loads(without.stdout.splitlines()[-1])["missing"] == 1
    assert lost.name not in {name for (name,) in say(empty, "SELECT content_id FROM chunk")}


def test_a_file_that_was_cut_off_since_is_found(folder, empty):
    all_but_compared(folder, empty)
    file = max((folder / "gateway.db.spool").iterdir(), key=lambda one: one.stat().st_size)
    os.truncate(file, CHUNK)
    done = run(folder, "--to", empty)
    assert done.exit_code == 1
    assert f"({file.name} 0, {file.name} 1" in done.output


def test_files_that_belong_to_no_mail_are_counted_and_left_out(folder, empty):
    (folder / "gateway.db.spool" / ("0" * 32)).write_bytes(b"x")
    done = copied(folder, empty)
    assert (done.is_equal, done.left_out) == (True, 1)
    assert say(empty, "SELECT count(*) FROM chunk WHERE content_id LIKE '0000%'") == [(0,)]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE observation SET author = x'ff' WHERE id = 77", "observation 77: author is of another kind"),
        ("UPDATE observation SET author = CAST(x'ff' AS TEXT) WHERE id = 77", "a text in it is none"),
        ("UPDATE draft SET account_id = 4711", "draft: "),
    ],
)
def test_a_row_that_postgresql_does_not_take_is_said(folder, empty, damage, says):
    change(folder, damage)
    done = run(folder, "--to", empty)
    assert done.exit_code == os.EX_IOERR
    assert says in done.output
    assert "Traceback" not in done.output


# ----------------------------------------------------------------------------------------------------------- refused


def dump(url):
    tables = say(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [say(url, f"SELECT * FROM {name} ORDER BY 1") for (name,) in tables]  # noqa: S608 - those that are there


@pytest.mark.parametrize(
    "held_already",
    [
        ["CREATE TABLE theirs (id integer)"],
        ["CREATE VIEW theirs AS SELECT 1"],
        ["CREATE TABLE schema_version (version integer)", "CREATE TABLE theirs AS SELECT 1 AS id"],
    ],
)
def test_a_target_that_holds_something_else_is_not_touched(folder, empty, held_already):
    for statement in held_already:
        say(empty, statement)
    before = dump(empty)
    done = run(folder, "--to", empty)
    assert done.exit_code == 1
    assert "is not empty" in done.output
    assert "It was not touched" in done.output
    assert dump(empty) == before


def test_a_database_that_was_served_is_not_touched(folder, empty):
    with closing(connect(empty)) as connection:
        migrate(connection)
    write_once(empty, lambda tx: tx.add(Meta(name="key check", value=b"theirs")))
    before = dump(empty)
    assert "rows in the table meta" in run(folder, "--to", empty).output
    assert dump(empty) == before


def test_a_copy_that_is_finished_is_not_touched(folder, empty):
    assert run(folder, "--to", empty).exit_code == 0
    before = dump(empty)
    again = run(folder, "--to", empty)
    assert again.exit_code == 1
    assert f"was copied from {folder / 'gateway.db'} whole" in again.output
    assert dump(empty) == before


def test_a_copy_of_another_database_that_was_begun_is_not_touched(folder, empty, tmp_path):
    with pytest.raises(Killed):
        copied(folder, empty, at_most(3))
    shutil.copytree(folder, tmp_path / "other")
    before = dump(empty)
    done = run(tmp_path / "other", "--to", empty)
    assert done.exit_code == 1
    assert f"begun of another file, {folder / 'gateway.db'}" in done.output
    assert dump(empty) == before


def test_two_do_not_copy_to_one_target(folder, empty):
    def step(*_):
        done = run(elsewhere, "--to", empty)
        assert done.exit_code == os.EX_TEMPFAIL
        assert "another copy" in done.output
        raise Killed

    elsewhere = folder.with_name("elsewhere")
    shutil.copytree(folder, elsewhere)
    with pytest.raises(Killed):
        copied(folder, empty, step)


def test_a_gateway_that_serves_has_to_be_stopped_first(folder, empty):
    with sole_use(folder / "gateway.db.serving"):
        done = run(folder, "--to", empty)
    assert done.exit_code == os.EX_CONFIG
    assert "stop it first" in done.output


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("PRAGMA user_version = 1", "bring it forward first (gateway migrate)"),
        ("UPDATE meta SET value = x'00' WHERE name = 'key check'", "these are not the keys"),
        (
            "INSERT INTO meta VALUES (900, 'restored as a drill', CAST('2026-03-02' AS BLOB))",
            "it is only to be looked at",
        ),
    ],
    ids=["an older schema", "other keys", "a drill"],
)
def test_what_may_not_be_served_is_not_copied(folder, empty, changed, said):
    change(folder, changed)
    done = run(folder, "--to", empty)
    assert done.exit_code == os.EX_CONFIG
    assert said in done.output


def test_what_a_crash_has_left_in_the_log_is_copied_too(folder, empty):
    file = folder / "gateway.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("UPDATE sender SET name = 'In the log' WHERE id = 1")
        left = {end: (folder / f"gateway.db{end}").read_bytes() for end in ("", "-wal")}
    for end, octets in left.items():
        (folder / f"gateway.db{end}").write_bytes(octets)
    assert b"In the log" not in left[""]
    assert copied(folder, empty).is_equal
    assert read_once(empty, lambda tx: tx.get(Sender, 1)).name == "In the log"


def test_what_is_no_database_is_said(folder, empty):
    (folder / "gateway.db").write_bytes(b"no database" * 100)
    done = run(folder, "--to", empty)
    assert done.exit_code == os.EX_IOERR
    assert "not a database" in done.output


def test_a_database_of_another_encoding_is_refused(folder, postgres_server):
    postgres_server.say("DROP DATABASE IF EXISTS latin")
    postgres_server.say("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    done = run(folder, "--to", postgres_server.of("latin"))
    assert done.exit_code == 1
    assert "is encoded as LATIN1" in done.output


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--to", "sqlite:///other.db"], 2, "a copy to anything else is not built"),
        (["--from", "postgresql://u:geheim@h/d", "--to", "sqlite:///other.db"], 2, "from PostgreSQL no copy is built"),
        (["--from", "postgresql://u:geheim@h/d", "--to", "postgresql://u:geheim@h/e"], 2, "from PostgreSQL no copy"),
        (["--from", "sqlite:///gateway.db"], 2, "go with --to"),
        (["--json"], 2, "go with --to"),
        (["--to", "postgresql://u:geheim@h/e", "--dry-run"], 2, "goes without"),
        (["--to", "postgresql://u:ge@heim@h/e"], 1, "%40"),
        (["--to", "postgresql://u:ge/heim@h/e"], 1, "%2F"),
        (["--to", "postgresql://u:ge#heim@h/e"], 1, "%23"),
        (["--to", "postgresql://u:ge?heim@h/e"], 1, "%3F"),
        (["--to", "postgresql://u:%zzgeheim@h/e"], 1, "%25"),
        (["--to", "postgresql://u:geheim@127.0.0.1:1/e"], os.EX_TEMPFAIL, "cannot be used now"),
        (["--from", "sqlite:///none.db", "--to", "postgresql://u:geheim@h/e"], os.EX_CONFIG, "there is no"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_password(folder, words, code, says):
    done = run(folder, *words)
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert "heim" not in done.output
    assert "Traceback" not in done.output


# ---------------------------------------------------------------------------------------------------- the command


def test_the_command_says_what_was_copied_and_what_to_do_next(folder, empty):
    secret = empty.replace("gateway@", "gateway:geheim@")
    command = [sys.executable, "-m", "gateway", "migrate", "--config", str(folder / "gateway.toml")]
    done = subprocess.run(
        [*command, "--from", "sqlite:///gateway.db", "--to", secret], check=False, capture_output=True, text=True
    )
    assert (done.returncode, "geheim" in done.stdout + done.stderr) == (0, False), done.stderr
    [line] = [line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["sender"]]
    assert line[1] == line[2] != "0"
    assert line[3] == "yes"
    assert "1 texts have a NUL in them" in done.stdout
    assert f'write database.url = "{empty}"' in done.stderr
    assert_is_whole(folder, empty)


def test_programs_are_told_counts_and_digests(folder, empty):
    done = run(folder, "--to", empty, "--json")
    *tables, last = map(json.loads, done.stdout.splitlines())
    assert last == {
        "complete": True, "large_content": last["large_content"], "missing": 0, "left_out": 0, "replaced": 1,
    }  # fmt: skip
    assert len(tables) == len(TABLES) + 1
    for one in tables:
        assert one["equal"]
        assert one["digest"] == one["copied_digest"]
        assert one["rows"] == one["copied"]
    assert len({one["digest"] for one in tables}) == len(tables)
