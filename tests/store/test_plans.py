"""No statement that the flows use looks through a whole table: each is noted as it runs, and its plan is asked for."""

import re
import sqlite3
from datetime import date

import pytest

from gateway import prepare
from gateway.domain.model import Account, Content, Invitation
from gateway.domain.vocabulary import Purpose, State
from gateway.flow import deliver, lines, register, release, remind
from gateway.flow.sender_page import SHOWN, Sought, sender_page
from gateway.store import connections
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryContent
from tests.flow.conftest import House, mail

SOUGHT_WHOLE = ("content_file", "delivery_leased")
"""Indexes that hold what is sought and nothing else."""


class Noted(sqlite3.Connection):
    """Notes the statements that run on it."""

    statements: set[str]

    def execute(self, statement, *parameters):
        self.statements.add(statement)
        return super().execute(statement, *parameters)


@pytest.fixture
async def house(tmp_path, monkeypatch):
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    monkeypatch.setattr(Noted, "statements", set(), raising=False)
    monkeypatch.setitem(connections._OPTIONS, "factory", Noted)
    store = SqliteStore(open_database(path), MemoryContent())
    yield House(store=store)
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


async def whole_life(house):
    """A stranger's mail, commands, the account, answers, and what the clock brings."""
    await house.receive(mail())
    [receipt] = await house.deliver()
    await house.reply(receipt, "STATUS", "LIST", "DIRECTORY", "PATIENTS", "PATIENT 1980-02-03", "REMIND")
    await house.reply(receipt, "PATIENT 1980-02-03")
    await house.receive(mail(to="gone@home.example, asked@home.example"))
    await house.reply((await house.deliver())[0], "gone@home.example PATIENT 1980-02-03", "gone@home.example CANCEL")
    await house.days(2)
    invitation = await house.desk.ask(lambda ctx: ctx.tx.one(Invitation, id=1))
    assert invitation.state is State.INVITED
    token = house.keys.token(Purpose.INVITE, invitation.id, invitation.generation)
    await house.desk.ask(register.look, token)
    account = await house.desk.do(
        register.register, token, register.Proof(birthdate=date(1980, 2, 3)), "Pat Example", "hash"
    )
    await house.receive(mail(sender="Omar <omar@hillside.example>"), mail_from="omar@hillside.example")
    await house.deliver()
    await house.desk.ask(register.questions, account)
    await correspond(house, account)
    await house.days(40)
    await house.desk.do(remind.forget)
    await house.desk.do(deliver.reclaim)
    await house.desk.ask(lambda ctx: prepare._content_names(ctx.tx))
    page = house.keys.token(Purpose.SENDER_PAGE, 1, house.clock.now().date().toordinal())
    for show in SHOWN:
        shown = await house.desk.ask(sender_page, page, Sought(show=show))
        assert shown is not None or show == "practice"  # which is a manager's alone


async def correspond(house, account: Account):
    [line, *_] = await house.desk.ask(lines.inbox, account)
    await house.desk.ask(lines.count, account)
    await house.desk.do(release.open_message, account, line.copy_id)
    sealed = house.content.put(b"MIME-Version: 1.0\r\n\r\nThank you.\r\n")
    await house.desk.do(release.reply, account, line.copy_id, release.Written(sealed, "Re: results", "<1@x.example>"))
    sealed = house.content.put(b"MIME-Version: 1.0\r\n\r\nOne more thing.\r\n")
    await house.desk.do(release.write, account, 1, release.Written(sealed, "A question", "<2@x.example>"))
    await house.deliver()


async def test_no_statement_looks_through_a_whole_table(house, tmp_path):
    await whole_life(house)
    assert whole_tables(tmp_path / "gateway.db", Noted.statements) == []


async def test_a_missing_index_is_seen(house, tmp_path):
    await house.desk.ask(lambda ctx: ctx.tx.find(Content, size=1))
    assert whole_tables(tmp_path / "gateway.db", Noted.statements)
