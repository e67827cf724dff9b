"""A practice that has left the settings, or has another id: what is open of it is named, and nobody is cut off."""

from dataclasses import replace

import pytest

from gateway.domain.model import Copy, Invitation
from gateway.domain.model_records import ListedPerson
from gateway.domain.vocabulary import OPEN, CopyState
from gateway.errors import ConfigError
from gateway.flow.administration import holds, leaving, people_list
from gateway.flow.administration.left_behind import left_behind
from gateway.flow.administration.people_list import Wanted
from gateway.prepare import check_practices
from tests.practice import ADA, CLEO, HILLSIDE, OMAR, PAT, RIVERSIDE, SITE, World

RENAMED = replace(SITE, practices=(replace(RIVERSIDE, id="riverside-surgery", name="Riverside Surgery"), HILLSIDE))
LEFT = replace(SITE, practices=(HILLSIDE,))


async def found(world: World, site=RENAMED) -> dict[str, dict[str, int]]:
    return {one.practice_id: one.counts for one in await world.desk.ask(lambda ctx: left_behind(ctx.tx, site))}


async def test_nothing_is_left_behind_where_nothing_is_open_or_every_practice_is_there(world):
    assert await found(world) == {}
    await world.write(ADA, PAT)
    assert await found(world, SITE) == {}


async def test_an_open_invitation_is_left_behind(world):
    await world.write(ADA, PAT)
    await world.write(OMAR, "kim@home.example")
    assert await found(world) == {"riverside": {"open invitations": 1}}
    assert set(await found(world, replace(SITE, practices=(replace(RIVERSIDE, id="x"),)))) == {"riverside", "hillside"}


async def test_a_mail_that_its_sender_is_asked_about_is_left_behind(world):
    await world.write(ADA, PAT, tag="secured")
    assert await found(world) == {"riverside": {"mails that their senders are asked about": 1}}


async def test_people_on_its_list_and_legal_holds_are_left_behind(world):
    row = Wanted("riverside", "nurse@home.example", "nurse@home.example", "Nurse", None)
    await world.desk.do(people_list.put, [row])
    await world.desk.do(holds.hold_practice, "riverside", "a lawsuit")
    assert await found(world) == {"riverside": {"people on its list": 1, "legal holds": 1}}
    await world.desk.do(holds.release_practice, "riverside")
    await world.desk.do(people_list.clear, "riverside")
    assert await found(world) == {}


async def test_what_is_said_names_the_key_the_fault_and_both_ways_out(world):
    await world.write(ADA, PAT)
    with pytest.raises(ConfigError) as raised:
        await world.desk.ask(lambda ctx: check_practices(ctx.tx, RENAMED))
    said = str(raised.value)
    assert said.startswith('practices.id: no practice has the id "riverside"')
    assert 'write id = "riverside" under its [[practices]]' in said
    assert "gateway practices close riverside" in said
    assert "\n" not in said


async def test_once_a_practice_is_closed_it_may_go_and_no_other_is_touched(world):
    await world.write(ADA, PAT)
    await world.write(OMAR, "kim@home.example")
    await world.desk.do(people_list.put, [Wanted("riverside", "n@home.example", "n@home.example", "", None)])
    for step in (leaving.hand_back, leaving.end_invitations):
        last = 0
        while last := await world.desk.do(step, last, 1, "riverside"):
            pass
    await world.desk.do(people_list.clear, "riverside")
    assert await found(world, LEFT) == {}
    assert [one.practice_id for one in await world.rows(Invitation, state__in=OPEN)] == ["hillside"]
    assert [one.typed for one in await world.rows(Copy, state=CopyState.HELD)] == ["kim@home.example"]
    assert len(await world.rows(ListedPerson)) == 0


# -------------------------------------------------------------------------------------------- answers to its notices


@pytest.mark.parametrize(("site", "author"), [(RENAMED, ADA), (RENAMED, CLEO), (LEFT, ADA)])
async def test_whoever_answers_a_notice_of_a_practice_that_is_gone_hears_whom_to_ask(world, site, author):
    await world.write(ADA, PAT)
    [receipt] = [one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt"]
    world.desk.site = site
    world.mails.clear()
    assert await world.reply(receipt, "CANCEL", sender=author)
    [result] = world.mails[0].facts["results"]
    assert (result["code"], result["to"]) == ("not_any_more", SITE.postmaster)
    assert len(await world.rows(Invitation, state__in=OPEN)) == 1


async def test_whoever_has_changed_practices_hears_it_too(world):
    await world.write(ADA, PAT)
    [receipt] = [one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt"]
    world.desk.site = replace(SITE, practices=(RIVERSIDE, replace(HILLSIDE, senders=("ada@riverside.example",))))
    world.mails.clear()
    await world.reply(receipt, "STATUS")
    assert [one["code"] for one in world.mails[0].facts["results"]] == ["not_any_more"]


async def test_a_stranger_with_such_a_token_hears_nothing(world):
    await world.write(ADA, PAT)
    [receipt] = [one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt"]
    world.desk.site = LEFT
    assert await world.reply(receipt, "CANCEL", sender="Eve <eve@evil.example>") == []
    assert await world.reply(receipt, "CANCEL", sender=ADA, trusted=False) == []
