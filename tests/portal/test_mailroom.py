"""Searching, drafts, what one wrote, conversations, pictures from elsewhere, and files with viruses."""

import pytest

from gateway.domain.model import Audit, Message
from gateway.domain.model_drafts import Draft
from gateway.flow import copies, senders
from gateway.flow.inbox import messages
from gateway.ports import ScannerDown
from tests.portal.test_reading import mail
from tests.practice import RIVERSIDE

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


def subjects(browser):
    return [line.text().strip() for line in browser.page.css(".subject")]


# ------------------------------------------------------------------------------------------------- lists and searching


@both_stores
async def test_messages_are_found_by_any_of_their_words(world, browser):
    account = await world.registered()
    for subject in ("Your blood count", "Appointment on Tuesday", "Blood pressure", "Straße"):
        await world.written(account, subject=subject)
    await browser.sign_in()
    for words, found in {
        "blood": ["Blood pressure", "Your blood count"],
        "BLOOD your": ["Your blood count"],
        "ada tuesday": ["Appointment on Tuesday"],
        "strasse": ["Straße"],
        "riverside": ["Straße", "Blood pressure", "Appointment on Tuesday", "Your blood count"],
        "nothing like it": [],
    }.items():
        await browser.go("/inbox", params={"q": words})
        assert subjects(browser) == found
        assert f"{len(found)} message" in browser.text
    assert browser.page.css_first("#q").attributes["value"] == "nothing like it"


async def test_a_search_is_text_and_nothing_else(world, browser):
    await world.written(await world.registered())
    await browser.sign_in()
    await browser.go("/inbox", params={"q": '"><script>alert(1)</script>{{7*7}}' + "x" * 1000})
    assert browser.status == 200
    assert not browser.page.css("main script")
    assert "49" not in browser.text


@both_stores
async def test_unread_ones_alone(world, browser):
    account = await world.registered()
    read = await world.written(account, subject="Read")
    await world.written(account, subject="Not yet")
    await browser.sign_in()
    await browser.go(f"/messages/{read.id}")
    await browser.go("/inbox?show=unread")
    assert subjects(browser) == ["Not yet"]
    assert "Unread 1" in browser.text


async def test_what_is_found_is_paged(world, browser):
    account = await world.registered()
    for number in range(60):
        await world.written(account, subject=f"Letter {number}")
    await browser.sign_in()
    await browser.go("/inbox?q=letter")
    assert len(subjects(browser)) == 50
    await browser.go(browser.page.css_first(".pager a").attributes["href"])
    assert len(subjects(browser)) == 10
    assert "60 messages" in browser.text


async def test_nobody_finds_anothers_messages(world, browser):
    await world.registered()
    await world.written(await world.registered("omar@hillside.example", "Dr Omar"), subject="For Omar")
    await browser.sign_in()
    for path in ("/inbox?q=omar", "/inbox?show=sent", "/inbox?show=unread"):
        await browser.go(path)
        assert subjects(browser) == []


# --------------------------------------------------------------------------------------------- what one wrote, and talk


async def answered(world, account, message, raw):
    sealed = world.content.put(raw)

    def put(ctx):
        sender = ctx.tx.get(senders.Sender, 1)
        row = ctx.tx.add(
            Message(
                practice_id=sender.practice_id,
                sender_id=sender.id,
                reply_to_id=message.id,
                header_id="<again@riverside.example>",
                subject=ctx.keys.seal_under(sealed.data_key, b"Re: Re: Your results"),
                content_id=sealed.content_id,
                size=sealed.size,
                received_at=ctx.now,
            )
        )
        copies.add_content(ctx, sealed)
        return messages.deliver_to_inbox(ctx, copies.Taken(row, sealed.data_key), account, "Dr Ada", RIVERSIDE.name)

    return await world.desk.do(put)


@both_stores
async def test_a_conversation_is_shown_with_ones_own_part_in_it(world, browser):
    account = await world.registered()
    first = await world.written(account)
    await world.written(account, subject="Something else")
    await browser.sign_in()
    await browser.go(f"/messages/{first.id}/reply")
    await browser.press("Send", body="What does that mean?")
    (mine,) = [row for row in await world.rows(Message) if row.account_id]
    last = await answered(world, account, mine, mail("It means that all is well."))
    await browser.go(f"/messages/{last.id}")
    talk = [" ".join(line.text().split()) for line in browser.page.css(".talk li")]
    when = "2 March 2026, 10:00"
    assert talk == [f"Dr Ada {when}", f"You to Dr Ada {when}", f"Dr Ada {when} (shown above)"]
    await browser.go(browser.page.css(".talk a")[1].attributes["href"])
    assert browser.path == f"/sent/{mine.id}"
    assert "What does that mean?" in browser.text
    await browser.go("/inbox?show=sent")
    assert subjects(browser) == ["Re: Your results"]
    assert "To Dr Ada" in browser.text


async def test_what_another_wrote_is_not_there(world, browser):
    omar = await world.registered("omar@hillside.example", "Dr Omar")
    copy = await world.written(omar)
    theirs = await world.browser().sign_in("omar@hillside.example")
    await theirs.go(f"/messages/{copy.id}/reply")
    await theirs.press("Send", body="Mine alone")
    (message,) = [row for row in await world.rows(Message) if row.account_id]
    await world.registered()
    await browser.sign_in()
    for number in (message.id, 999):
        await browser.go(f"/sent/{number}")
        assert browser.status == 404


# --------------------------------------------------------------------------------------------------------------- drafts


@both_stores
async def test_a_draft_is_kept_opened_and_sent(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Save as draft", subject="Re: it", body="Half a thought")
    assert "Your draft is kept here" in browser.text
    (draft,) = await world.rows(Draft)
    assert b"Half a thought" not in draft.sealed
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    assert browser.page.css_first("#body").text() == "Half a thought"
    await browser.press("Save as draft", subject="Re: it", body="A whole thought")
    assert len(await world.rows(Draft)) == 1
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    await browser.press("Send")
    assert "Your answer is on its way" in browser.text
    assert not await world.rows(Draft)


async def test_a_draft_of_a_new_message_keeps_whom_it_is_for(world, browser):
    await world.written(await world.registered())
    await browser.sign_in()
    await browser.go("/compose")
    choice = browser.page.css_first("input[type=radio]").attributes["value"]
    await browser.press("Save as draft", to=choice, subject="Later", body="")
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    assert "checked" in browser.page.css_first("input[type=radio]").attributes
    await browser.go("/inbox?show=drafts")
    await browser.press("Discard")
    assert not await world.rows(Draft)


async def test_anothers_draft_is_not_there(world, browser):
    omar = await world.registered("omar@hillside.example", "Dr Omar")
    copy = await world.written(omar)
    theirs = await world.browser().sign_in("omar@hillside.example")
    await theirs.go(f"/messages/{copy.id}/reply")
    await theirs.press("Save as draft", body="Omar's alone")
    (draft,) = await world.rows(Draft)
    await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/compose?draft={draft.id}")
    assert "alone" not in browser.response.text
    fields = {f.attributes["name"]: f.attributes["value"] for f in browser.page.css("header form input")}
    await browser.client.post(f"/drafts/{draft.id}/discard", data=fields)
    assert await world.rows(Draft) == [draft]


# ------------------------------------------------------------------------------------------------------------- pictures


async def test_pictures_from_elsewhere_are_fetched_only_when_asked_for(world, browser):
    html = '<p>Hi</p><img src="https://tracker.example/p.png"><img src="http://plain.example/p.png">'
    copy = await world.written(await world.registered(), mail("", html))
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert "tracker" not in browser.response.text
    assert "2 pictures are not shown" in browser.text
    assert "https:" not in browser.response.headers["content-security-policy"]
    await browser.go(f"/messages/{copy.id}?images=on")
    assert "https://tracker.example/p.png" in browser.response.text
    assert "plain.example" not in browser.response.text
    assert "img-src 'self' data: https:;" in browser.response.headers["content-security-policy"]


async def test_the_words_of_a_message_that_is_only_html_can_be_read_as_text(world, browser):
    copy = await world.written(await world.registered(), b"Content-Type: text/html\r\n\r\n<p>All is <b>well</b>.</p>")
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert "All is" in browser.page.css_first(".letter.text").text()


async def test_opening_a_message_is_one_view_and_each_file_is_told(world, browser):
    raw = mail("Hello", '<img src="cid:logo@x">', [("logo.png", "image/png", b"png")])
    files = mail("Hello", "", [("a.pdf", "application/pdf", b"pdf")]).replace(b"Content-ID: <logo@x>", b"X-None: x")
    account = await world.registered()
    copies = [await world.written(account, raw), await world.written(account, files)]
    await browser.sign_in()
    for copy in copies:
        await browser.go(f"/messages/{copy.id}")
        await browser.go(f"/messages/{copy.id}/attachments/0")
        assert browser.status == 200
    said = [(row.action, row.subject) for row in await world.rows(Audit) if row.action in ("viewed", "opened file")]
    first, second = (f"copy {copy.id}" for copy in copies)
    assert said == [("viewed", first), ("opened file", first), ("viewed", second), ("opened file", second)]


# -------------------------------------------------------------------------------------------------------------- viruses


class FakeScanner:
    def __init__(self, says):
        self.says, self.asked = says, []

    async def scan(self, file):
        self.asked.append(b"".join(file))
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def scanned(world):
    def scanned(says):
        world.scanner = FakeScanner(says)
        world.remake()
        return world, world.scanner

    return scanned


@pytest.mark.parametrize(
    ("says", "status", "words"),
    [
        ("Eicar", 403, "There seems to be a virus in it."),
        (ScannerDown("it is down"), 503, "We look for viruses in every file, and cannot do that right now."),
        ("", 200, ""),
    ],
)
async def test_a_file_is_given_out_only_when_it_is_clean(scanned, says, status, words):
    world, scanner = scanned(says)
    browser = world.browser()
    copy = await world.written(await world.registered(), mail(files=[("a.pdf", "application/pdf", b"%PDF-fine")]))
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    assert browser.status == 200
    for way in ("attachments/0", "original"):
        await browser.go(f"/messages/{copy.id}/{way}")
        assert browser.status == status
        if words:
            assert words in browser.text
            assert b"%PDF-fine" not in browser.response.content
    assert scanner.asked[0] == b"%PDF-fine"


@pytest.mark.parametrize(
    ("says", "words"),
    [("Eicar", "There is a virus in a.txt."), (ScannerDown("it is down"), "We cannot look for viruses in your files")],
)
async def test_a_file_with_a_virus_is_not_sent(scanned, says, words):
    world, _ = scanned(says)
    browser = world.browser()
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Send", files=[("attachments", ("a.txt", b"one", "text/plain"))], body="x")
    assert browser.status == 422
    assert words in browser.text
    assert not [row for row in await world.rows(Message) if row.account_id]
