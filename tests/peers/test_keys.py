"""The site's keys, with real processes: rotated while the gateway serves, killed midway, taken from elsewhere."""

import json
import os
import signal
import threading
from base64 import b64encode
from contextlib import contextmanager, nullcontext

import pytest

from gateway.admin.keys import rotate
from gateway.config.toml_file import load
from gateway.demo.browser import Browser
from gateway.domain.vocabulary import Purpose
from gateway.errors import ConfigError
from gateway.store.key_file import KeyRing, parse, text_of
from gateway.store.sealing import SiteKeys, load_keys, new_key_file
from tests.peers import preloaded
from tests.peers.holds import BIRTHDATE, BODY, SUBJECT, hold, octets, opened
from tests.peers.ledger import Load, drained
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

HOLDS = 1000
PASSWORD = "a teapot full of violets"
KILLED_AT = (
    ("before", 1, "gateway.store.key_sources.FileSource.write"),
    ("after", 1, "gateway.store.key_sources.FileSource.write"),
    ("after", 2, "gateway.flow.upkeep.resealing.reseal"),  # written, not committed
    ("after", 4, "gateway.admin.access.Access.do"),
    ("before", 1, "gateway.flow.upkeep.key_use.complete"),
)


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port)
    yield gateway
    gateway.end(signal.SIGKILL)


def letters(served):
    """Under which keys copies are wrapped."""
    return {letter for (letter,) in served.rows("SELECT DISTINCT substr(wrapped_key, 1, 1) FROM copy")} - {None}


def left_after(served, when, nth, function):
    """How much of what was held is still under the old key when the rotation was killed there."""
    words = [when, str(nth), function, "keys", "rotate", "--config", str(served.folder / "gateway.toml")]
    assert preloaded.run("tests.peers.doomed", words, {"PATH": "/usr/bin:/bin"}).returncode == -signal.SIGKILL
    return served.rows("SELECT count(*) FROM copy WHERE substr(wrapped_key, 1, 1) = ? AND id <= ?", b"a", HOLDS)[0][0]


@contextmanager
def a_reader(served):
    """Somebody reads a message in the portal all the while; each page must be there."""
    browser, stop, seen = Browser(), threading.Event(), []
    served.send("ada@riverside.example", "held0@home.example", "[secure] more", "Nothing yet.")

    def read():
        while not stop.is_set():
            browser.open(f"{served.portal}/inbox").follow(SUBJECT.decode())
            seen.append((browser.status, BODY.decode() in browser.text))

    register(served, browser)
    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert len(seen) > 5
    assert set(seen) == {(200, True)}


def register(served, browser):
    [[row, generation]] = served.rows("SELECT id, generation FROM invitation WHERE address = 'held0@home.example'")
    token = load_keys(served.folder / "gateway.keys").token(Purpose.INVITE, row, generation)
    browser.open(f"{served.portal}/invite/{token}")
    for _ in range(4):
        browser.send(name="Pat", password=PASSWORD, day="3", month="2", year="1980")
    assert "/inbox" in browser.url


# ----------------------------------------------------------------------------------------------------------- rotation


def test_keys_are_rotated_under_load_killed_midway_and_all_holds_open(served):
    hold(served.folder, HOLDS)
    served.start()
    before = [wrapped for (wrapped,) in served.rows("SELECT wrapped_key FROM copy")]
    old_file = (served.folder / "gateway.keys").read_text()
    assert before[0] in served.on_disk()
    with a_reader(served), Load(served.smtp_port, senders=1, pause=0.02) as load:
        wait_for(lambda: len(load.ledger.told) > 3)
        left = [left_after(served, *point) for point in KILLED_AT]
        assert left[0] == left[1] == HOLDS
        assert HOLDS > left[2] > left[3] > left[4] == 0
        done = served.command("keys", "rotate")
        assert (done.returncode, done.stderr) == (0, "")
        assert "going on with the rotation" in done.stdout
        disk = served.on_disk()  # while it serves: database, log, spool, what it says
        assert [wrapped for wrapped in before if wrapped in disk] == []
        more = len(load.ledger.told) + 3
        wait_for(lambda: len(load.ledger.told) >= more)
    assert letters(served) == {b"b"}
    wait_for(lambda: drained(served), 30)
    [unsealed, current] = [json.loads(line) for line in served.command("keys", "list", "--json").stdout.splitlines()]
    assert (unsealed["sealed"], unsealed["serving"], current["serving"]) == (0, 0, 1)
    assert served.rows("SELECT count(*) FROM delivery WHERE state = 'quarantined'") == [(0,)]
    assert served.rows("SELECT * FROM audit WHERE action = 'could not open'") == []
    assert served.end() == 0

    held = opened(served.folder)
    assert {number for number in range(HOLDS) if octets(number) in held} == set(range(HOLDS))
    for secret in (BODY, SUBJECT, BIRTHDATE):
        assert secret not in served.on_disk()
    refuses(served, new_key_file(), "these are not the keys that this database was sealed with")
    refuses(served, old_file, "is sealed with key b as well")
    refuses(served, text_of(parse(old_file).rotated()), "key b is another than this database was sealed with")
    assert served.start().startswith("gateway ready")


def refuses(served, text, why):
    """With such a key file it does not start, and says why in one line."""
    file = served.folder / "gateway.keys"
    kept = file.read_text()
    file.write_text(text)
    done = served.command("serve")
    file.write_text(kept)
    assert done.returncode == os.EX_CONFIG
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_retired_key_opens_nothing_and_its_links_are_dead(tmp_path, hop):
    served = Served(tmp_path / "gateway", hop.port, "--workers", "2")
    try:
        hold(served.folder, 20)
        served.start()
        served.command("keys", "rotate")
        too_soon = served.command("keys", "retire", "b", "--yes")
        assert (too_soon.returncode, "is the current one" in too_soon.stderr) == (os.EX_CONFIG, True)
        link = old_link(served, 1)
        assert Browser().open(link).status == 200
        assert served.command("keys", "retire", "a", "--yes").returncode == 0
        wait_for(lambda: Browser().open(link).status == 404)
        assert len(opened(served.folder)) == 20
        assert "digests alone" in served.command("keys", "list").stdout
        done = served.command("keys", "rotate")
        assert "made key c" in done.stdout
        assert served.rows("SELECT action FROM audit WHERE actor = 'administrator'") == [
            ("rotated the keys",),
            ("retired a key",),
            ("rotated the keys",),
        ]
    finally:
        served.end(signal.SIGKILL)


def old_link(served, row):
    ring = parse((served.folder / "gateway.keys").read_text())
    keys = SiteKeys(KeyRing(ring.secrets, "a", "a"))
    return f"{served.portal}/invite/{keys.token(Purpose.INVITE, row)}"


# -------------------------------------------------------------------------------------------------------- other places


def elsewhere(served, setting):
    """The keys are not in a file: what was the file's text."""
    text = (served.folder / "gateway.keys").read_text()
    (served.folder / "gateway.keys").unlink()
    with (served.folder / "gateway.toml").open("a") as toml:
        toml.write(f"\n[keys]\n{setting}\n")
    return text


def test_keys_in_the_environment_are_rotated_in_two_steps_and_nothing_is_sealed_before_the_restart(served, monkeypatch):
    hold(served.folder, 20)
    text = elsewhere(served, 'environment = "THE_KEYS"')
    environment = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1"}

    def command(*words, keys):
        config = ("--config", str(served.folder / "gateway.toml"))
        return preloaded.run("gateway", [*words, *config], {**environment, "THE_KEYS": keys})

    monkeypatch.setenv("THE_KEYS", text)
    served.start()
    refused = command("keys", "rotate", keys=text)
    assert refused.returncode == os.EX_CONFIG
    assert "--new-file FILE" in refused.stderr
    new = served.folder / "new.keys"
    assert command("keys", "rotate", "--new-file", str(new), keys=text).returncode == 0
    one_line = b64encode(new.read_bytes()).decode()
    monkeypatch.setattr("gateway.admin.keys.HEARD_WITHIN", 0.5)
    monkeypatch.setenv("THE_KEYS", one_line)
    with pytest.raises(ConfigError, match="does not have key b: restart it"):
        rotate(load(served.folder / "gateway.toml"), lambda total: nullcontext(lambda more: None))
    assert letters(served) == {b"a"}
    served.end()
    served.start()
    assert command("keys", "rotate", keys=one_line).returncode == 0
    assert letters(served) == {b"b"}


COMMANDS = {
    "it fails": ('["sh", "-c", "echo hush; exit 3"]', "has failed (exit code 3)"),
    "it prints rubbish": ('["echo", "hush"]', "is no key file"),
    "it prints too much": ('["cat", "/dev/zero"]', "is no key file"),
    "it is not there": ('["/nowhere/kms"]', "cannot be run"),
}


@pytest.mark.parametrize(("command", "said"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_gives_no_keys_is_said_without_its_output(served, command, said):
    elsewhere(served, f"command = {command}")
    done = served.command("serve")
    assert done.returncode == os.EX_CONFIG
    assert said in done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_keys_from_a_command_and_from_a_credential(served, tmp_path, monkeypatch):
    hold(served.folder, 3)
    text = elsewhere(served, 'command = ["cat", "the keys"]')
    (served.folder / "the keys").write_text(text)
    served.start()
    (served.folder / "the keys").write_text(text_of(parse(text).rotated()))
    assert served.command("keys", "rotate").returncode == 0  # the gateway asks its command again by itself
    assert letters(served) == {b"b"}
    served.end()
    toml = served.folder / "gateway.toml"
    toml.write_text(toml.read_text().replace('command = ["cat", "the keys"]', 'credential = "the-keys"'))
    assert "LoadCredentialEncrypted=" in served.command("keys", "list").stderr
    (served.folder / "the keys").rename(served.folder / "the-keys")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(served.folder))
    assert served.start().startswith("gateway ready")
