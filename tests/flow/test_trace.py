"""A mail's way is told from its 250 to its delivery and its reading, by one id, and nothing of what it says."""

from datetime import timedelta

import pytest

from gateway.domain.address import address
from gateway.domain.model import Content, Copy, Delivery
from gateway.domain.vocabulary import Notice
from gateway.flow.administration.trace import trace
from gateway.flow.administration.trace_found import mails_of
from gateway.flow.inbox import messages, recall
from gateway.ports import Outcome
from tests.practice import OK, TEMPLATES, World, mail
from tests.reading import SECRET

MAIL, ANSWER = "e6ba28a6275b", "3e6b953b2713"


@pytest.fixture
def world():
    return World(TEMPLATES)


async def way(world, asked):
    (one,) = await world.desk.ask(trace, asked)
    return one


def whats(way):
    return [step.what for step in way.steps]


async def read_in_the_portal(world):
    """Ada writes, says who Pat is by mail, Pat registers and reads."""
    await world.receive(mail(body=SECRET, message_id="<results@riverside.example>"), queue_id=MAIL)
    (receipt,) = await world.deliver(OK)
    world.clock.advance(minutes=1)
    await world.reply(receipt, "PATIENT 1980-02-03", queue_id=ANSWER)
    world.clock.advance(minutes=1)
    account = await world.accept()
    world.clock.advance(minutes=1)
    copy = await world.one(Copy, account_id=account.id)
    await world.desk.do(messages.open_message, account, copy.id)
    await world.deliver()
    return account, copy


async def test_a_mail_is_followed_from_its_250_to_its_reading(world):
    await read_in_the_portal(world)
    one = await way(world, MAIL)
    assert (one.queue_id, one.header_id) == (MAIL, "<results@riverside.example>")
    told = whats(one)
    in_order = ["taken in", "held", "queued: receipt", "sent: receipt", "queued: invitation", "released", "viewed"]
    assert [what for what in told if what in in_order] == in_order
    assert [step.at for step in one.steps] == sorted(step.at for step in one.steps)
    assert SECRET not in str(one)
    assert "1980" not in str(one)


async def test_it_is_found_by_each_of_its_names_and_by_a_notice_about_it(world):
    await read_in_the_portal(world)
    (receipt,) = await world.rows(Delivery, notice=Notice.RECEIPT)
    expected = await way(world, MAIL)
    for asked in ("<results@riverside.example>", "results@riverside.example", str(receipt.id)):
        assert await way(world, asked) == expected
    notice = world.writer.message_id(receipt)
    assert await way(world, notice) == expected
    forged = notice.replace(f"<{receipt.id}.", "<1.") if receipt.id != 1 else notice.replace("<1.", "<2.")
    assert await world.desk.ask(trace, forged) == []


async def test_what_an_answer_by_mail_has_done_is_part_of_its_way(world):
    await read_in_the_portal(world)
    told = await way(world, ANSWER)
    assert {"said patient", "queued: transcript"} <= {what.lower() for what in whats(told)}


async def test_it_is_told_after_the_content_was_destroyed(world):
    _, copy = await read_in_the_portal(world)
    world.clock.advance(minutes=1)
    await world.desk.do(recall.take_back, await world.one(Copy, id=copy.id), "wrong person", "ada@riverside.example")
    assert await world.rows(Content) == []
    told = await way(world, MAIL)
    assert "recalled" in whats(told)
    assert any(step.number == f"copy {copy.id}" and step.what == "destroyed" for step in told.steps)


async def test_ordinary_mail_is_followed_to_what_its_hop_said(world):
    await world.receive(mail(subject="Lunch?", to="omar@hillside.example"), queue_id=MAIL)
    await world.deliver(Outcome(451, "4.3.0 later"))
    assert whats(await way(world, MAIL)) == ["taken in", "passes", "queued: pass", "waits to be sent: pass"]
    world.clock.advance(hours=1)
    await world.deliver(Outcome(550, "5.1.1 nobody"))
    one = await way(world, MAIL)
    given_up = next(step for step in one.steps if step.what == "given up: pass")
    assert (given_up.detail, given_up.at) == ("550 5.1.1 nobody", world.clock.now())
    assert "queued: report" in whats(one)  # the failure report is of the same mail


async def test_a_mail_of_a_run_is_followed_to_the_digest_that_tells_of_it(world):
    for number in range(6):
        await world.receive(mail(to=f"pat{number}@home.example"), queue_id=f"{number:012x}")
        world.clock.advance(seconds=1)
    last = await way(world, f"{5:012x}")
    assert "queued: digest" in whats(last)


async def test_the_mails_of_an_address_are_listed(world):
    await world.receive(mail(to="pat@home.example", subject="Lunch?"), queue_id=ANSWER)
    world.clock.advance(days=1)
    await world.receive(mail(), queue_id=MAIL)
    since = world.clock.now() - timedelta(days=2)
    for who in ("pat@home.example", "ada@riverside.example"):
        found = await world.desk.ask(mails_of, address(who), since, 10)
        assert [one.queue_id for one in found] == [MAIL, ANSWER]
    assert await world.desk.ask(mails_of, address("omar@hillside.example"), since, 10) == []
    assert len(await world.desk.ask(mails_of, address("pat@home.example"), world.clock.now() - timedelta(1), 10)) == 1


async def test_nothing_is_known_of_what_nobody_has_sent(world):
    for asked in ("e6ba28a6275b", "17", "<a@b.example>", "9" * 40):
        assert await world.desk.ask(trace, asked) == []
