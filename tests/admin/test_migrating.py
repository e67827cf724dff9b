"""`gateway migrate`: an older database is looked at, tried, backed up and brought forward; a newer one is refused."""

import os
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.edge.run.supervisor import sole_use
from gateway.setup import Answers, set_up
from tests.store.test_migrations import of_version
from tests.store.written import dumps, newest

OLD = [version for version in dumps() if version < newest()]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A gateway whose database an older version has written: its folder."""
    monkeypatch.setenv("NO_COLOR", "1")
    folder = tmp_path / "site"
    set_up(folder, Answers("secure.riverside.example", "Riverside", "riverside.example", "127.0.0.1:2526", "http://x"))
    return folder


def old(site, version):
    (site / "gateway.db").unlink(missing_ok=True)
    rows = "\n".join(line for line in dumps()[version].splitlines() if not line.startswith('INSERT INTO "meta"'))
    of_version(site / "gateway.db", version, rows)
    with closing(sqlite3.connect(site / "gateway.db")) as database:
        database.execute("PRAGMA journal_mode=wal")  # as every gateway leaves it


def run(site, *words):
    return CliRunner().invoke(app, ["migrate", "--config", str(site / "gateway.toml"), *map(str, words)])


def schema(file):
    with closing(sqlite3.connect(file)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def listed(site):
    return sorted(path.name for path in site.iterdir())


@pytest.mark.parametrize("version", OLD)
def test_every_version_that_kept_data_is_brought_forward(site, version):
    old(site, version)
    done = run(site, "--no-backup")
    assert (done.exit_code, schema(site / "gateway.db")) == (0, newest()), done.output
    assert f"done: the database has schema {newest()}" in done.output
    with closing(sqlite3.connect(site / "gateway.db")) as database:
        assert database.execute("SELECT action, detail FROM audit ORDER BY id DESC LIMIT 1").fetchall() == [
            ("migrated", f"schema {version} to {newest()}")
        ]
        [(senders,)] = database.execute("SELECT count(*) FROM sender").fetchall()
    assert senders == 1


@pytest.mark.parametrize("version", OLD)
def test_a_dry_run_shows_what_would_be_done_and_changes_nothing(site, version):
    old(site, version)
    before, files = (site / "gateway.db").read_bytes(), listed(site)
    done = run(site, "--dry-run")
    assert done.exit_code == 0, done.output
    assert f"  {version + 1}  " in done.output
    assert "tried on a copy" in done.output
    assert schema(site / "gateway.db") == version
    assert (site / "gateway.db").read_bytes() == before
    assert [name for name in listed(site) if "copy" in name or name not in files] == []


def test_without_a_backup_of_the_last_day_nothing_is_done(site):
    old(site, OLD[0])
    done = run(site)
    assert (done.exit_code, schema(site / "gateway.db")) == (os.EX_CONFIG, OLD[0])
    assert "--backup DIR" in done.output


def test_a_backup_is_taken_first_and_it_has_the_old_schema(site, tmp_path):
    old(site, OLD[0])
    with closing(sqlite3.connect(site / "gateway.db")) as database, database:
        database.execute("DELETE FROM content")
    done = run(site, "--backup", tmp_path / "backups")
    assert (done.exit_code, schema(site / "gateway.db")) == (0, newest()), done.output
    [snapshot] = (tmp_path / "backups/snapshots").iterdir()
    assert f'"schema": {OLD[0]}' in (snapshot / "manifest.json").read_text()


def test_a_newer_schema_is_refused_in_a_plain_line(site):
    old(site, OLD[0])
    with closing(sqlite3.connect(site / "gateway.db")) as database:
        database.execute("PRAGMA user_version = 999")
    for words in ([], ["--dry-run"], ["--no-backup"]):
        done = run(site, *words)
        assert done.exit_code == os.EX_CONFIG
        assert "the file has schema 999" in done.output
        assert "Traceback" not in done.output
    assert schema(site / "gateway.db") == 999


def test_a_gateway_that_serves_has_to_be_stopped_first(site):
    old(site, OLD[0])
    with sole_use(site / "gateway.db.serving"):
        done = run(site, "--no-backup")
    assert (done.exit_code, schema(site / "gateway.db")) == (os.EX_CONFIG, OLD[0])
    assert "stop it first" in done.output


def test_there_is_nothing_to_do_twice(site):
    old(site, OLD[0])
    assert run(site, "--no-backup").exit_code == 0
    again = run(site)
    assert again.exit_code == 0
    assert "there is nothing to do" in again.output
