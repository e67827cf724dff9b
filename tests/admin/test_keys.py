"""`gateway keys`, as an administrator types it, on a gateway that does not serve."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from gateway.admin import keys as admin
from gateway.admin.access import ask, do
from gateway.admin.backup import back_up
from gateway.admin.key_checks import key_warnings
from gateway.admin.recovery import read_recovery_key
from gateway.admin.restore import Wanted, restore
from gateway.admin.status import look
from gateway.cli import keys as cli_keys
from gateway.cli.app import app
from gateway.config.toml_file import load
from gateway.domain.ledger import LedgerKind, LedgerLine
from gateway.flow.upkeep import key_use
from gateway.setup import Answers, set_up
from gateway.store.key_file import parse
from tests.peers.holds import hold, opened

HELD = 30


@pytest.fixture
def folder(tmp_path):
    answers = Answers("secure.riverside.example", "Riverside", "riverside.example", "127.0.0.1:1", "https://x.example")
    set_up(tmp_path / "gateway", answers)
    return tmp_path / "gateway"


def keys(folder, *words, typed=""):
    where = [] if words[0] == "join" else ["--config", str(folder / "gateway.toml")]
    return CliRunner().invoke(app, ["keys", *map(str, words), *where], input=typed)


def ring(folder):
    return parse((folder / "gateway.keys").read_text())


def alter(folder, statement, *values):
    with closing(sqlite3.connect(folder / "gateway.db")) as database, database:
        database.execute(statement, values)


def test_an_altered_row_is_named_and_stops_no_other(folder):
    hold(folder, HELD)
    alter(folder, "UPDATE copy SET wrapped_key = CAST('a' || hex(randomblob(30)) AS BLOB) WHERE id = 7")
    alter(folder, "UPDATE copy SET state = 'nothing that is known' WHERE id = 9")
    done = keys(folder, "rotate")
    assert done.exit_code == 1
    assert done.stderr == (
        "copy 7: does not open (its row was altered); it was left as it is\n"
        "1 rows cannot be read; `gateway doctor` names them\n"
    )
    assert "all is under key b now" in done.stdout
    alter(folder, "DELETE FROM copy WHERE id IN (7, 9)")
    assert len(opened(folder)) == HELD - 2
    assert "made key c" in keys(folder, "rotate").stdout  # what cannot be opened keeps nobody from the next key


def test_two_do_not_change_the_keys_at_the_same_time(folder):
    with admin.alone(load(folder / "gateway.toml")):
        refused = keys(folder, "rotate")
    assert (refused.exit_code, "another `gateway keys` command" in refused.stderr) == (78, True)
    assert ring(folder).current == "a"


def test_no_new_key_is_made_while_a_rotation_is_not_finished(folder, monkeypatch, tmp_path):
    hold(folder, 3)
    monkeypatch.setattr(admin, "rotate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    keys(folder, "rotate")
    monkeypatch.undo()
    assert ring(folder).current == "b"
    refused = keys(folder, "rotate", "--new-file", tmp_path / "new.keys")
    assert (refused.exit_code, "is not finished" in refused.stderr) == (78, True)
    assert "is not finished" in keys(folder, "retire", "a", "--yes").stderr
    assert "going on" in keys(folder, "rotate").stdout
    assert ring(folder).letters == {"a", "b"}


def test_a_new_file_is_written_for_its_owner_alone_and_over_none(folder, tmp_path):
    new = tmp_path / "new.keys"
    assert keys(folder, "rotate", "--new-file", new).exit_code == 0
    assert new.stat().st_mode & 0o777 == 0o600
    assert parse(new.read_text()).current == "b"
    assert ring(folder).current == "a"
    refused = keys(folder, "rotate", "--new-file", new)
    assert (refused.exit_code, "Traceback" in refused.output) == (1, False)


def test_what_is_retired_is_told_apart(folder):
    keys(folder, "rotate")
    keys(folder, "rotate")
    assert "It stays in the key file for digests alone" in keys(folder, "retire", "a", "--yes").stdout
    assert "digests alone" not in keys(folder, "retire", "b", "--yes").stdout
    assert (ring(folder).letters, set(ring(folder).secrets)) == ({"c"}, {"a", "c"})
    for letter, why in (("c", "is the current one"), ("b", "there is no key b"), ("a", "there is no key a")):
        assert why in keys(folder, "retire", letter, "--yes").stderr


def test_keys_come_back_from_printed_sheets_and_over_no_file(folder, tmp_path):
    keys(folder, "rotate")
    printed = keys(folder, "split", "--shares", 3, "--needed", 2).stdout
    new = tmp_path / "new.keys"
    assert keys(folder, "join", new, typed=printed).exit_code == 0
    assert (parse(new.read_text()), new.stat().st_mode & 0o777) == (ring(folder), 0o600)
    assert "exists already" in keys(folder, "join", new, typed=printed).stderr
    (tmp_path / "first").write_text(printed.split("\f")[0])
    assert "1 more are needed" in keys(folder, "join", tmp_path / "other", tmp_path / "first").stderr
    assert not (tmp_path / "other").exists()


def test_whoever_types_sheets_is_asked_again_for_what_was_mistyped(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cli_keys, "is_terminal", lambda: True)
    printed = keys(folder, "split", "--shares", 3, "--needed", 2).stdout.split("\f")
    shares = [" ".join(line.strip() for line in one.splitlines() if line[2:4].strip().isdigit()) for one in printed]
    lines = [line for line in printed[0].splitlines() if line[1:5] == " of "]
    typed = [shares[0], shares[1].replace(" 2 ", " 2 zz"), shares[1], lines[0][:-1], *lines]
    done = keys(folder, "join", tmp_path / "new.keys", typed="\n".join(typed) + "\n")
    assert "is none of the list" in done.stderr
    assert "line" in done.stderr
    assert parse((tmp_path / "new.keys").read_text()) == ring(folder)


def test_the_audit_says_who_did_what_with_the_keys(folder):
    keys(folder, "rotate")
    keys(folder, "split")
    keys(folder, "retire", "a", "--yes")
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        rows = database.execute(
            "SELECT actor, action, subject, detail, place LIKE 'command line%' FROM audit"
        ).fetchall()
    assert rows == [
        ("administrator", "rotated the keys", "key b", "from a", 1),
        ("administrator", "printed key sheets", "keys ab", "3 of 5", 1),
        ("administrator", "retired a key", "key a", "", 1),
    ]


def test_check_says_what_is_to_be_done_with_the_keys(folder):
    settings = load(folder / "gateway.toml")

    def said():
        return " | ".join(key_warnings(settings, ring(folder)))

    (folder / "gateway.keys").chmod(0o644)
    assert "others can read" in said()
    (folder / "gateway.keys").chmod(0o600)
    assert "no key sheets were ever printed" in said()
    keys(folder, "split")
    assert said() == ""
    keys(folder, "rotate")
    assert "do not have key b" in said()
    assert "links made under a are still good" in said()
    keys(folder, "split")
    keys(folder, "retire", "a", "--yes")
    assert said() == ""


def test_a_retired_key_that_comes_back_with_a_backup_is_named_until_it_is_retired_again(folder, tmp_path):
    """An old link under it would open again: perhaps it was retired after a theft."""
    hold(folder, 3)
    settings = load(folder / "gateway.toml")
    back_up(settings, folder / "gateway.toml", tmp_path / "backups", 30, lambda *_: None)
    assert keys(folder, "rotate").exit_code == 0
    assert keys(folder, "retire", "a", "--yes").exit_code == 0
    identity = read_recovery_key(folder / "gateway.recovery")
    wanted = Wanted(tmp_path / "backups", tmp_path / "new", identity=identity, ledger=folder / "gateway.ledger")
    done = restore(wanted, lambda *_: None)
    [line] = [one for one in done.by_hand if "key a" in one]
    assert re.search(
        r"key a, retired on \d{4}-\d\d-\d\d, came back .*keys rotate` and `gateway keys retire a` now", line
    )
    new = load(done.config)
    assert line in key_warnings(new, ring(tmp_path / "new"))
    assert [need for need in look(new, deep=False).needs if need.startswith("keys: ") and line in need]
    keys(tmp_path / "new", "rotate")
    assert "key a, retired" in "".join(key_warnings(new, ring(tmp_path / "new")))
    keys(tmp_path / "new", "retire", "a", "--yes")
    assert "came back" not in "".join([*key_warnings(new, ring(tmp_path / "new")), *look(new, deep=False).needs])


def test_a_key_that_has_got_the_letter_of_one_that_was_retired_is_none_of_those(folder):
    settings = load(folder / "gateway.toml")
    lines = [
        LedgerLine(number, datetime.now(UTC), LedgerKind.KEY, told, "")
        for number, told in enumerate(("a retired", "b retired", "a rotated"), 1)
    ]
    do(settings, lambda ctx: key_use.note_returned(ctx, lines))
    assert ask(settings, lambda ctx: key_use.about_returned(ctx.tx, ctx.keys)) == []
