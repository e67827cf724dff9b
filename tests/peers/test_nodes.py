"""Gateways that serve from one PostgreSQL database: they share the work, and none of it is done twice."""

import signal
import time
from collections import Counter
from contextlib import closing

import pytest

from gateway.store.migrations import newest_scripts
from gateway.store.postgres import schema
from gateway.store.postgres.connections import connect
from tests.peers.node import Node
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

NEWER = f"""-- What a newer version needs, and an older one does not know.
-- Gateways of schema {len(newest_scripts())} may serve beside this one.
ALTER TABLE invitation ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';
ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN title TEXT;
CREATE TABLE pet (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id));
CREATE INDEX delivery_priority ON delivery (priority);
"""

ADA, PAT = "ada@riverside.example", "pat@home.example"


MANY = 1_000
IN_HAND = "SELECT count(*) FROM delivery WHERE state = 'queued' AND lease_until IS NOT NULL AND claimed_by = ?"
MORE = """
INSERT INTO invitation ({columns}, address, typed)
SELECT {columns}, 'p' || n || '@home.example', 'p' || n || '@home.example' FROM invitation, generate_series(1, ?) AS n
"""
WAIT = """
INSERT INTO waiting_sender (invitation_id, sender_id, withdrawn, since) SELECT invitation.id, sender_id, 0, since
FROM invitation, waiting_sender WHERE NOT EXISTS (SELECT FROM waiting_sender WHERE invitation_id = invitation.id)
"""


@pytest.fixture
def mailboxes(smtp_sink):
    return Mailboxes(smtp_sink)


def test_what_one_has_taken_in_the_other_goes_on_with(nodes, mailboxes):
    one, other = nodes
    one.send(ADA, PAT, "[secure patient 1980-02-03] Your results", "All is well.")
    other.send(ADA, PAT, "[secure] More of them", "Still well.")
    invitation = mailboxes.next("invitation", PAT)
    assert mailboxes.link(invitation)
    assert one.rows("SELECT count(*) FROM invitation") == [(1,)]


def test_a_newer_version_brings_the_schema_forward_while_an_older_one_serves(
    tmp_path, smtp_sink, postgres_server, monkeypatch, mailboxes
):
    """The older one goes on, with what it has asked the database often, and starts again."""
    url = postgres_server.database("side_by_side")
    older = Node(tmp_path / "older", smtp_sink.port, url)
    older.start()
    try:
        for number in range(10):  # what is asked so often is prepared
            older.send(ADA, f"pat{number}@home.example", "[secure patient 1980-02-03] Your results", "All is well.")
            mailboxes.next("invitation", f"pat{number}@home.example")
        monkeypatch.setattr(schema, "newest_scripts", lambda: [*newest_scripts(), NEWER])
        with closing(connect(url)) as connection:
            assert schema.migrate(connection) == [len(newest_scripts()) + 1]
        older.send(ADA, PAT, "[secure patient 1980-02-03] Your results", "All is well.")
        mailboxes.next("invitation", PAT)
        older.turn(days=3)
        mailboxes.next("reminder", PAT)
        assert older.end() == 0
        older.start()
        older.turn(days=12)
        mailboxes.next("reminder", PAT)
        assert older.rows("SELECT DISTINCT colour FROM invitation") == [("green",)]
        assert "level=error" not in (older.folder / "log").read_text()
    finally:
        older.end()


def test_the_commands_of_one_node_see_and_change_what_all_have(nodes, mailboxes):
    one, other = nodes
    one.send(ADA, PAT, "[secure patient 1980-02-03] Your results", "All is well. " * 10_000)
    mailboxes.next("invitation", PAT)
    assert PAT in other.command("invitations", "list").stdout
    assert other.command("invitations", "remind", "1").returncode == 0
    mailboxes.next("reminder", PAT)
    for words in ("queue list", "people list", "audit verify", "audit list", "keys list", "practices list", "migrate"):
        done = one.command(*words.split())
        assert done.returncode == 0, done.stderr
    assert "is this gateway's" in one.command("migrate").stdout.replace("which ", "")
    for words in ("doctor", "backup /nowhere"):
        refused = one.command(*words.split())
        assert refused.returncode == 78
        assert "tools of its own" in refused.stderr


def test_a_key_is_new_once_every_node_has_it(nodes):
    one, other = nodes
    one.send(ADA, PAT, "[secure] Your results", "All is well.")
    keys, new = one.folder / "gateway.keys", one.folder / "new.keys"
    before = keys.read_bytes()
    refused = one.command("keys", "rotate")
    assert refused.returncode == 78
    assert "--new-file" in refused.stderr
    assert keys.read_bytes() == before  # nothing is sealed yet that the other one could not open
    assert one.command("keys", "rotate", "--new-file", new).returncode == 0
    keys.write_bytes(new.read_bytes())
    refused = one.command("keys", "rotate")
    assert refused.returncode == 78
    assert "copy the key file to every node" in refused.stderr
    assert "other worker 0" in refused.stderr
    (other.folder / "gateway.keys").write_bytes(new.read_bytes())
    assert one.command("keys", "rotate").returncode == 0
    one.send(ADA, "sam@home.example", "[secure] Your results", "All is well.")


@pytest.mark.timeout(300)
def test_a_thousand_reminders_that_are_due_at_once_go_once_each_though_a_node_is_killed(nodes, smtp_sink, mailboxes):
    """Whoever has the lease on timed work dies in the midst of it, and the other goes on within the lease's time."""
    one, other = nodes
    one.send(ADA, PAT, "[secure patient 1980-02-03] Your results", "All is well.")
    mailboxes.next("invitation", PAT)
    found = one.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'invitation'")
    columns = ", ".join(name for (name,) in found if name not in ("id", "address", "typed"))
    one.change(MORE.format(columns=columns), MANY - 1)
    one.change(WAIT)
    one.turn(days=3)
    queued = "SELECT count(*) FROM delivery WHERE notice = 'reminder'"
    wait_for(lambda: one.rows(queued)[0][0] > MANY // 10, 60)
    holder = one if one.figure("gateway_keeps_time") else other
    holder.end(signal.SIGKILL)
    [(in_hand,)] = one.rows(IN_HAND, f"{holder.folder.name} worker 0")
    left = other if holder is one else one
    while left.rows(queued) != [(MANY,)]:  # its lease ends by the clock
        one.turn(seconds=1)
        time.sleep(0.1)
    holder.start()
    wait_for(lambda: one.rows("SELECT count(*) FROM delivery WHERE state = 'queued'") == [(0,)], 120)
    assert one.rows(queued) == [(MANY,)]
    sent = [taken for taken in smtp_sink.messages() if taken.message["X-Gateway-Notice"] == "reminder"]
    ids = {(taken.recipients, taken.message["Message-ID"]) for taken in sent}
    assert len(ids) == len({recipients for recipients, _ in ids}) == MANY
    # What the node had in hand as it was killed, and had not recorded, goes once more as the same mail.
    assert max(Counter(taken.recipients for taken in sent).values()) <= 2
    assert len(sent) <= MANY + in_hand
