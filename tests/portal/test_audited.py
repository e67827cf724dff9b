"""Every way in which something that was written leaves the portal is in the audit: who, what and when."""

import pytest

from gateway.domain.model import Account, Audit, Message
from tests.browser import PASSWORD
from tests.portal.test_enclosed import nested
from tests.portal.test_reading import mail

LETTER = mail("Hello", '<img src="cid:logo@x">', [("logo.png", "image/png", b"png")])
FILE = mail("Hello", "", [("a.pdf", "application/pdf", b"pdf")])

WAYS = {
    "/messages/1": [("viewed", "copy 1", "")],
    "/messages/1/reply": [("viewed", "copy 1", "")],
    "/messages/1/attachments/0": [("opened file", "copy 1", "0")],
    "/messages/2/attachments/0": [("opened file", "copy 2", "0")],
    "/messages/1/original": [("viewed", "copy 1", ""), ("saved the original", "copy 1", "")],
    "/sent/{own}": [("viewed own", "message {own}", "")],
    "/inbox?q=hello": [("searched", "account 1", "3 found")],
}
"""What is told of each; copy 1 shows its file as a picture, copy 2 offers one that has a Content-ID all the same."""


@pytest.fixture
async def reader(world, browser):
    account = await world.registered()
    for raw in (LETTER, FILE):
        await world.written(account, raw, "Hello")
    await browser.sign_in()
    for number in (1, 2):
        await browser.go(f"/messages/{number}")
    await browser.go("/messages/1/reply")
    await browser.press("Send", body="Thank you")
    return browser


async def told_since(world, before):
    rows = (await world.rows(Audit))[before:]
    assert all(row.actor == "pat@home.example" and row.at == world.clock.now() and row.mac for row in rows)
    return [(row.action, row.subject, row.detail) for row in rows]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_leaves_is_told_each_time(world, reader, way, method):
    for _ in range(2):
        world.clock.advance(seconds=1)
        before = len(await world.rows(Audit))
        own = (await world.rows(Message))[-1].id
        assert (await reader.client.request(method, way.format(own=own))).status_code == 200
        assert await told_since(world, before) == [(act, what.format(own=own), more) for act, what, more in WAYS[way]]


async def test_all_that_is_taken_along_is_told_piece_by_piece(world, reader):
    await reader.go("/profile/download")
    before = len(await world.rows(Audit))
    await reader.press("Download my data", password=PASSWORD)
    own = (await world.rows(Message))[-1]
    taken = [("took along", what, "") for what in ("copy 1", "copy 2", f"message {own.id}")]
    assert await told_since(world, before) == [("downloaded everything", "account 1", ""), *taken]


async def test_what_does_not_leave_is_not_told(world, reader):
    before = len(await world.rows(Audit))
    for path in ("/messages/9", "/messages/1/attachments/9", "/messages/9/original", "/sent/1", "/messages/9/reply"):
        assert (await reader.go(path)).status == 404
    assert await told_since(world, before) == []


async def test_a_message_within_a_message_is_told_when_it_is_opened(world, reader):
    account = await world.one(Account)
    copy = await world.written(account, nested(2))
    await reader.go(f"/messages/{copy.id}")
    for trail in ("0", "0/0"):
        before = len(await world.rows(Audit))
        assert (await reader.go(f"/messages/{copy.id}/attachments/{trail}/open")).status == 200
        assert await told_since(world, before) == [("opened file", f"copy {copy.id}", "0")]
