"""A birthdate cannot be guessed: three are compared in a round, on whatever way; a changed question has a new link."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, Invitation
from gateway.domain.vocabulary import State
from gateway.flow.accounts import registration
from gateway.flow.accounts.registration import Check, Proof
from gateway.flow.invitations import invite
from tests.practice import (
    BORN,
    COLLEAGUE_ELSEWHERE,
    COLLEAGUE_HERE,
    PATIENT,
    PATIENT_TAG,
    World,
    mail,
)
from tests.reading import codes, kinds

STORES = ("memory", "postgres")

RIGHT, ELSEWHERE = Proof(birthdate=BORN), Proof(practice_name="Clinic", practice_phone="1", practice_address="1")
GUESSES = [Proof(birthdate=date(1981, 4, 5) + timedelta(days=number)) for number in range(60)]
both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


def token(world: World, invitation: Invitation) -> str:
    return world.link(invitation).removeprefix("/invite/")


async def check(world: World, invitation: Invitation, proof: Proof) -> Check:
    return (await world.desk.do(registration.check, token(world, invitation), proof)).check


async def finish(world: World, invitation: Invitation, proof: Proof) -> Account | None:
    return await world.desk.do(registration.register, token(world, invitation), proof, "Pat", "hash")


@both_stores
async def test_registering_counts_what_it_compares(world):
    invitation = await world.invited(PATIENT)
    for guess in GUESSES:
        assert await finish(world, invitation, guess) is None
    after = await world.invitation(invitation)
    assert (after.state, after.wrong_birthdates) == (State.LOCKED, 3)
    assert await finish(world, invitation, RIGHT) is None


async def test_checking_and_registering_share_three_tries(world):
    invitation = await world.invited(PATIENT)
    assert await check(world, invitation, GUESSES[0]) is Check.WRONG
    assert await finish(world, invitation, GUESSES[1]) is None
    assert await check(world, invitation, GUESSES[2]) is Check.LOCKED
    assert await finish(world, invitation, RIGHT) is None


async def test_where_there_is_an_account_registering_compares_nothing(world):
    invitation = await world.invited(PATIENT)
    await world.registered()
    for guess in GUESSES[:5]:
        assert await finish(world, invitation, guess) is None
    assert await world.invitation(invitation) == invitation


async def test_the_link_and_the_question_inside_an_account_share_three_tries(world):
    account = await world.registered()
    invitation = await world.invited(PATIENT)
    await check(world, invitation, GUESSES[0])
    answers = [await world.desk.do(registration.answer, account, invitation.id, guess) for guess in GUESSES[1:4]]
    assert [one.check for one in answers] == [Check.WRONG, Check.LOCKED, Check.DEAD]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (COLLEAGUE_ELSEWHERE, PATIENT),
        (PATIENT, COLLEAGUE_ELSEWHERE),
        (COLLEAGUE_HERE, COLLEAGUE_ELSEWHERE),
        (PATIENT, replace(PATIENT, birthdate=date(1980, 2, 4))),
    ],
)
async def test_a_changed_question_has_a_new_link_which_goes_out_by_itself(world, first, then):
    before = await world.invited(first)
    await world.deliver()
    after = await world.invited(then)
    assert after.generation == before.generation + 1
    assert await world.desk.ask(registration.look, token(world, before)) is None
    assert await check(world, before, RIGHT) is Check.DEAD
    [invitation] = await world.deliver()
    assert kinds([invitation]) == ["invitation"]
    assert token(world, after) in str(invitation)


@pytest.mark.parametrize("details", [PATIENT, COLLEAGUE_ELSEWHERE])
async def test_details_given_again_change_nothing_and_are_no_new_round(world, details):
    await world.invited(details)
    await world.deliver()
    if details is PATIENT:
        await world.try_birthdate(times=2)
    before = (await world.rows(Invitation))[0]
    assert await world.invited(details) == before
    assert await world.deliver() == []


async def test_another_role_changes_no_question(world):
    before = await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    after = await world.invited(replace(COLLEAGUE_HERE, role="staff"), to="cleo@riverside.example")
    assert (after.generation, after.role) == (before.generation, "staff")


async def test_a_correction_begins_a_round_of_its_own_and_a_time_of_its_own(world):
    before = await world.invited(PATIENT)
    await check(world, before, GUESSES[0])
    await check(world, before, GUESSES[1])
    await world.days(10)
    after = await world.invited(replace(PATIENT, birthdate=date(1980, 2, 4)))
    assert (after.wrong_birthdates_before, after.wrong_birthdates) == (2, 0)
    assert (after.schedule_start, after.last_step_day) == (before.schedule_start + timedelta(days=10), 0)
    answers = [await check(world, after, guess) for guess in GUESSES[:3]]
    assert answers == [Check.WRONG, Check.WRONG, Check.LOCKED]


async def test_corrections_do_not_lift_the_cap_over_all_rounds(world):
    compared = 0
    for day in range(1, 15):
        await world.invited(replace(PATIENT, birthdate=date(1980, 3, day)))
        row = (await world.rows(Invitation))[0]
        for guess in GUESSES[:2]:
            compared += await check(world, row, guess) is not Check.DEAD
        if (await world.invitation(row)).state is State.LOCKED:
            break
    assert compared == 9
    assert await world.desk.do(_used_up)


def _used_up(ctx):
    return invite.tries_used_up(ctx, ctx.tx.get(Invitation, 1))


async def test_a_sender_is_told_when_no_tries_are_left_and_the_link_is_not_replaced(world):
    await world.receive(mail(subject=f"[{PATIENT_TAG}] Your results"))
    [receipt] = [one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt"]
    await world.desk.do(lambda ctx: ctx.tx.put(replace(ctx.tx.get(Invitation, 1), wrong_birthdates_before=9)))
    [transcript] = await world.reply(receipt, "PATIENT 1980-03-03")
    assert codes(transcript) == ["used_up"]
    assert (await world.rows(Invitation))[0].generation == 1


async def test_a_moved_invitation_has_a_round_of_its_own_and_what_was_tried_at_both_addresses_counts(world):
    other = await world.invited(PATIENT, to="pat@new.example")
    for guess in GUESSES[:3]:
        await check(world, other, guess)
    await world.desk.do(lambda ctx: invite.transition(ctx, ctx.tx.get(Invitation, other.id), Event.CANCEL))
    await world.receive(mail(subject=f"[{PATIENT_TAG}] Your results"))
    [receipt] = [one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt"]
    row = (await world.rows(Invitation, address="pat@home.example"))[0]
    await check(world, row, GUESSES[0])
    assert codes(next(iter(await world.reply(receipt, "MOVE pat@new.example")))) == ["moved"]
    moved = await world.invitation(row)
    assert (moved.address, moved.wrong_birthdates_before, moved.wrong_birthdates) == ("pat@new.example", 4, 0)
    assert await check(world, row, RIGHT) is Check.DEAD


async def test_mail_whose_link_died_while_it_waited_is_not_sent(world):
    await world.invited(COLLEAGUE_ELSEWHERE)
    after = await world.invited(PATIENT)
    [invitation] = await world.deliver()
    assert token(world, after) in str(invitation)


async def test_a_second_sender_who_joins_brings_no_tries(world):
    first = await world.invited(PATIENT)
    await check(world, first, GUESSES[0])
    await check(world, first, GUESSES[1])
    await world.receive(
        mail(subject="[secure patient 1999-09-09] Mine", sender="Cleo <cleo@riverside.example>"),
        mail_from="cleo@riverside.example",
    )
    assert await check(world, first, GUESSES[2]) is Check.LOCKED
