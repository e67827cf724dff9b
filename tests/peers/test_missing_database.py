"""A start never destroys, and a database that goes away while we serve from it is noticed at once."""

import signal
import smtplib

import pytest

from tests.peers.process import wait_for

pytestmark = pytest.mark.peer

ADA = "ada@riverside.example"
LARGE = "x" * 70 + "\r\n"
"""A line of mail so long that its content lies in a file."""


def spool(served):
    return served.database.with_name("gateway.db.spool")


def hold_some(served, count=3):
    """Mail is held, its content in files."""
    served.start()
    for number in range(count):
        served.send(ADA, f"p{number}@home.example", "[secure] Results", LARGE * 1500)
    assert len(list(spool(served).iterdir())) == count
    served.end(signal.SIGKILL)


def offered(served):
    """What a client hears that hands a mail in."""
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20) as client:
        try:
            client.sendmail(ADA, ["pat@home.example"], f"From: {ADA}\r\nSubject: [secure] x\r\n\r\nx\r\n".encode())
        except smtplib.SMTPDataError as refusal:
            return refusal.smtp_code
    return 250


@pytest.mark.parametrize("fresh", [False, True])
def test_without_its_database_nothing_starts_and_nothing_is_swept(served, fresh):
    hold_some(served)
    kept = sorted(file.read_bytes() for file in spool(served).iterdir())
    away = served.database.with_name("elsewhere.db")
    for name in ("", "-wal", "-shm"):
        file = served.database.with_name(f"gateway.db{name}")
        if file.exists():
            file.rename(f"{away}{name}")
    if fresh:
        served.database.touch()
    done = served.command("serve")
    assert done.returncode != 0
    assert "is missing or empty" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(file.read_bytes() for file in spool(served).iterdir()) == kept
    if not fresh:
        assert "FAULT    database" in served.command("check").stdout
    for name in ("", "-wal", "-shm"):
        file = served.database.with_name(f"elsewhere.db{name}")
        if file.exists():
            file.rename(f"{served.database}{name}")
    served.start()
    assert len(list(spool(served).iterdir())) == len(kept)


def test_files_that_belong_to_no_mail_are_set_aside_and_go_later(served):
    hold_some(served)
    (spool(served) / "0123456789abcdef").write_bytes(b"nobody's")
    served.start()
    orphans = served.database.with_name("gateway.db.spool.orphans")
    assert [file.name for file in orphans.rglob("*") if file.is_file()] == ["0123456789abcdef"]
    assert len(list(spool(served).iterdir())) == 3
    served.said("set aside")
    served.end(signal.SIGTERM)
    served.turn(days=29)
    served.start()
    wait_for(lambda: served.figure("gateway_timed_work_until_seconds") > 0)
    assert list(orphans.iterdir())
    served.end(signal.SIGTERM)
    served.turn(days=2)
    served.start()
    wait_for(lambda: not list(orphans.iterdir()))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_goes_away_is_noticed_and_mail_waits_for_it(served, replaced):
    served.start()
    assert offered(served) == 250
    away = served.database.with_name("elsewhere.db")
    served.database.rename(away)
    if replaced:
        served.database.write_bytes(b"")
    assert offered(served) == 451
    served.said("the database was removed or replaced")
    away.rename(served.database)
    wait_for(lambda: offered(served) == 250)
    served.said("the database is back")
    served.end()
    said = (served.folder / "log").read_text()
    assert said.count("the database was removed or replaced") == 1
    assert "Traceback" not in said
