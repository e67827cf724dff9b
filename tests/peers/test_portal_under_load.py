"""A running gateway whose portal a stranger tries to shut, or to fill the memory of: others are served meanwhile."""

import asyncio
import re
import sqlite3
from collections import Counter
from contextlib import closing

import httpx2
import pytest
from argon2 import PasswordHasher

from gateway.domain.vocabulary import Purpose
from gateway.store.sealing import load_keys
from tests.bench.sampling import Peak, pss
from tests.browser import PASSWORD
from tests.peers.served import Served

pytestmark = pytest.mark.peer
FILE = 35_000_000
LARGE = 100_000_000
"""Octets by which four such files at once may make the process grow: less than one of them as a whole message takes."""


@pytest.fixture
def served(request, tmp_path):
    served = Served(tmp_path / "gateway", 1, PORTAL__TRUSTED_PROXIES='["127.0.0.1/32"]')
    served.by_command = getattr(request, "param", False)
    served.start()
    yield served
    served.end()


def enrol(served, *addresses):
    """People with a password."""
    served.enrol(*addresses)
    stored = PasswordHasher(1, 8, 1).hash(PASSWORD)
    with closing(sqlite3.connect(served.database, timeout=20)) as database, database:
        database.execute("UPDATE account SET password_hash = ?", (stored,))


def as_client(served, address):
    """A browser that comes by the proxy from this address."""
    return httpx2.AsyncClient(base_url=served.portal, headers={"x-forwarded-for": address}, timeout=60)


async def token(client, path):
    return re.search(r'name="csrf_token" value="([^"]+)"', (await client.get(path)).text)[1]


async def sign_in(client, address, password=PASSWORD):
    data = {"csrf_token": await token(client, "/sign-in"), "email": address, "password": password}
    return await client.post("/sign-in", data=data)


def write(served, to, subject):
    served.send("ada@riverside.example", to, subject, "All is well.")


async def is_served(served):
    """Somebody signs in, from an address of their own."""
    async with as_client(served, "192.0.2.200") as client:
        return (await sign_in(client, "pat@home.example")).status_code == 303


async def invited(served, client):
    """Somebody has got as far as choosing a password: the link, and what its form brings along."""
    write(served, "quinn@home.example", "[secure patient 1980-02-03] x")
    [[row, generation]] = served.rows("SELECT id, generation FROM invitation")
    link = f"/invite/{load_keys(served.folder / 'gateway.keys').token(Purpose.INVITE, row, generation)}"
    form = {"csrf_token": await token(client, link), "step": "welcome"}
    born = {"day": "3", "month": "2", "year": "1980", "step": "verify"}
    await client.post(link, data=form | born)
    return link, form | {"step": "password", "name": "Quinn"}


@pytest.mark.parametrize("served", [True], indirect=True, ids=["each takes its time"])
@pytest.mark.parametrize("clients", [1, 70])
async def test_seventy_passwords_by_one_invitation_shut_nobody_out(served, clients):
    enrol(served, "pat@home.example")
    async with as_client(served, "192.0.2.1") as stranger:
        link, form = await invited(served, stranger)
        form["password"] = "three odd little words"
        sent = [
            stranger.post(link, data=form, headers={"x-forwarded-for": f"192.0.2.{number % clients + 1}"})
            for number in range(70)
        ]
        storm = [asyncio.create_task(one) for one in sent]
        await asyncio.sleep(0.2)
        assert await is_served(served)
        answers = Counter([(await one).status_code for one in storm])
    assert set(answers) == {303, 503}


async def test_wrong_sign_ins_from_one_client_lock_out_nobody_behind_the_same_proxy(served):
    enrol(served, "pat@home.example")
    async with as_client(served, "192.0.2.1") as stranger:
        statuses = [(await sign_in(stranger, f"{n}@home.example", "wrong")).status_code for n in range(51)]
        assert statuses == [422] * 50 + [429]
    assert await is_served(served)


@pytest.mark.parametrize("said", [b"", b"GET / HT"])
async def test_a_thousand_silent_connections_keep_nobody_out(served, said):
    enrol(served, "pat@home.example")
    host, port = served.portal.removeprefix("http://").split(":")
    silent = []
    for _ in range(1100):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(said)
        silent.append(writer)
    assert await is_served(served)
    for writer in silent:
        writer.close()


async def test_four_large_uploads_at_once_take_little_memory(served):
    enrol(served, "pat@home.example")
    write(served, "pat@home.example", "[secure] x")
    async with as_client(served, "192.0.2.1") as person:
        assert (await sign_in(person, "pat@home.example")).status_code == 303
        page = (await person.get("/inbox")).text
        reply = re.search(r"/messages/\d+", page)[0] + "/reply"
        data = {"csrf_token": await token(person, reply), "subject": "Files", "body": "Here"}
        before = pss(served.pid)
        with Peak(served.pid) as peak:
            file = bytes(FILE)
            sent = [person.post(reply, data=data, files={"attachments": ("scan.bin", file)}) for _ in range(4)]
            answers = [one.status_code for one in await asyncio.gather(*sent)]
    print(f"before {before / 1e6:.0f} MB, at most {peak.octets / 1e6:.0f} MB")
    assert answers == [303] * 4
    assert peak.octets - before < LARGE
    assert not [name for name in (served.folder / "gateway.db.spool").iterdir() if not _is_known(served, name.name)]


def _is_known(served, name):
    return served.rows("SELECT 1 FROM content WHERE id = ?", name)
