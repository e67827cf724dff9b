"""After a key was retired: what was mailed under it opens nothing, and whoever answers it is heard all the same."""

from dataclasses import replace

import pytest

from gateway.domain.model import Invitation
from gateway.domain.vocabulary import Purpose
from gateway.errors import NotASender
from gateway.flow.outbound.write_out import Writer
from gateway.store.key_file import KeyRing
from gateway.store.sealing import SiteKeys
from tests.flow.test_resealing import NEW, OLD, reseal
from tests.practice import BOT, PATIENT_TAG, World, mail
from tests.reading import codes, kinds

RETIRED = SiteKeys(KeyRing({"a": OLD, "b": NEW}, current="b", digests="a", retired=frozenset("a")))


@pytest.fixture
async def old():
    """The receipt of a mail to Pat, as it was mailed under a key that is retired since."""
    world = World()
    await world.receive(mail(subject=f"[{PATIENT_TAG}] Results"))
    receipt = next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt")
    await reseal(world)
    world.keys, world.desk = RETIRED, replace(world.desk, keys=RETIRED)
    world.writer = Writer(world.site, RETIRED, world.content, world)
    return world, receipt


async def test_whoever_answers_an_old_notice_is_asked_whom_they_mean(old):
    world, receipt = old
    [answer] = await world.reply(receipt, "REMIND", authenticated=True)
    assert (kinds([answer]), codes(answer)) == (["transcript"], ["which_person"])
    assert "reminder" in kinds(await world.reply(receipt, "pat@home.example REMIND", authenticated=True))


async def test_an_old_notice_proves_nothing_about_its_author(old):
    world, receipt = old
    assert kinds(await world.reply(receipt, "pat@home.example CANCEL")) == ["confirm"]
    assert await world.reply(receipt, "pat@home.example CANCEL", trusted=False) == []


async def test_an_invitee_who_answers_an_old_mail_is_told_so_by_their_mail_server(old):
    world, _ = old
    [invitation] = await world.rows(Invitation)
    token = SiteKeys(KeyRing({"a": OLD}, "a", "a")).token(Purpose.ANSWER, invitation.id)
    with pytest.raises(NotASender):
        await world.receive(mail(BOT.replace("bot@", f"reply+{token}@")), trusted=False)


async def test_the_next_reminder_has_a_link_that_works(old):
    world, _ = old
    await world.days(3)
    [reminder] = await world.deliver()
    [invitation] = await world.rows(Invitation)
    assert world.link(invitation).removeprefix("/invite/") in reminder.as_string().replace("=\n", "")
