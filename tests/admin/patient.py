"""A small real gateway in a folder, with everything in it that can be damaged; made once, copied for each test."""

import asyncio
import os
from pathlib import Path

import pyotp

from gateway.admin.ledger import ledger_of, take_up
from gateway.config.toml_file import load
from gateway.database import database_of
from gateway.domain.commands import read
from gateway.domain.model import Invitation, Meta, Sender
from gateway.flow import confirmations
from gateway.flow.accounts import second_factor
from gateway.flow.context import Context, Desk
from gateway.flow.inbox import drafts
from gateway.flow.outbound.write_out import Writer
from gateway.flow.standing import Why
from gateway.flow.upkeep import chain
from gateway.prepare import CALENDAR, KEY_MARK, calendar
from gateway.setup import Answers, set_up
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.runner import SqliteStore
from gateway.store.sealing import load_keys
from tests.practice import PATIENT, TEMPLATES, World, mail

PAT, QUINN, EVE = "pat@home.example", "quinn@home.example", "eve@home.example"
LARGER = b"y" * 600_000
HEAD = b"From: ada@riverside.example\r\nTo: pat@home.example\r\nMessage-ID: <%s@riverside.example>\r\n\r\n"


def made(folder: Path) -> None:
    """Write it; the clock beside it stands still."""
    set_up(
        folder,
        Answers("secure.riverside.example", "Riverside", "riverside.example", "127.0.0.1:1", "https://s.example"),
    )
    asyncio.run(_filled(folder))
    settings = load(folder / "gateway.toml")
    ledger = ledger_of(settings, load_keys(folder / "gateway.keys"))
    take_up(database_of(settings), ledger, World().clock.now())


async def _filled(folder: Path) -> None:
    settings = load(folder / "gateway.toml")
    os.umask(0o077)
    content = SpooledContent(settings.spool_path)
    store = SqliteStore(open_database(settings.database_path), content)
    world = World(TEMPLATES, settings.policy(), store, content)
    world.keys = load_keys(folder / "gateway.keys")
    world.desk = Desk(store, world.site, world.keys, world.clock)
    world.writer = Writer(world.site, world.keys, content, world)
    (folder / "now").write_text(world.clock.now().isoformat())
    await world.desk.do(_marked)
    await _mail(world)
    await _of_an_account(world)
    await world.desk.do(chain.seal)
    await store.close()


def _marked(ctx: Context) -> None:
    """As a start does it."""
    ctx.tx.add(Meta(name=KEY_MARK, value=ctx.keys.digest(KEY_MARK, b"gateway")))
    ctx.tx.add(Meta(name=CALENDAR, value=calendar(ctx)))


async def _mail(world: World) -> None:
    """Held for Pat, large; asked about for Eve; ordinary mail that waits, small and large; a command that waits."""
    await world.invited(PATIENT, PAT, HEAD % b"held" + LARGER)
    await world.receive(mail(to=EVE, subject="secure: results", message_id="<asked@riverside.example>"))
    await world.receive(mail(to="omar@hillside.example", subject="Lunch?"))
    await world.receive(mail(to="omar@hillside.example", subject="Lunch", body="z" * 100_000))
    sender, invitation = await world.one(Sender), await world.one(Invitation)
    lines = read(["CANCEL"], world.clock.now().date())
    await world.desk.do(confirmations.ask, sender, lines, Why.UNPROVED, invitation)


async def _of_an_account(world: World) -> None:
    """Quinn was invited, has read, writes a draft with a file, and signs in with codes."""
    await world.invited(PATIENT, QUINN, HEAD % b"small" + b"All is well.\r\n")
    await world.collect()
    account = await world.accept()
    await world.receive(
        mail(to=QUINN, body="w" * 200_000, message_id="<large@riverside.example>"), mail_from="ada@riverside.example"
    )
    file = drafts.Enclosed(0, "photo.jpg", "image/jpeg", b"d" * 32, world.content.put(b"picture"))
    await world.desk.do(
        drafts.save, account, drafts.DraftText(body="Dear"), drafts.Writing("w"), files=[file], room=10**6
    )
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(world.clock.now())
    assert await world.desk.do(second_factor.start_codes, account, secret, code)
    await world.index()
