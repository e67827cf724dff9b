"""Mail to an invitee comes back, is late, or is answered for them; the sender's mail moves to the right address."""

import pytest

from gateway.domain.model import Copy, Invitation, Sender, Waiter
from gateway.domain.vocabulary import CopyState, Heard, State
from tests.flow.conftest import House, kinds, mail, text
from tests.flow.test_commands import CLEO, asked, codes, say, state
from tests.flow.test_story import accept, token_for
from tests.mail.returned import BOUNCES, NOTES

RIGHT = "pat@right.example"


def example(cases, name):
    return next(case[-1] for case in cases if case[0] == name)


async def invited(house, *, to="pat@home.example"):
    """Pat is invited: the receipt, and the token of the invitation."""
    receipt = await asked(house, to)
    assert kinds(await house.reply(receipt, "PATIENT 1980-02-03")) == ["invitation", "transcript"]
    return receipt, await token_for(house, to)


async def comes_back(house, octets):
    """What comes back to the envelope sender of the last invitation; the mails that follow."""
    delivery = next(d for d, m, _ in reversed(house.sent) if m["X-Gateway-Notice"] == "invitation")
    await house.receive(octets, house.writer.envelope_sender(delivery), mail_from="", trusted=False)
    return await house.deliver()


async def the(house, table, **where):
    [row] = await house.rows(table, **where)
    return row


async def test_a_bounce_tells_the_sender_once_and_a_corrected_address_moves_the_mail(house: House):
    _, first = await invited(house)
    [told] = await comes_back(house, example(BOUNCES, "qmail"))
    assert told["X-Gateway-Notice"] == "undeliverable"
    assert told["To"] == "Dr Ada <ada@riverside.example>"
    assert await state(house) is State.UNDELIVERABLE
    assert await comes_back(house, example(BOUNCES, "postfix-unknown")) == []

    answers = await house.reply(told, f"MOVE {RIGHT}")

    assert kinds(answers) == ["invitation", "transcript"]
    fresh = next(m for m in answers if m["X-Gateway-Notice"] == "invitation")
    assert RIGHT in fresh["To"]
    assert await state(house, RIGHT) is State.INVITED
    assert await accept(house, first) is None
    account = await accept(house, await token_for(house, RIGHT))
    assert account.address == RIGHT
    assert (await the(house, Copy)).state is CopyState.INBOX


async def test_the_address_may_stand_before_the_verb(house: House):
    await invited(house)
    assert codes((await say(house, f"pat@home.example MOVE {RIGHT}"))[0]) == ["moved"]
    assert (await the(house, Invitation)).address == RIGHT


@pytest.mark.parametrize(
    ("name", "heard"),
    [("postfix-delay", Heard.DELAYED), ("exim-delay", Heard.DELAYED), ("sendmail-full", Heard.RETURNED)],
)
async def test_what_may_pass_is_told_in_status_and_moves_nothing(house: House, name: str, heard: Heard):
    receipt, _ = await invited(house)
    assert await comes_back(house, example(BOUNCES, name)) == []
    invitation = await the(house, Invitation)
    assert (invitation.state, invitation.heard) == (State.INVITED, heard)
    [status] = await house.reply(receipt, "STATUS")
    assert f"'heard': '{heard}'" in text(status)


@pytest.mark.parametrize("name", ["rfc3834", "exchange-de", "inbox-rule", "gmail", "vacation"])
async def test_a_note_of_absence_is_told_in_status_and_moves_nothing(house: House, name: str):
    receipt, _ = await invited(house)
    assert await comes_back(house, example(NOTES, name)) == []
    invitation = await the(house, Invitation)
    assert (invitation.state, invitation.heard) == (State.INVITED, Heard.AWAY)
    [status] = await house.reply(receipt, "STATUS")
    assert "'heard': 'away'" in text(status)


async def test_what_was_heard_is_forgotten_with_a_new_link(house: House):
    await invited(house)
    await comes_back(house, example(NOTES, "rfc3834"))
    await say(house, f"pat@home.example MOVE {RIGHT}")
    assert (await the(house, Invitation)).heard is None


# ------------------------------------------------------------------------------------------------------------- MOVE


async def test_mail_moves_to_the_inbox_of_who_has_an_account(house: House):
    _, token = await invited(house, to=RIGHT)
    account = await accept(house, token)
    await house.deliver()
    await invited(house)
    answers = await say(house, f"pat@home.example MOVE {RIGHT}")
    assert kinds(answers) == ["new-message", "transcript"]
    assert codes(next(m for m in answers if m["X-Gateway-Notice"] == "transcript")) == ["moved_to_inbox"]
    assert {(c.state, c.account_id) for c in await house.rows(Copy)} == {(CopyState.INBOX, account.id)}
    assert await state(house) is State.CANCELLED


async def test_while_others_wait_only_the_movers_mail_moves(house: House):
    await invited(house)
    await asked(house, sender=CLEO)
    answers = await say(house, f"pat@home.example MOVE {RIGHT}", sender=CLEO)
    assert codes(answers[0]) == ["moved"]
    assert await state(house) is State.INVITED
    assert await state(house, RIGHT) is State.AWAITING
    cleo = await the(house, Sender, address="cleo@riverside.example")
    there = await the(house, Invitation, address=RIGHT)
    waiters = {(w.sender_id, w.invitation_id) for w in await house.rows(Waiter, withdrawn=False)}
    assert (cleo.id, there.id) in waiters
    assert len(waiters) == 2
    held = {c.address: c.invitation_id for c in await house.rows(Copy, state=CopyState.HELD)}
    assert held[RIGHT] == there.id


async def test_an_open_invitation_of_the_new_address_is_joined(house: House):
    await invited(house)
    await asked(house, RIGHT, sender=CLEO)
    assert codes((await say(house, f"pat@home.example MOVE {RIGHT}"))[0]) == ["moved"]
    there = await the(house, Invitation, address=RIGHT)
    assert {c.invitation_id for c in await house.rows(Copy, state=CopyState.HELD)} == {there.id}
    assert await state(house) is State.CANCELLED


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("pat@home.example MOVE PAT@HOME.example", "not_moved"),
        ("pat@home.example MOVE bot@secure.riverside.example", "not_moved"),
        ("MOVE kim@home.example", "which_person"),
        ("nobody@home.example MOVE kim@home.example", "not_found"),
        ("a@home.example MOVE b@home.example c@home.example", "unknown"),
        ("MOVE pat@home.example to kim@home.example", "unknown"),
    ],
)
async def test_a_move_that_cannot_be(house: House, line: str, code: str):
    await invited(house)
    before = await house.rows(Copy)
    assert codes((await say(house, line))[0]) == [code]
    assert await house.rows(Copy) == before


async def test_nobody_moves_anothers_mail(house: House):
    await invited(house)
    assert codes((await say(house, f"pat@home.example MOVE {RIGHT}", sender=CLEO))[0]) == ["not_found"]


# --------------------------------------------------------------------------------------------------- did you mean …?


async def test_a_slip_in_a_well_known_domain_is_asked_about_before_anything_leaves(house: House):
    receipt = await asked(house, "pat@gmial.com")
    answers = await house.reply(receipt, "PATIENT 1980-02-03")
    assert kinds(answers) == ["confirm", "transcript"]
    confirm = next(m for m in answers if m["X-Gateway-Notice"] == "confirm")
    assert "pat@gmail.com" in text(confirm)
    assert "1980" not in text(confirm)
    assert kinds(await house.reply(confirm, "YES")) == ["invitation", "transcript"]
    assert await state(house, "pat@gmial.com") is State.INVITED


async def test_the_right_address_is_taken_with_the_mail(house: House):
    receipt = await asked(house, "pat@gmial.com")
    answers = await house.reply(receipt, "PATIENT 1980-02-03")
    confirm = next(m for m in answers if m["X-Gateway-Notice"] == "confirm")
    assert codes((await house.reply(confirm, "MOVE pat@gmail.com"))[0]) == ["moved"]
    await say(house, "pat@gmail.com PATIENT 1980-02-03")
    assert await state(house, "pat@gmail.com") is State.INVITED


async def test_a_slip_is_asked_about_when_the_details_stand_in_the_subject(house: House):
    await house.receive(mail("pat@hotmial.com", "[secure patient 1980-02-03] x"))
    assert kinds(await house.deliver()) == ["confirm", "receipt"]
    assert await state(house, "pat@hotmial.com") is State.AWAITING


# ----------------------------------------------------------------------------------------- mail that says no command


async def test_the_same_words_are_answered_once_a_day(house: House):
    receipt = await asked(house)
    away = "Back on Monday, and reading no mail till then."
    assert len(await house.reply(receipt, away)) == 1
    assert await house.reply(receipt, away) == []
    house.clock.advance(days=1)
    assert len(await house.reply(receipt, away)) == 1


@pytest.mark.parametrize(
    "note",
    [
        "I am currently out of the office until Monday.",
        "This is an automated response.",
        "Ich bin bis Montag im Urlaub.",
        "Je suis absente du bureau jusqu'au lundi.",
        "Estaré fuera de la oficina hasta el lunes.",
    ],
)
async def test_a_note_of_absence_that_nothing_marks_is_not_answered(house: House, note: str):
    receipt = await asked(house)
    assert await house.reply(receipt, f"{note}\nREMIND") == []
    assert len(await house.reply(receipt, f"STATUS\n{note}")) == 1


async def test_other_words_are_answered_three_times_a_day(house: House):
    receipt = await asked(house)
    assert [len(await house.reply(receipt, f"What is this, {n}?")) for n in range(5)] == [1, 1, 1, 0, 0]
    assert len(await house.reply(receipt, "STATUS")) == 1
