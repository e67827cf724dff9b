"""Mail to an invitee comes back, is late, or is answered for them; the sender's mail moves to the right address."""

import pytest

from gateway.domain.model import Copy, Invitation, Sender, WaitingSender
from gateway.domain.vocabulary import CopyState, DeliverySignal, State
from tests.flow.test_commands import CLEO, asked, codes, say, state
from tests.flow.test_story import accept, token_for
from tests.mail.returned import BOUNCES, NOTES
from tests.practice import World, mail
from tests.reading import kinds, text

RIGHT = "pat@right.example"


def example(cases, name):
    return next(case[-1] for case in cases if case[0] == name)


async def invited(world, *, to="pat@home.example"):
    """Pat is invited: the receipt, and the token of the invitation."""
    receipt = await asked(world, to)
    assert kinds(await world.reply(receipt, "PATIENT 1980-02-03")) == ["invitation", "transcript"]
    return receipt, await token_for(world, to)


async def comes_back(world, octets):
    """What comes back to the envelope sender of the last invitation; the mails that follow."""
    delivery = next(d for d, m, _ in reversed(world.sent) if m["X-Gateway-Notice"] == "invitation")
    await world.receive(octets, world.writer.envelope_sender(delivery), mail_from="", trusted=False)
    return await world.deliver()


async def the(world, table, **where):
    [row] = await world.rows(table, **where)
    return row


async def test_a_bounce_tells_the_sender_once_and_a_corrected_address_moves_the_mail(world: World):
    _, first = await invited(world)
    [told] = await comes_back(world, example(BOUNCES, "qmail"))
    assert told["X-Gateway-Notice"] == "undeliverable"
    assert told["To"] == "Dr Ada <ada@riverside.example>"
    assert await state(world) is State.UNDELIVERABLE
    assert await comes_back(world, example(BOUNCES, "postfix-unknown")) == []

    answers = await world.reply(told, f"MOVE {RIGHT}")

    assert kinds(answers) == ["invitation", "transcript"]
    fresh = next(m for m in answers if m["X-Gateway-Notice"] == "invitation")
    assert RIGHT in fresh["To"]
    assert await state(world, RIGHT) is State.INVITED
    assert await accept(world, first) is None
    account = await accept(world, await token_for(world, RIGHT))
    assert account.address == RIGHT
    assert (await the(world, Copy)).state is CopyState.INBOX


async def test_the_address_may_stand_before_the_verb(world: World):
    await invited(world)
    assert codes((await say(world, f"pat@home.example MOVE {RIGHT}"))[0]) == ["moved"]
    assert (await the(world, Invitation)).address == RIGHT


@pytest.mark.parametrize(
    ("name", "delivery_signal"),
    [
        ("postfix-delay", DeliverySignal.DELAYED),
        ("exim-delay", DeliverySignal.DELAYED),
        ("sendmail-full", DeliverySignal.RETURNED),
    ]
    + [
        (name, DeliverySignal.RETURNED)
        for name in ("gave-up", "expired", "full-by-its-number", "icloud-full", "4-within-5yz")
    ],
)
async def test_what_may_pass_is_told_in_status_and_moves_nothing(
    world: World, name: str, delivery_signal: DeliverySignal
):
    receipt, _ = await invited(world)
    assert await comes_back(world, example(BOUNCES, name)) == []
    invitation = await the(world, Invitation)
    assert (invitation.state, invitation.delivery_signal) == (State.INVITED, delivery_signal)
    [status] = await world.reply(receipt, "STATUS")
    assert f"'delivery_signal': '{delivery_signal}'" in text(status)


@pytest.mark.parametrize("name", ["rfc3834", "exchange-de", "inbox-rule", "gmail", "vacation"])
async def test_a_note_of_absence_is_told_in_status_and_moves_nothing(world: World, name: str):
    receipt, _ = await invited(world)
    assert await comes_back(world, example(NOTES, name)) == []
    invitation = await the(world, Invitation)
    assert (invitation.state, invitation.delivery_signal) == (State.INVITED, DeliverySignal.AWAY)
    [status] = await world.reply(receipt, "STATUS")
    assert "'delivery_signal': 'away'" in text(status)


@pytest.mark.parametrize(
    "name", ["bounced", "rejected", "by-post_master", "4-beside-nobody", "expired-asking-for-nobody"]
)
async def test_what_has_failed_for_good_is_told(world: World, name: str):
    await invited(world)
    assert kinds(await comes_back(world, example(BOUNCES, name))) == ["undeliverable"]
    assert await state(world) is State.UNDELIVERABLE


async def test_an_outlook_receipt_is_no_note_of_absence(world: World):
    await invited(world)
    receipt = b"From: Pat <pat@home.example>\r\nSubject: Read: Hello\r\nContent-Type: application/ms-tnef\r\n\r\nx"
    assert await comes_back(world, receipt) == []
    invitation = await the(world, Invitation)
    assert (invitation.state, invitation.delivery_signal) == (State.INVITED, None)


async def test_the_delivery_signal_is_forgotten_with_a_new_link(world: World):
    await invited(world)
    await comes_back(world, example(NOTES, "rfc3834"))
    await say(world, f"pat@home.example MOVE {RIGHT}")
    assert (await the(world, Invitation)).delivery_signal is None


# ------------------------------------------------------------------------------------------------------------- MOVE


async def test_mail_moves_to_the_inbox_of_who_has_an_account(world: World):
    _, token = await invited(world, to=RIGHT)
    account = await accept(world, token)
    await world.deliver()
    await invited(world)
    answers = await say(world, f"pat@home.example MOVE {RIGHT}")
    assert kinds(answers) == ["new-message", "transcript"]
    assert codes(next(m for m in answers if m["X-Gateway-Notice"] == "transcript")) == ["moved_to_inbox"]
    assert {(c.state, c.account_id) for c in await world.rows(Copy)} == {(CopyState.INBOX, account.id)}
    assert await state(world) is State.CANCELLED


async def test_while_others_wait_only_the_movers_mail_moves(world: World):
    await invited(world)
    await asked(world, sender=CLEO)
    answers = await say(world, f"pat@home.example MOVE {RIGHT}", sender=CLEO)
    assert codes(answers[0]) == ["moved"]
    assert await state(world) is State.INVITED
    assert await state(world, RIGHT) is State.AWAITING
    cleo = await the(world, Sender, address="cleo@riverside.example")
    there = await the(world, Invitation, address=RIGHT)
    waiting_senders = {(w.sender_id, w.invitation_id) for w in await world.rows(WaitingSender, withdrawn=False)}
    assert (cleo.id, there.id) in waiting_senders
    assert len(waiting_senders) == 2
    held = {c.address: c.invitation_id for c in await world.rows(Copy, state=CopyState.HELD)}
    assert held[RIGHT] == there.id


async def test_an_open_invitation_of_the_new_address_is_joined(world: World):
    await invited(world)
    await asked(world, RIGHT, sender=CLEO)
    assert codes((await say(world, f"pat@home.example MOVE {RIGHT}"))[0]) == ["moved"]
    there = await the(world, Invitation, address=RIGHT)
    assert {c.invitation_id for c in await world.rows(Copy, state=CopyState.HELD)} == {there.id}
    assert await state(world) is State.CANCELLED


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
async def test_a_move_that_cannot_be(world: World, line: str, code: str):
    await invited(world)
    before = await world.rows(Copy)
    assert codes((await say(world, line))[0]) == [code]
    assert await world.rows(Copy) == before


async def test_nobody_moves_anothers_mail(world: World):
    await invited(world)
    assert codes((await say(world, f"pat@home.example MOVE {RIGHT}", sender=CLEO))[0]) == ["not_found"]


# --------------------------------------------------------------------------------------------------- did you mean …?


async def test_a_slip_in_a_well_known_domain_is_asked_about_before_anything_leaves(world: World):
    receipt = await asked(world, "pat@gmial.com")
    answers = await world.reply(receipt, "PATIENT 1980-02-03")
    assert kinds(answers) == ["confirm", "transcript"]
    confirm = next(m for m in answers if m["X-Gateway-Notice"] == "confirm")
    assert "pat@gmail.com" in text(confirm)
    assert "1980" not in text(confirm)
    assert kinds(await world.reply(confirm, "YES")) == ["invitation", "transcript"]
    assert await state(world, "pat@gmial.com") is State.INVITED


async def test_the_right_address_is_taken_with_the_mail(world: World):
    receipt = await asked(world, "pat@gmial.com")
    answers = await world.reply(receipt, "PATIENT 1980-02-03")
    confirm = next(m for m in answers if m["X-Gateway-Notice"] == "confirm")
    assert codes((await world.reply(confirm, "MOVE pat@gmail.com"))[0]) == ["moved"]
    await say(world, "pat@gmail.com PATIENT 1980-02-03")
    assert await state(world, "pat@gmail.com") is State.INVITED


async def test_a_slip_is_asked_about_when_the_details_stand_in_the_subject(world: World):
    await world.receive(mail("pat@hotmial.com", "[secure patient 1980-02-03] x"))
    assert kinds(await world.deliver()) == ["confirm", "receipt"]
    assert await state(world, "pat@hotmial.com") is State.AWAITING


# ----------------------------------------------------------------------------------------- mail that says no command


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
async def test_what_reads_like_a_note_of_absence_is_answered_once_a_day(world: World, note: str):
    """A person may write so; a responder that marks its mail in no way hears from us once (RFC 3834 §2)."""
    receipt = await asked(world)
    [answer] = await world.reply(receipt, f"{note}\nREMIND")
    assert codes(answer) == ["unknown"]
    assert "is_last_help: True" in text(answer)
    assert await world.reply(answer, f"{note} Write to Cleo instead.") == []
    assert len(await world.reply(receipt, f"STATUS\n{note}")) == 1


async def test_other_words_are_answered_three_times_a_day(world: World):
    receipt = await asked(world)
    assert [len(await world.reply(receipt, f"What is this, {n}?")) for n in range(5)] == [1, 1, 1, 0, 0]
    assert len(await world.reply(receipt, "STATUS")) == 1
