"""A token opens what it was made for, for whom it was made, once; and who wrote a mail is never guessed."""

from datetime import date

import pytest

from gateway.domain.address import address
from gateway.domain.commands import made
from gateway.domain.model import Copy, Delivery, Invitation, Sender
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import CopyState, Notice, Purpose, State
from gateway.errors import NotASender
from gateway.flow.accounts import registration
from gateway.flow.accounts.registration import Check, Proof
from gateway.flow.commands.sender_page import PeopleFilter, by_page, sender_page
from tests.practice import ADA, BOT, CLEO, OMAR, PATIENT_TAG, World, bare, mail
from tests.reading import codes, kinds

BORN = Proof(birthdate=date(1980, 2, 3))


async def held(world: World, author: str = ADA, to: str = "pat@home.example", tag: str = "secure"):
    """A secure mail to a stranger; its receipt."""
    world.later()
    await world.receive(mail(to, f"[{tag}] Results", sender=author), mail_from=bare(author))
    return next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "receipt")


async def unchanged(world: World, before) -> bool:
    """Whether no invitation and no copy is other than before."""
    now = await world.everything()
    return all(now[table] == before[table] for table in (Invitation, Copy))


@pytest.mark.parametrize(
    "line", ["CANCEL", "PATIENT 1980-02-03", "MOVE eve@evil.example", "REMIND", "RECALL", "STATUS"]
)
async def test_ones_token_says_nothing_of_anothers_invitation(world, line):
    receipt = await held(world, ADA, "pat@home.example")
    await held(world, CLEO, "kim@home.example")
    before = await world.everything()
    [transcript] = await world.reply(receipt, f"kim@home.example {line}")
    assert codes(transcript)[0] in ("not_found", "recall_nothing")
    assert await unchanged(world, before)


@pytest.mark.parametrize(("author", "answer"), [(CLEO, ["not_yours"]), (OMAR, []), ("Eve <eve@evil.example>", [])])
async def test_a_token_in_anothers_hands_does_nothing(world, author, answer):
    """Only somebody of the same practice, who may have read it in a mailbox that they share, is told why."""
    receipt = await held(world)
    before = await world.everything()
    answers = await world.reply(receipt, "CANCEL", sender=author)
    assert [code for one in answers for code in codes(one)] == answer
    assert await unchanged(world, before)


async def test_one_foreign_token_among_several_and_nothing_runs(world):
    mine, theirs = await held(world), await held(world, CLEO, "kim@home.example")
    before = await world.everything()
    to = f"{mine['Reply-To']}, {theirs['Reply-To']}"
    await world.receive(mail(to, "Re: x", "CANCEL"), mail_from=bare(ADA))
    assert codes((await world.deliver())[0]) == ["not_yours"]
    assert await unchanged(world, before)


@pytest.mark.parametrize(
    "purpose", set(Purpose) - {Purpose.WAITING_SENDER, Purpose.MESSAGE, Purpose.SENDER, Purpose.CONFIRM}
)
async def test_a_token_for_something_else_commands_nothing(world, purpose):
    await held(world)
    before = await world.everything()
    token = world.keys.token(purpose, 1)
    await world.receive(mail(BOT.replace("@", f"+{token}@"), "Re: x", "CANCEL"), mail_from=bare(ADA))
    assert await world.deliver() == []
    assert await unchanged(world, before)


@pytest.mark.parametrize("purpose", set(Purpose) - {Purpose.INVITE})
async def test_a_token_for_something_else_opens_no_invitation(world, purpose):
    await held(world, tag=PATIENT_TAG)
    token = world.keys.token(purpose, 1)
    assert await world.desk.ask(registration.look, token) is None
    assert (await world.desk.do(registration.check, token, BORN)).check is Check.DEAD
    assert await world.desk.do(registration.register, token, BORN, "Pat", "hash") is None


async def test_a_page_acts_for_its_own_sender(world):
    await held(world)
    await held(world, CLEO, "kim@home.example")
    [ada, _] = await world.rows(Sender)
    before = await world.everything()
    token = world.keys.token(Purpose.SENDER_PAGE, ada.id, world.clock.now().date().toordinal())
    assert await world.desk.ask(sender_page, token, PeopleFilter(person="kim@home.example")) is None
    [result] = await world.desk.do(by_page, token, made(Verb.CANCEL, address("kim@home.example")))
    assert result.code == "not_found"
    assert await unchanged(world, before)


async def test_an_account_answers_its_own_questions(world):
    eve = await world.registered("eve@home.example")
    await held(world, tag=PATIENT_TAG)
    before = await world.everything()
    assert (await world.desk.do(registration.answer, eve, 1, BORN)).check is Check.DEAD
    assert await world.desk.ask(registration.question, eve, 1) is None
    assert await unchanged(world, before)


# ------------------------------------------------------------------------------------------------------- said again


async def test_a_mail_that_comes_again_by_another_way_is_the_same(world):
    receipt = await held(world, tag=PATIENT_TAG)
    octets = mail(receipt["Reply-To"], "Re: x", "REMIND")
    for trace in (b"", b"Received: from a by b\r\n", b"Delivered-To: bot\r\nReturn-Path: <ada@riverside.example>\r\n"):
        await world.receive(trace + octets, receipt["Reply-To"])
    assert kinds(await world.deliver()) == ["reminder", "transcript"]


async def test_a_yes_is_good_once_however_it_is_repeated(world):
    await held(world, tag=PATIENT_TAG)
    await world.receive(mail(BOT, "x", "pat@home.example REMIND"), BOT)
    [confirm] = await world.deliver()
    assert kinds(await world.reply(confirm, "YES")) == ["reminder", "transcript"]
    [transcript] = await world.reply(confirm, "YES")
    assert codes(transcript) == ["nothing_to_confirm"]
    assert len(await world.rows(Delivery, notice=Notice.REMINDER)) == 1


@pytest.mark.parametrize("line", ["CANCEL", "PATIENT 1980-02-03", "REMIND", "MOVE pat@new.example", "INVITE"])
async def test_an_old_notice_speaks_of_its_own_invitation_not_of_the_next(world, line):
    old = await held(world)
    await world.reply(old, "CANCEL")
    await held(world)
    before = await world.everything()
    [transcript] = await world.reply(old, line)
    assert codes(transcript)[0] in ("cancelled_already", "not_possible", "not_moved")
    assert await unchanged(world, before)
    assert [one.state for one in await world.rows(Invitation)] == [State.CANCELLED, State.AWAITING]


async def test_an_invitation_is_accepted_once(world):
    await held(world, tag=PATIENT_TAG)
    token = world.keys.token(Purpose.INVITE, 1)
    assert await world.desk.do(registration.register, token, BORN, "Pat", "hash")
    before = await world.everything()
    assert await world.desk.do(registration.register, token, BORN, "Eve", "hash") is None
    assert (await world.desk.do(registration.check, token, BORN)).check is Check.DEAD
    assert await unchanged(world, before)


# ------------------------------------------------------------------------------------------------------ the author

NOBODY = [
    "a@evil.example, <ada@riverside.example>",
    "<ada@riverside.example>, a@evil.example",
    "ada@riverside.example <a@evil.example>, ",
    "ada@riverside.example (a@evil.example), b@evil.example",
    "Ada: ada@riverside.example;",
    "<@evil.example:ada@riverside.example>",
    "ada@riverside.example\r\nFrom: a@evil.example",
    "a@evil.example\r\nFrom: ada@riverside.example",
    "ada@riverside.example\r\nFrom: ,",
    "=?utf-8?q?ada=40riverside.example?=",
    '"ada@riverside.example" <a@evil.example>',
    "ada@riverside.example\u200b <a@evil.example>",
    "a@evil.example\r\nSender: ada@riverside.example\r\nReply-To: ada@riverside.example",
    "a@evil.example\r\nResent-From: ada@riverside.example",
]


def written(author: str, to: str, subject: str, body: str) -> bytes:
    proof = "Authentication-Results: mx.riverside.example; dmarc=pass header.from=riverside.example\r\n"
    return f"{proof}From: {author}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <1@x>\r\n\r\n{body}\r\n".encode()


@pytest.mark.parametrize("author", NOBODY)
async def test_who_is_not_the_one_author_commands_nothing_and_sends_nothing_for_a_practice(world, author):
    receipt = await held(world)
    before = await world.everything()
    for to in (receipt["Reply-To"], BOT):
        octets = written(author, to, "x", "pat@home.example CANCEL")
        await world.receive(octets, to, authserv_id="mx.riverside.example")
    with pytest.raises(NotASender):
        await world.receive(written(author, "kim@home.example", "[secure] x", "y"), "kim@home.example")
    assert await world.deliver() == []
    assert await unchanged(world, before)
    assert {one.state for one in await world.rows(Copy)} == {CopyState.HELD}
