"""Messages that their sender takes back, and those that were kept long enough: what is left, and who sees what."""

from dataclasses import replace

import pytest

from gateway.domain.commands import Command, Unknown, parse, read
from gateway.domain.model import Content, Copy, Delivery, Sender
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import CopyState, Notice
from gateway.flow import notices
from gateway.flow.commands.command_call import Scope
from gateway.flow.commands.verbs import run
from gateway.flow.inbox import recall
from tests.practice import PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


async def say(world, line, **changes):
    """A line of Dr Ada's, run as if by mail."""
    desk = replace(world.desk, site=replace(world.desk.site, **changes))
    [result] = await desk.do(lambda ctx: run(ctx, ctx.tx.get(Sender, 1), Scope(), read([line], ctx.today)))
    return result


@both_stores
async def test_an_unread_message_is_destroyed_and_its_reader_sees_that_there_was_one(world, browser):
    copy = await world.written(await world.registered(), subject="A secret")
    assert (await say(world, "pat@home.example RECALL")).code == "recalled"
    [gone] = await world.rows(Copy, id=copy.id)
    assert (gone.state, gone.wrapped_key) == (CopyState.RECALLED, None)
    assert not await world.rows(Content)
    await browser.sign_in()
    assert "This message was taken back." in browser.text
    assert "A secret" not in browser.response.text
    assert "unread" not in browser.page.css_first(".lines").text()
    for path in ("", "/original", "/attachments/0", "/reply"):
        assert (await browser.go(f"/messages/{copy.id}{path}")).status == 404
    await browser.go("/inbox?q=secret")
    assert "taken back" not in browser.text


@both_stores
async def test_one_that_was_read_needs_a_reason_which_its_reader_sees(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert (await say(world, "pat@home.example RECALL")).code == "recall_read"
    assert (await world.rows(Copy, id=copy.id))[0].state is CopyState.INBOX
    result = await say(world, "pat@home.example RECALL: meant for <b>another</b> Pat")
    assert (result.code, result.was_read) == ("recalled", True)
    assert b"another" not in (await world.rows(Copy, id=copy.id))[0].reason
    await browser.go("/inbox")
    assert "The reason: meant for <b>another</b> Pat" in browser.text
    assert (await say(world, "pat@home.example RECALL")).code == "recall_nothing"


async def test_only_ones_own_latest_message_is_taken_back(world):
    pat, uma = await world.registered(), await world.registered("uma@home.example", "Uma")
    first, last, hers = [await world.written(one) for one in (pat, pat, uma)]
    await say(world, "pat@home.example RECALL")
    states = {row.id: row.state for row in await world.rows(Copy)}
    assert states == {first.id: CopyState.INBOX, last.id: CopyState.RECALLED, hers.id: CopyState.INBOX}

    def as_another(ctx):
        other = ctx.tx.add(Sender(practice_id="riverside", address="cleo@riverside.example", typed="cleo@x"))
        return run(ctx, other, Scope(), read(["pat@home.example RECALL", "uma@home.example RECALL"], ctx.today))

    assert [one.code for one in await world.desk.do(as_another)] == ["recall_nothing"] * 2


async def test_a_held_message_is_withdrawn(world):
    await world.invited(PATIENT)
    assert (await say(world, "pat@home.example RECALL")).code == "cancelled"
    assert [row.state for row in await world.rows(Copy)] == [CopyState.DESTROYED]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pat@home.example RECALL", ""),
        ("RECALL pat@home.example: the wrong file", "the wrong file"),
        ("RECALL: the wrong file", "the wrong file"),
        ("pat@home.example recall the wrong file.", "the wrong file"),
        ("RECALL", ""),
        ("pat@home.example RETIRAR: me equivoqué", "me equivoqué"),
        ("RECALL pat@home.example: " + "x" * 300, "x" * 200),
    ],
)
def test_a_reason_stands_behind_a_colon_or_an_address(world, line, reason):
    command = parse(line, world.clock.now().date())
    assert isinstance(command, Command)
    assert (command.verb, command.reason) == (Verb.RECALL, reason)


@pytest.mark.parametrize("line", ["Recall that she was here on Tuesday", "I recall", "RECALL a@x.example b@x.example"])
def test_prose_takes_nothing_back(world, line):
    assert isinstance(parse(line, world.clock.now().date()), Unknown)


# -------------------------------------------------------------------------------------------------------- who has read


async def test_who_has_read_is_told_only_where_the_site_wants_it(world, browser):
    copy = await world.written(await world.registered(), subject="A secret")
    assert (await say(world, "READ")).code == "read_not_told"
    [line] = (await say(world, "READ", read_receipts=True)).readings
    assert (line.who, line.read) == ("pat@home.example", "")
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    [line] = (await say(world, "pat@home.example READ", read_receipts=True)).readings
    assert line.read == world.clock.now().isoformat()
    assert "A secret" not in str(line)


# ---------------------------------------------------------------------------------------------------------- keep_days


@both_stores
async def test_a_message_is_kept_for_as_long_as_the_site_says(world, browser):
    account = await world.registered()
    await world.written(account, subject="For ever")
    world.desk = replace(world.desk, site=replace(world.desk.site, keep_days=90))
    world.remake()
    copy = await world.written(account, subject="For a while")
    [for_ever, for_a_while] = await world.rows(Delivery, notice=Notice.NEW_MESSAGE)
    assert notices.unseal(world.keys, for_ever).facts.until == ""
    assert notices.unseal(world.keys, for_a_while).facts.until == "2026-05-30"
    browser = await world.browser().sign_in()
    assert browser.text.count("kept until 31 May 2026") == 1
    world.clock.advance(days=90, seconds=-1)
    assert await world.desk.do(recall.run_expired, 20) == 0
    world.clock.advance(seconds=1)
    assert await world.desk.do(recall.run_expired, 20) == 1
    [gone] = await world.rows(Copy, id=copy.id)
    assert (gone.state, gone.wrapped_key) == (CopyState.OVER, None)
    assert len(await world.rows(Content)) == 1
    browser = await world.browser().sign_in()
    assert "kept for as long as it could be" in browser.text
    assert "For ever" in browser.text
