"""Wherever addresses are compared or looked up, two mailboxes are two people."""

from dataclasses import replace

import pytest

from gateway.domain.address import address
from gateway.domain.model import Account, Copy, Invitation
from gateway.domain.vocabulary import CopyState
from gateway.errors import NotASender
from gateway.flow.commands import sender_page
from gateway.flow.inbound import fetched
from tests.practice import HILLSIDE, RIVERSIDE, SITE, World

PAIRS = [("strasse@home.example", "straße@home.example"), ("kate@home.example", "\u212aate@home.example")]


@pytest.mark.parametrize(("known", "other"), PAIRS)
async def test_mail_for_one_is_held_though_the_other_has_an_account(world, known, other):
    await world.registered(known)
    await world.write("Dr Ada <ada@riverside.example>", other)
    [copy] = await world.rows(Copy)
    assert (copy.state, copy.typed, copy.account_id) == (CopyState.HELD, other, None)
    assert [row.typed for row in await world.rows(Invitation)] == [other]


@pytest.mark.parametrize(("known", "other"), PAIRS)
async def test_one_signs_in_with_ones_own_address(world, browser, known, other):
    await world.registered(known)
    await browser.sign_in(other)
    assert browser.path == "/sign-in"
    await browser.sign_in(known)
    assert browser.path == "/inbox"


@pytest.mark.parametrize(("known", "other"), PAIRS)
async def test_both_may_have_an_account(world, known, other):
    await world.registered(known)
    await world.registered(other)
    assert len({row.address for row in await world.rows(Account)}) == 2


def site_of(*senders, **more):
    shared = replace(RIVERSIDE, domains=(), senders=tuple(address(one).key for one in senders), **more)
    return replace(SITE, practices=(shared, HILLSIDE))


async def test_an_exact_address_in_the_settings_is_that_one_alone():
    world = World(site=site_of("strasse@shared.example"))
    await world.write("<strasse@shared.example>", "pat@home.example")
    with pytest.raises(NotASender):
        await world.write("<straße@shared.example>", "pat@home.example")


async def test_a_manager_and_a_delegate_are_those_that_are_named():
    keys = {"managers": ("strasse@shared.example",), "delegates": (("strasse@shared.example", "ada@shared.example"),)}
    world = World(site=site_of("ada@shared.example", "strasse@shared.example", "straße@shared.example", **keys))
    for who, manages in (("strasse@shared.example", True), ("straße@shared.example", False)):
        token = await world.desk.do(sender_page.enter, "riverside", who)
        page = await world.desk.ask(sender_page.sender_page, token, sender_page.PeopleFilter())
        assert page.is_manager is manages
    await world.write("<ada@shared.example>", "pat@home.example")
    token = world.mails[-1].facts["reply_to"][4:].partition("@")[0]
    await world.write("<straße@shared.example>", f"bot+{token}@{SITE.domain}", tag="", body="CANCEL")
    assert world.mails[-1].facts["results"][0]["code"] == "not_yours"
    await world.write("<strasse@shared.example>", f"bot+{token}@{SITE.domain}", tag="", body="CANCEL")
    assert {one.state for one in await world.rows(Copy)} == {CopyState.DESTROYED}


def test_addresses_of_ours_in_a_fetched_mail_are_taken_once():
    raw = f"Delivered-To: BOT@{SITE.domain}\r\nDelivered-To: bot@{SITE.domain.upper()}\r\nFrom: a@b.example\r\n\r\n"
    [only] = fetched.submission(SITE, raw.encode(), "").recipients
    assert only == f"BOT@{SITE.domain}"
