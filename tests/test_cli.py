"""The command line as a process: init, check, serve."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from gateway.errors import StoreFull
from gateway.setup import Answers, set_up
from tests.peers.disks import SmallDisk
from tests.peers.preloaded import run

pytestmark = pytest.mark.peer

GATEWAY = str(Path(sys.executable).with_name("gateway"))
OPTIONS = {
    "--domain": "secure.riverside.example",
    "--practice": "Riverside Family Practice",
    "--practice-domain": "riverside.example",
    "--next-hop": "127.0.0.1:1",
}


ANSWERS = Answers(
    portal_url="https://secure.riverside.example",
    **{option.removeprefix("--").replace("-", "_"): value for option, value in OPTIONS.items()},
)


def gateway(*words, **environment):
    return run("gateway", [str(word) for word in words], {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", **environment})


def init(folder, **changes):
    options = OPTIONS | changes
    return gateway(*words_of_init(folder, options))


def words_of_init(folder, options):
    return ["init", str(folder), *(word for pair in options.items() for word in pair if pair[1])]


@pytest.fixture
def folder(tmp_path):
    """What `gateway init` has made, without its start."""
    set_up(tmp_path / "gateway", ANSWERS)
    return tmp_path / "gateway"


def test_init_writes_what_serving_needs_for_its_owner_alone(tmp_path):
    """By its command, as an administrator does it; the others are forked from a process that is ready."""
    folder = tmp_path / "gateway"
    subprocess.run([GATEWAY, *words_of_init(folder, OPTIONS)], stdin=subprocess.DEVNULL, check=True)
    names = {path.name for path in folder.iterdir()}
    assert {"gateway.toml", "gateway.keys", "gateway.db"} <= names
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir() if path.is_file())


def test_init_never_overwrites(folder):
    before = (folder / "gateway.keys").read_text()
    again = init(folder)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert (folder / "gateway.keys").read_text() == before


def test_init_leaves_nothing_behind_where_it_cannot_end(tmp_path):
    """What stands in its way may be a link that leads nowhere, or a full disk."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway/gateway.keys").symlink_to(tmp_path / "nowhere")
    done = init(tmp_path / "gateway")
    assert (done.returncode, "gateway.keys exists already; nothing was written" in done.stderr) == (1, True)
    assert [one.name for one in (tmp_path / "gateway").iterdir()] == ["gateway.keys"]


@pytest.mark.parametrize("room", [0, 4, 8, 16, 64, 128])
def test_a_full_disk_is_said_and_nothing_is_left_behind(tmp_path, monkeypatch, room):
    try:
        disk = SmallDisk(tmp_path / "disk", 1 << 20)
    except OSError:
        monkeypatch.setattr("gateway.setup.migrate", _no_room)
        with pytest.raises(StoreFull):
            set_up(tmp_path / "disk/gateway", ANSWERS)
        assert not (tmp_path / "disk").exists()
        return
    try:
        disk.fill(room * 1024)
        done = init(tmp_path / "disk/folder/gateway")
        assert done.returncode == 1
        assert re.search("no space left on device|there is no room on the disk", done.stderr)
        assert [one.name for one in disk.folder.iterdir()] == ["ballast"]
        disk.empty()
        assert init(tmp_path / "disk/folder/gateway").returncode == 0
    finally:
        disk.close()


def _no_room(_database):
    raise StoreFull


def test_the_gateway_may_not_have_the_practices_own_domain(tmp_path):
    done = init(tmp_path / "gateway", **{"--domain": "Riverside.example"})
    assert (done.returncode, done.stderr.startswith("--domain: write another one")) == (1, True)
    assert not (tmp_path / "gateway").exists()


def test_the_command_to_type_next_is_quoted(tmp_path):
    done = init(tmp_path / "my gateway")
    assert f"next: gateway check --config '{tmp_path}/my gateway/gateway.toml'" in done.stdout
    assert f"gateway keys split --config '{tmp_path}/my gateway/gateway.toml'" in done.stdout


def test_init_says_that_losing_the_keys_is_losing_the_mail(tmp_path):
    said = init(tmp_path / "gateway").stdout
    assert "LOSING THIS FILE IS LOSING THE MAIL" in said
    assert "gateway keys split --config" in said
    assert "LOSING THIS FILE IS LOSING THE MAIL" in (tmp_path / "gateway/gateway.keys").read_text()


def test_init_says_which_option_is_missing(tmp_path):
    done = init(tmp_path, **{"--practice": ""})
    assert done.returncode == 1
    assert "--practice is missing" in done.stderr


def test_check_names_each_fault_and_exits_1(folder):
    done = gateway("check", "--config", folder / "gateway.toml")
    assert done.returncode == 1
    assert "ok       keys: the current one is a; losing them is losing the mail" in done.stdout
    assert "warning  keys: no key sheets were ever printed" in done.stdout
    assert "FAULT    next_hop.address: nothing listens at 127.0.0.1:1; " in done.stdout
    assert "config/postfix.md" in done.stdout
    (folder / "gateway.keys").unlink()
    done = gateway("check", "--config", folder / "gateway.toml")
    assert "is missing, but" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(("command", "code"), [("check", 1), ("serve", os.EX_CONFIG)])
def test_an_unusable_settings_file_is_said_plainly(tmp_path, command, code):
    (tmp_path / "gateway.toml").write_text("[site\n")
    done = gateway(command, "--config", tmp_path / "gateway.toml")
    assert done.returncode == code
    assert "not TOML" in (done.stdout if command == "check" else done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GATEWAY_DATABASE__URL", "sqlite:////nowhere/gateway.db", "database.url: /nowhere cannot be written to"),
        ("GATEWAY_KEYS__FILE", "/nowhere/gateway.keys", "keys.file: /nowhere/gateway.keys is missing"),
        ("GATEWAY_METRICS__LISTEN", "192.0.2.1:9090", "metrics.listen: cannot listen there"),
        ("GATEWAY_SMTP__TRUSTED_NETWORKS", "loopback", "GATEWAY_SMTP__TRUSTED_NETWORKS: is no JSON"),
    ],
)
def test_serve_says_plainly_which_setting_cannot_be_used(folder, variable, value, said):
    done = gateway("serve", "--config", folder / "gateway.toml", **{variable: value})
    assert done.returncode == os.EX_CONFIG
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_with_other_keys_refuses_to_start(folder, tmp_path):
    environment = {f"GATEWAY_{part}__LISTEN": "127.0.0.1:0" for part in ("SMTP", "PORTAL", "METRICS")}
    process = _serve(folder, environment)
    assert process.stdout.readline().startswith("gateway ready smtp=127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()
    process.stderr.close()
    assert init(tmp_path / "other").returncode == 0
    (tmp_path / "other/gateway.keys").replace(folder / "gateway.keys")
    done = gateway("serve", "--config", folder / "gateway.toml", **environment)
    assert done.returncode == os.EX_CONFIG
    assert "not the keys that this database was sealed with" in done.stderr


def test_check_tells_which_proxy_a_running_portal_cannot_believe(folder):
    ports = {f"GATEWAY_{part}__LISTEN": "127.0.0.1:0" for part in ("SMTP", "PORTAL", "METRICS")}
    strict = ports | {"GATEWAY_PORTAL__TRUSTED_PROXIES": '["10.0.0.0/8"]'}
    process = _serve(folder, strict)
    try:
        portal = process.stdout.readline().partition("portal=")[2].split()[0]
        for _ in range(3):
            answer = httpx2.get(f"http://{portal}/healthz", headers={"X-Forwarded-For": "192.0.2.7"})
            assert answer.status_code == 200
        said = _checked(folder, strict)
        assert "warning  portal.trusted_proxies: 127.0.0.1 hands on requests for others, and is not trusted" in said
        assert "ok       portal.trusted_proxies" in _checked(folder, ports)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()
        assert process.stderr.read().count("portal.trusted_proxies") == 1
        process.stderr.close()


def _checked(folder, environment):
    return gateway("check", "--config", folder / "gateway.toml", **environment).stdout


def _serve(folder, environment):
    return subprocess.Popen(
        [GATEWAY, "serve", "--config", str(folder / "gateway.toml")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_the_queue_is_shown_tried_again_and_dropped(folder):
    """Beside a gateway that may serve: here none does, and the mail was set aside."""
    config = ("--config", folder / "gateway.toml")
    assert gateway("queue", "list", *config).stdout == "nothing waits\n"
    with sqlite3.connect(folder / "gateway.db") as database:
        for number in (1, 2):
            database.execute(
                "INSERT INTO delivery (id, kind, hop, mail_from, recipient, content_id, state, attempts, created_at, "
                "due_at, claimed_by, last_reply) "
                "VALUES (?, 'notice', '', '', 'pat@home.example', '', 'quarantined', 3, 0, 0, '', '')",
                [number],
            )
    shown = gateway("queue", "list", "--set-aside", "--json", *config)
    assert [json.loads(line)["number"] for line in shown.stdout.splitlines()] == [1, 2]
    assert "pat@home.example" in gateway("queue", "list", *config, COLUMNS="200").stdout
    assert "FAULT    queue: 2 mails" in gateway("check", *config).stdout
    assert gateway("queue", "retry", 1, *config).stdout == "1: will be tried again\n"
    missed = gateway("queue", "drop", 2, 7, *config)
    assert (missed.returncode, missed.stdout) == (1, "2: dropped\n7: nothing with this number waits\n")
    assert gateway("queue", "list", "--set-aside", *config).stdout == "nothing waits\n"


def _at_once(signal_number, *words):
    """A command that gets a signal as soon as its own code runs, which is long before it has read its settings."""
    code = (
        "import os, sys, signal, gateway.cli.entry as cli\n"
        "class Import:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'gateway.cli.app':\n"
        f"            os.kill(os.getpid(), {int(signal_number)})\n"
        "sys.meta_path.insert(0, Import())\n"
        f"sys.argv[1:] = {list(map(str, words))!r}\n"
        "cli.main()\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


def test_a_hangup_before_it_serves_ends_nothing(tmp_path):
    done = _at_once(signal.SIGHUP, "serve", "--config", tmp_path / "gateway.toml")
    assert (done.returncode, "cannot be read" in done.stderr) == (os.EX_CONFIG, True)


def test_an_interrupted_command_says_so_in_one_line(tmp_path):
    done = _at_once(signal.SIGINT, "check", "--config", tmp_path / "gateway.toml")
    assert (done.returncode, done.stderr, done.stdout) == (130, "interrupted\n", "")


def test_so_does_one_that_had_begun(folder, tmp_path):
    os.mkfifo(tmp_path / "mail")  # whoever reads it waits
    words = ("explain", tmp_path / "mail", "--config", folder / "gateway.toml", "--from", "a@b.example")
    with (
        subprocess.Popen(
            [sys.executable, "-m", "gateway", *map(str, words), "--rcpt", "c@d.example"],
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        (tmp_path / "mail").open("wb"),
    ):  # which takes until it is read
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "interrupted\n")


def test_a_link_to_the_administrators_pages_is_for_whoever_typed_sudo(folder):
    config = folder / "gateway.toml"
    config.write_text(config.read_text() + '\n[admin]\nlisten = "127.0.0.1:0"\n')
    for more, who in ((), "grace"), (("--for", "Ada"), "Ada"):
        made = gateway("admin", "link", *more, "--config", config, SUDO_USER="grace")
        assert f"for {who}: the audit has that name" in made.stderr
