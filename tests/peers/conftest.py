"""The peers as fixtures. A peer that cannot be had fails the test and says what to type; it never skips it."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.disks import SmallDisk
from tests.peers.hop import Hop
from tests.peers.node import Node
from tests.peers.postfix import Postfix
from tests.peers.served import Served
from tests.peers.smtp_sink import SmtpSink


@pytest.fixture
def smtp_sink(peers: None, tmp_path: Path) -> Iterator[SmtpSink]:
    """A running sink."""
    folder = tmp_path / "sink"
    folder.mkdir()
    sink = SmtpSink(folder)
    try:
        sink.start()
        yield sink
    finally:
        sink.stop()


@pytest.fixture
def postfix(peers: None) -> Iterator[Callable[..., Postfix]]:
    """`postfix(relay_to_port, **main_cf)` starts a private Postfix, which ends with the test."""
    running: list[Postfix] = []

    def start(relay_to: int, **settings: str) -> Postfix:
        running.append(Postfix(relay_to, **settings))
        running[-1].start()
        return running[-1]

    try:
        yield start
    finally:
        for instance in running:
            instance.close()


@pytest.fixture
def hop() -> Iterator[Hop]:
    """A running hop of our own, whose script a test may write."""
    hop = Hop()
    hop.start()
    yield hop
    hop.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system that can be filled."""
    try:
        disk = SmallDisk(tmp_path / "disk")
    except OSError as refused:
        say = pytest.fail if "CI" in os.environ else pytest.skip  # most containers, and who is not root, may not
        say(f"This test mounts a small file system, as root: {refused}")
    yield disk
    disk.close()


@pytest.fixture
def served(tmp_path: Path, hop: Hop) -> Iterator[Served]:
    """A gateway that is set up, with `hop` as its next one; it is killed at the end, if it runs."""
    gateway = Served(tmp_path / "gateway", hop.port)
    yield gateway
    gateway.end(signal.SIGKILL)


@pytest.fixture
def nodes(
    request: pytest.FixtureRequest, tmp_path: Path, smtp_sink: SmtpSink, postgres: str
) -> Iterator[tuple[Node, Node]]:
    """Two gateways on one PostgreSQL; a module's NODE_SETTINGS are theirs."""
    settings: dict[str, str] = getattr(request.module, "NODE_SETTINGS", {})
    first = Node(tmp_path / "one", smtp_sink.port, postgres, **settings)
    other = Node(tmp_path / "other", smtp_sink.port, postgres, first=first, **settings)
    for node in (first, other):
        node.start()
    yield first, other
    for node in (first, other):
        node.end()
