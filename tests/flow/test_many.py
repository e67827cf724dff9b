"""Many at once: several people in one mail, several notices, several senders, and the same mail twice."""

import pytest

from gateway.domain.model import Copy, Delivery, Invitation, WaitingSender
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import CopyState, DeliveryKind, State
from gateway.flow.commands.mailed import UNPROVED
from tests.flow.test_commands import BOT, CLEO, asked, codes, say, state
from tests.practice import World, mail
from tests.reading import kinds, text

KIM, PAT = "kim@home.example", "pat@home.example"


async def test_one_mail_speaks_of_several_people(world: World):
    await asked(world, PAT, KIM)
    lines = (f"{PAT} PATIENT 1980-02-03", f"{KIM} CANCEL", "nobody@home.example REMIND", "LIST")
    answers = await say(world, *lines)
    assert kinds(answers) == ["invitation", "transcript"]
    assert codes(answers[0]) == ["invited", "cancelled", "not_found", "list"]
    assert [await state(world, PAT), await state(world, KIM)] == [State.INVITED, State.CANCELLED]
    assert "1980" not in text(answers[0])


async def test_what_follows_prose_is_not_run(world: World):
    await asked(world)
    answers = await say(world, f"{PAT} STATUS", "and please also", f"{PAT} CANCEL")
    assert codes(answers[0]) == ["status"]
    assert await state(world) is State.AWAITING


async def test_a_reply_to_two_notices_speaks_of_both(world: World):
    first, second = await asked(world, PAT), await asked(world, KIM)
    octets = mail(f"{first['Reply-To']}, {second['Reply-To']}", "Re: both", "COLLEAGUE")
    await world.receive(octets)
    answers = await world.deliver()
    assert kinds(answers) == ["invitation", "invitation", "transcript"]
    assert codes(answers[0]) == ["invited", "invited"]


async def test_one_foreign_token_spoils_the_mail(world: World):
    mine, theirs = await asked(world, PAT), await asked(world, KIM, sender=CLEO)
    octets = mail(f"{mine['Reply-To']}, {theirs['Reply-To']}", "Re: both", "CANCEL")
    await world.receive(octets)
    assert codes((await world.deliver())[0]) == ["not_yours"]
    assert [await state(world, PAT), await state(world, KIM)] == [State.AWAITING] * 2


@pytest.mark.parametrize("message_id", ["<same@riverside.example>", None])
async def test_the_same_mail_twice_acts_once_and_is_answered_once(world: World, message_id):
    receipt = await asked(world)
    octets = mail(receipt["Reply-To"], "Re: x", "COLLEAGUE", message_id=message_id or "<x@y>")
    if message_id is None:
        octets = octets.replace(b"Message-ID: <x@y>\r\n", b"")
    for _ in range(2):
        await world.receive(octets)
    assert kinds(await world.deliver()) == ["invitation", "transcript"]
    assert [row.action for row in await world.rows(Audit)].count("said COLLEAGUE") == 1


async def test_who_forges_a_name_cannot_fill_its_owners_inbox(world: World):
    await asked(world)
    answers = [await say(world, f"{PAT} CANCEL", f"{number}", authenticated=False) for number in range(32)]
    assert [kinds(one) for one in answers] == [["confirm"]] * UNPROVED + [[]] * (32 - UNPROVED)
    assert await state(world) is State.AWAITING


async def test_the_same_words_in_a_new_mail_are_a_new_command(world: World):
    receipt = await asked(world)
    await world.reply(receipt, "COLLEAGUE")
    assert kinds(await world.reply(receipt, "REMIND")) == ["reminder", "transcript"]
    world.clock.advance(hours=1)
    assert kinds(await world.reply(receipt, "REMIND")) == ["reminder", "transcript"]


async def test_two_senders_and_one_stranger(world: World):
    await asked(world)
    second = await asked(world, sender=CLEO)
    assert len(await world.rows(Invitation)) == 1
    assert codes((await world.reply(second, "CANCEL", sender=CLEO))[0]) == ["cancelled"]
    assert await state(world) is State.AWAITING
    assert [waiting_sender.withdrawn for waiting_sender in await world.rows(WaitingSender)] == [False, True]
    assert len(await world.rows(Copy, state=CopyState.HELD)) == 1
    [listed] = await say(world, "LIST")
    assert PAT in text(listed)
    [listed] = await say(world, "LIST", sender=CLEO)
    assert PAT not in text(listed)


@pytest.mark.parametrize(
    "typed", ["PAT@HOME.example", "pat@Home.Example", "pat@home.example.", "<pat@home.example>", "pat@HOME.EXAMPLE."]
)
async def test_variants_of_an_address_are_one_person(world: World, typed: str):
    await asked(world)
    assert codes((await say(world, f"{typed} STATUS"))[0]) == ["status"]


@pytest.mark.parametrize("typed", ["pat@bücher.example", "pat@xn--bcher-kva.example", "pat@BÜCHER.example"])
async def test_an_international_domain_is_one_domain(world: World, typed: str):
    await asked(world, "pat@xn--bcher-kva.example")
    assert codes((await say(world, f"{typed} STATUS"))[0]) == ["status"]


async def test_a_plus_tag_is_another_person(world: World):
    await asked(world)
    assert codes((await say(world, "pat+x@home.example STATUS"))[0]) == ["not_found"]


async def test_a_reply_to_all_runs_the_command_and_carries_the_mail_on(world: World):
    receipt = await asked(world)
    octets = mail(f"{receipt['Reply-To']}, joe@far.example", "Re: Who is Pat to you?", "COLLEAGUE")
    await world.receive(octets)
    answers = await world.deliver()
    assert kinds(answers) == ["", "invitation", "transcript"]
    passed = await world.rows(Delivery, kind=DeliveryKind.PASS)
    assert [one.recipient for one in passed] == ["joe@far.example"]


async def test_secure_mail_that_goes_to_the_bot_as_well_is_held_and_read(world: World):
    await world.receive(mail(f"{BOT}, {PAT}", "[secure] x", "LIST"), authenticated=True)
    assert kinds(await world.deliver()) == ["receipt", "transcript"]
    assert await state(world) is State.AWAITING
