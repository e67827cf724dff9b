"""`gateway init` at a real terminal: an interview that checks each answer, writes, and ends with a first held mail."""

import os
import pty
import re
import select
import subprocess
import time
import tomllib

import pytest

from tests.peers.served import GATEWAY

pytestmark = pytest.mark.peer


class Terminal:
    """A program at a terminal of its own; what it shows, and somebody who types."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}
        self.process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.shown = ""
        self._seen = 0

    def until(self, text: str, seconds: float = 60) -> str:
        """Wait until it shows this behind what was seen before."""
        end = time.monotonic() + seconds
        while text not in self.shown[self._seen :]:
            readable, _, _ = select.select([self._ours], [], [], max(end - time.monotonic(), 0))
            assert readable, self.shown
            try:
                self.shown += os.read(self._ours, 4096).decode()
            except OSError:  # it has ended
                break
        assert text in self.shown[self._seen :], self.shown
        self._seen = self.shown.index(text, self._seen) + len(text)
        return self.shown

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def answer(self, question: str, line: str) -> None:
        self.until(question)
        self.type(line)

    def ended(self) -> int:
        try:
            while more := os.read(self._ours, 4096):
                self.shown += more.decode()
        except OSError:
            pass
        code = self.process.wait(30)
        os.close(self._ours)
        return code


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*words):
        opened.append(Terminal(GATEWAY, *map(str, words)))
        return opened[-1]

    yield start
    for one in opened:
        one.process.kill()
        one.process.wait()


def test_an_interview_ends_with_a_held_mail(terminal, tmp_path, hop):
    folder = tmp_path / "gateway"
    asked = terminal("init", folder)
    asked.answer("The practice's name", "Riverside Family Practice")
    asked.answer("The practice's mail domain", "not a domain")
    asked.answer("write a domain", "riverside.example")
    asked.answer("[secure.riverside.example]", "riverside.example")
    asked.answer("write another one", "")
    asked.answer("The mail server that takes our mail on", "127.0.0.1:1")
    asked.answer("nothing answers at 127.0.0.1:1", "n")
    asked.answer("write where your mail server listens", f"127.0.0.1:{hop.port}")
    asked.answer("Where people will reach the portal", "")
    asked.until("LOSING THIS FILE IS LOSING THE MAIL")
    asked.answer("Send a first secure mail", "y")
    asked.answer("Your own address at the practice", "ada@elsewhere.example")
    asked.answer("write an address in riverside.example", "ada@riverside.example")
    asked.answer("An address of your own elsewhere", "bot@secure.riverside.example")
    asked.answer("write an address elsewhere", "pat@home.example")
    assert asked.ended() == 0, asked.shown
    assert "pat@home.example: held" in asked.shown
    assert "Traceback" not in asked.shown
    written = tomllib.loads((folder / "gateway.toml").read_text())
    assert written["site"]["domain"] == "secure.riverside.example"
    assert written["site"]["portal_url"] == "https://secure.riverside.example"
    assert written["next_hop"]["address"] == f"127.0.0.1:{hop.port}"
    assert hop.messages() == []  # nothing left for that


def test_the_first_mail_may_be_left_out(terminal, tmp_path, hop):
    asked = terminal(
        *("init", tmp_path / "gateway", "--practice", "Riverside", "--practice-domain", "riverside.example"),
        *("--domain", "secure.riverside.example", "--portal-url", "https://secure.riverside.example"),
    )
    asked.answer("The mail server that takes our mail on", f"127.0.0.1:{hop.port}")
    asked.answer("Send a first secure mail", "n")
    assert asked.ended() == 0, asked.shown


def test_with_all_options_nothing_is_asked(terminal, tmp_path):
    asked = terminal(
        *("init", tmp_path / "gateway", "--practice", "Riverside", "--practice-domain", "riverside.example"),
        *("--domain", "secure.riverside.example", "--next-hop", "127.0.0.1:1"),
    )
    assert asked.ended() == 0, asked.shown
    assert "?" not in asked.shown


def test_a_mail_is_tried_beside_a_gateway_that_serves_too(served, hop):
    served.start()
    served.settings["SMTP__LISTEN"] = ""
    settings = served.folder / "gateway.toml"
    settings.write_text(f'{settings.read_text()}\n[smtp]\nlisten = "127.0.0.1:{served.smtp_port}"\n')
    done = served.command("try", "--from", "ada@riverside.example", "--to", "pat@home.example")
    assert (done.returncode, "pat@home.example: held" in done.stdout) == (0, True), done.stderr
    queue_id = re.search(r"gateway trace (\S+)", done.stdout)[1]
    assert "held" in served.command("trace", queue_id).stdout


@pytest.mark.parametrize(("trusted", "code"), [('"127.0.0.2/32"', 0), ('"127.0.0.8/29"', 0), ('"192.0.2.1/32"', 1)])
def test_a_mail_is_tried_from_an_address_that_is_trusted(served, trusted, code):
    """As beside a Postfix after config/postfix.md, and whether a gateway serves or not."""
    settings = served.folder / "gateway.toml"
    settings.write_text(
        f'{settings.read_text()}\n[smtp]\nlisten = "127.0.0.1:{served.smtp_port}"\ntrusted_networks = [{trusted}]\n'
    )
    for serves in (False, True):
        if serves:
            served.start()
        done = served.command("try", "--from", "ada@riverside.example", "--to", "pat@home.example")
        assert (done.returncode, "pat@home.example: held" in done.stdout) == (code, not code), done.stderr
        assert ("leave it so, and send a first mail from a mail client" in done.stderr) is bool(code)


def test_a_mail_to_the_gateway_itself_is_none_to_try_with(served):
    done = served.command("try", "--from", "ada@riverside.example", "--to", "bot@secure.riverside.example")
    assert (done.returncode, done.stderr.startswith("--to: ")) == (1, True)


def test_who_writes_for_no_practice_is_told_so(served):
    done = served.command("try", "--from", "ada@elsewhere.example", "--to", "pat@home.example")
    assert done.returncode == 1
    assert "write an address in riverside.example" in done.stderr
    assert "Traceback" not in done.stderr
