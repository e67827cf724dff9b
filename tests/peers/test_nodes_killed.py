"""Three gateways on one PostgreSQL: they are killed, the server is restarted, and then gone for its replica.

The suite does so for some seconds. The full form, of two minutes or as many as one likes:

    KILL_SECONDS=120 python -m pytest tests/peers/test_nodes_killed.py --timeout 900
"""

import os
import random
import signal
import threading
import time
from collections import Counter

import pytest

from tests.peers.ledger import ADA, REGISTERED, Load, books, drained, lost
from tests.peers.node import Node
from tests.peers.postgres import Postgres
from tests.peers.process import wait_for

SECONDS = float(os.environ.get("KILL_SECONDS", "20"))
SEED = int(os.environ.get("SEED", str(random.SystemRandom().randrange(10**6))))
pytestmark = [pytest.mark.peer, pytest.mark.timeout(240 + 4 * SECONDS)]

PATIENTS = 60
KILL_EVERY = 3.0


class Time:
    """The nodes' clock goes as ours does, and may be set forward."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._go)

    def __enter__(self) -> "Time":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def turn(self, **by: float) -> None:
        with self._lock:
            self._node.turn(**by)

    def _go(self) -> None:
        while not self._ending.wait(0.5):
            self.turn(seconds=0.5)


@pytest.fixture
def primary(peers):
    server = Postgres(durable=True)
    server.start()
    server.database("site")
    yield server
    server.kill()


@pytest.fixture
def replica(primary):
    server = Postgres(durable=True, of=primary)
    server.start()
    primary.follow_each_commit()
    yield server
    server.kill()


@pytest.fixture
def nodes(tmp_path, hop, primary, replica):
    url = f"postgresql://gateway@127.0.0.1:{primary.port},127.0.0.1:{replica.port}/site"
    found: list[Node] = []
    for name in ("one", "two", "three"):
        found.append(Node(tmp_path / name, hop.port, url, first=found[0] if found else None))
        found[-1].start()
    yield found
    for node in found:
        node.end(signal.SIGKILL)


def reminders(hop) -> dict[str, set[str]]:
    """The Message-IDs of the reminders that each patient got."""
    found: dict[str, set[str]] = {}
    for handed in hop.messages():
        if handed.message["X-Gateway-Notice"] == "reminder":
            found.setdefault(handed.recipients[0], set()).add(handed.message["Message-ID"])
    return found


def kill_one_after_the_other(nodes, seconds, chance):
    """Each is up again before the next is killed; how many were."""
    end, kills = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.2, KILL_EVERY))
        chance.choice(nodes).kill()
        kills += 1
    return kills


def test_nothing_is_lost_and_nothing_done_twice(nodes, hop, primary, replica):
    chance = random.Random(SEED)  # noqa: S311 - instants, not secrets
    first = nodes[0]
    patients = [f"patient{number}@home.example" for number in range(PATIENTS)]
    with Time(first) as clock:
        first.enrol(REGISTERED)
        for number, patient in enumerate(patients):
            nodes[number % 3].send(ADA, patient, "[secure patient 1980-02-03] Results", "All is well.")
        wait_for(lambda: drained(first), 60)
        with Load(*(node.smtp_port for node in nodes)) as load:
            kills = kill_one_after_the_other(nodes, SECONDS / 3, chance)
            clock.turn(days=3)  # all reminders are due at once
            kills += kill_one_after_the_other(nodes, SECONDS / 3, chance)
            primary.stop()
            primary.start()
            kills += kill_one_after_the_other(nodes, SECONDS / 3, chance)
            before = len(load.ledger.told)
            primary.kill()
            replica.promote()
            wait_for(lambda: len(load.ledger.told) > before + 20, 60)
        wait_for(lambda: len(reminders(hop)) == PATIENTS, 60)  # who had the lease on timed work may just have died
        wait_for(lambda: drained(first), 120 + SECONDS)

    ledger, found = load.ledger, books(first, hop)
    print(f"SEED={SEED}: {kills} kills, {len(ledger.told)} told, {ledger.refused}, {ledger.unheard.total()} unheard")
    missing = lost(ledger, found)
    assert missing == [], [
        first.rows("SELECT * FROM delivery WHERE recipient = ?", ledger.told[one].recipient) for one in missing
    ]
    told = {kind: {key for key, mail in ledger.told.items() if mail.kind == kind} for kind in ("pass", "held", "inbox")}
    assert told["pass"] <= found.delivered.keys()
    secure = told["held"] | told["inbox"]
    assert {key: found.copies[key] for key in secure} == dict.fromkeys(secure, 1)
    assert {key: len(found.announced.get(key, ())) for key in told["held"]} == dict.fromkeys(told["held"], 1)
    assert reminders(hop).keys() == set(patients)
    assert {to: len(ids) for to, ids in reminders(hop).items()} == dict.fromkeys(patients, 1)
    twice = Counter(found.delivered) - Counter(found.delivered.keys())
    assert sum(twice.values()) <= 20 * (kills + 2) + ledger.unheard.total()
