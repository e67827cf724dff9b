"""A slip in one recipient's address: the others have their mail, and the sender is told."""

import re

import pytest

from gateway.domain.model import Copy, Delivery
from gateway.domain.vocabulary import CopyState, DeliveryKind
from gateway.errors import BadRecipient
from tests.practice import World, mail
from tests.reading import kinds, text

BAD = ["hana.@home.example", "hana..lee@home.example", ".hana@home.example", "hana lee@home.example"]


@pytest.mark.parametrize("bad", BAD)
async def test_the_good_recipient_has_their_mail_and_the_receipt_tells_of_the_other(world: World, bad: str):
    await world.receive(mail(subject="[secure] Results"), "pat@home.example", bad)
    [receipt] = await world.deliver()
    assert re.search(rf"'who': '{re.escape(bad)}'[^}}]*'outcome': 'no_address'", text(receipt))
    assert [copy.address for copy in await world.rows(Copy, state=CopyState.HELD)] == ["pat@home.example"]
    assert kinds(await world.reply(receipt, "PATIENT 1980-02-03")) == ["invitation", "transcript"]


async def test_that_is_told_where_nothing_else_is(world: World):
    await world.registered()
    await world.receive(mail(subject="[secure] Results"), "pat@home.example", BAD[0])
    assert kinds(await world.deliver()) == ["new-message", "receipt"]


async def test_where_none_is_good_the_mail_is_refused(world: World):
    with pytest.raises(BadRecipient):
        await world.receive(mail(subject="[secure] Results"), *BAD)
    assert await world.rows(Copy) == []


async def test_mail_that_passes_is_left_to_the_next_hop(world: World):
    await world.receive(mail(subject="Lunch"), "pat@home.example", BAD[0])
    assert [one.recipient for one in await world.rows(Delivery, kind=DeliveryKind.PASS)] == ["pat@home.example", BAD[0]]


@pytest.mark.parametrize("subject", ["[secured] Results", "(secure) Results"])
async def test_nor_does_it_leave_in_clear_with_a_mail_that_is_asked_about(world: World, subject: str):
    await world.receive(mail(subject=subject), "pat@home.example", BAD[0])
    assert kinds(await world.deliver()) == ["near-miss", "receipt"]
