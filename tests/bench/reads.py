"""How long the event loop stands still while much is read: `python -m tests.bench.reads`.

A gateway in this process, on a fresh SQLite file with an inbox of 10,000 messages and a sender who waits for 5,000
people; its clients and its next hop are another process. For each scenario: the loop's longest stall, and how long
its answers took.
"""

import asyncio
import gc
import logging
import re
import smtplib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import httpx2
import structlog
import uvloop

from gateway.app import Gateway
from gateway.config.section_smtp import SmtpSection
from gateway.config.sections import NextHopSection, PortalSection, PracticeSection, SiteSection
from gateway.config.settings import Settings
from gateway.domain.address import Address
from gateway.domain.model import Account, Content, Invitation, Message, Sender, WaitingSender
from gateway.domain.vocabulary import CopyState, Purpose, Relationship, State
from gateway.edge.run.metrics import Figures
from gateway.flow import copies
from gateway.flow.context import Context
from gateway.portal.passwords import Passwords
from gateway.portal.turns import Asker
from gateway.prepare import bind, prepare
from gateway.store.connections import open_database
from gateway.store.runner import write_once
from gateway.store.sealing import new_key_file
from tests.peers.ports import reserve

MESSAGES, PEOPLE, SIGN_INS = 10_000, 5_000, 50
PASSWORD = "correct horse battery staple"
NOW = datetime.now(UTC)
ADA = "ada@riverside.example"

# ---------------------------------------------------------------------------------------------------------- the stage


def settings(folder: Path, portal: int, hop: int) -> Settings:
    (folder / "gateway.keys").write_text(new_key_file(), "utf-8")
    return Settings(
        site=SiteSection(
            name="Bench",
            domain="secure.riverside.example",
            portal_url=f"http://127.0.0.1:{portal}",
            timezone="Europe/London",
        ),
        practices=[PracticeSection(id="riverside", name="Riverside", domains=["riverside.example"])],
        smtp=SmtpSection(listen="127.0.0.1:0", submission_networks=["127.0.0.0/8"]),
        next_hop=NextHopSection(address=f"127.0.0.1:{hop}", tls="none"),
        portal=PortalSection(listen=f"127.0.0.1:{portal}"),
    ).in_folder(folder)


def fill(ctx: Context, content, password_hash: str) -> None:
    sender = ctx.tx.add(Sender(practice_id="riverside", address=ADA, typed=ADA, name="Dr Ada"))
    accounts = [_account(ctx, f"pat{number}@home.example", password_hash) for number in range(SIGN_INS)]
    for number in range(MESSAGES):
        _message(ctx, content, sender, accounts[0], number)
    for number in range(PEOPLE):
        _wait(ctx, sender, f"new{number}@home.example")


def _account(ctx: Context, address: str, password_hash: str) -> Account:
    return ctx.tx.add(
        Account(address=address, typed=address, name="Pat", password_hash=password_hash, created_at=ctx.now)
    )


def _message(ctx: Context, content, sender: Sender, account: Account, number: int) -> None:
    sealed = content.put(f"From: {ADA}\r\nSubject: Result {number}\r\n\r\nAll is well.\r\n".encode())
    ctx.tx.add(Content(id=sealed.content_id, inline=sealed.inline, size=sealed.size))
    message = ctx.tx.add(
        Message(
            practice_id="riverside",
            sender_id=sender.id,
            header_id=f"<{number}@riverside.example>",
            subject=ctx.keys.seal_under(sealed.data_key, f"Result {number}".encode()),
            content_id=sealed.content_id,
            size=sealed.size,
            received_at=ctx.now,
        )
    )
    taken = copies.Taken(message, sealed.data_key)
    copies.add_copy(ctx, taken, Address(account.address, account.typed), CopyState.INBOX, account_id=account.id)


def _wait(ctx: Context, sender: Sender, address: str) -> None:
    invitation = ctx.tx.add(
        Invitation(
            practice_id="riverside",
            address=address,
            typed=address,
            state=State.INVITED,
            relationship=Relationship.PATIENT,
            schedule_start=ctx.now.date(),
            due_at=ctx.now + timedelta(days=3),
            created_at=ctx.now,
            changed_at=ctx.now,
        )
    )
    ctx.tx.add(WaitingSender(invitation_id=invitation.id, sender_id=sender.id, since=ctx.now))


# --------------------------------------------------------------------------------------- the clients, another process

Answers = list[tuple[float, str]]
"""Of each answer: seconds, and what came of it."""


async def _ask(client: httpx2.AsyncClient, path: str, says: str) -> tuple[float, str]:
    begun = time.monotonic()
    answer = await client.get(path)
    assert says in answer.text, answer.text[:500]
    return time.monotonic() - begun, str(answer.status_code)


async def _sign_in(client: httpx2.AsyncClient, number: int) -> tuple[float, str]:
    form = await client.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    assert token
    fields = {"csrf_token": token[1], "email": f"pat{number}@home.example", "password": PASSWORD}
    begun = time.monotonic()
    answer = await client.post("/sign-in", data=fields)
    return time.monotonic() - begun, str(answer.status_code)


def _client(portal: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=portal, timeout=60)


async def nothing(*_: object) -> Answers:
    """What the machine and its other programs do to a loop that has nothing to do."""
    await asyncio.sleep(3)
    return [(0.0, "nothing asked")]


async def sign_ins(portal: str, *_: object) -> Answers:
    clients = [_client(portal) for _ in range(SIGN_INS)]
    return await asyncio.gather(*(_sign_in(client, number) for number, client in enumerate(clients)))


async def inbox(portal: str, *_: object) -> Answers:
    async with _client(portal) as client:
        await _sign_in(client, 0)
        pages = [1, 2, MESSAGES // 50, 100, 1, 150]
        return [await _ask(client, f"/inbox?page={page}", f"of {MESSAGES // 50}") for page in pages]


async def compose(portal: str, *_: object) -> Answers:
    async with _client(portal) as client:
        await _sign_in(client, 0)
        return [await _ask(client, "/compose", "Dr Ada") for _ in range(5)]


async def sender_page(portal: str, _smtp: int, _hop: int, token: str) -> Answers:
    async with _client(portal) as client:
        return [await _ask(client, f"/sender/{token}?page={page}", "not accepted yet") for page in (1, 2, 50, 1)]


async def list_by_mail(portal: str, smtp: int, hop: int, _: str) -> Answers:
    return await _by_mail("LIST", smtp, hop)


async def patients_by_mail(portal: str, smtp: int, hop: int, _: str) -> Answers:
    return await _by_mail("PATIENTS", smtp, hop)


async def _by_mail(command: str, smtp: int, hop: int) -> Answers:
    arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(_hop(arrived), "127.0.0.1", hop)
    begun = time.monotonic()
    mail = f"From: {ADA}\r\nTo: bot@secure.riverside.example\r\nSubject: {command}\r\n\r\n{command}\r\n"
    with smtplib.SMTP("127.0.0.1", smtp) as client:
        client.sendmail(ADA, "bot@secure.riverside.example", mail)
    accepted = time.monotonic() - begun
    size = await arrived
    await asyncio.sleep(0.2)  # until the session has ended
    server.close()
    return [(accepted, "250"), (time.monotonic() - begun, f"transcript of {size:,} octets")]


def _hop(arrived: "asyncio.Future[int]") -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A next hop that takes one mail in a session."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hop ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 Go on\r\n")
                size = 0
                while (line := await reader.readline()) != b".\r\n":
                    size += len(line)
                arrived.set_result(size)
                writer.write(b"250 Ok\r\n")
                break
            writer.write(b"250 Ok\r\n")
        writer.close()

    return serve


Scenario = Callable[..., Awaitable[Answers]]


def run(scenario: Scenario, *where: object) -> Answers:
    return asyncio.run(scenario(*where))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------- measuring

SCENARIOS: dict[str, Scenario] = {
    "nothing, for 3 s": nothing,
    f"inbox of {MESSAGES:,}": inbox,
    "writing anew from it": compose,
    f"{SIGN_INS} sign-ins at once": sign_ins,
    f"a sender's page, {PEOPLE:,} people": sender_page,
    f"LIST of {PEOPLE:,}": list_by_mail,
    f"PATIENTS of {PEOPLE:,}": patients_by_mail,
}


async def watched(work: Awaitable[Answers]) -> tuple[float, Answers]:
    """The loop's longest stall while the work went on, in seconds."""
    watchdog = Figures().watch_loop()
    watching = asyncio.create_task(watchdog.run())
    answers = await work
    await asyncio.sleep(0.1)
    watching.cancel()
    return watchdog.worst(), answers


async def measure(folder: Path, clients: ProcessPoolExecutor) -> None:
    bound = bind(("127.0.0.1", 0))
    portal, hop = int(bound.getsockname()[1]), reserve(clients)
    gateway = Gateway(settings(folder, portal, hop))
    password_hash = await Passwords().hash(PASSWORD, Asker("bench"))
    gateway.prepared = prepare(gateway.settings, gateway.clock, gateway.parts, bound={"portal": bound})
    keys, content = gateway.prepared.keys, gateway.prepared.content
    database = open_database(gateway.settings.database_path)
    write_once(database, lambda tx: fill(Context(tx, gateway.settings.policy(), keys, NOW), content, password_hash))
    await gateway.start()
    sys.setswitchinterval(0.0005)  # this and what follows as `gateway serve` does it
    gc.collect()
    gc.freeze()
    smtp = int(gateway.listening["smtp"].rpartition(":")[2])
    where = (
        f"http://127.0.0.1:{portal}",
        smtp,
        hop,
        keys.token(Purpose.SENDER_PAGE, 1, datetime.now(UTC).date().toordinal()),
    )
    print(f"{'':32} {'worst stall':>11} {'median':>9} {'slowest':>9}")
    for name, scenario in SCENARIOS.items():
        work = asyncio.get_running_loop().run_in_executor(clients, run, scenario, *where)
        stall, answers = await watched(work)
        seconds = [taken for taken, _ in answers]
        said = ", ".join(f"{count} x {what}" for what, count in Counter(what for _, what in answers).items())
        print(f"{name:32} {_ms(stall):>11} {_ms(median(seconds)):>9} {_ms(max(seconds)):>9}   {said}", flush=True)
    await gateway.stop()


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as clients:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        uvloop.install()
        asyncio.run(measure(Path(folder), clients))


if __name__ == "__main__":
    main()
