"""What is sealed under the site's keys: every column is known, and all of it is sealed anew when they are rotated."""

import typing
from dataclasses import fields, replace
from datetime import date
from hashlib import sha256

import pyotp
import pytest

from gateway.domain.model import TABLES, Copy, Delivery, Invitation
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.accounts import second_factor
from gateway.flow.inbox import drafts, recall
from gateway.flow.outbound import deliver
from gateway.flow.upkeep import resealing
from gateway.flow.upkeep.resealing import NOT_SEALED, SEALED
from gateway.ports import Outcome
from gateway.store.key_file import KeyRing
from gateway.store.sealing import SiteKeys
from tests.flow.test_invitee_mail import answer
from tests.practice import BORN, PATIENT_TAG, World, mail

OLD, NEW = b"k" * 32, b"n" * 32
ROTATED = SiteKeys(KeyRing({"a": OLD, "b": NEW}, current="b", digests="a"))


def test_every_column_of_octets_is_known_as_sealed_or_as_not():
    columns = [
        f"{table.__name__}.{field.name}"
        for table in TABLES
        for field in fields(table)
        if bytes in (hint := typing.get_type_hints(table)[field.name], *typing.get_args(hint))
    ]
    sealed = [f"{column.table.__name__}.{column.name}" for column in SEALED]
    assert sorted(columns) == sorted([*sealed, *NOT_SEALED])


@pytest.fixture
async def world():
    """Something in every column that is sealed, and copies of every holder."""
    world = World()
    await world.receive(mail(subject=f"[{PATIENT_TAG}] Results"))
    invitation = next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "invitation")
    await answer(world, invitation)
    await world.receive(mail(subject="ordinary"))
    await world.receive(mail(to="pia@home.example", subject="[secured] Results"))
    await world.say("pat@home.example CANCEL")
    account = await world.registered("quinn@home.example")
    await world.written(account)
    await world.index()
    await world.desk.do(recall.take_back, await world.written(account), "a mistake", "ada@riverside.example")
    file = drafts.Enclosed(0, "scan.pdf", "application/pdf", sha256(b"scan").digest(), world.content.put(b"scan"))
    words = drafts.DraftText("ada@riverside.example", "Hello", "and more")
    await world.desk.do(drafts.save, account, words, drafts.Writing("w"), files=[file], room=1000)
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(world.clock.now())
    assert await world.desk.do(second_factor.start_codes, account, secret, code)
    return world


async def reseal(world, keys=ROTATED):
    """All that there is, as a rotation goes through it; what became of it, by table."""
    desk, found = replace(world.desk, keys=keys), {}
    for table in resealing.TABLES:
        look = await desk.ask(resealing.older, table, 0, 1000)
        found[table] = await desk.do(resealing.reseal, table, look.ids)
    return found


async def values(world):
    """Every sealed value, by its column."""
    return {
        (column.table, column.name): [
            value for row in await world.rows(column.table) if (value := getattr(row, column.name)) is not None
        ]
        for column in SEALED
    }


async def test_every_value_is_sealed_anew_and_opens_under_the_new_key_alone(world):
    before = await values(world)
    assert [column for column, found in before.items() if not found] == []
    assert await world.desk.ask(resealing.count, "a") == sum(map(len, before.values()))
    found = await reseal(world)
    assert [table.__name__ for table, became in found.items() if became.unopened] == []
    after = await values(world)
    assert {column: len(kept) for column, kept in after.items()} == {
        column: len(kept) for column, kept in before.items()
    }
    assert {value[:1] for kept in after.values() for value in kept} == {b"b"}
    assert await world.desk.ask(resealing.count, "a") == 0
    # What is sealed anew a second time was opened: by a ring that has no older key.
    alone = SiteKeys(KeyRing({"b": NEW, "c": OLD}, current="c", digests="c"))
    assert not any(became.unopened for became in (await reseal(world, alone)).values())


async def test_a_birthdate_is_compared_after_a_rotation_and_cannot_be_guessed_with_the_old_key_alone(world):
    await reseal(world)
    [invitation, *_] = await world.rows(Invitation)
    desk = replace(world.desk, keys=ROTATED)
    assert await desk.ask(_is_birthdate, invitation, BORN)
    assert not await desk.ask(_is_birthdate, invitation, date(1980, 2, 4))
    assert not await world.desk.ask(_is_birthdate, invitation, BORN)  # whose keys are those of before


def _is_birthdate(ctx, invitation, born):
    return ctx.is_birthdate(invitation.id, invitation.birthdate_digest, born)


async def test_an_altered_row_costs_itself_and_is_named(world):
    [copy, *_] = [one for one in await world.rows(Copy) if one.wrapped_key]
    altered = replace(copy, wrapped_key=copy.wrapped_key[:-1] + bytes([copy.wrapped_key[-1] ^ 1]))
    await world.store.write(lambda tx: tx.put(altered))
    found = await reseal(world)
    assert {number for became in found.values() for number in became.unopened} == {copy.id}
    assert (await world.one(Copy, id=copy.id)).wrapped_key == altered.wrapped_key


async def test_what_is_recorded_of_a_claimed_mail_does_not_bring_back_what_was_sealed_under_the_old_key(world):
    prepared = await world.desk.do(deliver.claim, 50)
    assert prepared
    await reseal(world)
    for one in prepared[:-1]:
        await world.desk.do(deliver.record, one.delivery, Outcome(451, "4.3.0 later"), b"")
    await world.desk.do(deliver.put_back, [prepared[-1].delivery])
    waiting = await world.rows(Delivery, state=DeliveryState.QUEUED)
    assert len(waiting) == len(prepared)
    assert {value[:1] for one in waiting for value in (one.facts, one.wrapped_key) if value} == {b"b"}
