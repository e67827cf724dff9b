"""For which practice an address writes, among any number of practices."""

import dataclasses

from gateway.domain.address import address
from gateway.domain.site import Practice
from tests.practice import SITE

NORTH = Practice("north", "North", domains=("shared.example",), language="fr")
SOUTH = Practice("south", "South", domains=("shared.example", "south.example"), senders=("ada@shared.example",))
BOTH = dataclasses.replace(SITE, practices=(NORTH, SOUTH))


def test_an_exact_address_comes_before_its_domain() -> None:
    assert BOTH.practice_of(address("Ada@shared.example")) == SOUTH


def test_of_those_that_share_a_domain_the_first_has_it() -> None:
    assert BOTH.practice_of(address("ben@shared.example")) == NORTH
    assert BOTH.practice_of(address("ben@south.example")) == SOUTH


def test_strangers_write_for_nobody() -> None:
    assert BOTH.practice_of(address("ada@elsewhere.example")) is None
    assert not BOTH.names_sender(address("ben@shared.example"))


def test_a_practice_that_has_left_keeps_its_id_as_its_name() -> None:
    assert BOTH.practice("gone") == Practice("gone", "gone")
    assert BOTH.language("gone") == BOTH.language() == "fr"
