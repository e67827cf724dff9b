"""Each planted damage is found and named; what is whole is called whole, and nothing is changed by looking."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.admin.access import opened
from gateway.admin.doctor.examination import examine
from gateway.admin.doctor.findings import Harm
from gateway.admin.doctor.fixing import FIXES, fix
from gateway.admin.doctor.repair import repair
from gateway.admin.doctor.sealed import SEALED
from gateway.config.toml_file import load
from gateway.domain.address import address
from gateway.domain.model import Copy, Delivery
from gateway.errors import ConfigError
from gateway.flow.administration import erase
from gateway.flow.upkeep import chain, resealing
from tests.admin import patient
from tests.admin.damages import DAMAGES, Damage, crashed, flip, sql


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "gateway"
    patient.made(folder)
    return folder


@pytest.fixture
def folder(whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "gateway")
    monkeypatch.setenv("GATEWAY_CLOCK_FILE", str(tmp_path / "gateway" / "now"))
    return tmp_path / "gateway"


def examined(folder: Path):
    return examine(load(folder / "gateway.toml"))


def test_what_is_whole_is_called_whole(folder):
    report = examined(folder)
    assert report.findings == ()
    assert report.whole["messages"] == 4
    assert report.whole["passing mails"] == 3
    assert not report.is_damaged


@pytest.mark.parametrize("who", [patient.PAT, patient.QUINN, patient.EVE])
def test_who_was_erased_is_no_damage(folder, who):
    """One who is invited, one who has an account, and one about whom the sender is asked."""
    settings, at = load(folder / "gateway.toml"), address(who)
    with opened(settings) as access:
        assert access.do(erase.end, at) == []
        access.do(erase.destroy_copies, at, 1000)
        access.do(erase.take_out_of_queue, at, 0, 1000)
        access.do(erase.forget, at)
        access.do(chain.seal)
    assert [one.what for one in examined(folder).findings] == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name.replace(" ", "-"))
def test_a_planted_damage_is_found_and_named(folder, damage: Damage):
    damage.plant(folder)
    report = examined(folder)
    of_its_kind = [one for one in report.findings if one.kind == damage.kind]
    named = [one for one in of_its_kind if all(word in one.what for word in damage.says)]
    assert named, "\n".join(f"{one.kind}: {one.what}" for one in report.findings)
    assert any(one.harm is not Harm.NOTE for one in named)
    assert report.is_damaged
    if damage.whose:
        assert any(damage.whose in one.whose for one in named)


def test_there_are_enough_of_them():
    assert len(DAMAGES) >= 40
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES)


# ----------------------------------------------------------------------------------------------------- looking, mending


def digests(folder: Path) -> dict[str, tuple[str, float]]:
    found = (one for one in folder.rglob("*") if one.is_file())
    told = ((one, hashlib.sha256(one.read_bytes()).hexdigest()) for one in found)
    return {str(one.relative_to(folder)): (digest, one.stat().st_mtime) for one, digest in told}


@pytest.mark.parametrize("name", ["a copy's key", "log damaged", "log cut between pages", "an index's page damaged"])
def test_looking_changes_nothing(folder, name):
    damage = next(one for one in DAMAGES if one.name == name)
    damage.plant(folder)
    before = digests(folder)
    first = examined(folder)
    assert digests(folder) == before
    assert examined(folder).findings == first.findings


def test_a_damage_concerns_those_who_are_named_and_nobody_else(folder):
    damage = next(one for one in DAMAGES if one.name == "a file missing")
    damage.plant(folder)
    (lost,) = examined(folder).findings
    assert lost.whose == ("pat@home.example",)
    assert lost.message == 1
    assert "message 1 of 2 March 2026 from Dr Ada <ada@riverside.example>" in lost.what


def test_what_a_crash_has_left_in_the_log_is_no_damage(folder):
    crashed(folder)
    assert examined(folder).findings == ()


def test_nothing_that_people_wrote_is_told(folder):
    """Neither subjects, nor contents, nor birthdates; of a bit that is flipped anywhere in the file."""
    said = ""
    for at in range(1, 40, 3):
        copy = folder.with_name(f"copy{at}")
        shutil.copytree(folder, copy)
        flip(copy / "gateway.db", at * 4096 + 2000, 0xFF, 3)
        said += str(examined(copy))
        shutil.rmtree(copy)
    assert "Results" not in said
    assert "Lunch" not in said
    assert "1980" not in said


MENDED = ["an index missing", "due at another time", "a lease of tomorrow", "timed work's note", "a search entry",
          "keys open to all", "database open to all", "a file open to all", "an index that lacks rows"]  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_small_damages_are_mended_in_place_when_that_is_asked_for(folder, name):
    next(one for one in DAMAGES if one.name == name).plant(folder)
    settings = load(folder / "gateway.toml")
    for finding in examine(settings).findings:
        if finding.fixable:
            assert fix(settings, finding) == ""
    assert examine(settings).findings == ()


def test_each_fixable_kind_has_its_fix(folder):
    kinds = set()
    for name in MENDED:
        copy = folder.with_name(name)
        shutil.copytree(folder, copy)
        next(one for one in DAMAGES if one.name == name).plant(copy)
        kinds |= {one.kind for one in examined(copy).findings if one.fixable}
    assert kinds == set(FIXES) - {"schema-other-index"}


# -------------------------------------------------------------------------------------------------------------- saving


def saved(folder: Path):
    return repair(load(folder / "gateway.toml"), folder / "saved")


def test_a_whole_gateway_is_saved_whole(folder):
    before = digests(folder)
    done = saved(folder)
    assert (done.left, done.made, done.report.findings) == ((), (), ())
    assert {name: digest for name, digest in digests(folder).items() if not name.startswith("saved")} == before
    assert numbers_of(folder / "saved/gateway.db") == numbers_of(folder / "gateway.db")


def numbers_of(database: Path):
    with closing(sqlite3.connect(database)) as opened:
        return dict(opened.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("an index's page damaged", set()),
        ("database's magic flipped", set()),
        ("database's page size flipped", set()),
        ("content's row missing", set()),
        ("a row that is none", set()),  # the invitation is made anew, and its sender asked again
        ("an index missing", set()),
        ("a copy's key", {"copy-key"}),
        ("a file missing", {"file-missing"}),
        ("a copy without its message", set()),
    ],
)
def test_what_is_whole_is_saved_and_the_rest_is_named(folder, name, lost):
    next(one for one in DAMAGES if one.name == name).plant(folder)
    done = saved(folder)
    assert {one.kind for one in done.report.findings if one.harm is Harm.LOST} == lost
    whole = {"a copy's key": 3, "a file missing": 3, "a copy without its message": 3}.get(name, 4)
    assert done.report.whole["messages"] == whole


def fill(database: Path) -> None:
    """So many rows that their table has many pages; one page has the row of the victim."""
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.executemany(
            "INSERT INTO observation (at, author, recipient, action, reason) VALUES (0, ?, 'them', 'pass', 'none')",
            [["victim" if number == 500 else "a" * 100] for number in range(1000)],
        )


def leaf_with(database: Path, octets: bytes) -> int:
    """Where the page begins that has these octets."""
    return database.read_bytes().rindex(octets) // 4096 * 4096


def test_rows_of_damaged_pages_are_left_behind_by_name(folder):
    fill(folder / "gateway.db")
    flip(folder / "gateway.db", leaf_with(folder / "gateway.db", b"victim"), 0xFF, 8)
    done = saved(folder)
    (line,) = [one for one in done.left if one.startswith("observation")]
    assert "lie on damaged pages" in line
    with closing(sqlite3.connect(folder / "saved/gateway.db")) as database:
        kept = database.execute("SELECT count(*) FROM observation").fetchone()[0]
    assert 900 < kept < 1000
    assert done.report.whole["messages"] == 4


def test_a_lost_sender_and_a_lost_account_get_a_row_in_their_place(folder):
    sql("DELETE FROM sender", "DELETE FROM account")(folder)
    done = saved(folder)
    assert any(line.startswith("sender 1") for line in done.made)
    assert any(line.startswith("the account of quinn@home.example") for line in done.made)
    assert done.report.whole["messages"] == 4
    assert not [one for one in done.report.findings if one.harm is Harm.LOST]


def test_nothing_is_saved_over_what_is_there(folder):
    (folder / "saved").mkdir()
    (folder / "saved/gateway.db").touch()
    with pytest.raises(ConfigError, match="is there already"):
        saved(folder)


def test_the_doctor_opens_all_that_a_rotation_seals_anew():
    opened = {(one.table, one.name) for one in SEALED}
    keys = {(Copy, "wrapped_key"), (Delivery, "wrapped_key")}  # messages.py opens these, with what lies under them
    assert opened | keys == {(one.table, one.name) for one in resealing.SEALED}
