"""A restore that is cut off, wherever that is, leaves nothing that serves, and can be run again."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.admin import restore as restoring
from gateway.admin.access import ask, do
from gateway.admin.backup import back_up
from gateway.admin.recovery import read_recovery_key
from gateway.admin.restore import Wanted, restore
from gateway.config.toml_file import load
from gateway.domain.address import address
from gateway.domain.ledger import LedgerKind
from gateway.domain.model_records import LedgerEntry, LegalHold
from gateway.edge.run.clock import the_clock
from gateway.errors import ConfigError, DamagedBackup
from gateway.flow.administration import holds
from gateway.flow.ledger import note
from gateway.prepare import check_at_hand, keys_of, prepare
from gateway.prepare import restoring as place_of
from gateway.store.ledger import ChainedLedger
from tests.bench.restore import fill, made


def step(*_):
    pass


@pytest.fixture
def wanted(tmp_path):
    """A backup of ten holds, one of them in a file, and where it is to be restored."""
    settings = made(tmp_path / "old")
    fill(settings, 10)
    do(settings, lambda ctx: note(ctx, LedgerKind.COPY, 99, "DESTROYED"))
    back_up(settings, tmp_path / "old/gateway.toml", tmp_path / "backups", 30, step)
    key, ledger = read_recovery_key(tmp_path / "old/gateway.recovery"), tmp_path / "old/gateway.ledger"
    return Wanted(tmp_path / "backups", tmp_path / "new", identity=key, ledger=ledger)


class Cut(BaseException):
    """Stands for a kill: nothing that runs after it may matter."""


POINTS = ("bring_up", "_take_content", "settle", "opened_in", "close_log", "sync_folder")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("is_killed", [True, False])
def test_cut_off_it_serves_nothing_and_is_run_again(wanted, monkeypatch, point, is_killed):
    def cut(*_, **__):
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(restoring, point, cut)
        if is_killed:
            patched.setattr(restoring.shutil, "rmtree", cut)
        with pytest.raises(Cut):
            restore(wanted, step)
    _serves_nothing(wanted.target)
    assert restore(wanted, step).opened.holds == 10
    check_at_hand(load(wanted.target / "gateway.toml"))


def test_cut_off_while_it_is_put_in_place(wanted, monkeypatch, tmp_path):
    """Before each of the moves, one after the other."""
    moves = 0
    while True:
        left = moves
        place = replace(wanted, target=tmp_path / f"new{moves}")

        def counted(move):
            def moved(*words):
                nonlocal left
                if left == 0:
                    raise Cut
                left -= 1
                return move(*words)

            return moved

        with monkeypatch.context() as patched:
            patched.setattr(restoring.shutil, "move", counted(shutil.move))
            patched.setattr(Path, "rename", counted(Path.rename))
            try:
                restore(place, step)
                break
            except Cut:
                _serves_nothing(place.target)
                moves += 1
        assert restore(place, step).opened.holds == 10
        check_at_hand(load(place.target / "gateway.toml"))
    assert moves == 4  # settings, keys, content, database


def _serves_nothing(target):
    config = target / "gateway.toml"
    if config.exists():
        settings = load(config)
        with pytest.raises(ConfigError, match="a restore was interrupted"):
            check_at_hand(settings)
        assert place_of(settings).exists()


def test_the_keys_that_are_there_are_not_replaced(wanted):
    wanted.target.mkdir()
    (wanted.target / "gateway.keys").write_text("another's")
    with pytest.raises(ConfigError, match=r"gateway.keys is there already"):
        restore(wanted, step)
    assert (wanted.target / "gateway.keys").read_text() == "another's"


def test_settings_that_were_written_for_the_new_place_are_used(wanted, tmp_path):
    wanted.target.mkdir()
    text = (tmp_path / "old/gateway.toml").read_text() + '\n[database]\nurl = "sqlite:///other.db"\n'
    (wanted.target / "own.toml").write_text(text)
    done = restore(replace(wanted, target=wanted.target / "own.toml"), step)
    assert done.config == wanted.target / "own.toml"
    assert (wanted.target / "other.db").exists()
    assert (wanted.target / "own.toml").read_text() == text


def test_without_a_recovery_key_it_holds_no_secret_and_takes_the_keys_that_are_there(tmp_path):
    settings = made(tmp_path / "old", recovery_key=False)
    fill(settings, 10)
    secret = (tmp_path / "old/gateway.keys").read_text().split('"')[-2]
    back_up(settings, tmp_path / "old/gateway.toml", tmp_path / "backups", 30, step)
    assert not [
        file for file in (tmp_path / "backups").rglob("*") if file.is_file() and secret in file.read_text("latin")
    ]
    wanted = Wanted(tmp_path / "backups", tmp_path / "new", ledger=tmp_path / "old/gateway.ledger")
    with pytest.raises(ConfigError, match=r"keys.file"):
        restore(wanted, step)
    (tmp_path / "new").mkdir()
    (tmp_path / "new/gateway.keys").write_text((tmp_path / "old/gateway.keys").read_text())
    assert restore(wanted, step).opened.holds == 10


def test_files_that_lie_elsewhere_come_into_a_folder_and_are_named(tmp_path, wanted):
    settings = load(tmp_path / "old/gateway.toml")
    password = tmp_path / "far/password"
    password.parent.mkdir()
    password.write_text("swordfish")
    hop = settings.next_hop.model_copy(update={"password_file": str(password)})
    back_up(
        settings.model_copy(update={"next_hop": hop}), tmp_path / "old/gateway.toml", tmp_path / "backups", 30, step
    )
    done = restore(wanted, step)
    assert (wanted.target / "elsewhere" / str(password).lstrip("/")).read_text() == "swordfish"
    assert [line for line in done.by_hand if str(password) in line]


@pytest.mark.parametrize(("name", "path"), [("../x", "gateway.keys"), ("x", "../../gateway.keys")])
def test_a_manifest_that_leads_out_of_its_folder_is_refused(wanted, name, path):
    [manifest] = wanted.folder.glob("snapshots/*/manifest.json")
    said = json.loads(manifest.read_text())
    said["files"][-1] |= {"name": name, "path": path}
    manifest.write_text(json.dumps(said))
    with pytest.raises(DamagedBackup, match=r"no name of a file|leads out"):
        restore(wanted, step)


def test_the_ledger_of_a_made_up_backup_does_not_fit(wanted, tmp_path):
    """Whoever can write to the folder knows the recovery key's public half, and could make a backup of their own."""
    other = made(tmp_path / "eve")
    fill(other, 1)
    back_up(other, tmp_path / "eve/gateway.toml", tmp_path / "made-up", 30, step)
    key = read_recovery_key(tmp_path / "eve/gateway.recovery")
    with pytest.raises(ConfigError, match="not as it was written"):
        restore(replace(wanted, folder=tmp_path / "made-up", identity=key), step)


def test_what_an_administrator_destroys_is_in_the_ledger_at_once(tmp_path):
    settings = made(tmp_path / "old")
    do(settings, lambda ctx: note(ctx, LedgerKind.COPY, 7, "DESTROYED"))
    assert '"7 DESTROYED"' in (tmp_path / "old/gateway.ledger").read_text()


def octets_of(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_restore_writes_to_no_copy_of_the_ledger(wanted, tmp_path):
    """The copies that the settings name may be those of a gateway that still serves."""
    copy = tmp_path / "copy"
    copy.write_bytes(wanted.ledger.read_bytes())
    settings = tmp_path / "old/gateway.toml"
    settings.write_text(f'{settings.read_text()}\n[ledger]\ncopies = ["{copy}"]\n')
    back_up(load(settings), settings, wanted.folder, 30, step)
    before = copy.read_bytes()
    restore(replace(wanted, ledger=copy), step)
    assert copy.read_bytes() == before
    lines = (wanted.target / "gateway.ledger").read_bytes()
    assert lines.startswith(before)
    assert lines.count(b'"restored"') == 1


def test_a_drill_writes_nothing_outside_of_its_folder_and_is_never_served(wanted, tmp_path):
    settings = tmp_path / "old/gateway.toml"
    live = tmp_path / "old/gateway.ledger"
    settings.write_text(f'{settings.read_text()}\n[ledger]\nfile = "{live}"\n')
    back_up(load(settings), settings, wanted.folder, 30, step)
    before = octets_of(tmp_path)
    done = restore(replace(wanted, ledger=None, drill=True), step)
    assert done.opened.holds == 10
    assert {file: known for file, known in octets_of(tmp_path).items() if wanted.target not in file.parents} == before
    drill = load(done.config)
    with pytest.raises(ConfigError, match=r"restored as a drill .* without --drill"):
        prepare(drill, the_clock(), ())
    with pytest.raises(ConfigError, match="restored as a drill"):
        back_up(drill, done.config, wanted.folder, 30, step)
    do(drill, lambda ctx: note(ctx, LedgerKind.COPY, 98, "DESTROYED"))
    assert live.read_bytes() == before[live]


def test_a_drill_of_the_packages_layout_moves_database_spool_and_ledger_into_its_folder(wanted, tmp_path):
    """Settings in one folder, data in another: as the package has it. The live gateway lies on the same machine."""
    old, data = tmp_path / "old", tmp_path / "var"
    data.mkdir()
    for file in old.glob("gateway.db*"):
        file.rename(data / file.name)
    (old / "gateway.ledger").rename(data / "gateway.ledger")
    settings, apart = old / "gateway.toml", f'[ledger]\nfile = "{data}/gateway.ledger"\n'
    settings.write_text(f'{settings.read_text()}\n[database]\nurl = "sqlite:///{data}/gateway.db"\n{apart}')
    back_up(load(settings), settings, wanted.folder, 30, step)
    do(load(settings), lambda ctx: note(ctx, LedgerKind.COPY, 98, "DESTROYED"))
    before = octets_of(tmp_path)
    done = restore(replace(wanted, ledger=None, drill=True), step)
    assert (done.opened.holds, done.ledger.file) == (10, data / "gateway.ledger")
    assert {file: known for file, known in octets_of(tmp_path).items() if wanted.target not in file.parents} == before
    drill = load(done.config)
    places = (drill.database_path, drill.spool_path, drill.path(drill.ledger.file))
    assert all(place.parent == wanted.target for place in places)
    assert list(drill.spool_path.iterdir())
    with pytest.raises(ConfigError, match="restored as a drill"):
        prepare(drill, the_clock(), ())


def test_a_drill_whose_database_would_lie_elsewhere_is_refused(wanted, tmp_path):
    wanted.target.mkdir()
    text = (tmp_path / "old/gateway.toml").read_text() + f'\n[database]\nurl = "sqlite:///{tmp_path}/far/gateway.db"\n'
    (wanted.target / "gateway.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"far/gateway.db lies outside of"):
        restore(replace(wanted, drill=True), step)
    assert not (tmp_path / "far").exists()


@pytest.mark.parametrize("fault", ["manifest", "database", "no ledger", "opened_in"])
def test_a_restore_that_is_refused_leaves_nothing(wanted, tmp_path, monkeypatch, fault):
    [snapshot] = wanted.folder.glob("snapshots/*")
    if fault == "manifest":
        (snapshot / "manifest.json").write_text(
            (snapshot / "manifest.json").read_text().replace('"holds": 1', '"holds": 2')
        )
    elif fault == "database":
        wanted.target.mkdir()
        (wanted.target / "gateway.db").write_text("another's")
    elif fault == "no ledger":
        wanted = replace(wanted, ledger=tmp_path / "none")
    else:
        monkeypatch.setattr(restoring, "opened_in", lambda *_: 1 / 0)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((ConfigError, DamagedBackup, ZeroDivisionError)):
        restore(wanted, step)
    assert sorted(tmp_path.rglob("*")) == before


def told(file, subject):
    """A ledger with one line more."""
    one = ChainedLedger(file, keys_of(load(file.parent.parent / "old/gateway.toml")))
    one.append([LedgerEntry(at=the_clock().now(), kind=LedgerKind.COPY, subject=subject)])


def test_the_ledger_that_tells_most_is_followed_whichever_is_named(wanted, tmp_path):
    """What the longer one tells was destroyed, even if somebody names an older one."""
    settings, far = tmp_path / "old/gateway.toml", tmp_path / "far"
    far.mkdir()
    settings.write_text(f'{settings.read_text()}\n[ledger]\ncopies = ["{far}/copy"]\n')
    back_up(load(settings), settings, wanted.folder, 30, step)
    shutil.copy(wanted.ledger, far / "copy")
    told(far / "copy", "3 DESTROYED gone")
    done = restore(wanted, step)
    assert done.ledger.file == far / "copy"
    assert done.replayed.destroyed == 1
    assert [line for line in done.by_hand if f"{wanted.ledger} tells less than {far / 'copy'}" in line]


def test_ledgers_that_contradict_each_other_are_named_and_nothing_is_restored(wanted, tmp_path):
    settings, far = tmp_path / "old/gateway.toml", tmp_path / "far"
    far.mkdir()
    settings.write_text(f'{settings.read_text()}\n[ledger]\ncopies = ["{far}/copy"]\n')
    back_up(load(settings), settings, wanted.folder, 30, step)
    shutil.copy(wanted.ledger, far / "copy")
    told(far / "copy", "3 DESTROYED gone")
    told(wanted.ledger, "4 DESTROYED gone")
    told(wanted.ledger, "5 DESTROYED gone")
    with pytest.raises(ConfigError, match=r"far/copy and .*contradict .* from line 2 on it tells something else"):
        restore(wanted, step)
    (far / "copy").rename(far / "aside")
    assert restore(wanted, step).replayed.destroyed == 2


def test_a_legal_hold_of_after_the_backup_comes_back_or_is_said(wanted, tmp_path):
    settings = load(tmp_path / "old/gateway.toml")
    do(settings, lambda ctx: holds.hold_person(ctx, address("p3@home.example"), "a claim"))
    do(settings, lambda ctx: holds.hold_person(ctx, address("nobody@home.example"), "a claim"))
    done = restore(wanted, step)
    stand = ask(load(done.config), lambda ctx: ctx.tx.find(LegalHold))
    assert [one.address for one in stand] == ["p3@home.example"]
    assert ["its person is not in the backup" in line for line in done.by_hand] == [True]
    assert "home.example" not in wanted.ledger.read_text()
