"""Many at once: several people in one mail, several notices, several senders, and the same mail twice."""

import pytest

from gateway.domain.model import Audit, Copy, Delivery, Invitation, Waiter
from gateway.domain.vocabulary import CopyState, DeliveryKind, State
from tests.flow.conftest import House, kinds, mail, text
from tests.flow.test_commands import BOT, CLEO, asked, codes, say, state

KIM, PAT = "kim@home.example", "pat@home.example"


async def test_one_mail_speaks_of_several_people(house: House):
    await asked(house, PAT, KIM)
    lines = (f"{PAT} PATIENT 1980-02-03", f"{KIM} CANCEL", "nobody@home.example REMIND", "LIST")
    answers = await say(house, *lines)
    assert kinds(answers) == ["invitation", "transcript"]
    assert codes(answers[0]) == ["invited", "cancelled", "not_found", "list"]
    assert [await state(house, PAT), await state(house, KIM)] == [State.INVITED, State.CANCELLED]
    assert "1980" not in text(answers[0])


async def test_what_follows_prose_is_not_run(house: House):
    await asked(house)
    answers = await say(house, f"{PAT} STATUS", "and please also", f"{PAT} CANCEL")
    assert codes(answers[0]) == ["status"]
    assert await state(house) is State.AWAITING


async def test_a_reply_to_two_notices_speaks_of_both(house: House):
    first, second = await asked(house, PAT), await asked(house, KIM)
    octets = mail(f"{first['Reply-To']}, {second['Reply-To']}", "Re: both", "COLLEAGUE")
    await house.receive(octets)
    answers = await house.deliver()
    assert kinds(answers) == ["invitation", "invitation", "transcript"]
    assert codes(answers[0]) == ["invited", "invited"]


async def test_one_foreign_token_spoils_the_mail(house: House):
    mine, theirs = await asked(house, PAT), await asked(house, KIM, sender=CLEO)
    octets = mail(f"{mine['Reply-To']}, {theirs['Reply-To']}", "Re: both", "CANCEL")
    await house.receive(octets)
    assert await house.deliver() == []
    assert [await state(house, PAT), await state(house, KIM)] == [State.AWAITING] * 2


@pytest.mark.parametrize("message_id", ["<same@riverside.example>", None])
async def test_the_same_mail_twice_acts_once_and_is_answered_once(house: House, message_id):
    receipt = await asked(house)
    octets = mail(receipt["Reply-To"], "Re: x", "COLLEAGUE", message_id=message_id or "<x@y>")
    if message_id is None:
        octets = octets.replace(b"Message-ID: <x@y>\r\n", b"")
    for _ in range(2):
        await house.receive(octets)
    assert kinds(await house.deliver()) == ["invitation", "transcript"]
    assert [row.action for row in await house.rows(Audit)].count("said COLLEAGUE") == 1


async def test_who_forges_a_name_cannot_fill_its_owners_inbox(house: House):
    await asked(house)
    answers = [await say(house, f"{PAT} CANCEL", f"{number}", authenticated=False) for number in range(32)]
    assert [kinds(one) for one in answers] == [["confirm"]] * 30 + [[]] * 2
    assert await state(house) is State.AWAITING


async def test_the_same_words_in_a_new_mail_are_a_new_command(house: House):
    receipt = await asked(house)
    await house.reply(receipt, "COLLEAGUE")
    assert kinds(await house.reply(receipt, "REMIND")) == ["reminder", "transcript"]
    assert kinds(await house.reply(receipt, "REMIND")) == ["reminder", "transcript"]


async def test_two_senders_and_one_stranger(house: House):
    await asked(house)
    second = await asked(house, sender=CLEO)
    assert len(await house.rows(Invitation)) == 1
    assert codes((await house.reply(second, "CANCEL", sender=CLEO))[0]) == ["cancelled"]
    assert await state(house) is State.AWAITING
    assert [waiter.withdrawn for waiter in await house.rows(Waiter)] == [False, True]
    assert len(await house.rows(Copy, state=CopyState.HELD)) == 1
    [listed] = await say(house, "LIST")
    assert PAT in text(listed)
    [listed] = await say(house, "LIST", sender=CLEO)
    assert PAT not in text(listed)


@pytest.mark.parametrize(
    "typed", ["PAT@HOME.example", "pat@Home.Example", "pat@home.example.", "<pat@home.example>", "pat@HOME.EXAMPLE."]
)
async def test_variants_of_an_address_are_one_person(house: House, typed: str):
    await asked(house)
    assert codes((await say(house, f"{typed} STATUS"))[0]) == ["status"]


@pytest.mark.parametrize("typed", ["pat@bücher.example", "pat@xn--bcher-kva.example", "pat@BÜCHER.example"])
async def test_an_international_domain_is_one_domain(house: House, typed: str):
    await asked(house, "pat@xn--bcher-kva.example")
    assert codes((await say(house, f"{typed} STATUS"))[0]) == ["status"]


async def test_a_plus_tag_is_another_person(house: House):
    await asked(house)
    assert codes((await say(house, "pat+x@home.example STATUS"))[0]) == ["not_found"]


async def test_a_reply_to_all_runs_the_command_and_carries_the_mail_on(house: House):
    receipt = await asked(house)
    octets = mail(f"{receipt['Reply-To']}, joe@far.example", "Re: Who is Pat to you?", "COLLEAGUE")
    await house.receive(octets)
    answers = await house.deliver()
    assert kinds(answers) == ["", "invitation", "transcript"]
    passed = await house.rows(Delivery, kind=DeliveryKind.PASS)
    assert [one.recipient for one in passed] == ["joe@far.example"]


async def test_secure_mail_that_goes_to_the_bot_as_well_is_held_and_read(house: House):
    await house.receive(mail(f"{BOT}, {PAT}", "[secure] x", "LIST"), authenticated=True)
    assert kinds(await house.deliver()) == ["receipt", "transcript"]
    assert await state(house) is State.AWAITING
