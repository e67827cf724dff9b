"""Where the database is lost, and what tells of it is not, nothing begins anew at number 1 under the same keys."""

import asyncio

import pytest

from gateway.admin.access import do
from gateway.admin.checks import store, table
from gateway.config.toml_file import load
from gateway.domain.ledger import LedgerKind
from gateway.edge.run.clock import the_clock
from gateway.errors import ConfigError
from gateway.flow.ledger import note
from gateway.prepare import prepare
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from tests.bench.restore import made


@pytest.fixture
def settings(tmp_path):
    """A gateway whose ledger, and a copy of it, are told of something."""
    made(tmp_path / "gateway")
    config = tmp_path / "gateway/gateway.toml"
    config.write_text(
        f'{config.read_text()}\n[ledger]\ncopies = ["{tmp_path}/copy"]\n[metrics]\nlisten = "127.0.0.1:0"\n'
    )
    settings = load(config)
    prepare(settings, the_clock(), ()).close()
    do(settings, lambda ctx: note(ctx, LedgerKind.COPY, 7, "DESTROYED"))
    return settings


def checked(settings, monkeypatch):
    monkeypatch.setattr(table, "CHECKS", {"database": store.database})
    return next(one.line for one in asyncio.run(table.inspect(settings)) if "database" in one.line)


@pytest.mark.parametrize("left", ["both", "the ledger", "the copy"])
@pytest.mark.parametrize("database", ["missing", "empty", "new"])
def test_a_ledger_without_its_database_is_not_served(settings, tmp_path, monkeypatch, left, database):
    for name in ("", "-wal", "-shm"):
        settings.database_path.with_name(f"gateway.db{name}").unlink(missing_ok=True)
    if database == "empty":
        settings.database_path.touch()
    if database == "new":
        migrate(open_database(settings.database_path))
    if left == "the copy":
        (tmp_path / "gateway/gateway.ledger").unlink()
    if left == "the ledger":
        (tmp_path / "copy").unlink()
    with pytest.raises(ConfigError, match=r"restore a backup .*, or move the ledger away to begin anew"):
        prepare(settings, the_clock(), ())
    said = checked(settings, monkeypatch)
    assert "FAULT" in said
    assert "move the ledger away" in said
    (tmp_path / "gateway/gateway.ledger").unlink(missing_ok=True)
    (tmp_path / "copy").unlink(missing_ok=True)
    prepare(settings, the_clock(), ()).close()


def test_a_gateway_that_has_destroyed_something_before_it_was_first_served_is_served(tmp_path, monkeypatch):
    made(tmp_path)
    config = tmp_path / "gateway.toml"
    config.write_text(f'{config.read_text()}\n[metrics]\nlisten = "127.0.0.1:0"\n')
    do(load(config), lambda ctx: note(ctx, LedgerKind.COPY, 7, "DESTROYED"))
    prepare(load(config), the_clock(), ()).close()
    assert checked(load(config), monkeypatch) == "ok       database"
