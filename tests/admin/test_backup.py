"""What a backup does about what it finds in its folder, and what is said of each damage there."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.admin import backup
from gateway.admin.access import ask, do
from gateway.admin.backup import back_up
from gateway.admin.backup_folder import WEEK, is_due
from gateway.admin.recovery import read_recovery_key
from gateway.admin.restore import Wanted, restore
from gateway.admin.verify import verify
from gateway.cli.app import app
from gateway.domain.ledger import LedgerKind
from gateway.errors import ConfigError, DamagedBackup, StoreBusy
from gateway.flow.ledger import note
from gateway.flow.upkeep import backups
from tests.bench.restore import fill, made

MANIFEST, DATABASE, CONTENT = "snapshots/*/manifest.json", "snapshots/*/0-gateway.db*", "content/*"


def step(*_):
    pass


class Kept:
    """A gateway with twenty holds, two of them in files, and its backups."""

    def __init__(self, place: Path, *, recovery_key: bool = True) -> None:
        self.settings = made(place / "old", recovery_key=recovery_key)
        fill(self.settings, 20)
        self.place, self.config, self.folder = place, place / "old/gateway.toml", place / "backups"
        self.key = place / "old/gateway.recovery" if recovery_key else None

    @property
    def identity(self):
        return read_recovery_key(self.key) if self.key else None

    def back_up(self, **how):
        return back_up(self.settings, self.config, self.folder, 30, step, **how)

    def verify(self, at=None):
        return verify(self.settings, self.folder, at, self.identity, step)

    def restore(self, **more):
        ledger = self.place / "old/gateway.ledger"
        return restore(Wanted(self.folder, self.place / "new", identity=self.identity, ledger=ledger, **more), step)

    def one(self, pattern):
        return sorted(self.folder.glob(pattern))[-1]

    def type(self, *words):
        """A command as it is typed; its exit code and all that it says."""
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    kept.back_up()
    return kept


def flip(file: Path) -> None:
    octets = bytearray(file.read_bytes())
    octets[len(octets) // 2] ^= 1
    file.write_bytes(octets)


@pytest.mark.parametrize("recovery_key", [True, False])
def test_a_damaged_content_file_is_taken_anew_and_every_snapshot_is_whole_again(tmp_path, recovery_key):
    kept = Kept(tmp_path, recovery_key=recovery_key)
    first = kept.back_up().manifest.at
    kept.back_up()
    flip(kept.one(CONTENT))
    assert len(kept.verify().damaged) == 1
    taken = kept.back_up(compares_all=True)
    assert [line for line in taken.warnings if "was damaged in the backup, and was taken anew" in line]
    assert kept.verify().faults == []
    assert kept.verify(first).faults == []
    assert not [line for line in kept.back_up(compares_all=True).warnings if "taken anew" in line]


def test_each_content_file_is_compared_once_a_week():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    for content_id in ("5c63", "a0f1", "00ff"):
        assert sum(is_due(content_id, at + timedelta(days=day)) for day in range(WEEK)) == 1


def test_it_is_restored_without_what_is_damaged_when_that_is_asked_for(kept):
    file = kept.one(CONTENT)
    flip(file)
    with pytest.raises(DamagedBackup, match=r"--without-damaged goes on"):
        kept.restore()
    done = kept.restore(without_damaged=True)
    assert done.opened.holds == 19
    [fault] = done.opened.faults
    assert file.name.removesuffix(".age") in fault
    code, said = kept.type("doctor", "--config", done.config)
    assert (code, said.count("LOST")) == (os.EX_DATAERR, 1)


def test_what_is_damaged_of_a_snapshot_itself_is_not_gone_on_without(kept):
    flip(kept.one(DATABASE))
    with pytest.raises(DamagedBackup) as refused:
        kept.restore(without_damaged=True)
    assert "--without-damaged" not in str(refused.value)


def test_a_snapshot_whose_manifest_cannot_be_read_stops_no_backup_and_loses_nothing(kept):
    kept.one(MANIFEST).write_text("{")
    before = {one.name for one in (kept.folder / "content").iterdir()}
    warnings = kept.back_up().warnings
    assert [line for line in warnings if "cannot be read" in line and "no old content was removed" in line]
    assert {one.name for one in (kept.folder / "content").iterdir()} == before
    assert kept.verify().faults == []


@pytest.mark.parametrize("where", ["content/x", "content/x.tmp", "snapshots/x.tmp"])
def test_a_folder_that_has_no_business_there_stops_no_backup(kept, where):
    (kept.folder / where).mkdir()
    kept.back_up()
    assert not (kept.folder / where).exists()


def test_a_backup_that_cannot_be_noted_is_a_backup(kept, monkeypatch):
    def busy(*_):
        raise StoreBusy("another process holds its lock")

    monkeypatch.setattr(backup, "do", busy)
    assert [line for line in kept.back_up().warnings if "the backup is whole" in line]
    assert kept.verify().faults == []


def test_status_knows_a_backup_that_was_noted(kept):
    assert ask(kept.settings, lambda ctx: backups.last(ctx.tx)) is not None


@pytest.mark.parametrize("where", ["old", "old/gateway.db.spool", "old/gateway.db.spool/backups", "old/gateway.keys"])
def test_no_backup_goes_to_where_the_gateway_lives(kept, where):
    with pytest.raises(ConfigError, match=r"name another one|name a folder"):
        back_up(kept.settings, kept.config, kept.place / where, 30, step)
    assert not (kept.place / where / "snapshots").exists()


def test_a_backup_on_the_databases_own_disk_is_warned_of(kept, monkeypatch):
    assert [line for line in kept.back_up().warnings if "same disk" in line]


def _cut(file):
    file.write_bytes(file.read_bytes()[:-10])


def _folder(file):
    file.unlink()
    file.mkdir()


def _dangling(file):
    file.unlink()
    file.symlink_to("/nonexistent/x")


HARMS = {"flipped": flip, "cut": _cut, "missing": Path.unlink, "a folder": _folder, "a dangling link": _dangling}
FILES = {"manifest": MANIFEST, "database": DATABASE, "keys": "snapshots/*/*gateway.keys*", "content": CONTENT}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("what", FILES)
def test_every_damage_is_named_and_none_is_a_traceback(kept, what, harm):
    file = kept.one(FILES[what])
    HARMS[harm](file)
    config, key = ("--config", kept.config), ("--recovery-key", kept.key)
    ledger = ("--ledger", kept.place / "old/gateway.ledger")
    code, said = kept.type("backup", kept.folder, *config, "--verify", *key)
    assert code == os.EX_DATAERR
    assert file.name in said
    code, said = kept.type("restore", kept.folder, "--config", kept.place / "new", *key, *ledger)
    assert code == os.EX_DATAERR
    assert file.name in said or what == "manifest"  # without the keys in it, only that it does not fit what is there
    code, said = kept.type("backup", kept.folder, *config, "--compare-all")
    assert code == 0, said
    assert "[Errno" not in said
    code, said = kept.type("backup", kept.folder, *config, "--verify", *key)
    assert code == 0, said


@pytest.mark.parametrize("words", [("--keep", "99999999999"), ("--keep", "-1")])
def test_days_that_no_calendar_has_are_refused(kept, words):
    code, _ = kept.type("backup", kept.folder, "--config", kept.config, *words)
    assert code == 2


def test_a_backup_that_root_takes_is_the_databases_owners_who_takes_the_next_one(tmp_path):
    """Typed as root before an upgrade; the timer runs as the gateway's own user. What lay there before is as it was."""
    own = (os.geteuid(), os.getegid())
    theirs = (65534, 65533) if own[0] == 0 else own  # whoever is not root can make files for nobody else
    kept = Kept(tmp_path)
    for file in (kept.settings.database_path.parent, *kept.settings.database_path.parent.rglob("*")):
        os.chown(file, *theirs)
    for file in (kept.place / "old").glob("*.l*"):  # the ledger and the locks: a first command makes them
        file.unlink()
    do(kept.settings, lambda ctx: note(ctx, LedgerKind.COPY, 99, "DESTROYED"))
    assert {(one.stat().st_uid, one.stat().st_gid) for one in (kept.place / "old").iterdir()} == {theirs}
    for _ in range(2):
        kept.back_up()
    made = [kept.folder, *kept.folder.rglob("*")]
    assert len(made) > 8
    assert {(one.stat().st_uid, one.stat().st_gid) for one in made} == {theirs}
    other = tmp_path / "mounted"
    other.mkdir()
    back_up(kept.settings, kept.config, other, 30, step)
    assert {one.stat().st_uid for one in (other, *other.rglob("*"))} == {own[0]}
