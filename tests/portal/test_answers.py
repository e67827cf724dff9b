"""What an invited person has answered by mail stands on the page of whoever waits for them."""

from dataclasses import replace

import pytest

from gateway.domain.model import Audit, Copy, Sender, WaitingSender
from gateway.domain.vocabulary import CopyState, Purpose
from gateway.portal.senders.answers import LONGEST, words_of
from tests.practice import ADA, BEA, PAT, PATIENT_TAG, World, bare, mail

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


async def answered(world: World, words: str = "I have chest pain.", **more: str) -> None:
    """Pat answers the invitation."""
    await world.receive(mail(subject=f"[{PATIENT_TAG}] Your results"))
    await world.deliver()
    invitation = next(m for _, m, _ in world.sent if m["X-Gateway-Notice"] == "invitation")
    octets = mail(invitation["Reply-To"], "Re: A secure message", words, PAT, **more)
    await world.receive(octets, mail_from=bare(PAT), trusted=False)


async def page_of(world: World, person: str) -> str:
    sender = await world.one(Sender, address=bare(person))
    waiting_sender = await world.one(WaitingSender, sender_id=sender.id)
    today = world.clock.now().date().toordinal()
    return f"/sender/{world.keys.token(Purpose.INVITATION_PAGE, waiting_sender.id, today)}"


@both_stores
async def test_the_sender_reads_the_answer_and_that_is_in_the_audit(world, browser):
    await answered(world)
    await browser.go(await page_of(world, ADA))
    assert "I have chest pain." in browser.text
    assert "pat@home.example" in browser.text
    assert [one.actor for one in await world.rows(Audit, action="viewed an answer")] == ["ada@riverside.example"]


async def test_the_list_leads_to_it(world, browser):
    await answered(world)
    sender = await world.one(Sender)
    token = world.keys.token(Purpose.SENDER_PAGE, sender.id, world.clock.now().date().toordinal())
    await browser.go(f"/sender/{token}")
    assert "chest pain" not in browser.text
    await browser.follow("They have answered by email. Read it.")
    assert "I have chest pain." in browser.text


async def test_who_joins_later_does_not_read_what_was_said_before(world, browser):
    await answered(world)
    world.clock.advance(hours=1)
    await world.receive(mail(sender=BEA), mail_from=bare(BEA))
    await browser.go(await page_of(world, BEA))
    assert browser.status == 200
    assert "chest pain" not in browser.text


async def test_it_is_read_after_the_invitation_was_accepted(world, browser):
    await answered(world)
    await world.collect()
    await world.accept()
    await browser.go(await page_of(world, ADA))
    assert "I have chest pain." in browser.text


async def test_one_altered_row_costs_itself(world, browser):
    await answered(world)
    [copy] = await world.rows(Copy, state=CopyState.TO_SENDERS)
    await world.store.write(lambda tx: tx.put(replace(copy, wrapped_key=b"altered")))
    await browser.go(await page_of(world, ADA))
    assert browser.status == 200
    assert "chest pain" not in browser.text


# ------------------------------------------------------------------------------------------------------------ its words


def octets(body: str, kind: str = "text/plain", subject: str = "Re: x") -> bytes:
    head = f"From: Pat <pat@home.example>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"
    return f"{head}{body}\r\n".encode()


@pytest.mark.parametrize(
    "quoted",
    [
        "> https://secure.riverside.example/invite/iaaeabcdefghijklmnop",
        "https://secure.riverside.example/INVITE/IAAEABCDEFGHIJKLMNOP",
        "https://secure.riverside.example/invite/iaaeabcdefghijklmnop?again",
    ],
)
def test_the_invitees_own_link_is_taken_out(world, quoted):
    words = words_of(octets(f"Help.\r\n{quoted}"), world.clock.now())
    assert "Help." in words.text
    assert "aaeabc" not in words.text.lower()


def test_html_is_read_as_text(world):
    words = words_of(octets("<p>Help <script>alert(1)</script><b>me</b></p>", "text/html"), world.clock.now())
    assert "Help" in words.text
    assert "<" not in words.text
    assert "alert" not in words.text


def test_a_long_answer_is_cut(world):
    words = words_of(octets("x" * (LONGEST + 1)), world.clock.now())
    assert words.cut
    assert len(words.text) == LONGEST


def test_files_are_named(world):
    text, picture = "Content-Type: text/plain\r\n\r\nSee.", 'Content-Type: image/png; name="rash.png"\r\n\r\nx'
    body = f"--b\r\n{text}\r\n--b\r\n{picture}\r\n--b--"
    words = words_of(octets(body, "multipart/mixed; boundary=b"), world.clock.now())
    assert (words.text, words.files) == ("See.", ("rash.png",))


def test_words_that_stand_in_the_subject_alone_are_shown(world):
    assert words_of(octets("", subject="chest pain"), world.clock.now()).subject == "chest pain"
