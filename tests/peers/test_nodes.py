"""Gateways that serve from one PostgreSQL database: they share the work, and none of it is done twice."""

import pytest

from tests.peers.node import Node
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

ADA, PAT = "ada@riverside.example", "pat@home.example"


@pytest.fixture
def nodes(tmp_path, smtp_sink, postgres):
    first = Node(tmp_path / "one", smtp_sink.port, postgres)
    other = Node(tmp_path / "other", smtp_sink.port, postgres, first=first)
    for node in (first, other):
        node.start()
    yield first, other
    for node in (first, other):
        node.end()


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
