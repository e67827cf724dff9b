"""What each token opens: every purpose at every page that takes one."""

import re
from dataclasses import replace

import pytest

from gateway.domain.address import address
from gateway.domain.commands import parse
from gateway.domain.links import OPENS, Part, that_open
from gateway.domain.model import AddressChange, Audit, Invitation, Sender, WaitingSender
from gateway.domain.vocabulary import Purpose
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import new_address
from gateway.flow.commands import tokens
from gateway.flow.commands.sender_page import by_page
from gateway.portal.app import PAGES
from tests.practice import COLLEAGUE_HERE, PATIENT

PAGES_BY_PART = {
    Part.REGISTERING: ["/invite/{token}"],
    Part.ONE_PERSON: ["/sender/{token}"],
    Part.OWN_PEOPLE: [
        *("/sender/{token}?show=patients", "/sender/{token}?show=directory"),
        "/sender/{token}?person=uma@home.example",
    ],
    Part.PRACTICE: ["/sender/{token}?show=practice", "/sender/{token}/people.csv"],
    Part.NEW_PASSWORD: ["/reset/{token}"],
    Part.CONFIRMING: ["/profile/address/{token}"],
    Part.CALLING_BACK: ["/address/{token}"],
}
"""Where a part is; what has no page is reached by mail alone."""
ELSEWHERE = {Part.ADMINISTRATION}
"""On another listener: tests/portal/test_admin.py looks at it."""
BY_MAIL = {Part.COMMANDS, Part.ANSWERS, Part.PEOPLES_WORDS, Part.BOUNCES}
MARKS = {
    "/sender/{token}?show=patients": "uma@home.example",
    "/sender/{token}?show=directory": "cleo@riverside.example",
    "/sender/{token}?person=uma@home.example": "uma@home.example",
    "/sender/{token}?show=practice": "What became of our invitations",
}
"""What only who may see this page sees there."""


def test_every_page_with_a_token_has_a_part_and_every_purpose_a_scope():
    paths = {re.sub(r"\?.*", "", path) for paths in PAGES_BY_PART.values() for path in paths}
    assert paths == {page.path for page in PAGES if "{token}" in page.path}
    assert set(OPENS) == set(Purpose)
    assert set(PAGES_BY_PART) | BY_MAIL | ELSEWHERE == set(Part) == {part for parts in OPENS.values() for part in parts}


def test_what_commands_are_taken_with_is_what_the_table_says():
    assert set(tokens._SCOPES) == set(that_open(Part.COMMANDS))


@pytest.fixture
async def managed(world):
    """Ada, a manager, waits for Pat and for Uma; somebody has an account, and moves."""
    practices = tuple(replace(one, managers=("ada@riverside.example",)) for one in world.desk.site.practices)
    world.desk = replace(world.desk, site=replace(world.desk.site, practices=practices))
    world.remake()
    await world.invited(PATIENT)
    await world.invited(PATIENT, to="uma@home.example")
    await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    account = await world.registered("olga@home.example", "Olga")
    await world.desk.do(accounts.ask_reset, account.address)
    await world.desk.do(new_address.ask, account, address("new@home.example"))
    return world


async def token(world, purpose):
    """One that is good: of Ada, of Pat's invitation, of the account."""
    today = world.clock.now().date().toordinal()
    [waiting_sender, *_], [invitation, *_] = await world.rows(WaitingSender), await world.rows(Invitation)
    [change], [account] = await world.rows(AddressChange), await world.rows(accounts.Account)
    generations = {Purpose.INVITATION_PAGE: today, Purpose.SENDER_PAGE: today, Purpose.RESET: account.reset_generation}
    assert waiting_sender.id == invitation.id == change.id == 1
    return world.keys.token(purpose, 1, generations.get(purpose, 1))


async def opens(world, path, made):
    """Whether the page shows what it is there for."""
    browser = world.browser()
    await browser.sign_in("olga@home.example")
    if path.endswith(".csv"):
        csrf = browser.page.css_first("input[name=csrf_token]").attributes["value"]
        fields = {"csrf_token": csrf, "asked": "yes", "sure": "yes"}
        browser.response = await browser.client.post(path.replace("{token}", made), data=fields)
        return browser.status == 200
    await browser.go(path.replace("{token}", made))
    return browser.status == 200 and MARKS.get(path, "") in browser.text


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize(("part", "path"), [(part, path) for part, paths in PAGES_BY_PART.items() for path in paths])
async def test_a_token_opens_the_parts_of_its_purpose_alone(managed, purpose, part, path):
    made = await token(managed, purpose)
    listed = len(await managed.rows(Audit, action="took the practice's list"))
    assert await opens(managed, path, made) == (part in OPENS[purpose])
    taken = len(await managed.rows(Audit, action="took the practice's list")) - listed
    assert taken == (path.endswith(".csv") and part in OPENS[purpose])


LINES = ["CANCEL", "REMIND", "INVITE", "MOVE eve@evil.example", "PATIENT 1980-02-03", "LIST", "PATIENTS", "DIRECTORY"]


@pytest.mark.parametrize("line", LINES)
async def test_a_link_about_one_person_speaks_of_nobody_else(managed, line):
    before = await managed.everything()
    made = await token(managed, Purpose.INVITATION_PAGE)
    assert await managed.desk.do(by_page, made, parse(f"uma@home.example {line}", managed.clock.now().date())) is None
    assert await managed.everything() == before


async def test_a_link_about_one_person_shows_nobody_else(managed, browser):
    made = await token(managed, Purpose.INVITATION_PAGE)
    for query in ("", "?show=patients", "?show=practice", "?person=uma@home.example", "?q=uma", "?page=2"):
        await browser.go(f"/sender/{made}{query}")
        assert "pat@home.example" in browser.text
        assert "uma@home.example" not in browser.text
        assert "cleo@riverside.example" not in browser.text
    csrf = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    for person in ("uma@home.example", "cleo@riverside.example"):
        fields = {"csrf_token": csrf, "person": person, "action": "cancel", "asked": "yes", "sure": "yes"}
        assert (await browser.client.post(f"/sender/{made}", data=fields)).status_code == 404
    assert len([one for one in await managed.rows(Invitation) if one.is_open]) == 3


async def test_who_is_no_manager_opens_no_list_whatever_the_link(world, browser):
    await world.invited(PATIENT)
    [ada] = await world.rows(Sender)
    made = world.keys.token(Purpose.SENDER_PAGE, ada.id, world.clock.now().date().toordinal())
    await browser.go(f"/sender/{made}")
    csrf = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    fields = {"csrf_token": csrf, "asked": "yes", "sure": "yes"}
    assert (await browser.client.post(f"/sender/{made}/people.csv", data=fields)).status_code == 404
