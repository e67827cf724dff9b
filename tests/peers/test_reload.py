"""SIGHUP: settings and certificates are followed while it serves, in every process or in none, and no mail is lost."""

import contextlib
import json
import os
import re
import signal
import smtplib
import socket
import ssl
import time
import urllib.request

import pytest

from tests.edge.test_smtp_out import certificate
from tests.peers.hop import Hop
from tests.peers.ledger import REGISTERED, Load, books, drained, lost
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

NORTH = """
[[practices]]
id = "north"
name = "North Practice"
domains = ["north.example"]
"""


def settings(served):
    return served.folder / "gateway.toml"


def write(served, old, new):
    text = settings(served).read_text()
    assert old in text
    settings(served).write_text(text.replace(old, new, 1))


def reload(served, done="settings reloaded", times=1):
    os.kill(served.pid, signal.SIGHUP)
    served.said(done, times)


def log(served):
    return (served.folder / "log").read_text()


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def running(request, tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port, *(["--workers", "2"] if request.param > 1 else []))
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


AUDITED = "SELECT action, subject, detail, place FROM audit WHERE subject = 'the settings' ORDER BY id"


def answers(served, sender, times=8):
    """What that many sessions, so that each worker has some, hear of a secure mail of this sender's."""
    found = set()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20)) for _ in range(times)]
        for number, client in enumerate(clients):
            client.ehlo()
            client.mail(sender)
            client.rcpt(f"pat{number}@home.example")
            found.add(client.data(f"From: {sender}\r\nSubject: [secure] {number} {time.time()}\r\n\r\nHello.\r\n")[0])
    return found


def test_a_practice_that_was_added_is_served(running, hop):
    assert answers(running, "ada@north.example") == {550}
    settings(running).write_text(settings(running).read_text() + NORTH)
    reload(running)
    assert re.search(r"a setting was changed.*key=practices\.north\.name.*new=.North Practice", log(running))
    assert answers(running, "ada@north.example") == {250}


def test_the_bot_and_the_notices_follow(running, hop):
    write(running, 'name = "Riverside Family Practice"', 'name = "Riverside Surgery"')
    reload(running)
    running.send("ada@riverside.example", "pat@home.example", "[secure patient 1980-02-03] Results", "Fine.")
    invitation = Mailboxes(hop).next("invitation", "pat@home.example")
    assert "Riverside Surgery" in invitation.get_body(("plain",)).get_content()


def test_a_new_name_leaves_a_practice_what_it_has(running):
    running.send("ada@riverside.example", "pat@home.example", "[secure] Results", "Fine.")
    write(running, 'name = "Riverside Family Practice"', 'name = "Riverside Surgery"')
    reload(running)
    assert running.command("invitations", "list").stdout.count("riverside-family-practice") == 1
    practice = json.loads(running.command("practices", "list", "--json").stdout)
    assert (practice["name"], practice["open_invitations"]) == ("Riverside Surgery", 1)


def test_no_practice_goes_while_something_of_it_is_open(running):
    """Whether it is read anew, looked at, or started with; once it was closed it may go."""
    running.send("ada@riverside.example", "pat@home.example", "[secure] Results", "Fine.")
    before = settings(running).read_text()
    write(running, 'id = "riverside-family-practice"\n', "")
    write(running, 'name = "Riverside Family Practice"', 'name = "Riverside Surgery"')
    reload(running, "settings not reloaded")
    assert 'write id = "riverside-family-practice" under its [[practices]]' in log(running).replace("\\", "")
    assert "FAULT    practices.id" in running.command("check").stdout
    running.end()
    done = running.command("serve")
    assert done.returncode == os.EX_CONFIG
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("practices.id: ")
    settings(running).write_text(before)
    running.start()
    closed = running.command("practices", "close", "riverside-family-practice", "--yes")
    assert closed.returncode == 0, closed.stderr
    write(running, 'id = "riverside-family-practice"\n', "")
    write(running, 'name = "Riverside Family Practice"', 'name = "Riverside Surgery"')
    reload(running)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("[site]", "[site", "not TOML"),
        ('timezone = "', 'timezone = "Nowhere/', "site.timezone"),
        ("[next_hop]", '[next_hop]\nca_file = "gone.pem"', "next_hop.ca_file"),
        ("[site]", '[smtp]\ntls_cert = "gone.pem"\n[site]', "smtp.tls_cert"),
        ("[site]", '[site]\ntemplates = "gone"', "site.templates"),
    ],
)
def test_what_is_wrong_is_refused_whole(running, old, new, fault):
    settings(running).write_text(settings(running).read_text() + NORTH)
    before = settings(running).read_text()
    write(running, old, new)
    reload(running, "settings not reloaded")
    assert fault in log(running)
    assert "Traceback" not in log(running)
    assert answers(running, "ada@north.example") == {550}
    assert answers(running, "ada@riverside.example") == {250}
    settings(running).write_text(before)  # and once it is right, it is taken
    reload(running)
    assert answers(running, "ada@north.example") == {250}


def test_each_fault_has_its_line(running):
    write(running, "[site]", '[smtp]\ntls_cert = "gone.pem"\nusers_file = "gone.users"\n[site]')
    reload(running, "settings not reloaded", times=2)


def test_what_needs_a_restart_is_named_and_the_rest_is_taken(running):
    settings(running).write_text(settings(running).read_text() + '\n[ledger]\nfile = "elsewhere.ledger"\n' + NORTH)
    reload(running)
    assert re.search(r"a setting needs a restart.*key=ledger\.file.*old=gateway\.ledger.*new=elsewhere", log(running))
    assert answers(running, "ada@north.example") == {250}
    reload(running, times=2)
    assert log(running).count("key=ledger.file") == 2  # it still does
    assert not (running.folder / "elsewhere.ledger").exists()


def test_a_reload_is_in_the_audit_once_with_its_keys_and_none_of_their_values(running):
    text = settings(running).read_text().replace("[next_hop]", '[next_hop]\npassword_file = "hop.password"', 1)
    (running.folder / "hop.password").write_text("a secret")
    settings(running).write_text(text + '\n[ledger]\nfile = "elsewhere.ledger"\n')
    reload(running)
    settings(running).write_text(text + '\n[smtp]\nlisen = "a secret"\nmax_recipients = "a secret"\n')
    reload(running, "settings not reloaded", times=2)
    settings(running).write_text("a secret")
    reload(running, "settings not reloaded", times=3)
    wait_for(lambda: len(running.rows(AUDITED)) == 3)
    place = ("the settings", "SIGHUP")
    assert [(act, detail, (subject, place)) for act, subject, detail, place in running.rows(AUDITED)] == [
        ("reloaded the settings", "next_hop.password_file; waits for a restart: ledger.file", place),
        ("refused new settings", "smtp.max_recipients, smtp.lisen", place),
        ("refused new settings", "file", place),
    ]


@contextlib.contextmanager
def session(served, trusted):
    """A session under TLS, whose client believes this certificate alone."""
    with smtplib.SMTP("localhost", served.smtp_port, timeout=20) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(trusted)))
        yield client


def shown(client):
    return client.sock.getpeercert(binary_form=True)


def renewed(served, tmp_path, name, days=1):
    folder = tmp_path / name
    folder.mkdir()
    file, _ = certificate(folder, "localhost", days)
    (served.folder / "new.pem").write_bytes(file.read_bytes())
    (served.folder / "new.pem").replace(served.folder / "tls.pem")
    return file


def test_a_renewed_certificate_is_shown_to_new_sessions_and_the_others_go_on(tmp_path, hop):
    served = Served(tmp_path / "gateway", hop.port)
    write(served, "[site]", '[smtp]\ntls_cert = "tls.pem"\ntls_key = "tls.pem"\n[site]')
    first = renewed(served, tmp_path, "first")
    served.start()
    try:
        with session(served, first) as client:
            second = renewed(served, tmp_path, "second")
            reload(served)
            assert re.search(r"key=smtp\.tls_cert.*its content is new", log(served))
            with session(served, second) as other:
                assert shown(other) != shown(client)
            client.sendmail("ada@riverside.example", ["pat@home.example"], b"Subject: goes on\r\n\r\nHello.\r\n")
        wait_for(lambda: "pat@home.example" in hop.recipients())
        (served.folder / "tls.pem").write_text("nonsense")
        reload(served, "settings not reloaded")
        renewed(served, tmp_path, "expired", days=-2000)
        reload(served, "settings not reloaded", times=2)
        assert re.search(r"smtp\.tls_cert: the certificate in \S+tls\.pem has expired on", log(served))
        with session(served, second):
            pass
    finally:
        served.end(signal.SIGKILL)


def test_the_portal_and_the_next_hop_follow(running, hop):
    other = Hop()
    other.start()
    try:
        write(running, f"127.0.0.1:{hop.port}", f"127.0.0.1:{other.port}")
        write(running, 'name = "', 'name = "Quite another ')  # the site's: it is the first
        reload(running)
        running.send("ada@riverside.example", "pat@home.example", "passes", "Hello.")
        wait_for(lambda: "pat@home.example" in other.recipients())
        address = running.portal.removeprefix("http://")
        with urllib.request.urlopen(f"http://{address}/sign-in", timeout=20) as page:
            assert "Quite another" in page.read().decode()
        assert hop.recipients() == []
    finally:
        other.stop()


def test_reminders_follow_new_days(running, hop):
    mail = Mailboxes(hop)
    running.send("ada@riverside.example", "pat@home.example", "[secure patient 1980-02-03] Results", "Fine.")
    mail.next("invitation", "pat@home.example")
    [(before,)] = running.rows("SELECT due_at FROM invitation")
    settings(running).write_text(settings(running).read_text() + "\n[invitations]\nreminder_days = [1, 2, 30]\n")
    reload(running)
    wait_for(lambda: running.rows("SELECT due_at FROM invitation") != [(before,)])
    running.turn(days=1)
    mail.next("reminder", "pat@home.example")


def test_under_load_no_mail_is_lost(running, hop):
    running.enrol(REGISTERED)
    with Load(running.smtp_port) as load:
        for number in range(6):
            enough = len(load.ledger.told) + 10
            wait_for(lambda enough=enough: len(load.ledger.told) >= enough, 60)
            write(running, "[site]", f"[site]\n# {number}")
            text = settings(running).read_text()
            text = re.sub(r"\n\[secure_mail\].*", "", text, flags=re.DOTALL)
            settings(running).write_text(f"{text}\n[secure_mail]\nkeep_days = {number + 100}\n")
            reload(running, times=number + 1)
    wait_for(lambda: drained(running), 60)
    ledger, found = load.ledger, books(running, hop)
    assert lost(ledger, found) == []
    assert not ledger.unheard  # nobody was cut off
    assert not ledger.refused
    assert max(found.delivered.values()) == 1
    assert "Traceback" not in log(running)


def test_a_worker_that_dies_comes_back_with_what_the_others_go_by(tmp_path, hop):
    served = Served(tmp_path / "gateway", hop.port, "--workers", "2")
    served.start()
    try:
        settings(served).write_text(settings(served).read_text() + NORTH)
        reload(served)
        victim = served.workers[1]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: len(served.workers) == 2 and victim not in served.workers)
        assert answers(served, "ada@north.example", times=20) == {250}
    finally:
        served.end(signal.SIGKILL)


def test_if_one_worker_cannot_none_does(tmp_path, hop):
    served = Served(tmp_path / "gateway", hop.port, "--workers", "2")
    served.start()
    try:
        os.kill(served.workers[1], signal.SIGSTOP)
        settings(served).write_text(settings(served).read_text() + NORTH)
        os.kill(served.pid, signal.SIGHUP)
        time.sleep(0.5)
        os.kill(served.workers[1], signal.SIGKILL)
        served.said("settings not reloaded")
        wait_for(lambda: len(served.workers) == 2)
        assert answers(served, "ada@north.example", times=20) == {550}
    finally:
        served.end(signal.SIGKILL)


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_the_service_manager_hears_that_it_lives(tmp_path, hop, options):
    served = Served(tmp_path / "gateway", hop.port, *options)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        os.environ |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        try:
            served.start()
            heard = [manager.recv(1000) for _ in range(6)]
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
            served.end(signal.SIGKILL)
    assert heard.count(b"WATCHDOG=1") >= 4


def test_the_service_manager_hears_of_it(served, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            served.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert manager.recv(1000).startswith(b"READY=1\n")
        os.kill(served.pid, signal.SIGHUP)
        assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(1000) == b"READY=1"
