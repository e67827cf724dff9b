"""No statement that the flows use looks through a whole table: each is noted as it runs, and its plan is asked for."""

import re
import sqlite3
from datetime import date

import pytest

from gateway import prepare
from gateway.domain.model import Account, Content, Invitation
from gateway.domain.vocabulary import Purpose, State
from gateway.flow.accounts import registration
from gateway.flow.commands.sender_page import SHOWN, PeopleFilter, sender_page
from gateway.flow.inbox import lines, messages
from gateway.flow.outbound import deliver
from gateway.flow.upkeep import retention
from gateway.store import connections
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryContent
from tests.practice import World, mail

SOUGHT_WHOLE = ("content_file", "delivery_leased", "delivery_aside", "delivery_paused")
"""Indexes that hold what is sought and nothing else."""


class Noted(sqlite3.Connection):
    """Notes the statements that run on it."""

    statements: set[str]

    def execute(self, statement, *parameters):
        self.statements.add(statement)
        return super().execute(statement, *parameters)


@pytest.fixture
async def world(tmp_path, monkeypatch):
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    monkeypatch.setattr(Noted, "statements", set(), raising=False)
    monkeypatch.setitem(connections._OPTIONS, "factory", Noted)
    store = SqliteStore(open_database(path), MemoryContent())
    yield World(store=store)
    await store.close()


def whole_tables(path, statements):
    """The statements that look through a whole table, each with its plan."""
    database = sqlite3.connect(path)
    asked = [s for s in sorted(statements) if s.startswith(("SELECT", "UPDATE", "DELETE"))]
    plans = [(s, database.execute(f"EXPLAIN QUERY PLAN {s}", (None,) * s.count("?")).fetchall()) for s in asked]
    database.close()
    assert plans
    scans = [(s, detail) for s, plan in plans for *_, detail in plan if re.match(r"SCAN (?!json_each)", detail)]
    return [(s, detail) for s, detail in scans if not detail.endswith(SOUGHT_WHOLE)]


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
    await world.days(40)
    await world.desk.do(retention.forget)
    await world.desk.do(deliver.reclaim)
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


async def test_no_statement_looks_through_a_whole_table(world, tmp_path):
    await whole_life(world)
    assert whole_tables(tmp_path / "gateway.db", Noted.statements) == []


async def test_a_missing_index_is_seen(world, tmp_path):
    await world.desk.ask(lambda ctx: ctx.tx.find(Content, size=1))
    assert whole_tables(tmp_path / "gateway.db", Noted.statements)
