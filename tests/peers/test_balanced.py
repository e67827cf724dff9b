"""Nodes behind the real HAProxy, with the files that an administrator gets: who is sent where, and that nobody notices
a restart.
"""

import contextlib
import itertools
import os
import signal
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.peers.balanced import Balanced
from tests.peers.forwarder import Forwarder
from tests.peers.process import wait_for

pytestmark = pytest.mark.peer

ADA, PAT = "ada@riverside.example", "pat@home.example"
EVERY = 0.05
"""Seconds between two mails, or two pages, of each of those who come steadily."""


class Steady:
    """Somebody who comes again and again, one way or another, and notes all that went wrong."""

    def __init__(self, come: Callable[[int], None]) -> None:
        self.done: list[int] = []
        self.faults: list[str] = []
        self._come = come
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Steady":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        for number in itertools.count(1):
            try:
                self._come(number)
                self.done.append(number)
            except (OSError, smtplib.SMTPException, httpx2.HTTPError) as error:
                self.faults.append(f"{number}: {error!r}")
            if self._stop.wait(EVERY):
                return

    def more(self, count: int = 10) -> None:
        """Wait until they have come so many times more."""
        enough = len(self.done) + len(self.faults) + count
        wait_for(lambda: len(self.done) + len(self.faults) >= enough, 60)


def mail(number: int) -> bytes:
    head = f"From: {ADA}\r\nTo: {PAT}\r\nSubject: passes\r\nMessage-ID: <{number}@x>\r\n"
    return f"{head}\r\nHello.\r\n".encode()


def session(site: Balanced, address: str = "127.0.0.5") -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", site.smtp_port, "mx.example", timeout=30, source_address=(address, 0))


def mails_to(site: Balanced) -> Steady:
    """A mail server that has a session for each mail."""

    def hand_in(number: int) -> None:
        with session(site) as client:
            client.sendmail(ADA, [PAT], mail(number))

    return Steady(hand_in)


def pages_of(site: Balanced, client: httpx2.Client) -> Steady:
    def look(_: int) -> None:
        client.get("/sign-in").raise_for_status()

    return Steady(look)


@contextlib.contextmanager
def serving(site: Balanced, *nodes: int) -> Iterator[Balanced]:
    try:
        site.start(*(site.nodes[number - 1] for number in nodes))
        yield site
    finally:
        for node in site.nodes:
            node.end(signal.SIGKILL)
        site.close()


def numbers(hop) -> list[int]:
    """Which mails the next hop has taken."""
    return sorted(int(handed.message["Message-ID"].strip("<>").partition("@")[0]) for handed in hop.messages())


@pytest.fixture
def database(postgres_server):
    """The URL of a database in which there is nothing."""
    return postgres_server.database("balanced")


def test_each_client_is_itself(tmp_path, hop, database):
    """In Received, for the limits, and in the portal's audit."""
    limits = {"SMTP__MAX_SESSIONS_PER_ADDRESS": "1"}
    with serving(Balanced(tmp_path, hop.port, [database], **limits)) as site:
        with session(site, "127.0.0.5") as one:
            one.sendmail(ADA, [PAT], mail(1))
            with pytest.raises(smtplib.SMTPConnectError) as refused:
                session(site, "127.0.0.5")
            with session(site, "127.0.0.6") as other:
                assert other.noop()[0] == 250
        assert refused.value.smtp_code == 421
        [handed] = wait_for(hop.messages)
        assert b"([127.0.0.5])\r\n" in handed.octets
        with site.client("127.0.0.7") as browser:
            page = browser.get("/sign-in").text
            token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
            form = {"csrf_token": token, "email": PAT, "password": "wrong"}
            browser.post("/sign-in", data=form, headers={"origin": site.url})
            assert not browser.get("/invite/an-unguessable-token").is_success
        assert ("127.0.0.7",) in site.nodes[0].rows("SELECT place FROM audit")
        assert "127.0.0.7" in site.said()
        assert "unguessable" not in site.said()


@pytest.mark.timeout(300)
def test_nobody_notices_that_all_nodes_are_restarted(tmp_path, hop, database):
    """One after the other, as soon as the last one says that it is ready; mail and pages come all the while.

    A parent with workers holds its sockets until the last worker has ended: whoever comes then is not even refused.
    """
    with serving(Balanced(tmp_path, hop.port, [database] * 3, "--workers", "2")) as site:
        with site.client() as browser, mails_to(site) as mails, pages_of(site, browser) as pages:
            for node in site.nodes:
                mails.more()
                assert node.end() == 0
                mails.more()
                node.start()
            mails.more()
        assert (mails.faults, pages.faults) == ([], [])
        wait_for(lambda: len(hop.messages()) >= len(mails.done), 60)
        assert numbers(hop) == mails.done
        logs = [(node.folder / "log").read_text() for node in site.nodes]
        assert not [log for log in logs if "level=error" in log]
        assert all("draining" in log for log in logs)


@pytest.mark.timeout(300)
def test_a_node_that_loses_its_database_gets_nobody_until_it_has_it_again(tmp_path, hop, database, postgres_server):
    between = Forwarder(postgres_server.port)
    cut_off = database.replace(str(postgres_server.port), str(between.port))
    with serving(Balanced(tmp_path, hop.port, [database, cut_off])) as site:
        between.cut()
        site.wait_until(up={"node-1"})
        with site.client() as browser, mails_to(site) as mails, pages_of(site, browser) as pages:
            mails.more(40)
        assert (mails.faults, pages.faults) == ([], [])
        between.mend()
        site.wait_until(up={"node-1", "node-2"})
        site.nodes[0].end(signal.SIGKILL)
        site.wait_until(up={"node-2"})
        with mails_to(site) as more:
            more.more()
        assert more.faults == []


def test_whoever_is_sent_to_a_node_that_has_just_died_is_sent_to_another(tmp_path, hop, database):
    with serving(Balanced(tmp_path, hop.port, [database] * 2)) as site:
        site.nodes[0].end(signal.SIGKILL)
        with mails_to(site) as mails:
            mails.more(20)
        assert mails.faults == []


def test_who_is_told_to_stop_serves_on_and_a_second_signal_ends_that(tmp_path, hop, database):
    with serving(Balanced(tmp_path, hop.port, [database], BALANCER__DRAIN_SECONDS="600")) as site:
        [node] = site.nodes
        os.kill(node.pid, signal.SIGTERM)
        wait_for(lambda: not any(site.up().values()))
        host, port = node.settings["SMTP__LISTEN"].split(":")
        with socket.create_connection((host, int(port)), 20) as client:
            client.sendall(b"PROXY UNKNOWN\r\n")
            assert client.recv(100).startswith(b"220 ")
        assert node.end() == 0
