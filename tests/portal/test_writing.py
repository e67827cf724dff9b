"""Answers and new messages."""

import email
import email.policy

import pytest

from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.domain.vocabulary import DeliveryKind
from gateway.flow import copies

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


async def sent(world):
    """The one message that was written in the portal: its row and its mail."""
    (message,) = [row for row in await world.rows(Message) if row.account_id]
    (copy,) = await world.rows(Copy, message_id=message.id)
    (content,) = await world.rows(Content, id=message.content_id)

    def key(ctx):
        return copies.data_key(ctx, copy)

    raw = world.content.get(content.id, content.inline, await world.desk.ask(key))
    return message, email.message_from_bytes(raw, policy=email.policy.default)


@both_stores
async def test_an_answer_goes_to_who_wrote(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    assert browser.page.css_first("#subject").attributes["value"] == "Re: Your results"
    files = [("attachments", ("a.txt", b"one", "text/plain")), ("attachments", ("b.bin", b"\x00\xff", "no type"))]
    await browser.press("Send", files=files, body="Thank you.\nPat")
    assert browser.path == f"/messages/{copy.id}"
    assert "Your answer is on its way to Dr Ada" in browser.text
    assert "You have answered this message." in browser.text
    message, mail = await sent(world)
    assert message.reply_to_id == copy.message_id
    assert (mail["to"], mail["subject"]) == ("ada@riverside.example", "Re: Your results")
    assert mail["in-reply-to"] == "<results@riverside.example>"
    assert mail.get_body().get_content().splitlines() == ["Thank you.", "Pat"]
    assert [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()] == [
        ("a.txt", "one"),
        ("b.bin", b"\x00\xff"),
    ]
    (delivery,) = await world.rows(Delivery, kind=DeliveryKind.REPLY)
    assert delivery.recipient == "ada@riverside.example"


async def test_an_answer_without_words_is_sent_back(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Send", subject="Kept", body=" ")
    assert browser.status == 422
    assert "Write your message." in browser.text
    assert browser.page.css_first("#subject").attributes["value"] == "Kept"
    assert not [row for row in await world.rows(Message) if row.account_id]


async def test_a_line_break_in_the_subject_makes_no_header(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Send", subject="Hello\r\nBcc: evil@evil.example\u2028x", body="x")
    _, mail = await sent(world)
    assert mail["subject"] == "Hello Bcc: evil@evil.example x"
    assert mail["bcc"] is None


async def test_what_is_too_large_is_refused(world, browser):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    form = browser.response
    await browser.press("Send", files={"attachments": ("a.bin", b"x" * 80_000)}, body="x")
    assert browser.status == 422
    assert "too large together" in browser.text
    browser.response = form
    await browser.press("Send", files={"attachments": ("a.bin", b"x" * 120_000)}, body="kept")
    assert browser.status == 422
    assert "too large together" in browser.text
    assert browser.page.css_first("#body").text().strip() == "kept"
    browser.response = form
    await browser.press("Send", files={"attachments": ("a.bin", b"x" * 900_000)}, body="x")
    assert (browser.status, browser.heading) == (413, "This is too large")
    browser.response = form
    await browser.go("/sign-out")
    browser.response = form
    await browser.press("Sign out", filler="x" * 70_000)
    assert browser.status == 413


@both_stores
async def test_writing_anew_is_for_those_who_wrote_before(world, browser):
    account = await world.registered()
    await browser.sign_in()
    await browser.go("/compose")
    assert "Nobody has, so far." in browser.text
    await world.written(account)
    await browser.go("/compose")
    choice = browser.page.css_first("input[type=radio]").attributes["value"]
    assert "Dr Ada, Riverside Family Practice" in browser.text
    await browser.press("Send", subject="A question", body="When?")
    assert "Choose whom to write to." in browser.text
    await browser.press("Send", to="999", subject="A question", body="When?")
    assert "Choose whom to write to." in browser.text
    await browser.press("Send", to=choice, subject="A question", body="When?")
    assert browser.path == "/inbox"
    assert "Your message is on its way." in browser.text
    message, mail = await sent(world)
    assert (mail["to"], mail["subject"], message.reply_to_id) == ("ada@riverside.example", "A question", None)
