"""What was typed is never lost: whatever stands in the way of sending it, it is there again, with its files."""

import pytest

from gateway.domain.model import Content, Message, Session
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.flow import remind
from tests.browser import PASSWORD

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
FILE = ("attachments", ("photo.bin", b"octets of a photo", "application/octet-stream"))
LARGE = ("attachments", ("scan.bin", b"0123456789" * 20_000, "application/octet-stream"))


@pytest.fixture
def world_with_room(world):
    world.max_upload = 1_000_000
    return world


@pytest.fixture
def browser(world_with_room):
    return world_with_room.browser()


@pytest.fixture
async def copy(world):
    return await world.written(await world.registered())


@pytest.fixture
async def writing(browser, copy):
    await browser.sign_in()
    return await browser.go(f"/messages/{copy.id}/reply")


def body(browser) -> str:
    return browser.page.css_first("#body").text().strip()


def listed(browser) -> list[str]:
    return [one.text() for one in browser.page.css("ul.files bdi")]


async def sent(world) -> list[Message]:
    return [one for one in await world.rows(Message) if one.account_id]


async def auto(browser, words: str, page=None) -> dict:
    """What the script does every few seconds."""
    browser.response = page or browser.response
    page = browser.response
    await browser.press("Send", save="auto", body=words)
    said = browser.response.json()
    browser.response = page
    return said


@both_stores
async def test_a_draft_keeps_its_files_and_sends_them(world, browser, writing):
    await browser.press("Save as draft", files=[FILE, LARGE], body="See the photo.")
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    assert (body(browser), listed(browser)) == ("See the photo.", ["photo.bin", "scan.bin"])
    await browser.press("Send", body="See both.")
    [message] = await sent(world)
    raw = await world.desk.ask(lambda ctx: ctx.tx.get(Content, message.content_id))
    assert raw.size > 200_000
    assert not await world.rows(Draft)
    assert not await world.rows(DraftFile)
    assert {one.id for one in await world.rows(Content)} >= {message.content_id}


@both_stores
async def test_one_of_its_files_can_be_taken_out(world, browser, writing):
    await browser.press("Save as draft", files=[FILE, LARGE], body="x")
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    await browser.press("Remove photo.bin", body="Only the scan.")
    assert (body(browser), listed(browser)) == ("Only the scan.", ["scan.bin"])
    assert len(await world.rows(DraftFile)) == 1


async def test_what_is_refused_is_kept_with_its_files(world, browser, writing):
    await browser.press("Send", files=[FILE], subject="x" * 300, body="My words")
    assert browser.status == 422
    assert (body(browser), listed(browser)) == ("My words", ["photo.bin"])
    browser.forget()
    await browser.sign_in()
    await browser.go("/inbox?show=drafts")
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    assert (body(browser), listed(browser)) == ("My words", ["photo.bin"])


async def test_a_script_saves_again_and_again_in_one_draft(world, browser, writing):
    first = await auto(browser, "My")
    browser.response = writing.response
    await browser.press("Send", save="auto", body="My words", version=str(first["version"]))
    assert browser.response.json()["id"] == first["id"]
    assert len(await world.rows(Draft)) == 1


async def test_who_comes_back_finds_what_was_begun(browser, copy, writing):
    await auto(browser, "Half a thought")
    await browser.go(f"/messages/{copy.id}")
    await browser.go(f"/messages/{copy.id}/reply")
    assert body(browser) == "Half a thought"
    assert "You began this on" in browser.text


async def test_a_second_window_takes_nothing_away(world, browser, copy, writing):
    page = browser.response
    await auto(browser, "In the first window")
    said = await auto(browser, "In the second window", page)
    assert said["is_apart"]
    kept = await world.rows(Draft)
    assert len(kept) == 2
    words = set()
    for draft in kept:
        await browser.go(f"/messages/{copy.id}/reply?draft={draft.id}")
        words.add(body(browser))
    assert words == {"In the first window", "In the second window"}
    browser.response = page
    await browser.press("Send", body="In the second window")
    assert [one.id for one in await world.rows(Draft)] == [kept[0].id, kept[1].id]  # only who looks at one discards it


@both_stores
@pytest.mark.parametrize("button", ["Send", "Save as draft"])
async def test_a_form_that_comes_after_the_session_is_kept_for_its_person(world, browser, copy, writing, button):
    world.clock.advance(minutes=31)
    await browser.press(button, files=[FILE], body="Long words")
    assert browser.path == "/sign-in"
    assert "It is kept" in browser.text
    assert not await sent(world)
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.path == f"/messages/{copy.id}/reply"
    assert (body(browser), listed(browser)) == ("Long words", ["photo.bin"])
    await browser.press("Send")
    assert len(await sent(world)) == 1


async def test_it_is_nobody_elses(world, browser, copy, writing):
    await world.registered("uma@home.example", "Uma")
    world.clock.advance(minutes=31)
    await browser.press("Send", body="Long words")
    await browser.press("Sign in", email="uma@home.example", password=PASSWORD)
    assert browser.status == 404
    await browser.go("/inbox?show=drafts")
    assert "Long words" not in browser.response.text
    assert not browser.page.css(".lines a")


@pytest.mark.parametrize("how", ["signed out", "a day later", "no cookie", "forged"])
async def test_a_form_of_nobody_is_not_kept(world, browser, writing, how):
    page = browser.response
    if how == "signed out":
        await browser.press("Sign out")
        await world.registered("uma@home.example", "Uma")
    elif how == "a day later":
        world.clock.advance(days=2)
    elif how == "no cookie":
        browser.client.cookies.delete("__Host-session")
    else:
        world.clock.advance(minutes=31)
        browser.client.cookies.delete("__Host-visitor")
    browser.response = page
    await browser.press("Send", body="Long words")
    assert not await world.rows(Draft)
    assert not await sent(world)


@both_stores
async def test_an_answer_that_is_posted_twice_is_sent_once(world, browser, writing):
    page = browser.response
    for _ in range(2):
        browser.response = page
        await browser.press("Send", files=[FILE], body="Once")
        assert "Your answer is on its way" in browser.text
    assert len(await sent(world)) == 1
    browser.response = page
    await browser.press("Send", body="Something else")
    assert len(await sent(world)) == 2


async def test_files_of_drafts_are_bounded_and_words_are_not(world, browser, copy, writing):
    for number in range(17):
        await browser.go("/compose")
        await browser.press("Save as draft", files=[LARGE], body=f"Words {number}")
    assert "no room for more files" in browser.text
    assert body(browser) == "Words 16"
    assert len(await world.rows(Draft)) == 17
    assert len(await world.rows(DraftFile)) == 15
    assert {one.content_id for one in await world.rows(DraftFile)} <= {one.id for one in await world.rows(Content)}


async def test_nothing_of_a_draft_is_left_when_it_is_discarded(world, browser, writing):
    before = {one.id for one in await world.rows(Content)}
    await browser.press("Save as draft", files=[FILE, LARGE], body="x")
    await browser.press("Discard")
    assert {one.id for one in await world.rows(Content)} == before
    assert not await world.rows(DraftFile)


async def test_an_ended_session_is_known_for_a_day_and_opens_nothing(world, browser, writing):
    world.clock.advance(minutes=31)
    await world.desk.do(remind.forget)
    assert await world.rows(Session)
    await browser.go("/inbox")
    assert browser.path == "/sign-in"
    world.clock.advance(days=1, minutes=1)
    await world.desk.do(remind.forget)
    assert not await world.rows(Session)
