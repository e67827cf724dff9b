"""One mail, one receipt; a run of mails, one digest."""

import pytest

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import Notice
from gateway.flow.inbound import receipts
from gateway.flow.inbound.receipts import AT_ONCE, LONGEST, QUIET
from tests.practice import ADA, BEA, World, mail
from tests.reading import kinds, text


@pytest.fixture
def world():
    return World()


async def told(world):
    """Which receipts leave once nothing more comes."""
    world.clock.advance(seconds=LONGEST.total_seconds())
    return [one for one in await world.deliver() if kinds([one]) in (["receipt"], ["digest"])]


async def test_the_first_receipt_leaves_at_once(world):
    await world.receive(mail())
    assert kinds(await world.deliver()) == ["receipt"]


async def begun(world, count=AT_ONCE):
    """So many mails in a row, to strangers, each with a receipt of its own."""
    for number in range(count):
        await world.receive(mail(f"p{number}@home.example"))
        assert kinds(await world.deliver()) == ["receipt"]


async def test_a_run_of_mails_gets_one_digest(world):
    await begun(world)
    for number in range(AT_ONCE, 30):
        await world.receive(mail(f"p{number}@home.example"))
        assert await world.deliver() == []
        world.clock.advance(seconds=2)
    [digest] = await told(world)
    assert kinds([digest]) == ["digest"]
    assert all(f"p{number}@home.example" in text(digest) for number in range(AT_ONCE, 30))


async def test_under_a_clock_that_stands_still_they_leave_as_well(world):
    await begun(world)
    for number in range(AT_ONCE, 6):
        await world.receive(mail(f"p{number}@home.example"))
    assert await world.deliver() == []
    assert await world.desk.do(receipts.leave_at_once) == 1
    assert kinds(await world.deliver()) == ["digest"]


async def test_one_more_mail_has_a_receipt_of_its_own_a_moment_later(world):
    await begun(world)
    await world.receive(mail("kim@home.example"))
    assert await world.deliver() == []
    world.clock.advance(seconds=QUIET.total_seconds())
    [receipt] = await world.deliver()
    assert kinds([receipt]) == ["receipt"]
    assert kinds(await world.reply(receipt, "COLLEAGUE")) == ["invitation", "transcript"]


async def test_each_sender_has_their_own(world):
    for sender in (ADA, BEA):
        await world.receive(mail(sender=sender))
        assert kinds(await world.deliver()) == ["receipt"]


async def test_a_mail_that_comes_in_parts_has_one_receipt(world):
    octets = mail("pat@home.example, kim@home.example, ben@home.example", "[secure] Results")
    for to in ("pat@home.example", "kim@home.example"):
        await world.receive(octets, to)
        assert await world.deliver() == []
        world.clock.advance(seconds=10)
    await world.receive(octets, "ben@home.example")
    [receipt] = await told(world)
    assert kinds([receipt]) == ["receipt"]
    assert all(name in text(receipt) for name in ("pat@home", "kim@home", "ben@home"))
    await world.reply(receipt, "kim@home.example COLLEAGUE")
    assert (await world.deliver()) == []


async def test_a_part_that_never_comes_does_not_keep_the_receipt(world):
    await world.receive(mail("pat@home.example, kim@home.example"), "pat@home.example")
    [receipt] = await told(world)
    assert "kim@home.example" not in text(receipt)


async def test_colleagues_who_are_reached_without_us_are_not_waited_for(world):
    await world.receive(mail("pat@home.example", Cc="bea@riverside.example"), "pat@home.example")
    assert kinds(await world.deliver()) == ["receipt"]


@pytest.mark.parametrize("to", [["pat@home.example, kim@home.example"], ["pat@home.example", "kim@home.example"]])
async def test_a_birthdate_in_a_mail_to_two_strangers_is_asked_about(world, to):
    octets = mail("pat@home.example, kim@home.example", "[secure patient 1980-02-03] Results")
    for envelope in to:
        await world.receive(octets, *envelope.split(", "))
    [receipt] = await told(world)
    assert text(receipt).count("several") == 2
    assert not await world.rows(Delivery, notice=Notice.INVITATION)


async def test_a_blind_copy_in_a_part_of_its_own_is_asked_about(world):
    octets = mail("pat@home.example", "[secure patient 1980-02-03] Results")
    await world.receive(octets, "pat@home.example")
    await world.receive(octets, "blind@home.example")
    await world.deliver()
    assert [one.recipient for one in await world.rows(Delivery, notice=Notice.INVITATION)] == ["pat@home.example"]


async def test_somebody_with_an_account_leaves_no_doubt_whose_birthdate_it_is(world):
    await world.registered("kim@home.example")
    await world.receive(mail("pat@home.example, kim@home.example", "[secure patient 1980-02-03] Results"))
    assert "invitation" in kinds(await world.deliver())
