"""While a legal hold stands, what ends has ended for everybody, and nothing of it is destroyed."""

from dataclasses import replace

import pytest

from gateway.domain.address import address
from gateway.domain.model import AddressChange, Content, Copy, Delivery, Invitation
from gateway.domain.model_drafts import Draft
from gateway.domain.model_records import Audit, LegalHold
from gateway.domain.site import Retention
from gateway.domain.vocabulary import CopyState, State
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.housekeeping import keep_house
from gateway.errors import WrongKey
from gateway.flow import copies, legal_holds
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import new_address
from gateway.flow.administration import holds
from gateway.flow.inbox import lines, messages, recall
from tests.practice import ADA, BORN, OMAR, PAT, PATIENT_TAG, RESULTS, SITE, World, mail

SHORT = replace(SITE, retention=Retention(sent=30, traces=60, audit=90))
WHOM = {
    "the reader": "pat@home.example",
    "the author": "ada@riverside.example",
    "the practice": "",
    "nobody": "else@home.example",
}


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr("gateway.edge.run.housekeeping.PAUSE", 0)
    monkeypatch.setattr("gateway.edge.run.housekeeping.AT_A_TIME", 2)
    return World(site=SHORT)


async def hold(world, whom="the reader"):
    if whom == "the practice":
        return await world.desk.do(holds.hold_practice, "riverside", "a claim")
    return await world.desk.do(holds.hold_person, address(WHOM.get(whom, whom)), "a claim")


async def release(world, key="pat@home.example"):
    await world.desk.do(holds.release_person, address(key))
    await keep_house(world.desk, Traffic())


async def ends_by_lapse(world):
    await world.write(ADA, PAT)
    await world.days(9)


async def ends_by_cancel(world):
    await world.write(ADA, PAT)
    await world.say("pat@home.example CANCEL", token=await world.sender_token())


async def ends_after_grace(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.days(62)


async def delivered(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    return await world.accept(BORN)


async def ends_by_recall(world):
    await delivered(world)
    copy = await world.one(Copy, state=CopyState.INBOX)
    await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")


async def ends_by_age(world):
    account = await delivered(world)
    copy = await world.one(Copy, account_id=account.id)
    await world.store.write(lambda tx: tx.put(replace(copy, expires_at=world.clock.now())))
    await world.desk.do(recall.run_expired, 10)


async def ends_with_the_account(world):
    await world.desk.do(accounts.erase, await delivered(world))


async def ends_without_an_answer(world):
    await world.receive(mail(subject="(secure) Results"))
    await world.days(9)


ENDS = [
    ends_without_an_answer,
    ends_by_lapse,
    ends_by_cancel,
    ends_after_grace,
    ends_by_recall,
    ends_by_age,
    ends_with_the_account,
]


@pytest.mark.parametrize("whom", WHOM)
@pytest.mark.parametrize("ends", ENDS, ids=lambda ends: ends.__name__)
async def test_what_ends_is_kept_while_a_hold_stands(world, ends, whom):
    await hold(world, whom)
    await ends(world)
    (copy,) = await world.rows(Copy)
    assert copy.state in (CopyState.DESTROYED, CopyState.RECALLED, CopyState.OVER)
    assert copy.ended_at
    if whom == "nobody":
        assert (copy.wrapped_key, copy.kept, await world.rows(Content)) == (None, False, [])
        return
    assert copy.wrapped_key
    assert copy.kept
    assert await world.rows(Content)
    key = await world.desk.ask(copies.kept_key, copy)
    assert key == b"d" * 32
    with pytest.raises(WrongKey):
        await world.desk.ask(copies.data_key, copy)


@pytest.mark.parametrize("ends", ENDS, ids=lambda ends: ends.__name__)
async def test_to_everybody_it_looks_as_without_a_hold(ends):
    seen = []
    for is_held in (False, True):
        world = World(site=SHORT)
        if is_held:
            await hold(world)
        await ends(world)
        await world.collect()
        told = [(mail.notice, mail.audience) for mail in world.mails]
        rows = [replace(one, wrapped_key=None, kept=False) for one in await world.rows(Copy)]
        states = [one.state for one in await world.rows(Invitation)]
        account = await world.desk.ask(accounts.of_id, 1)
        shown = await world.desk.ask(lines.inbox, account) if account else []
        seen.append((told, rows, states, shown))
    assert seen[0] == seen[1]


async def test_nobody_opens_what_is_kept(world):
    account = await delivered(world)
    await hold(world)
    copy = await world.one(Copy, state=CopyState.INBOX)
    await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")
    assert await world.desk.do(messages.open_message, account, copy.id) is None
    assert await world.desk.ask(lines.of, account, [copy.message_id]) == []


async def test_an_author_does_not_see_what_has_ended(world):
    account = await delivered(world)
    copy = await world.one(Copy, state=CopyState.INBOX)
    sealed = world.content.put(RESULTS)
    reply = messages.Written(sealed, "Thanks", "<thanks@home.example>")
    written = await world.desk.do(messages.reply, account, copy.id, reply)
    assert await world.desk.ask(lines.written, account) == [written.id]
    await hold(world)
    await world.desk.do(lambda ctx: copies.destroy(ctx, ctx.tx.one(Copy, message_id=written.id)))
    assert (await world.one(Copy, message_id=written.id)).kept
    assert await world.desk.ask(lines.written, account) == []
    assert await world.desk.do(messages.own_message, account, written.id) is None


async def test_the_last_hold_released_destroys_what_has_ended(world):
    await hold(world)
    await hold(world, "the practice")
    await ends_by_cancel(world)
    ended_at = (await world.one(Copy)).ended_at
    await release(world)
    assert (await world.one(Copy)).wrapped_key  # the practice's hold still stands
    await world.desk.do(holds.release_practice, "riverside")
    await keep_house(world.desk, Traffic())
    copy = await world.one(Copy)
    assert (copy.wrapped_key, copy.kept, copy.ended_at) == (None, False, ended_at)
    assert await world.rows(Content) == []


async def test_what_has_not_ended_stays_after_a_release(world):
    await delivered(world)
    await hold(world)
    await release(world)
    assert (await world.one(Copy)).state is CopyState.INBOX


async def test_relayed_mail_of_a_held_person_is_kept(world):
    await hold(world, "the author")
    await world.write(ADA, "rob@hospital.example")
    await world.deliver()
    copy = await world.one(Copy)
    assert copy.state is CopyState.DESTROYED
    assert copy.kept


async def test_a_hold_follows_its_person_to_another_address(world):
    account = await delivered(world)
    await hold(world)
    await world.desk.do(new_address.ask, account, address("pat@new.example"))
    change = await world.one(AddressChange)
    token = world.keys.token("n", change.id)
    await world.desk.do(new_address.confirm, account, token, 0)
    (standing,) = await world.desk.ask(holds.listed)
    assert standing.also == ("pat@new.example",)
    assert await world.desk.ask(legal_holds.on_person, "pat@new.example")
    assert await world.desk.do(holds.release_person, address("pat@new.example")) == 1
    assert await world.desk.ask(holds.listed) == []


async def test_a_hold_follows_mail_that_is_moved(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await hold(world)
    await world.say("pat@home.example MOVE pat@new.example", token=await world.sender_token())
    await world.say("pat@new.example CANCEL", token=await world.sender_token())
    assert (await world.one(Copy)).kept


async def test_who_erases_their_account_has_lost_access_and_what_they_wrote_stays_held(world):
    account = await delivered(world)
    draft = Draft(account_id=account.id, sealed=b"", changed_at=world.clock.now())
    await world.store.write(lambda tx: tx.add(draft))
    await hold(world)
    await world.desk.do(accounts.erase, account)
    assert await world.desk.ask(accounts.at, "pat@home.example") is None
    assert await world.rows(Draft)
    await release(world)
    assert await world.rows(Draft) == []
    assert [one.wrapped_key for one in await world.rows(Copy)] == [None]


async def test_retention_leaves_rows_of_who_is_held(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.write(ADA, "other@home.example", tag=PATIENT_TAG)
    for person in ("pat", "other"):
        await world.say(f"{person}@home.example CANCEL", token=await world.sender_token())
    await world.deliver()
    await hold(world)
    await world.write(OMAR, "newest@home.example")  # the newest row of a table stays anyway
    await world.deliver()
    world.clock.advance(days=120)
    await keep_house(world.desk, Traffic())
    people = {one.address for one in await world.rows(Invitation, state=State.CANCELLED)}
    assert people == {"pat@home.example"}
    assert "pat@home.example" in {one.recipient for one in await world.rows(Delivery)}
    assert "other@home.example" not in {one.recipient for one in await world.rows(Delivery)}
    about = {one.subject for one in await world.rows(Audit)}
    assert "invitation 1" in about
    assert "invitation 2" in about  # the audit is forgotten from its beginning: what follows a row that stays does, too
    await release(world)
    assert {one.address for one in await world.rows(Invitation, state=State.CANCELLED)} == set()


async def test_retention_goes_on_behind_what_is_held(world):
    """More held rows than are looked at together keep nothing else."""
    for number in range(5):
        await world.write(ADA, f"p{number}@home.example")
        await world.say(f"p{number}@home.example CANCEL", token=await world.sender_token())
    await world.write(OMAR, "q@home.example")
    await world.write(OMAR, "newest@home.example")
    await world.deliver()
    await hold(world, "the practice")
    world.clock.advance(days=9)
    await world.tick()
    await world.deliver()
    world.clock.advance(days=120)
    await keep_house(world.desk, Traffic())
    left = {one.address for one in await world.rows(Invitation)}
    assert "p4@home.example" in left
    assert "q@home.example" not in left


async def test_without_a_hold_one_look_is_all(world):
    looks = []

    class Watched:
        def __init__(self, tx):
            self._tx = tx

        def __getattr__(self, name):
            def call(table, **where):
                looks.append(table)
                return getattr(self._tx, name)(table, **where)

            return call

    await world.write(ADA, PAT)
    copy = await world.one(Copy)
    kept = await world.desk.do(lambda ctx: legal_holds.keeps(replace(ctx, tx=Watched(ctx.tx)), copy))
    assert not kept
    assert looks == [LegalHold]


async def test_a_second_hold_is_not_placed_and_who_has_none_is_not_released(world):
    assert await hold(world)
    assert await hold(world) is None
    assert await world.desk.do(holds.release_person, address("bea@riverside.example")) == 0
    subjects = [(one.action, one.actor) for one in await world.rows(Audit)]
    assert ("placed a legal hold", "administrator") in subjects
