"""Who is let in, who makes room, who is sent away; and memory that stops the reading and nothing else."""

from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from gateway.edge.smtp import limits
from gateway.edge.smtp.limits import Limits, Memory, Sessions, address_key

CAPS = Limits(sessions=8, sessions_an_address=3)


@dataclass(eq=False)
class Visitor:
    sessions: Sessions
    address: str = "192.0.2.1"
    network: str = "192.0.2.0/24"
    is_trusted: bool = False
    got_on_at: float = 0.0
    slow: bool = False
    heard: list[str] = field(default_factory=list)
    in_transaction: bool = False

    def dismiss(self, reply):
        self.heard.append(reply[:9])
        self.sessions.leave(self)

    def too_slow(self, now, least_rate):
        return self.slow


def admitted(sessions, count, now=0.0, **fields):
    visitors = [Visitor(sessions, got_on_at=now, **fields) for _ in range(count)]
    assert [sessions.admit(visitor, now) for visitor in visitors] == [""] * count
    return visitors


def test_one_address_has_so_many_sessions_and_the_idlest_makes_room():
    sessions = Sessions(CAPS)
    first, second, third = admitted(sessions, 3)
    newcomer = Visitor(sessions)
    assert sessions.admit(newcomer, 1.0).startswith("421 4.7.0 Too many sessions from your address")
    second.got_on_at = first.got_on_at = 4.0
    assert sessions.admit(newcomer, 5.0) == ""
    assert [one.heard for one in (first, second, third)] == [[], [], ["421 4.3.2"]]
    assert sessions.count == 3


@pytest.mark.parametrize(("is_trusted", "most"), [(False, 6), (True, 8)])
def test_all_addresses_together_have_so_many_sessions(is_trusted, most):
    sessions = Sessions(CAPS)
    for number in range(most):
        admitted(sessions, 1, address=f"192.0.2.{number}", is_trusted=is_trusted)
    newcomer = Visitor(sessions, address="198.51.100.1", is_trusted=is_trusted)
    assert sessions.admit(newcomer, 1.0).startswith("421 4.3.2")
    assert sessions.admit(newcomer, 3.0) == ""
    assert sessions.count == most


def test_strangers_never_keep_a_trusted_client_out_nor_send_it_away():
    sessions = Sessions(CAPS)
    strangers = [one for number in range(6) for one in admitted(sessions, 1, address=f"198.51.100.{number}")]
    [own] = admitted(sessions, 1, address="192.0.2.1", is_trusted=True)
    for number in range(7, 30):
        stranger = Visitor(sessions, address=f"198.51.100.{number}", got_on_at=5.0)
        assert sessions.admit(stranger, 5.0)[:9] == ("" if number < 13 else "421 4.3.2")
    admitted(sessions, 3, now=5.0, address="192.0.2.2", is_trusted=True)  # beyond what is kept
    admitted(sessions, 3, now=5.0, address="192.0.2.3", is_trusted=True)
    assert own.heard == []
    assert all(one.heard == ["421 4.3.2"] for one in strangers)
    assert sessions.count == 8
    assert sessions.admit(Visitor(sessions), 5.0).startswith("421 4.3.2")


def test_who_makes_room_makes_it_for_one_though_the_connection_is_slow_to_go():
    sessions = Sessions(CAPS)
    for number in range(6):
        admitted(sessions, 1, address=f"198.51.100.{number}")
    sessions.leave, leave = lambda _: None, sessions.leave  # nobody is gone yet
    heard = [sessions.admit(Visitor(sessions, address=f"192.0.2.{n}", got_on_at=5.0), 5.0)[:9] for n in range(8)]
    assert heard == [""] * 6 + ["421 4.3.2"] * 2
    assert sessions.count == 12
    sessions.leave = leave
    sessions.sweep(6.0)  # those that never read their last word are dismissed again, which cuts them off
    assert sessions.count == 6


def test_strangers_that_crowd_each_other_leave_trusted_clients_their_time():
    sessions = Sessions(CAPS)
    [own] = admitted(sessions, 1, address="192.0.2.1", is_trusted=True)
    strangers = [one for number in range(6) for one in admitted(sessions, 1, address=f"198.51.100.{number}")]
    sessions.sweep(limits.CROWDED_SECONDS + 1)
    assert own.heard == []
    assert all(one.heard == ["421 4.4.2"] for one in strangers)


def test_idle_sessions_are_given_less_time_when_it_is_crowded():
    sessions = Sessions(CAPS)
    [guest] = admitted(sessions, 1)
    sessions.sweep(limits.CROWDED_SECONDS + 1)
    assert guest.heard == []
    for number in range(5):
        admitted(sessions, 1, now=limits.CROWDED_SECONDS, address=f"192.0.2.1{number}")
    sessions.sweep(limits.CROWDED_SECONDS + 1)
    assert guest.heard == ["421 4.4.2"]
    sessions.sweep(limits.COMMAND_SECONDS + limits.CROWDED_SECONDS + 1)
    assert sessions.count == 0


def test_who_dribbles_content_is_sent_away():
    sessions = Sessions(CAPS)
    slow, honest = admitted(sessions, 1, slow=True) + admitted(sessions, 1)
    sessions.sweep(1.0)
    assert (slow.heard, honest.heard) == (["421 4.4.2"], [])


def test_an_address_that_errs_without_end_is_not_let_in_for_a_while():
    sessions = Sessions(CAPS)
    [guest] = admitted(sessions, 1)
    sessions.sweep(1.0)
    for _ in range(limits.ERRORS_AN_ADDRESS):
        sessions.count_error(guest)
    assert sessions.admit(Visitor(sessions), 2.0).startswith("421 4.7.0 Too many errors")
    assert sessions.admit(Visitor(sessions, address="192.0.2.2"), 2.0) == ""
    sessions.sweep(limits.ERRORS_SECONDS + 2.0)
    assert sessions.admit(Visitor(sessions), 3.0) == ""


def test_an_ipv6_client_is_its_network():
    one, other, elsewhere = map(ip_address, ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"))
    assert address_key(one) == address_key(other) != address_key(elsewhere)
    assert address_key(ip_address("192.0.2.1")) == "192.0.2.1"


def test_reading_goes_on_when_there_is_room_again():
    memory, gone_on = Memory(100), []
    memory.take(99)
    assert not memory.is_short
    memory.take(50)
    assert memory.is_short
    memory.when_there_is_room(lambda: gone_on.append("a"))
    memory.give_back(20)
    assert gone_on == []
    memory.give_back(60)
    assert gone_on == ["a"]


def test_one_network_has_so_many_sessions_and_others_and_trusted_ones_their_own():
    sessions = Sessions(Limits(sessions=20, sessions_an_address=3, sessions_a_network=4))
    for number in range(4):
        admitted(sessions, 1, address=f"192.0.2.{number}")
    newcomer = Visitor(sessions, address="192.0.2.9")
    assert sessions.admit(newcomer, 1.0).startswith("421 4.7.0 Too many sessions from your network")
    admitted(sessions, 1, address="192.0.2.10", is_trusted=True)
    admitted(sessions, 1, address="198.51.100.1", network="198.51.100.0/24")
    assert sessions.admit(newcomer, 5.0) == ""  # the idlest of its network makes room
    assert sessions.count == 6


def test_who_has_signed_in_is_not_displaced_by_strangers():
    sessions = Sessions(Limits(sessions=4, sessions_an_address=4))
    [clerk] = admitted(sessions, 1, address="203.0.113.1", network="203.0.113.0/24")
    sessions.trust(clerk)
    admitted(sessions, 3, now=1.0)
    for at in (5.0, 10.0, 15.0):
        admitted(sessions, 1, now=at, address=f"198.51.100.{at:.0f}", network="198.51.100.0/24")
    assert clerk.heard == []


def test_nor_by_strangers_of_the_same_network():
    sessions = Sessions(Limits(sessions=20, sessions_an_address=4, sessions_a_network=2))
    [clerk] = admitted(sessions, 1, address="192.0.2.1")
    sessions.trust(clerk)
    admitted(sessions, 2, now=1.0, address="192.0.2.2")
    admitted(sessions, 1, now=9.0, address="192.0.2.3")  # one of the two makes room
    assert clerk.heard == []


@pytest.mark.parametrize(
    ("ip", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1::/48")],
)
def test_networks(ip, network):
    assert limits.network_key(ip_address(ip)) == network
