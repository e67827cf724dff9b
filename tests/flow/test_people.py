"""People lists, who is here, and how an administrator erases somebody."""

import pytest

from gateway.domain.address import address
from gateway.domain.model import (
    Account,
    Content,
    Copy,
    Delivery,
    Invitation,
    Message,
    Sender,
    Session,
    WaitingSender,
)
from gateway.domain.model_questions import Question
from gateway.domain.model_records import Audit, ListedPerson
from gateway.domain.vocabulary import CopyState, DeliveryState, Notice, Relationship, Role, State
from gateway.errors import NotASender
from gateway.flow.administration import erase, holds, people, people_list
from gateway.flow.administration.people import As
from gateway.flow.administration.people_list import Becomes, Wanted
from gateway.flow.inbox import messages
from tests.practice import ADA, BEA, BORN, OMAR, PAT, PATIENT_TAG, RESULTS, World, mail

LIA = "Lia <lia@shared.example>"
PAT_AT = address("pat@home.example")


@pytest.fixture
def world():
    return World()


def row(at, practice="riverside", role=Role.CLINICIAN, name="Lia"):
    return Wanted(practice, at, at, name, role)


async def put(world, *rows):
    await world.desk.do(people_list.put, rows)


async def erased(world, at=PAT_AT):
    """As the command does it."""
    if hindering := await world.desk.do(erase.end, at):
        return hindering
    while await world.desk.do(erase.destroy_copies, at, 2):
        pass
    after = await world.desk.do(erase.take_out_of_queue, at, 0, 3)
    while after:
        after = await world.desk.do(erase.take_out_of_queue, at, after, 3)
    await world.desk.do(erase.forget, at)
    return []


def traces(everything, key="pat@home.example"):
    """The tables in which the address still stands."""
    return {table.__name__ for table, rows in everything.items() for one in rows if key in repr(one)}


# ---------------------------------------------------------------------------------------------------------- the list


async def test_who_is_listed_writes_for_the_practice(world):
    with pytest.raises(NotASender):
        await world.write(LIA, PAT)
    await put(world, row("lia@shared.example"))
    await world.write(LIA, PAT)
    assert (await world.one(Sender)).practice_id == "riverside"
    assert world.last(Notice.RECEIPT)
    assert (await world.say("LIST", author=LIA)).notice is Notice.TRANSCRIPT


async def test_what_nobody_who_is_known_here_writes_passes(world):
    await world.receive(mail(sender=LIA, subject="Lunch?"), mail_from="lia@shared.example")
    await world.receive(mail(sender=LIA, subject="(secure) Lunch?"), mail_from="lia@shared.example")
    assert await world.rows(Message) == []
    assert len(await world.deliver()) == 2


async def test_a_list_wins_over_a_domain_and_settings_over_a_list(world):
    await put(world, row("omar@hillside.example"))
    await world.write(OMAR, PAT)
    assert (await world.one(Sender)).practice_id == "riverside"


async def test_a_listed_colleague_is_invited_without_a_question(world):
    await put(world, row("lia@shared.example", role=Role.STAFF))
    await world.write(ADA, LIA)
    invitation = await world.one(Invitation)
    assert (invitation.state, invitation.relationship) == (State.INVITED, Relationship.COLLEAGUE_HERE)
    assert invitation.role is Role.STAFF
    assert {one.notice for one in world.mails} == {Notice.INVITATION, Notice.RECEIPT}
    assert [one["outcome"] for one in world.last(Notice.RECEIPT).facts["people"]] == ["invited"]


@pytest.mark.parametrize("listed", [row("lia@shared.example", "hillside"), row("lia@shared.example", role=None)])
async def test_a_colleague_elsewhere_or_without_a_role_is_asked_about(world, listed):
    await put(world, listed)
    await world.write(ADA, LIA)
    assert (await world.one(Invitation)).state is State.AWAITING


async def test_what_the_mail_says_wins_over_the_list(world):
    await put(world, row("lia@shared.example"))
    await world.write(ADA, LIA, tag=PATIENT_TAG)
    assert (await world.one(Invitation)).relationship is Relationship.PATIENT


async def test_a_listed_colleague_is_not_called_an_outsider(world):
    await put(world, row("lia@shared.example", role=None))
    await world.write(ADA, LIA)
    await world.say("CLINICIAN", token=world.keys.token("w", (await world.one(WaitingSender)).id))
    assert (await world.one(Invitation)).state is State.INVITED


async def test_done_twice_a_list_changes_nothing(world):
    rows = [row("lia@shared.example"), row("max@shared.example")]
    assert [b for b, _ in await world.desk.ask(people_list.compared, rows)] == [Becomes.ADDED] * 2
    await put(world, *rows)
    before = await world.rows(ListedPerson)
    assert [b for b, _ in await world.desk.ask(people_list.compared, rows)] == [Becomes.UNCHANGED] * 2
    await put(world, *rows)
    assert await world.rows(ListedPerson) == before
    changed = row("lia@shared.example", name="Lia B")
    assert [b for b, _ in await world.desk.ask(people_list.compared, [changed])] == [Becomes.CHANGED]
    await put(world, changed)
    assert (await world.one(ListedPerson, address="lia@shared.example")).name == "Lia B"


# ---------------------------------------------------------------------------------------------------------- who is here


async def test_people_are_listed_by_address_with_what_they_are(world, monkeypatch):
    monkeypatch.setattr("gateway.flow.administration.people.PAGE", 2)
    await put(world, row("lia@shared.example"), row("zoe@shared.example", "hillside"))
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept(BORN)
    await world.write(OMAR, "xi@home.example")
    found, after = [], ""
    while some := await world.desk.ask(people.listed, "", None, after):
        found += some
        after = some[-1].address
    assert [one.address for one in found] == [
        *("ada@riverside.example", "lia@shared.example", "omar@hillside.example"),
        *("pat@home.example", "xi@home.example", "zoe@shared.example"),
    ]

    async def keys(practice, kind):
        return [one.address for one in await world.desk.ask(people.listed, practice, kind)]

    assert await keys("", As.REGISTERED) == ["pat@home.example"]
    assert await keys("", As.INVITED) == ["xi@home.example"]
    assert await keys("hillside", As.LISTED) == ["zoe@shared.example"]
    assert await keys("riverside", As.REGISTERED) == ["pat@home.example"]
    assert await keys("hillside", As.REGISTERED) == []
    assert await keys("", As.SENDERS) == ["ada@riverside.example", "omar@hillside.example"]
    practices = await world.desk.ask(people.practices)
    told = [(one.practice.id, one.senders, one.listed, one.open_invitations) for one in practices]
    assert told == [("riverside", 1, 1, 0), ("hillside", 1, 1, 1)]


# -------------------------------------------------------------------------------------------------------------- erasure


async def test_an_invitee_is_erased_and_each_sender_told_once(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.write(BEA, PAT)
    await world.write(OMAR, PAT)
    count = len(world.mails)
    assert await erased(world) == []
    await world.collect()
    told = [(one.notice, one.facts["by_administrator"]) for one in world.mails[count:]]
    assert told == [(Notice.CANCELLED, True)] * 3
    assert {one.state for one in await world.rows(Invitation)} == {State.CANCELLED}
    assert await world.rows(Content) == []
    waits = [one.recipient for one in await world.rows(Delivery, state=DeliveryState.QUEUED)]
    assert "pat@home.example" not in waits


async def test_nothing_but_the_audit_names_who_was_erased(world):
    await put(world, row("pat@home.example", role=Role.STAFF))
    await world.write(ADA, PAT, "bea@home.example", tag=PATIENT_TAG)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept(BORN)
    await world.write(ADA, PAT)
    await world.receive(mail(subject="Lunch?"))
    await world.deliver()
    await erased(world)
    told = {one["X-Gateway-Notice"]: one["To"] for one in await world.deliver()}
    assert "pat@home.example" in told["account-changed"]
    await world.desk.do(erase.take_out_of_queue, PAT_AT, 0, 1000)
    assert traces(await world.everything()) == {"Audit"}
    actions = [one.action for one in await world.rows(Audit, actor="administrator")]
    assert actions == ["began to erase a person", "erased", "erased a person"]


async def test_an_account_is_erased_with_what_it_read_and_what_it_wrote_stays(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    account = await world.accept(BORN)
    copy = await world.one(Copy, account_id=account.id)
    await world.store.write(
        lambda tx: tx.add(
            Session(
                digest=b"d",
                account_id=account.id,
                created_at=world.clock.now(),
                seen_at=world.clock.now(),
                expires_at=world.clock.now(),
            )
        )
    )
    written = messages.Written(world.content.put(RESULTS), "Thanks", "<thanks@home.example>")
    reply = await world.desk.do(messages.reply, account, copy.id, written)
    await erased(world)
    assert await world.rows(Session) == []
    assert (await world.one(Account)).is_erased
    assert [one.message_id for one in await world.rows(Copy) if one.wrapped_key] == [reply.id]


async def test_mail_that_its_sender_is_asked_about_is_destroyed_and_the_question_over(world):
    await world.receive(mail(subject="(secure) Results"))
    assert (await world.one(Copy)).state is CopyState.ASKED
    await erased(world)
    await world.collect()
    assert (await world.one(Question)).answer
    assert (await world.one(Copy)).wrapped_key is None
    assert await world.rows(Content) == []
    assert world.last(Notice.UNDELIVERABLE).facts["address"] == "pat@home.example"


async def test_who_waits_for_a_relayed_mail_is_told(world):
    await world.write(ADA, "rob@hospital.example")
    await erased(world, address("rob@hospital.example"))
    await world.collect()
    assert (await world.one(Copy)).wrapped_key is None
    assert world.last(Notice.UNDELIVERABLE)


@pytest.mark.parametrize("on", ["the person", "the practice"])
async def test_a_hold_forbids_erasure(world, on):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    if on == "the person":
        await world.desk.do(holds.hold_person, PAT_AT, "a claim")
    else:
        await world.desk.do(holds.hold_practice, "riverside", "a claim")
    before = await world.everything()
    assert len(await erased(world)) == 1
    assert await world.everything() == before


async def test_who_was_erased_is_a_stranger_again(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept(BORN)
    await erased(world)
    await world.write(ADA, PAT)
    assert (await world.one(Invitation, address="pat@home.example")).state is State.AWAITING


async def test_a_sender_stays_with_what_they_wrote(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept(BORN)
    ada = address("ada@riverside.example")
    assert await erased(world, ada) == []
    assert await world.desk.ask(erase.remains, ada) == 1
    assert (await world.one(Sender)).name == "Dr Ada"
    assert (await world.one(Copy)).wrapped_key
