"""What a practice's manager sees: how far invitations come, who is stuck, and a table to take along."""

import csv
import io
from dataclasses import replace

import pytest

from gateway.domain.model import Audit, Invitation
from gateway.domain.vocabulary import State
from tests.portal.sure import surely
from tests.portal.test_senders import page_link
from tests.practice import COLLEAGUE_HERE, PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


@pytest.fixture
def managed(world):
    practices = tuple(replace(one, managers=("ada@riverside.example",)) for one in world.desk.site.practices)
    world.desk = replace(world.desk, site=replace(world.desk.site, practices=practices))
    world.remake()
    return world


async def put(world, invitation, **changes):
    await world.desk.do(lambda ctx: ctx.tx.put(replace(ctx.tx.get(Invitation, invitation.id), **changes)))


@both_stores
async def test_the_funnel_counts_how_far_each_came(managed):
    world = managed
    reader = await world.invited(PATIENT)
    browser = world.browser()
    await browser.go(world.link(reader))
    await browser.press("Start")
    await browser.press("Continue", day="3", month="2", year="1980")
    await browser.press("Continue", name="Pat", password="a teapot full of violets")
    await browser.press("Finish")
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    begun = await world.invited(PATIENT, to="begun@home.example")
    other = await world.browser().go(world.link(begun))
    await other.press("Start")
    await other.press("Continue", day="3", month="2", year="1980")
    await world.invited(PATIENT, to="unopened@home.example")
    await world.invited(None, to="unknown@home.example")
    await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    await browser.go(page_link(world) + "?show=practice")
    rows = [[cell.text() for cell in row.css("th, td")] for row in browser.page.css(".numbers tbody tr")]
    assert rows[-1] == ["Mar 2026", "4", "3", "2", "1", "1"]
    assert [rows[0], len(rows)] == [["Apr 2025", "0", "0", "0", "0", "0"], 12]
    assert sum(int(row[1]) for row in rows) == 4
    stuck = {
        line.css_first("dd").text().split(".")[0].strip(): line.css_first("dt").text()
        for line in browser.page.css(".stuck div")
    }
    assert stuck == {
        "They began, and did not finish": "1",
        "They have not opened the invitation": "1",
        "Their sender has not said who they are": "1",
    }


async def test_looking_at_an_invitation_opens_nothing_nor_does_pressing_start(managed, browser):
    invitation = await managed.invited(PATIENT)
    await browser.go(managed.link(invitation))
    await browser.press("Start")
    await browser.press("Continue")
    assert (await managed.invitation(invitation)).opened_at is None


async def test_who_is_no_manager_sees_nothing_of_it(world, browser):
    await world.invited(PATIENT)
    assert (await browser.go(page_link(world) + "?show=practice")).status == 404
    await browser.go(page_link(world))
    assert "The practice" not in browser.text
    fields = {"csrf_token": browser.page.css_first("input[name=csrf_token]").attributes["value"]}
    answer = await browser.client.post(page_link(world) + "/people.csv", data=fields)
    assert answer.status_code == 404


@both_stores
async def test_the_table_holds_everybody_and_runs_nowhere(managed, browser):
    world = managed
    pat = await world.invited(PATIENT)
    await put(world, pat, name='=HYPERLINK("http://evil.example")', state=State.EXPIRED)
    await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    await browser.go(page_link(world) + "?show=practice")
    await surely(browser, "Download everybody")
    assert browser.response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(browser.response.text)))
    assert [row["address"] for row in rows] == ["cleo@riverside.example", "pat@home.example"]
    assert rows[1]["name"].startswith("'=")
    assert (rows[1]["state"], rows[1]["stuck"]) == ("expired", "expired")
    assert "1980" not in browser.response.text
    assert await world.rows(Audit, action="took the practice's list")
