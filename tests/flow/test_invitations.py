"""What an administrator sees of invitations and does about them."""

from datetime import timedelta

import pytest

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.address import address
from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import CopyState, Notice, State
from gateway.flow.administration import invitations
from gateway.flow.administration.invitations import Did, Wanted
from tests.practice import ADA, BEA, OMAR, PAT, PATIENT_TAG, TEMPLATES, World
from tests.reading import SECRET

EVE = "Eve <eve@home.example>"


@pytest.fixture
def world():
    return World(TEMPLATES)


async def listed(world, **wanted):
    found = await world.desk.ask(invitations.listed, Wanted(**wanted), 10)
    return [line.invitation.typed for line in found]


async def test_invitations_are_listed_as_they_are_asked_for(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    world.clock.advance(days=1)
    await world.write(OMAR, EVE)
    assert await listed(world) == ["pat@home.example", "eve@home.example"]
    assert await listed(world, states=(State.AWAITING,)) == ["eve@home.example"]
    assert await listed(world, practice="riverside") == ["pat@home.example"]
    assert await listed(world, address="eve@home.example") == ["eve@home.example"]
    pat = await world.one(Invitation, address="pat@home.example")
    assert await listed(world, due_before=pat.due_at) == ["eve@home.example"]  # she is asked about on her first day
    assert await listed(world, opened_before=world.clock.now() - timedelta(hours=1)) == ["pat@home.example"]
    (line,) = await world.desk.ask(invitations.listed, Wanted(), 1)
    assert (line.waiting, line.held) == (1, 1)


async def test_one_is_shown_without_birthdate_and_content(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.write(BEA, PAT)
    (one,) = await world.desk.ask(invitations.named, 0, address("PAT@home.example"))
    shown = await world.desk.ask(invitations.shown, one)
    assert [sender.typed for _, sender in shown.waiting] == ["ada@riverside.example", "bea@riverside.example"]
    assert (shown.line.held, shown.octets > 200, shown.answers) == (2, True, 0)
    assert [row.notice for row in shown.told] == [Notice.INVITATION]
    assert SECRET not in str(shown)
    assert "1980" not in str(shown.standing)


async def test_an_invitee_is_reminded_once_an_hour(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.write(ADA, EVE)
    assert await world.desk.do(invitations.remind, 2) is Did.NOT_INVITED
    await world.deliver()
    assert await world.desk.do(invitations.remind, 1) is Did.REMINDED
    assert await world.desk.do(invitations.remind, 1) is Did.LATELY
    assert len(await world.rows(Delivery, notice=Notice.REMINDER)) == 1
    assert await world.desk.do(invitations.remind, 7) is Did.UNKNOWN
    (row,) = await world.rows(Audit, actor=ADMINISTRATOR)
    assert (row.action, row.subject) == (Act.INVITATION_REMIND, "invitation 1")
    await world.days(31)
    assert await world.desk.do(invitations.remind, 1) is Did.RESTS


async def test_cancelling_destroys_what_is_held_and_tells_whoever_waits(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.write(BEA, PAT)
    assert await world.desk.do(invitations.cancel, 1) is Did.CANCELLED
    assert [one.state for one in await world.rows(Invitation)] == [State.CANCELLED]
    assert [one.state for one in await world.rows(Copy)] == [CopyState.DESTROYED] * 2
    assert await world.rows(Content) == []
    told = await world.rows(Delivery, notice=Notice.CANCELLED)
    assert [one.recipient for one in told] == ["ada@riverside.example", "bea@riverside.example"]
    await world.collect()
    assert "The administrator of this mail system has withdrawn" in world.last(Notice.CANCELLED).rendered.text
    assert await world.desk.do(invitations.cancel, 1) is Did.OVER
    assert await world.desk.do(invitations.remind, 1) is Did.OVER
    assert [row.action for row in await world.rows(Audit, actor=ADMINISTRATOR)] == [Act.INVITATION_CANCEL]


async def test_an_address_of_two_practices_has_two_invitations(world):
    await world.write(ADA, PAT)
    await world.write(OMAR, PAT)
    found = await world.desk.ask(invitations.named, 0, address("pat@home.example"))
    assert [one.practice_id for one in found] == ["riverside", "hillside"]
    await world.desk.do(invitations.cancel, 1)
    assert len(await world.desk.ask(invitations.named, 0, address("pat@home.example"))) == 1
    assert [one.id for one in await world.desk.ask(invitations.named, 1)] == [1]
    assert await world.desk.ask(invitations.named, 9) == []
