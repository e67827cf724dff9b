"""What was typed is never lost: whatever stands in the way of sending it, it is there again, with its files."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.domain.model import Account, Content, Message, Session
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.domain.vocabulary import CopyState
from gateway.flow import copies
from gateway.flow.inbox import messages
from gateway.flow.upkeep import retention
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


def writing_of(page) -> dict[str, str]:
    """The draft that a page speaks of."""
    return {"writing": LexborHTMLParser(page.text).css_first("input[name=writing]").attributes["value"]}


async def sent(world) -> list[Message]:
    return [one for one in await world.rows(Message) if one.account_id]


async def auto(browser, words: str, page=None, files=None, **knows: str) -> dict[str, str]:
    """What the script does every few seconds; what it learns of its draft."""
    browser.response = page or browser.response
    page = browser.response
    await browser.press("Send", save="auto", body=words, files=files, **knows)
    part = browser.page.css_first("[data-part]")
    hidden = {one.attributes["name"]: one.attributes["value"] for one in part.css("input")}
    shown = {"said": part.attributes["data-said"], "here": part.attributes["data-here"], "files": listed(browser)}
    faults = [one.text() for one in part.css(".fault")]
    browser.response = page
    return {"knows": hidden, "faults": faults, **shown}


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
    assert first["said"] == "Saved as a draft."
    assert (await auto(browser, "My words", **first["knows"]))["here"] == first["here"]
    assert (await auto(browser, "My words, and more"))["here"] == first["here"]  # as if the answers had been lost
    assert len(await world.rows(Draft)) == 1
    await browser.go(first["here"])
    assert body(browser) == "My words, and more"


@both_stores
async def test_a_script_saves_files_as_soon_as_they_are_chosen(world, browser, writing):
    said = await auto(browser, "See the photo", files=[FILE])
    assert said["files"] == ["photo.bin"]
    again = await auto(browser, "See the photo", files=[FILE], **said["knows"])  # as if the answer had been lost
    assert again["files"] == ["photo.bin"]
    more = await auto(browser, "See both", files=[LARGE], **again["knows"])
    assert more["files"] == ["photo.bin", "scan.bin"]
    assert len(await world.rows(DraftFile)) == 2
    browser.response = writing.response
    await browser.press("Send", body="See both", **more["knows"])
    [message] = await sent(world)
    assert message.has_files
    assert not await world.rows(Draft)
    assert not await world.rows(DraftFile)


async def test_files_that_it_cannot_save_cost_no_words(world, browser, writing):
    much = ("attachments", ("much.bin", b"0123456789" * 120_000, "application/octet-stream"))
    said = await auto(browser, "Words", files=[FILE, much])
    assert (said["files"], said["said"]) == ([], "Saved as a draft.")
    assert "too large together" in said["faults"][0]
    for number in range(5):
        await browser.go("/compose")
        said = await auto(browser, "Words", files=[("attachments", (f"{number}.bin", b"x" * 700_000, "no type"))])
    assert (said["files"], "no room for more files" in said["said"]) == ([], True)
    assert len(await world.rows(Draft)) == 6


async def test_who_comes_back_finds_what_was_begun(browser, copy, writing):
    await auto(browser, "Half a thought")
    await browser.go(f"/messages/{copy.id}")
    await browser.go(f"/messages/{copy.id}/reply")
    assert body(browser) == "Half a thought"
    assert "You began this on" in browser.text


async def test_a_second_window_takes_nothing_away(world, browser, copy, writing):
    second = await world.browser().sign_in()
    page = (await second.go(f"/messages/{copy.id}/reply")).response
    await auto(browser, "In the first window", **writing_of(page))
    said = await auto(second, "In the second window")
    assert "another window" in said["said"]
    browser = second
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
    assert "What you typed is kept" in browser.text
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


@pytest.mark.parametrize("how", ["signed out", "a day later", "no cookie"])
async def test_so_it_is_however_the_session_ended(world, browser, copy, writing, how):
    page = browser.response
    if how == "signed out":
        await browser.press("Sign out")
    elif how == "a day later":
        world.clock.advance(days=2)
    else:
        browser.client.cookies.delete("__Host-session")
    browser.response = page
    await browser.press("Send", files=[FILE], body="Long words")
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert (browser.path, body(browser), listed(browser)) == (
        f"/messages/{copy.id}/reply",
        "Long words",
        ["photo.bin"],
    )
    assert not await sent(world)


@pytest.mark.parametrize("how", ["forged", "another account's", "nobody's"])
@pytest.mark.parametrize("files", [[], [FILE]])
async def test_a_form_of_nobody_is_not_kept_and_its_files_are_not_read(world, browser, writing, how, files):
    world.clock.advance(minutes=31)
    token = browser.page.css_first("main input[name=csrf_token]").attributes["value"]
    if how == "forged":
        browser.client.cookies.delete("__Host-visitor")
    number = {"another account's": "2", "nobody's": "0"}.get(how, "1")
    before = await world.everything()
    await browser.press("Send", files=files, body="Long words", csrf_token=number + token[1:])
    assert (browser.path, "What you typed is kept" in browser.text) == ("/sign-in", False)
    assert await world.everything() == before


async def test_a_page_of_one_person_writes_nothing_into_anothers_account(world, browser, copy, writing):
    """Two people at one browser, each with a window."""
    uma, page = await world.registered("uma@home.example", "Uma"), browser.response
    await browser.press("Sign out")
    await browser.sign_in("uma@home.example")
    browser.response = page
    await browser.press("Send", files=[FILE], body="Long words")
    assert browser.path == "/inbox"
    assert "open for somebody else" in browser.text
    assert not await sent(world)
    [draft] = await world.rows(Draft)
    assert draft.account_id != uma.id
    await browser.press("Sign out")
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    assert (body(browser), listed(browser)) == ("Long words", ["photo.bin"])


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


async def vanishes(world, copy):
    await world.desk.do(copies.destroy, copy, CopyState.RECALLED)


@pytest.mark.parametrize("button", ["Send", "Save as draft"])
@pytest.mark.parametrize("others", [0, 1])
async def test_an_answer_to_what_is_taken_back_meanwhile_goes_on_by_itself(
    world, browser, copy, writing, button, others
):
    for _ in range(others):
        await world.written(await world.one(Account))
    await vanishes(world, copy)
    await browser.press(button, files=[FILE], body="Long words")
    assert (browser.path, body(browser), listed(browser)) == ("/compose", "Long words", ["photo.bin"])
    assert "is not kept any more" in browser.text
    if others:
        choice = browser.page.css_first("input[type=radio]").attributes["value"]
        await browser.press("Send", to=choice)
        assert len(await sent(world)) == 1
        assert not await world.rows(Draft)


async def test_so_does_one_that_was_begun_before(world, browser, copy, writing):
    await auto(browser, "Half a thought")
    await vanishes(world, copy)
    assert (await auto(browser, "A whole thought", writing.response))["here"]
    await browser.go("/inbox?show=drafts")
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    assert browser.path == "/compose"
    assert (await browser.go(f"/messages/{copy.id + 1}/reply")).status == 404


async def test_so_does_one_that_is_sent_in_the_same_moment(world, browser, copy, writing, monkeypatch):
    def late(ctx, account, copy_id, written):
        copies.destroy(ctx, copy, CopyState.RECALLED)

    monkeypatch.setattr(messages, "reply", late)
    await browser.press("Send", files=[FILE], body="Long words")
    assert (browser.path, body(browser), listed(browser)) == ("/compose", "Long words", ["photo.bin"])


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


async def test_nothing_of_an_ended_session_is_remembered(world, browser, writing):
    world.clock.advance(minutes=31)
    await world.desk.do(retention.forget)
    assert not await world.rows(Session)
    await browser.press("Send", body="Long words")
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert body(browser) == "Long words"
