"""What a person types wrongly is said in a plain line: no traceback, no number of an error."""

import contextlib
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from tests.bench.restore import fill, made

HUGE = 2**70


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "gateway"
    fill(made(folder), 1)
    return folder / "gateway.toml"


def typed(config: Path, *words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words), "--config", str(config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "verify", "--head", "/nonexistent/head"),
        ("audit", "export", "/nonexistent/x"),
        ("audit", "export", "/tmp"),
        ("people", "import", "/nonexistent/list.csv"),
        ("people", "import", "/tmp"),
        ("people", "export", "p0@home.example", "/nonexistent/x/y"),
        ("keys", "rotate", "--new-file", "/tmp"),
        ("doctor", "--repair", "/proc/nonexistent/x"),
        ("explain", "/nonexistent.eml", "--from", "ada@x.example", "--rcpt", "pat@home.example"),
    ],
    ids=" ".join,
)
def test_a_path_that_cannot_be_used_is_named_in_words(config, words):
    code, said = typed(config, *words)
    assert code not in (0, 2), said
    assert "[Errno" not in said
    assert "Traceback" not in said
    assert any(str(one) in said for word in words if word.startswith("/") for one in (word, Path(word).parent)), said


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "show", HUGE),
        ("audit", "list", "--limit", HUGE),
        ("invitations", "show", HUGE),
        ("trace", HUGE),
        ("audit", "list", "--since", "0001-01-01"),
        ("audit", "list", "--since", "9999-12-31"),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_numbers_and_times_beyond_all_bounds_are_no_traceback(config, words):
    code, said = typed(config, *words)
    assert code in (0, 1, 2), said
    assert said.count("\n") < 25


def test_a_key_file_that_is_there_is_not_written_over(config):
    before = (config.parent / "gateway.keys").read_bytes()
    code, said = typed(config, "keys", "rotate", "--new-file", config.parent / "gateway.keys")
    assert (code != 0, "[Errno" in said) == (True, False)
    assert (config.parent / "gateway.keys").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("people", "hold", "p0@home.example", "--reason", ""),
        ("people", "hold", "p0@home.example", "--reason", "  "),
        ("practices", "hold", "x", "--reason", ""),
        ("keys", "split", "--shares", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_matter_of_how_it_was_typed(config, words):
    assert typed(config, *words)[0] == 2


def test_a_hold_on_somebody_who_is_not_here_says_so(config):
    assert "look whether it is right" in typed(config, "people", "hold", "nobody@home.example", "--reason", "court")[1]
    assert "look whether" not in typed(config, "people", "hold", "p0@home.example", "--reason", "court")[1]
    typed(config, "people", "release", "p0@home.example")


def test_an_export_shows_the_person_no_legal_hold_unless_asked(config, tmp_path):
    typed(config, "people", "hold", "p0@home.example", "--reason", "the court of Riverside")
    code, said = typed(config, "people", "export", "p0@home.example", tmp_path / "out")
    assert code == 0, said
    kept = [(tmp_path / "out" / name).read_text() for name in ("index.html", "data.json")]
    assert not [one for one in kept if "court of Riverside" in one]
    typed(config, "people", "export", "p0@home.example", tmp_path / "all", "--with-holds")
    assert "court of Riverside" in (tmp_path / "all/data.json").read_text()
    assert kept[0].index("Messages to them") < kept[0].index("Invitations")
    assert "Nothing is held under: " in kept[0]
    typed(config, "people", "release", "p0@home.example")


def test_who_is_erased_twice_is_not_erased_again(tmp_path):
    fill(made(tmp_path / "gateway"), 1)
    config = tmp_path / "gateway/gateway.toml"
    assert "p0@home.example is erased" in typed(config, "people", "erase", "p0@home.example", "--yes")[1]
    assert "nothing was held" in typed(config, "people", "erase", "p0@home.example", "--yes")[1]


@pytest.mark.parametrize("value", [b"\x00\xff", "text", 5])
def test_a_note_that_is_no_time_is_told_in_a_line_and_removed_when_asked(tmp_path, value):
    fill(made(tmp_path / "gateway"), 1)
    config = tmp_path / "gateway/gateway.toml"
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway/gateway.db")) as database:
        database.execute("INSERT INTO meta (name, value) VALUES ('last backup', ?)", (value,))
        database.commit()
    code, said = typed(config, "status")
    assert (code, said.count("\n")) == (74, 1)
    assert "its note 'last backup' cannot be read" in said
    assert typed(config, "doctor")[0] == 65
    if isinstance(value, bytes):
        typed(config, "doctor", "--fix")
        assert typed(config, "status")[0] in (0, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("invitations", "list", "--practice", "nonesuch"), "there is no practice 'nonesuch'; there is: "),
        (("people", "list", "--practice", "nonesuch"), "there is no practice 'nonesuch'; there is: "),
        (("practices", "hold", "nonesuch", "--reason", "x"), "there is no practice 'nonesuch'; there is: "),
        (("practices", "release", "nonesuch"), "there is no practice 'nonesuch'; there is: "),
        (("queue", "list", "--hop", "nonesuch"), "there is no hop 'nonesuch'; there is: next_hop"),
        (("queue", "retry", "--hop", "nonesuch", "--yes"), "there is no hop 'nonesuch'; there is: next_hop"),
    ],
)
def test_a_name_that_the_settings_have_not_is_said_with_those_that_they_have(config, words, said):
    code, output = typed(config, *words)
    assert code == 1
    assert said in " ".join(output.split())
