"""The ledger's file: it only grows, every change of it shows, and it is taken up where it was left."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.admin.ledger import astray, compared, take_up, write_down
from gateway.domain.ledger import Gap, LedgerKind, LedgerPosition
from gateway.domain.model_records import LedgerEntry
from gateway.flow import ledger
from gateway.store.databases import SqliteFile
from gateway.store.ledger import ChainedLedger
from gateway.testing import fake_keys

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def entries(*subjects, at=NOW):
    return [LedgerEntry(at=at, kind=LedgerKind.COPY, subject=one) for one in subjects]


@pytest.fixture
def file(tmp_path):
    return ChainedLedger(tmp_path / "gateway.ledger", fake_keys(), [tmp_path / "copy"])


@pytest.fixture
def database(tmp_path):
    opened = SqliteFile(tmp_path / "gateway.db", tmp_path / "spool")
    opened.migrate()
    return opened


def subjects(file):
    known = file.read()
    assert known.fault == ""
    return [line.subject for line in known.lines if line.kind == LedgerKind.COPY]


def edit(file, change):
    lines = file.file.read_text().splitlines()
    file.file.write_text("".join(f"{line}\n" for line in change(lines)))


def test_two_writers_take_turns_and_the_copy_follows(file):
    other = ChainedLedger(file.file, fake_keys(), file.copies)
    for number in range(6):
        (file if number % 2 else other).append(entries(str(number)))
    assert subjects(file) == ["0", "1", "2", "3", "4", "5"]
    assert file.copies[0].read_bytes() == file.file.read_bytes()
    assert file.file.stat().st_mode & 0o077 == 0


def test_a_line_that_a_power_failure_cut_off_is_no_line(file):
    file.append(entries("1", "2"))
    whole = file.file.read_bytes()
    file.file.write_bytes(whole[:-20])
    assert subjects(file) == ["1"]
    ChainedLedger(file.file, fake_keys()).append(entries("3"))
    assert subjects(file) == ["1", "3"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda lines: [lines[0], lines[2]], "line 3 is not as it was written"),
        (lambda lines: [lines[0].replace("destroyed", "restored!"), *lines[1:]], "line 1 is not as it was written"),
        (lambda lines: [lines[0], "{", lines[2]], "the line after line 1 cannot be read"),
        (lambda lines: [lines[1], lines[0], lines[2]], "line 2 is not as it was written"),
        (lambda lines: [*lines, lines[2]], "line 3 is not as it was written"),
        (lambda lines: lines[:2], "it is an older one: it ends with line 2, and line 3 had been written"),
        (lambda _: [], "it is an older one"),
    ],
)
def test_what_was_altered_taken_out_or_put_back_shows(file, database, change, fault):
    position = file.append(entries("1 destroyed", "2 destroyed", "3 destroyed"))
    database.write_once(lambda tx: ledger.moved(tx, [], position))
    assert database.read_once(lambda tx: compared(tx, file)) == ""
    edit(file, change)
    assert fault in database.read_once(lambda tx: compared(tx, file))


def test_the_ledger_of_another_database_shows(file, tmp_path, database):
    database.write_once(lambda tx: ledger.moved(tx, [], file.append(entries("1", "2"))))
    other = ChainedLedger(tmp_path / "other", fake_keys())
    other.append(entries("7", "8", "9"))
    assert "of another database" in database.read_once(lambda tx: compared(tx, other))
    assert "there is no" in database.read_once(lambda tx: compared(tx, other.at(tmp_path / "none")))


def test_what_is_old_is_left_out_and_the_chain_goes_on(file):
    for day in range(10):
        file.append(entries(str(day), at=NOW + timedelta(days=day)))
    here = file.read().end
    file.forget(NOW + timedelta(days=5))
    assert subjects(file) == ["5", "6", "7", "8", "9"]
    file.forget(NOW + timedelta(days=7))
    file.append(entries("10"))
    assert subjects(file) == ["7", "8", "9", "10"]
    assert file.copies[0].read_bytes() == file.file.read_bytes()
    assert file.read().lacks(here) == ""
    assert "begins with line 7, and line 3 is needed" in file.read().lacks(LedgerPosition(3, "x"))
    edit(file, lambda lines: [lines[0].replace(json.loads(lines[0])["subject"][:4], "0000"), *lines[1:]])
    assert "line 7 is not as it was written" in file.read().fault


def test_what_waits_in_the_database_goes_into_the_file_once(file, database):
    def add(tx):
        for one in entries("1", "2"):
            tx.add(one)

    database.write_once(add)
    write_down(database.read_once, database.write_once, file)
    write_down(database.read_once, database.write_once, file)
    assert subjects(file) == ["1", "2"]
    assert database.read_once(ledger.position) == file.read().end
    assert database.read_once(ledger.waiting) == []


def test_a_lost_file_is_taken_from_its_copy(file, database):
    database.write_once(lambda tx: ledger.moved(tx, [], file.append(entries("1", "2"))))
    file.file.unlink()
    take_up(database, file, NOW)
    assert subjects(file) == ["1", "2"]


@pytest.mark.parametrize("change", [lambda lines: lines[:1], lambda lines: [lines[1]]])
def test_an_older_or_damaged_file_without_a_good_copy_is_gone_on_with_and_says_so(file, database, change):
    before = file.append(entries("1"))
    database.write_once(lambda tx: ledger.moved(tx, [], file.append(entries("2", "3"))))
    position = database.read_once(ledger.position)
    edit(file, change)
    file.copies[0].unlink()
    take_up(database, file, NOW)
    file.append(entries("4"))
    known = file.read()
    assert known.fault == ""
    assert known.lacks(position) == ""
    assert "are missing" in known.lacks(before) or "is needed" in known.lacks(before)
    assert any(line.is_gap for line in known.lines)
    assert Gap.LOST in known.lines[-2].subject


def astray_after(file, *subjects):
    """What is said of the copy once the ledger has gone on, and after that; the copy is as it was."""
    copy = file.copies[0]
    before = copy.read_bytes()
    for one in subjects:
        file.append(entries(one))
    assert copy.read_bytes() == before
    assert [one.name for one in copy.parent.iterdir() if one.name.startswith("copy")] == ["copy"]
    [(_, said)] = astray(file)
    return said


def test_a_copy_that_tells_more_is_never_written_over(file, capsys):
    file.append(entries("1", "2", "3"))
    edit(file, lambda lines: lines[:1])
    again = ChainedLedger(file.file, fake_keys(), file.copies)
    said = astray_after(again, "4", "5", "6", "7")
    assert "from line 2 on it tells something else" in said
    assert "move that file away by hand" in said
    assert capsys.readouterr().out.count("does not follow it") == 1


def test_a_copy_that_another_gateway_has_gone_on_with_stays_as_it_is(file, tmp_path):
    """A drill on the same machine, of which both write to one copy: what either has told is in its own file."""
    file.append(entries("1", "2"))
    (tmp_path / "drill").write_bytes(file.file.read_bytes())
    drill = ChainedLedger(tmp_path / "drill", fake_keys(), file.copies)
    drill.append(entries("restored"))
    assert "from line 3 on it tells something else" in astray_after(file, "cancelled")
    assert "from line 3 on it tells something else" in astray_after(
        ChainedLedger(file.file, fake_keys(), file.copies), "4"
    )
    file.copies[0].unlink()
    file.append([])
    assert file.copies[0].read_bytes() == file.file.read_bytes()
    assert astray(file) == []


def test_a_line_within_the_copy_that_is_longer_than_what_is_compared_at_its_end_shows(file, tmp_path):
    """The last lines of two ledgers may read the same for thousands of octets, but for their macs."""
    other = ChainedLedger(tmp_path / "other", fake_keys())
    other.append(entries("1", "2"))
    file.append(entries("2", "1"))
    file.copies[0].write_bytes(other.file.read_bytes())
    assert "from line 1 on it tells something else" in astray_after(file, "3")


@pytest.mark.parametrize("text", ["no ledger at all", "nor this\n", '{"number": 1e999}\n'])
def test_a_file_that_is_no_ledger_is_not_written_over(file, text):
    file.copies[0].write_text(text)
    astray_after(file, "1", "2")


def test_a_copy_whose_last_line_was_cut_off_is_mended(file):
    file.append(entries("1", "2"))
    whole = file.copies[0].read_bytes()
    for cut in (-20, -len(whole) + 5):
        file.copies[0].write_bytes(whole[:cut])
        ChainedLedger(file.file, fake_keys(), file.copies).append([])
        assert file.copies[0].read_bytes() == whole


def test_a_copy_that_was_away_while_the_ledger_was_shortened_is_written_anew(file, tmp_path):
    for day in range(5):
        file.append(entries(str(day), at=NOW + timedelta(days=day)))
    away = file.copies[0].rename(tmp_path / "away")
    file.at(file.file).forget(NOW + timedelta(days=3))
    away.rename(file.copies[0])
    ChainedLedger(file.file, fake_keys(), file.copies).append(entries("5"))
    assert file.copies[0].read_bytes() == file.file.read_bytes()
    assert len(file.read().lines) == 4


def test_only_a_copy_that_tells_all_that_the_ledger_does_takes_its_place(file, database):
    database.write_once(lambda tx: ledger.moved(tx, [], file.append(entries("1", "2"))))
    drill = ChainedLedger(file.copies[0], fake_keys())
    drill.append(entries("3 of a drill", "4"))
    file.at(file.file).append(entries("3"))
    take_up(database, file, NOW)
    assert subjects(file) == ["1", "2", "3"]
    assert subjects(drill) == ["1", "2", "3 of a drill", "4"]


def test_a_copy_that_cannot_be_reached_holds_up_nothing(file, tmp_path):
    far = ChainedLedger(file.file, fake_keys(), [tmp_path / "not-mounted/copy"])
    far.append(entries("1"))
    assert subjects(far) == ["1"]
    (tmp_path / "not-mounted").mkdir()
    far.append([])
    assert far.copies[0].read_bytes() == far.file.read_bytes()


@pytest.mark.parametrize("has_copy", [True, False])
@pytest.mark.parametrize("serves", [True, False])
def test_a_ledger_that_is_taken_away_does_not_begin_again_at_1_as_if_nothing_were_missing(
    file, database, has_copy, serves
):
    """While the gateway serves, or before an administrator's command destroys something."""
    position = file.append(entries("1", "2"))
    database.write_once(lambda tx: ledger.moved(tx, [], position))
    file.file.unlink()
    if not has_copy:
        file.copies[0].unlink()
    again = file if serves else ChainedLedger(file.file, fake_keys(), file.copies)
    if serves:
        assert again.append([]) == position
        again.append(entries("3"))
    else:
        database.write_once(lambda tx: tx.add(entries("3")[0]))
        write_down(database.read_once, database.write_once, again)
    assert subjects(file) == (["1", "2", "3"] if has_copy else ["3"])
    assert any(line.is_gap for line in file.read().lines) is not has_copy
    assert file.read().end.number == 3
