"""Which mail servers can be reached, as outcomes tell it."""

from gateway.edge.outbox.reach import Reach
from gateway.ports import Outcome

GONE = Outcome(0, "connection refused", reached=False)


def test_a_hop_is_down_from_its_first_failure_until_it_answers():
    told = []
    reach = Reach(lambda hop, answers: told.append((hop, answers)))
    for outcome in (Outcome(250, "ok"), Outcome(451, "later"), GONE, GONE):
        reach.heard("", outcome)
    reach.heard("hospital.example", Outcome(250, "ok"))
    assert list(reach.down()) == [("", "connection refused")]
    reach.heard("", Outcome(550, "no such user"))
    assert list(reach.down()) == []
    assert told == [("", True), ("", False), ("hospital.example", True), ("", True)]
