"""No statement that the flows use looks through a whole table: each is noted as it runs, and its plan is asked for."""

from dataclasses import replace
from datetime import date
from http import HTTPStatus

import pytest

from gateway import prepare
from gateway.domain.model import Account, Content, Invitation
from gateway.domain.vocabulary import Purpose, State
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.housekeeping import keep_house
from gateway.flow import lease, ledger
from gateway.flow.accounts import registration
from gateway.flow.administration.needs import needs
from gateway.flow.commands.sender_page import SHOWN, PeopleFilter, sender_page
from gateway.flow.inbox import lines, messages
from gateway.flow.outbound import deliver, heartbeat
from gateway.flow.upkeep import chain, outage
from gateway.store.postgres.runner import PostgresStore
from tests.practice import mail
from tests.store import plans

STORES = ("sqlite", "postgres")


@pytest.fixture
def noted(monkeypatch):
    return plans.note_all(monkeypatch)


@pytest.fixture
def where(world, request, tmp_path):
    """Where the world's rows lie."""
    return request.getfixturevalue("postgres") if isinstance(world.store, PostgresStore) else tmp_path / "gateway.db"


async def whole_life(world):
    """A stranger's mail, commands, the account, answers, and what the clock brings."""
    await world.receive(mail())
    [receipt] = await world.deliver()
    await world.reply(receipt, "STATUS", "LIST", "DIRECTORY", "PATIENTS", "PATIENT 1980-02-03", "REMIND")
    await world.reply(receipt, "PATIENT 1980-02-03")
    world.later()
    for _ in range(2):  # a receipt, and one that is added to
        await world.receive(mail(to="gone@home.example, asked@home.example", subject="[secure patient 1980-02-03] x"))
    await questions(world)
    world.later()
    await world.receive(mail(to="gone@home.example, asked@home.example"))
    await world.reply((await world.deliver())[0], "gone@home.example PATIENT 1980-02-03", "gone@home.example CANCEL")
    await world.days(2)
    invitation = await world.desk.ask(lambda ctx: ctx.tx.one(Invitation, id=1))
    assert invitation.state is State.INVITED
    token = world.keys.token(Purpose.INVITE, invitation.id, invitation.generation)
    await world.desk.ask(registration.look, token)
    account = await world.desk.do(
        registration.register, token, registration.Proof(birthdate=date(1980, 2, 3)), "Pat Example", "hash"
    )
    await world.receive(mail(sender="Omar <omar@hillside.example>"), mail_from="omar@hillside.example")
    await world.deliver()
    await world.desk.ask(registration.questions, account)
    await correspond(world, account)
    await in_the_portal(world)
    await world.days(40)
    await on_the_clock(world)
    await world.desk.ask(lambda ctx: prepare._content_names(ctx.tx))
    page = world.keys.token(Purpose.SENDER_PAGE, 1, world.clock.now().date().toordinal())
    for show in SHOWN:
        shown = await world.desk.ask(sender_page, page, PeopleFilter(show=show))
        assert shown is not None or show == "practice"  # which is a manager's alone


async def questions(world):
    """Mail that is perhaps secure: answered, not answered, and what goes on with it."""
    for answer in ("YES", "PLAIN", "CANCEL"):
        octets = mail("ben@home.example, kim@home.example", "[secured] x", message_id=f"<{answer}@riverside.example>")
        await world.receive(octets, "ben@home.example")
        await world.receive(octets, "kim@home.example")
        asked = next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "near-miss")
        await world.reply(asked, answer)
    await world.receive(
        mail("ben@home.example", "Re: x", References="<YES@riverside.example> <PLAIN@riverside.example>")
    )
    await world.receive(mail(", ".join(f"p{number}@home.example" for number in range(10))))


async def correspond(world, account: Account):
    [line, *_] = await world.desk.ask(lines.inbox, account)
    await world.desk.ask(lines.count, account)
    await world.desk.do(messages.open_message, account, line.copy_id)
    sealed = world.content.put(b"MIME-Version: 1.0\r\n\r\nThank you.\r\n")
    await world.desk.do(messages.reply, account, line.copy_id, messages.Written(sealed, "Re: results", "<1@x.example>"))
    sealed = world.content.put(b"MIME-Version: 1.0\r\n\r\nOne more thing.\r\n")
    await world.desk.do(messages.write, account, 1, messages.Written(sealed, "A question", "<2@x.example>"))
    await world.deliver()


async def in_the_portal(world):
    """Somebody signs in, reads, searches, and leaves."""
    account = await world.registered("sam@home.example")
    copy = await world.written(account)
    browser = world.browser()
    await browser.sign_in("sam@home.example")
    pages = (
        *("/inbox", "/inbox?show=unread", f"/messages/{copy.id}", f"/messages/{copy.id}/reply", "/inbox?q=results"),
        *("/compose", "/profile", "/profile/sessions", "/profile/security"),
    )
    for page in pages:
        assert (await browser.go(page)).status == HTTPStatus.OK, page
    await browser.press("Sign out")


async def on_the_clock(world):
    """What a node does without being asked: its lease and heartbeat, the sealer, what has served its time."""
    await world.desk.do(lease.hold, "one")
    await world.desk.do(lease.give_up, "one")
    for _ in range(2):
        await world.desk.do(heartbeat.beat, "one")
    await world.desk.do(heartbeat.free, ["one"])
    await world.desk.do(deliver.reclaim)
    await world.desk.do(lambda ctx: ledger.moved(ctx.tx, [1], ledger.position(ctx.tx)))
    await world.desk.ask(lambda ctx: ledger.waiting(ctx.tx))
    await world.desk.do(outage.note_alive)
    await world.desk.ask(chain.waiting)
    await world.desk.ask(needs)
    world.desk.site = replace(world.site, retention=replace(world.site.retention, audit=1, sent=1, traces=1))
    await keep_house(world.desk, Traffic())
    await world.tick()


async def test_no_statement_looks_through_a_whole_table(world, noted, where):
    await whole_life(world)
    assert plans.scans(where, noted) == []


async def test_a_missing_index_is_seen(world, noted, where):
    await world.desk.ask(lambda ctx: ctx.tx.find(Content, size=1))
    assert plans.scans(where, noted)
