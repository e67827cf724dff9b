"""A mailbox of one's own goes through the rules: every kind of mailbox, whatever lies in it, and nothing is changed."""

import csv
import io
import json
import mailbox
import os
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from gateway.admin.access import ask, do
from gateway.admin.rehearsal import letters, rehearsed
from gateway.cli.app import app
from gateway.config.toml_file import load
from gateway.domain.model_questions import Observation
from gateway.errors import ConfigError
from gateway.setup import Answers, set_up
from tests.practice import mail

MAILS = (
    mail(subject="[secure] Your results"),
    mail(subject="Lunch?"),
    mail(subject="(secure) Your results"),
    mail(to="pat@home.example, uma@home.example", subject="[secure patient 1980-02-03] Your results"),
    mail(sender="Eve <eve@evil.example>", subject="[secure] Hello"),
    mail(sender="Eve <eve@evil.example>", subject="Hello"),
)


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    answers = (
        "secure.riverside.example",
        "Riverside",
        "riverside.example",
        "127.0.0.1:1",
        "https://s.riverside.example",
    )
    set_up(folder, Answers(*answers))
    return load(folder / "gateway.toml")


def as_mbox(place):
    box = mailbox.mbox(place)
    for octets in MAILS:
        box.add(octets.replace(b"\r\n", b"\n"))
    box.close()
    return place


def as_maildir(place):
    box = mailbox.Maildir(place)
    for octets in MAILS:
        box.add(octets.replace(b"\r\n", b"\n"))
    return place


def as_folder(place):
    (place / "2026").mkdir(parents=True)
    for number, octets in enumerate(MAILS):
        (place / "2026" / f"{number}.eml").write_bytes(octets)
    (place / "notes.txt").write_text("no mail")
    return place


def judged(settings, place):
    told = []

    def begin(count):
        told.append(count)
        return told.append

    found = rehearsed(settings, place, begin)
    assert sum(told[1:]) == told[0]
    return found


@pytest.mark.parametrize("made", [as_mbox, as_maildir, as_folder])
def test_every_kind_of_mailbox_is_judged_by_the_rules_of_serving(settings, tmp_path, made):
    place = made(tmp_path / "box")
    before = {
        one: one.read_bytes() for one in place.parent.rglob("*") if one.is_file() and "gateway.db" not in one.name
    }
    found = judged(settings, place)
    actions = sorted((one.recipient, one.action) for _, one in found)
    assert actions == [
        *(("pat@home.example", action) for action in ("ask the sender", "hold", "hold", "pass", "pass", "refused")),
        ("uma@home.example", "hold"),
    ]
    assert len({name for name, _ in found}) == len(MAILS)
    after = {one: one.read_bytes() for one in before}
    assert after == before
    with closing(sqlite3.connect(settings.database_path)) as database:
        for table in ("message", "delivery", "invitation", "observation", "audit"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608


def test_whatever_lies_in_a_mailbox_stops_nothing(settings, tmp_path):
    place = tmp_path / "odd"
    place.mkdir()
    odd = {
        "empty": b"",
        "noise": bytes(range(256)) * 40,
        "ids": b"Message-ID: <>\r\nFrom: a@riverside.example\r\nTo: " + b"(" * 500 + b"\r\n\r\n",
        "deep": b"From: a@riverside.example\r\nTo: b@x.example\r\nSubject: [secure] x\r\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)),
        "head": b"From: a@riverside.example\r\nTo: b@x.example\r\nSubject: [secure]\r\n" + b"X: y\r\n" * 20_000,
        "bcc": b"From: a@riverside.example\r\nBcc: b@x.example\r\nSubject: [secure] x\r\n\r\nx",
        "large": mail(body="x" * 200),
    }
    for name, octets in odd.items():
        (place / f"{name}.eml").write_bytes(octets)
    small = settings.model_copy(update={"smtp": settings.smtp.model_copy(update={"max_message_size": 200_000})})
    (place / "large.eml").write_bytes(mail(body="x" * 300_000))
    found = dict(judged(small, place))
    assert set(found) == {f"{name}.eml" for name in odd}
    assert found["large.eml"].reason.startswith("552 5.3.4")
    assert found["head.eml"].reason.startswith("552 5.3.4")
    assert found["bcc.eml"].action == "hold"
    assert found["deep.eml"].action == "hold"
    assert "recipients" in found["empty.eml"].reason


def test_ten_thousand_mails_come_one_by_one(settings, tmp_path):
    """They are read as they are judged: the mailbox is never in memory whole."""
    place = tmp_path / "many.mbox"
    one = b"From x\n" + MAILS[0].replace(b"\r\n", b"\n") + b"\n"
    place.write_bytes(one * 10_000)
    count, found = letters(place, 1_000_000)
    assert (count, next(found).octets) == (10_000, MAILS[0])
    assert len(judged(settings, place)) == 10_000


HEADED = b"From: Ada <ada@riverside.example>\nTo: pat@home.example\nSubject: %b\n\n%b\n"
TIMED = b"From ada@riverside.example Mon Mar  2 10:00:00 2026\n"


@pytest.mark.parametrize(
    ("octets", "subjects"),
    [
        (
            TIMED
            + HEADED % (b"a", b"Hello.\n\nFrom now on\nNote: all is well")
            + b"\n"
            + TIMED
            + HEADED % (b"b", b"x"),
            "ab",
        ),
        (TIMED + HEADED % (b"a", b"Hello.\nFrom ada Mon Mar  2 10:00:00 2026\nTo: x") + b"\n", "a"),  # no empty line
        (TIMED + HEADED % (b"a", b"Hello.\n\nFrom 10:00 on\nwe are here\n\n>From x 10:00\nTo: y"), "a"),
        (b"From x\n" + HEADED % (b"a", b"Hello.\n\nFrom us\nall\n") + b"\nFrom y\n" + HEADED % (b"b", b"x"), "ab"),
        ((TIMED + HEADED % (b"a", b"x") + b"\n" + TIMED + HEADED % (b"b", b"y")).replace(b"\n", b"\r\n"), "ab"),
        (HEADED % (b"a", b"Hello.\n\nFrom x 10:00\nTo: y"), "a"),  # one mail, and no mbox
    ],
)
def test_a_line_of_a_text_parts_no_mails(tmp_path, octets, subjects):
    (tmp_path / "box").write_bytes(octets)
    count, found = letters(tmp_path / "box", 10_000)
    read = [one.octets for one in found]
    assert [octets.partition(b"Subject: ")[2][:1].decode() for octets in read] == list(subjects)
    assert count == len(subjects)
    assert all(one.startswith(b"From: Ada") for one in read)


@pytest.mark.parametrize(
    "octets",
    [b"hello", b"hello: you\n\nFrom: me\n", bytes(100_000), bytes(range(256)) * 99, TIMED, TIMED + b"\n", b"\n"],
)
def test_a_file_of_something_else_is_no_mailbox(settings, tmp_path, octets):
    (tmp_path / "box").write_bytes(octets)
    done = run(settings, "rehearse", tmp_path / "box")
    assert (done.exit_code, "it is no mailbox" in done.stderr) == (1, True)


def test_a_pipe_is_refused_and_not_waited_for(settings, tmp_path):
    place = as_maildir(tmp_path / "box")
    for one in (tmp_path / "pipe", place / "cur/pipe"):
        os.mkfifo(one)
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        letters(tmp_path / "pipe", 1000)
    assert letters(place, 1000)[0] == len(MAILS)


def test_what_is_no_mailbox_is_said(settings, tmp_path):
    (tmp_path / "empty.mbox").touch()
    with pytest.raises(ConfigError, match="is empty"):
        letters(tmp_path / "empty.mbox", 1000)
    with pytest.raises(FileNotFoundError):
        letters(tmp_path / "none", 1000)


def run(settings, *words):
    config = str(settings.folder / "gateway.toml")
    return CliRunner().invoke(app, [*map(str, words), "--config", config], env={"COLUMNS": "200"})


def test_the_command_tells_totals_then_the_mails_that_would_not_pass(settings, tmp_path):
    place = as_mbox(tmp_path / "sent.mbox")
    done = run(settings, "rehearse", place)
    assert done.exit_code == 0
    assert "6 mails; 4 of them would not just have passed." in done.stdout
    assert "its subject almost has the tag" in done.stdout
    for secret in ("1980", "Your results", "All is well"):
        assert secret not in done.stdout
    rows = [json.loads(line) for line in run(settings, "rehearse", place, "--json").stdout.splitlines()]
    assert len(rows) == 7
    assert {"mail", "message_id", "from", "to", "would_be", "because"} == set(rows[0])
    table = list(csv.reader(io.StringIO(run(settings, "rehearse", place, "--csv").stdout)))
    assert (len(table), table[0][0]) == (8, "mail")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(settings, "rehearse", empty).exit_code == 1


def test_what_was_observed_is_a_table_too(settings):
    assert "nothing was observed" in run(settings, "observed").stdout
    row = {"author": "=1+1@riverside.example", "recipient": "pat@home.example", "action": "hold", "reason": "its tag"}
    do(settings, lambda ctx: ctx.tx.add(Observation(at=ctx.now, **row)))
    head, line = csv.reader(io.StringIO(run(settings, "observed", "--csv").stdout))
    assert head == ["at", "from", "to", "would have been", "because"]
    assert line[1:] == ["'=1+1@riverside.example", "pat@home.example", "hold", "its tag"]
    assert json.loads(run(settings, "observed", "--json").stdout)["to"] == "pat@home.example"
    assert len(ask(settings, lambda ctx: ctx.tx.find(Observation))) == 1
