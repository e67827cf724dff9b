"""Messages are found by what is in them, by their own people alone, and by nobody once they are destroyed."""

from dataclasses import replace
from email import policy
from email.message import EmailMessage

import pytest

from gateway.domain.address import address
from gateway.domain.model import Account, Copy, Message, Sender
from gateway.domain.model_search import SearchEntry, SearchIndex
from gateway.domain.vocabulary import CopyState
from gateway.errors import StoreBusy
from gateway.flow import copies, search_index
from gateway.flow.accounts import account as accounts
from gateway.flow.inbox import recall, search
from gateway.portal.mail import indexing
from tests.portal.test_reading import mail
from tests.practice import bare

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
LETTER = mail("Der Kalziumwert ist erh\u00f6ht: 2,71 mmol/l. Bitte n\u00fcchtern kommen.")
SHEET = mail("Come on Tuesday.", "", [("befund-mri.pdf", "application/pdf", b"pdf")])


@pytest.fixture
async def reader(world, browser):
    account = await world.registered()
    await world.written(account, LETTER, "Your levels")
    await world.written(account, SHEET, "Appointment")
    await browser.sign_in()
    await browser.go("/messages/1/reply")
    await browser.press("Send", body="The taxi is booked.")
    return browser


async def found(browser, words: str, show: str = "") -> list[str]:
    """The subjects of what is found, as the page lists them."""
    await browser.go(f"/inbox?show={show}&q={words}")
    return [one.text().strip() for one in browser.page.css(".lines .subject bdi")]


# ------------------------------------------------------------------------------------------------------------- finding


@both_stores
@pytest.mark.parametrize(
    ("words", "subjects"),
    [
        ("kalziumwert", ["Your levels"]),
        ("ERH\u00d6HT", ["Your levels"]),
        ("erho\u0308ht 2,71", ["Your levels"]),
        ("nuchtern", ["Your levels"]),
        ("taxi", ["Re: Your levels"]),
        ("befund", ["Appointment"]),
        ("levels", ["Re: Your levels", "Your levels"]),
        ("dr ada", ["Re: Your levels", "Appointment", "Your levels"]),
        ('"come on tuesday"', ["Appointment"]),
        ('"tuesday come"', []),
        ("tuesday kalziumwert", []),
        ('""', []),
    ],
)
async def test_what_was_received_and_sent_is_found_by_any_of_its_words(world, reader, words, subjects):
    assert await world.index() == 3
    assert await found(reader, words) == subjects


async def test_one_looks_among_what_is_unread_sent_or_begun(world, reader):
    await world.index()
    await reader.go("/messages/1")
    assert await found(reader, "ada", "unread") == ["Appointment"]
    assert await found(reader, "levels", "sent") == ["Re: Your levels"]
    await reader.go("/messages/2/reply")
    await reader.press("Save as draft", body="Which Tuesday?")
    assert await found(reader, "which", "drafts") == ["Re: Appointment"]
    assert await found(reader, "taxi", "drafts") == []


async def test_what_is_found_is_shown_page_by_page(world, browser):
    account = await world.registered()
    for number in range(60):
        await world.written(account, LETTER, f"Number {number}")
    await world.index()
    await browser.sign_in()
    assert (await found(browser, "kalziumwert"))[:2] == ["Number 59", "Number 58"]
    assert "60 messages have" in browser.text
    await browser.go("/inbox?q=kalziumwert&page=2")
    assert [one.text() for one in browser.page.css(".lines .subject bdi")][-1] == "Number 0"


async def test_what_was_not_read_yet_is_found_by_its_subject_and_the_page_says_so(world, reader):
    assert await found(reader, "levels") == ["Re: Your levels", "Your levels"]
    assert await found(reader, "kalziumwert") == []
    assert "Of 3 messages we could only look at the names and the subject." in reader.text
    await world.index()
    assert await found(reader, "kalziumwert") == ["Your levels"]
    assert "we could only" not in reader.text


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nbroken\r\n",
        mail("word " * 40_000),
    ],
    ids=["not to be opened", "very long"],
)
async def test_the_page_says_what_was_not_searched_to_the_end(world, browser, raw):
    await world.written(await world.registered(), raw, "x")
    await world.index()
    await browser.sign_in()
    await found(browser, "last")
    assert "Of 1 message we could not look at all of the text." in browser.text


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>H<b>aemo</b>globin</p><style>p{}</style>", "haemoglobin"),
        ("<table><tr><td>Kalium</td><td>4,1</td></tr></table>", '"kalium 4,1"'),
        ("<p>one<br>two</p>", '"one two"'),
    ],
)
async def test_words_of_html_are_those_that_are_read(world, browser, html, words):
    raw = f"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n".encode()
    await world.written(await world.registered(), raw, "x")
    await world.index()
    await browser.sign_in()
    assert await found(browser, words) == ["x"]


async def test_a_mail_of_two_forms_is_found_by_the_words_of_either(world, browser):
    """The page shows the HTML, and the plain form when that is asked for: not all programs write the same in both."""
    raw = EmailMessage(policy=policy.SMTP)
    raw["Subject"] = "x"
    raw.set_content("Read the German letter below.")
    raw.add_alternative("<p>Bitte n&uuml;chtern kommen.</p>", subtype="html")
    await world.written(await world.registered(), bytes(raw), "x")
    await world.index()
    await browser.sign_in()
    assert await found(browser, "nuchtern") == ["x"]
    assert await found(browser, "letter") == ["x"]


# -------------------------------------------------------------------------------------------------- nobody else's, ever


async def test_nobody_finds_what_is_anothers(world, reader):
    other = await world.registered("kim@home.example", "Kim")
    await world.index()
    assert (await world.desk.ask(search.search, other, "kalziumwert", search.Among.ALL, limit=9)).count == 0


async def test_what_waits_for_a_stranger_is_in_no_index(world, browser):
    await world.invited(None)
    assert await world.rows(SearchEntry) == []


@both_stores
async def test_no_word_lies_on_the_disk_in_clear(world, reader, tmp_path):
    await world.index()
    assert len(await world.rows(SearchEntry)) == 3
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).lower()
    for word in (b"kalzium", b"levels", b"taxi", b"tuesday", b"befund"):
        assert word not in on_disk
        assert all(word not in (one.sealed or b"").lower() for one in await world.rows(SearchEntry))


@both_stores
@pytest.mark.parametrize("how", ["taken back", "over", "before it was read"])
async def test_what_is_destroyed_is_not_found(world, reader, how):
    unread = await world.desk.ask(search.unread, 9)
    if how != "before it was read":
        await world.index()
    copy = await world.one(Copy, id=1)
    if how == "over":
        await world.desk.do(copies.destroy, copy, CopyState.OVER)
    else:
        await world.desk.do(recall.take_back, copy, "", bare("ada@riverside.example"))
    read = [search.IndexedText(one.entry, "kalziumwert", whole=True) for one in unread]
    await world.desk.do(search.index, read, bytes(32))
    assert 1 not in [one.message_id for one in await world.rows(SearchEntry)]
    assert "Your levels" not in await found(reader, "kalziumwert")


@both_stores
async def test_of_two_copies_in_one_inbox_the_other_is_still_found(world, browser):
    """Somebody was written to at two addresses, one of which was moved to the other."""
    account = await world.registered()
    copy = await world.written(account, LETTER, "Your levels")
    message = await world.one(Message, id=copy.message_id)
    key = await world.desk.ask(copies.data_key, copy, message)
    taken, to = copies.Taken(message, key), address(account.typed)
    await world.desk.do(copies.add_copy, taken, to, CopyState.INBOX, account_id=account.id)
    await world.index()
    await browser.sign_in()
    await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")
    assert await found(browser, "kalziumwert") == ["Your levels"]
    await world.desk.do(recall.take_back, await world.one(Copy, id=copy.id + 1), "", "ada@riverside.example")
    assert await found(browser, "kalziumwert") == []
    assert await world.rows(SearchEntry) == []


@both_stores
async def test_an_erased_account_leaves_no_key_and_no_entry(world, reader):
    other = await world.registered("kim@home.example", "Kim")
    await world.written(other, LETTER, "Your levels")
    await world.index()
    await world.desk.do(accounts.erase, await world.one(Account, id=1))
    assert [one.account_id for one in await world.rows(SearchIndex)] == [other.id]
    assert [one.account_id for one in await world.rows(SearchEntry)] == [other.id]
    assert (await world.desk.ask(search.search, other, "kalziumwert", search.Among.ALL, limit=9)).count == 1


async def test_the_keys_of_two_accounts_are_two(world, reader):
    other = await world.registered("kim@home.example", "Kim")
    await world.written(other, LETTER, "Your levels")
    await world.index()
    one, two = await world.rows(SearchIndex)
    await world.store.write(lambda tx: tx.put(replace(two, wrapped_key=one.wrapped_key)))
    assert [text for _, text in await world.desk.ask(lambda ctx: list(search_index.read(ctx, other.id)))] == [None]


@pytest.mark.parametrize("altered", ["sealed", "wrapped_key", "subject"])
async def test_an_altered_row_costs_itself(world, reader, altered):
    await world.index()
    table = {"sealed": SearchEntry, "wrapped_key": SearchIndex, "subject": Message}[altered]
    row = await world.one(table, id=1)
    await world.store.write(lambda tx: tx.put(replace(row, **{altered: getattr(row, altered)[:-1] + b"?"})))
    assert await found(reader, "tuesday") == ([] if altered == "wrapped_key" else ["Appointment"])


async def test_a_message_whose_home_is_down_is_read_later(world, reader):
    get = world.content.chunks

    def is_down(*_):
        raise StoreBusy("the database is away")
        yield

    world.content.chunks = is_down
    with pytest.raises(StoreBusy):
        await world.index()
    world.content.chunks = get
    assert await world.index() == 3
    assert await found(reader, "tuesday") == ["Appointment"]


async def test_an_altered_key_keeps_no_other_message_from_its_index(world, reader):
    await world.index()
    row = await world.one(SearchIndex, id=1)
    await world.store.write(lambda tx: tx.put(replace(row, wrapped_key=row.wrapped_key[:-1] + b"?")))
    await world.written(await world.one(Account, id=1), LETTER, "After")
    other = await world.registered("kim@home.example", "Kim")
    await world.written(other, LETTER, "Your levels")
    assert await world.index() == 2
    assert (await world.desk.ask(search.search, other, "kalziumwert", search.Among.ALL, limit=9)).count == 1
    assert "After" in await found(reader, "kalziumwert")


@both_stores
async def test_no_words_come_into_the_entry_of_another_that_has_the_number_of_a_destroyed_one(world, browser):
    account, other = await world.registered(), await world.registered("kim@home.example", "Kim")
    copy = await world.written(account, LETTER, "Your levels")
    read = [search.IndexedText(one.entry, "kalziumwert", whole=True) for one in await world.desk.ask(search.unread, 9)]
    await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")
    await world.written(other, SHEET, "Appointment")
    await world.desk.do(search.index, read, bytes(32))
    assert (await world.desk.ask(search.search, other, "kalziumwert", search.Among.ALL, limit=9)).count == 0
    assert await world.index() == 1
    assert (await world.desk.ask(search.search, other, "tuesday", search.Among.ALL, limit=9)).count == 1


@pytest.mark.parametrize("problem", [PermissionError("spool"), RecursionError(), IndexError("a library")])
async def test_a_message_on_which_reading_fails_costs_its_own_words(world, reader, monkeypatch, problem):
    """Whatever it fails on: nothing that a stranger sends, or a disk does, may stop the index of all others."""
    chunks = world.content.chunks
    broken = (await world.one(Message, id=1)).content_id

    def failing(content_id, *more):
        if content_id == broken:
            raise problem
        return chunks(content_id, *more)

    monkeypatch.setattr(world.content, "chunks", failing)
    assert (await world.index(), await world.index()) == (3, 0)
    assert await found(reader, "tuesday") == ["Appointment"]
    assert await found(reader, "kalziumwert") == []
    assert "Of 1 message we could not look at all of the text." in reader.text


async def test_a_letter_with_endless_accents_is_read_like_any_other(world, browser):
    """Putting the accents of one letter in order takes the square of their number, and everybody waits."""
    await world.written(await world.registered(), mail("vorher a" + "\u0301\u0327" * 500_000 + " nachher"), "x")
    await world.index()
    await browser.sign_in()
    assert await found(browser, "vorher") == ["x"]


async def test_what_cannot_be_read_is_tried_once(world, reader):
    message = await world.one(Message, id=1)
    stranger = await world.store.write(lambda tx: tx.add(Sender(practice_id="", address="", typed="")))
    await world.store.write(lambda tx: tx.put(replace(message, sender_id=stranger.id)))
    assert (await world.index(), await world.index()) == (3, 0)
    assert await found(reader, "tuesday") == ["Appointment"]


async def test_a_message_at_which_our_reading_fails_keeps_no_other_waiting(world, reader, monkeypatch):
    read = indexing.words_of

    def fails_once(outline):
        monkeypatch.setattr(indexing, "words_of", read)
        raise RecursionError

    monkeypatch.setattr(indexing, "words_of", fails_once)
    assert (await world.index(), await world.index()) == (3, 0)
    assert await found(reader, "tuesday") == ["Appointment"]
    assert await found(reader, "kalziumwert") == []
    assert "Of 1 message we could not look at all of the text." in reader.text
