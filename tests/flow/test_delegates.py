"""Who may act for whom, and who hears of it."""

from dataclasses import replace

import pytest

from gateway.domain.model import Delegation, Delivery, Invitation
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import State
from tests.flow.test_commands import CLEO, asked, codes, say, state
from tests.practice import SITE, World
from tests.reading import kinds, text

BEA = "Dr Bea <bea@riverside.example>"
OMAR = "Dr Omar <omar@hillside.example>"
DELEGATE = "DELEGATE cleo@riverside.example"


def to(messages, address):
    return [message for message in messages if address in message["To"]]


async def test_a_delegate_answers_for_the_sender_and_both_hear_of_it(world):
    receipt = await asked(world)
    assert codes((await world.reply(receipt, "CANCEL", sender=CLEO))[0]) == ["not_yours"]
    assert codes((await say(world, DELEGATE))[0]) == ["delegated"]
    sent = await world.reply(receipt, "CANCEL", sender=CLEO)
    assert await state(world) is State.CANCELLED
    [own], [copy] = to(sent, "cleo@"), to(sent, "ada@")
    assert kinds(sent) == ["transcript", "transcript"]
    assert "'behalf': 'Dr Ada'" in text(own)
    assert codes(own) == codes(copy) == ["cancelled"]
    [said] = await world.rows(Audit, action="said CANCEL")
    assert said.actor == "cleo@riverside.example for ada@riverside.example"


async def test_what_changes_nothing_is_not_copied_to_the_sender(world):
    receipt = await asked(world)
    await say(world, DELEGATE)
    [transcript] = await world.reply(receipt, "STATUS", sender=CLEO)
    assert codes(transcript) == ["status"]
    assert "cleo@" in transcript["To"]


async def test_it_ends_when_the_sender_says_so(world):
    receipt = await asked(world)
    await say(world, DELEGATE)
    assert codes((await say(world, "UNDELEGATE cleo@riverside.example"))[0]) == ["undelegated"]
    assert codes((await world.reply(receipt, "CANCEL", sender=CLEO))[0]) == ["not_yours"]
    assert codes((await say(world, "pat@home.example CANCEL", sender=CLEO))[0]) == ["not_found"]
    assert await state(world) is State.AWAITING


@pytest.mark.parametrize("named", ["omar@hillside.example", "ada@riverside.example", "pat@home.example"])
async def test_only_somebody_else_of_the_same_practice_can_be_one(world, named):
    assert codes((await say(world, f"DELEGATE {named}"))[0]) == ["no_delegate"]
    assert await world.rows(Delegation) == []


async def test_a_delegate_passes_nothing_on(world):
    receipt = await asked(world)
    await say(world, DELEGATE)
    [own] = to(await world.reply(receipt, "DELEGATE bea@riverside.example", sender=CLEO), "cleo@")
    assert codes(own) == ["only_oneself"]
    await say(world, "DELEGATE bea@riverside.example", sender=CLEO)
    assert codes((await world.reply(receipt, "CANCEL", sender=BEA))[0]) == ["not_yours"]
    assert codes((await say(world, "pat@home.example CANCEL", sender=BEA))[0]) == ["not_found"]


async def test_delegating_needs_proof_like_any_change(world):
    [confirm] = await say(world, DELEGATE, authenticated=False)
    assert kinds([confirm]) == ["confirm"]
    assert await world.rows(Delegation) == []
    assert codes((await say(world, "DELEGATE", authenticated=False))[0]) == ["delegates"]
    await world.reply(confirm, "YES")
    assert len(await world.rows(Delegation)) == 1


async def test_without_a_token_ones_own_people_come_first_then_those_of_the_one_who_waits(world):
    await asked(world)
    await asked(world, "kim@home.example", sender=BEA)
    for sender in ("Dr Ada <ada@riverside.example>", BEA):
        await say(world, DELEGATE, sender=sender)
    sent = await say(world, "pat@home.example CANCEL", "kim@home.example STATUS", sender=CLEO)
    [own] = to(sent, "cleo@")
    assert codes(own) == ["cancelled", "status"]
    assert [len(to(sent, address)) for address in ("ada@", "bea@")] == [1, 0]
    await asked(world, "pat@home.example")
    await asked(world, "pat@home.example", sender=CLEO)
    [own] = await say(world, "pat@home.example CANCEL", sender=CLEO)
    assert "'behalf': ''" in text(own)
    assert (await world.rows(Invitation, address="pat@home.example"))[-1].state is State.AWAITING  # Ada's stays


async def test_where_several_wait_the_delegate_is_asked_for_whom(world):
    receipt = await asked(world)
    await asked(world, sender=BEA)
    for sender in ("Dr Ada <ada@riverside.example>", BEA):
        await say(world, DELEGATE, sender=sender)
    [asking] = await say(world, "pat@home.example CANCEL", sender=CLEO)
    assert codes(asking) == ["which_sender"]
    assert await state(world) is State.AWAITING
    sent = await world.reply(receipt, "CANCEL", sender=CLEO)
    assert codes(to(sent, "cleo@")[0]) == ["cancelled"]
    assert await state(world) is State.AWAITING  # Bea still waits
    assert "pat@home.example" in text((await say(world, "LIST", sender=BEA))[0])


async def test_a_delegates_list_holds_everybody_elses_that_they_act_for(world):
    await asked(world)
    await asked(world, "kim@home.example", sender=BEA)
    await say(world, DELEGATE)
    [listed] = await say(world, "LIST", sender=CLEO)
    assert codes(listed) == ["list", "list"]
    assert "pat@home.example" in text(listed)
    assert "kim@home.example" not in text(listed)


async def test_settings_name_delegates_too_and_mail_does_not_end_those():
    practice = replace(SITE.practices[0], delegates=(("cleo@riverside.example", "ada@riverside.example"),))
    world = World(site=replace(SITE, practices=(practice, *SITE.practices[1:])))
    receipt = await asked(world)
    assert codes((await say(world, "UNDELEGATE cleo@riverside.example"))[0]) == ["fixed_delegate"]
    await world.reply(receipt, "COLLEAGUE", sender=CLEO)
    assert await state(world) is State.INVITED
    assert len(await world.rows(Delivery)) > 2
