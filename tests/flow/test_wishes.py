"""What a sender asks of the reader's mail system: a receipt at the first opening, and an end."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from gateway.domain.model import Copy, Delivery
from gateway.domain.vocabulary import CopyState, DeliveryKind
from gateway.flow.inbox import messages, recall
from tests.practice import World, mail


@pytest.fixture
def world():
    return World()


async def opened(world, times=1, **fields):
    """A mail to Pat, who has an account, and who opens it; the read receipts."""
    account = await world.registered()
    await world.receive(mail(message_id="<asks@riverside.example>", **fields))
    await world.deliver()
    [copy] = await world.rows(Copy)
    for _ in range(times):
        await world.desk.do(messages.open_message, account, copy.id)
    await world.deliver()
    return [octets for delivery, _, octets in world.sent if delivery.kind is DeliveryKind.DISPOSITION]


async def test_the_first_opening_is_told_once_to_who_asked_for_it(world):
    [octets] = await opened(world, 3, Disposition_Notification_To="Dr Ada <Ada@riverside.example>")
    receipt = message_from_bytes(octets, policy=policy.default)
    assert receipt["To"] == "ada@riverside.example"
    assert receipt.get_content_type() == "multipart/report"
    assert receipt.get_param("report-type") == "disposition-notification"
    assert receipt["In-Reply-To"] == "<asks@riverside.example>"
    words, facts = receipt.iter_parts()
    assert "pat@home.example" in words.get_content()
    said = facts.get_payload()[0] if facts.is_multipart() else facts.get_payload(decode=True)
    assert b"Original-Message-ID: <asks@riverside.example>" in bytes(said)
    assert b"Disposition: manual-action/MDN-sent-automatically; displayed" in bytes(said)
    assert b"Results" not in octets
    [row] = await world.rows(Delivery, kind=DeliveryKind.DISPOSITION)
    assert world.writer.envelope_sender(row) == ""


@pytest.mark.parametrize(
    "asked",
    ["eve@evil.example", "ada@riverside.example, eve@evil.example", "bea@riverside.example", "Ada <", ""],
)
async def test_nobody_else_is_told(world, asked):
    assert await opened(world, Disposition_Notification_To=asked) == []


async def test_without_being_asked_nothing_is_told(world):
    assert await opened(world) == []


@pytest.mark.parametrize("name", ["Expires", "Expiry-Date"])
async def test_a_message_ends_when_its_author_says(world, name):
    account = await world.registered()
    end = world.clock.now() + timedelta(days=10)
    await world.receive(mail(**{name: end.strftime("%a, %d %b %Y %H:%M:%S +0000")}))
    world.clock.advance(days=9)
    assert await world.desk.do(recall.run_expired, 10) == 0
    world.clock.advance(days=2)
    assert await world.desk.do(recall.run_expired, 10) == 1
    assert [one.state for one in await world.rows(Copy, account_id=account.id)] == [CopyState.OVER]


async def test_also_one_that_was_held_before(world):
    end = world.clock.now() + timedelta(days=10)
    written = end.strftime("%a, %d %b %Y %H:%M:%S +0000")
    await world.receive(mail(subject="[secure patient 1980-02-03] Results", Expires=written))
    await world.deliver()
    await world.accept()
    assert [one.expires_at for one in await world.rows(Copy)] == [end.replace(microsecond=0)]


@pytest.mark.parametrize("value", ["Mon, 01 Jan 2001 00:00:00 +0000", "soon", "99", "x" * 500, "Mon, 99 Foo 2099"])
async def test_an_end_that_means_nothing_is_none(world, value):
    await world.registered()
    await world.receive(mail(Expires=value))
    assert [one.expires_at for one in await world.rows(Copy)] == [None]
