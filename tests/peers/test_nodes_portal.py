"""The portals of two gateways that serve from one database are one: what is counted, used up or ended at one is so at
the other, and nobody has more tries for asking both.
"""

import asyncio
import re
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from itertools import cycle

import httpx2
import psycopg
import pytest
from argon2 import PasswordHasher

from tests.browser import PASSWORD
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

ADA, PAT, QUINN = "ada@riverside.example", "pat@home.example", "quinn@home.example"
GUESSES = 200
NODE_SETTINGS = {"PORTAL__TRUSTED_PROXIES": '["127.0.0.1/32"]'}


@pytest.fixture
def mailboxes(smtp_sink):
    return Mailboxes(smtp_sink)


@pytest.fixture
async def client():
    async with as_client() as browser:
        yield browser


def as_client(address="192.0.2.1"):
    """A browser whose cookies go to either node: which one answers is a load balancer's choice."""
    return httpx2.AsyncClient(headers={"x-forwarded-for": address}, timeout=60)


def enrol(node, *addresses):
    """People with a password."""
    node.enrol(*addresses)
    with closing(psycopg.connect(node.url)) as database, database:
        database.execute("UPDATE account SET password_hash = %s", [PasswordHasher(1, 8, 1).hash(PASSWORD)])


async def token(client, url):
    return re.search(r'name="csrf_token" value="([^"]+)"', (await client.get(url)).text)[1]


async def sign_in(client, node, address=PAT, password=PASSWORD, *, shown_by=None):
    """`shown_by` is the node that has shown the form."""
    form = await token(client, f"{(shown_by or node).portal}/sign-in")
    data = {"csrf_token": form, "email": address, "password": password}
    return await client.post(f"{node.portal}/sign-in", data=data)


async def is_in(client, node):
    return (await client.get(f"{node.portal}/profile")).status_code == 200


def links(nodes, mailboxes):
    """Somebody is invited; the link, by which they may come to either node."""
    nodes[0].send(ADA, QUINN, "[secure patient 1980-02-03] Your results", "All is well.")
    path = "/invite/" + mailboxes.link(mailboxes.next("invitation", QUINN)).partition("/invite/")[2]
    return [f"{node.portal}{path}" for node in nodes]


def birthdate(on):
    return {"step": "verify", "day": str(on.day), "month": str(on.month), "year": str(on.year)}


# --------------------------------------------------------------------------------------------------------------- tries


@pytest.mark.parametrize(
    ("addresses", "limit"), [([PAT], 10), ([f"{n}@home.example" for n in range(51)], 50)], ids=["account", "client"]
)
async def test_wrong_passwords_at_both_nodes_count_together(nodes, client, addresses, limit):
    enrol(nodes[0], PAT)
    tries = zip(range(limit + 1), cycle(nodes), cycle(addresses), strict=False)
    statuses = [(await sign_in(client, node, address, "wrong")).status_code for _, node, address in tries]
    assert statuses == [422] * limit + [429]
    answers = []
    for node in nodes:
        async with as_client("192.0.2.200") as stranger:
            answers.append((await sign_in(stranger, node)).status_code)
    assert answers == ([429, 429] if addresses == [PAT] else [303, 303])


async def test_wrong_passwords_at_both_nodes_at_once_count_together(nodes, client):
    enrol(nodes[0], PAT)
    data = {"csrf_token": await token(client, f"{nodes[0].portal}/sign-in"), "email": PAT, "password": "wrong"}
    sent = [client.post(f"{node.portal}/sign-in", data=data) for _, node in zip(range(40), cycle(nodes), strict=False)]
    said = Counter([(await one).status_code for one in map(asyncio.ensure_future, sent)])
    assert said[422] <= 10
    assert set(said) <= {422, 429, 503}
    [(failed,)] = nodes[0].rows("SELECT count(*) FROM audit WHERE action = 'sign-in failed'")
    assert failed == said[422]


async def test_a_node_that_is_started_anew_has_forgiven_nothing(nodes, client):
    for _ in range(10):
        await sign_in(client, nodes[0], password="wrong")
    nodes[0].kill()
    assert (await sign_in(client, nodes[0])).status_code == 429


async def test_of_two_hundred_birthdates_at_both_nodes_at_once_three_are_compared(nodes, mailboxes, client):
    both = links(nodes, mailboxes)
    form = {"csrf_token": await token(client, both[0])}
    guesses = [date(1990, 1, 1) + timedelta(days=number) for number in range(GUESSES)]
    sent = [client.post(link, data=form | birthdate(on)) for on, link in zip(guesses, cycle(both), strict=False)]
    said = Counter([one.status_code for one in await asyncio.gather(*sent)])
    assert (said[303], said[422]) == (2, 1)  # to be tried again, and the last one; for all others the link is dead
    assert set(said) <= {303, 422, 404, 503}
    compared = nodes[0].rows("SELECT action FROM audit WHERE action LIKE ? ORDER BY action", "%wrong birthdate")
    assert compared == [("last wrong birthdate",), ("wrong birthdate",), ("wrong birthdate",)]
    assert nodes[0].rows("SELECT state, wrong_birthdates FROM invitation") == [("locked", 3)]
    right = [await client.post(link, data=form | birthdate(date(1980, 2, 3))) for link in both]
    assert [one.status_code for one in right] == [404, 404]


# ---------------------------------------------------------------------------------------------------- what is good once


async def test_a_session_is_good_at_both_nodes_and_ends_at_both(nodes, client):
    one, other = nodes
    enrol(one, PAT)
    assert (await sign_in(client, one, shown_by=other)).status_code == 303  # the form was made by the other
    assert [await is_in(client, node) for node in nodes] == [True, True]
    session = client.cookies["session"]
    form = await token(client, f"{one.portal}/profile")
    assert (await client.post(f"{other.portal}/sign-out", data={"csrf_token": form})).status_code == 303
    client.cookies.set("session", session, domain="127.0.0.1")
    assert [await is_in(client, node) for node in nodes] == [False, False]


async def test_a_link_that_was_used_at_one_node_is_dead_at_the_other(nodes, mailboxes, client):
    at_one, at_other = links(nodes, mailboxes)
    form = {"csrf_token": await token(client, at_one)}
    given = await client.post(at_one, data=form | birthdate(date(1980, 2, 3)))
    assert given.headers["location"].endswith("?step=password")
    password = {"step": "password", "name": "Quinn", "password": "three odd little words"}
    given = await client.post(at_other, data=form | password)
    assert given.headers["location"].endswith("?step=check")
    ends = await asyncio.gather(*(client.post(link, data=form | {"step": "check"}) for link in (at_one, at_other) * 3))
    assert "/inbox?done=registered" in [one.headers.get("location") for one in ends]
    assert nodes[0].rows("SELECT count(*) FROM account") == [(1,)]
    async with as_client("192.0.2.2") as stranger:
        dead = [await stranger.get(link) for link in (at_one, at_other)]
    assert [one.status_code for one in dead] == [404, 404]


@pytest.mark.parametrize("answers", [("YES", "YES"), ("PLAIN", "PLAIN"), ("YES", "PLAIN")], ids=" and ".join)
async def test_of_two_answers_at_both_nodes_at_once_one_counts(nodes, mailboxes, smtp_sink, answers):
    nodes[0].send(ADA, PAT, "(secure) Results", "All is well.")
    question = await asyncio.to_thread(mailboxes.next, "near-miss", ADA)
    said = zip(nodes, answers, strict=True)
    await asyncio.gather(
        *(asyncio.to_thread(node.send, ADA, question["Reply-To"], "Re: x", word) for node, word in said)
    )
    transcripts = [await asyncio.to_thread(mailboxes.next, "transcript", ADA) for _ in nodes]
    words = [one.get_body(("plain",)).get_content() for one in transcripts]
    [(counted,)] = nodes[0].rows("SELECT answer FROM question")
    await asyncio.to_thread(wait_for, lambda: nodes[1].rows("SELECT 1 FROM delivery WHERE state = 'queued'") == [], 20)
    passed = [one for one in smtp_sink.messages() if one.message["X-Gateway-Notice"] is None]
    assert len(passed) == (counted == "plain")
    assert nodes[0].rows("SELECT count(*) FROM invitation") == [(int(counted == "yes"),)]
    assert len(set(words)) == 2, words  # one says what was done, the other that it was answered already


# ------------------------------------------------------------------------------------------------ what is seen of nodes


def test_status_lists_the_nodes(nodes):
    one, other = nodes
    wait_for(lambda: one.rows("SELECT count(*) FROM worker") == [(2,)], 30)
    said = one.command("status").stdout
    for node in nodes:
        assert re.search(rf"{node.folder.name}: running; workers: 1; key: a", said), said
    other.end()
    said = other.command("status").stdout
    assert "not serving" not in said
