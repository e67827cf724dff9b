"""The main job, on the flows alone: written, held, asked, invited, registered, read, answered."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.vocabulary import CopyState, DeliveryState, Purpose, Relationship, State
from gateway.errors import BadRecipient, EndlessHead, Looping, NotASender
from gateway.flow import receive
from gateway.flow.accounts import registration
from gateway.flow.accounts.registration import Check, Proof
from gateway.flow.inbound.mail_receiver import MailReceiver
from gateway.flow.inbound.understand import Submission
from gateway.flow.inbox import lines, messages
from gateway.ports import Outcome
from tests.practice import World, mail
from tests.reading import kinds, text

STORES = ("memory", "postgres")

BORN = date(1980, 2, 3)
RIGHT = Proof(birthdate=BORN)


async def invited(world, subject="[secure patient 1980-02-03] Your results", **more):
    """Ada's mail to Pat, invited at once by the tag; the invitation's token."""
    await world.receive(mail(subject=subject, **more))
    await world.deliver()
    return await token_for(world)


async def token_for(world, address="pat@home.example"):
    [invitation] = await world.rows(Invitation, address=address, state=State.INVITED)
    return world.keys.token(Purpose.INVITE, invitation.id, invitation.generation)


async def accept(world, token, proof=RIGHT, name="Pat Example"):
    return await world.desk.do(registration.register, token, proof, name, "hash")


# ------------------------------------------------------------------------------------------------ a patient, by mail


async def test_a_stranger_is_held_asked_about_invited_and_reads(world):
    await world.receive(mail(body="The secret result is 42."))
    [receipt] = await world.deliver()
    assert kinds([receipt]) == ["receipt"]
    assert receipt["To"] == "Dr Ada <ada@riverside.example>"
    assert "Your results" not in receipt.as_string()
    assert receipt["In-Reply-To"]

    sent = await world.reply(receipt, "PATIENT 1980-02-03")
    assert kinds(sent) == ["invitation", "transcript"]
    invitation = next(m for m in sent if m["X-Gateway-Notice"] == "invitation")
    assert invitation["To"] == "pat@home.example"
    assert "Dr Ada via Riverside Secure Mail" in invitation["From"]
    assert "1980" not in "".join(m.as_string() for m in sent)

    token = await token_for(world)
    assert token in text(invitation)
    account = await accept(world, token)
    [accepted] = await world.deliver()
    assert kinds([accepted]) == ["accepted"]

    [line] = await world.desk.ask(lines.inbox, account)
    assert (line.subject, line.author, line.unread) == ("Your results", "Dr Ada", True)
    opened = await world.desk.do(messages.open_message, account, line.copy_id)
    assert b"The secret result is 42." in world.content.get(opened.content.id, opened.content.inline, opened.data_key)
    [line] = await world.desk.ask(lines.inbox, account)
    assert not line.unread


async def test_later_mail_goes_to_the_account_with_no_invitation(world):
    account = await accept(world, await invited(world))
    await world.deliver()
    await world.receive(mail(subject="[secure] More"))
    assert kinds(await world.deliver()) == ["new-message"]
    assert len(await world.desk.ask(lines.inbox, account)) == 2
    await world.receive(
        mail(subject="[secure] From Hillside", sender="Dr Omar <omar@hillside.example>"),
        mail_from="omar@hillside.example",
    )
    assert kinds(await world.deliver()) == ["new-message"]


async def test_an_answer_reaches_the_sender_who_answers_by_reply(world):
    account = await accept(world, await invited(world))
    await world.deliver()
    [line] = await world.desk.ask(lines.inbox, account)
    sealed = world.content.put(b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThank you, doctor.\r\n")
    written = messages.Written(sealed, "Re: Your results", "<p1@secure.riverside.example>")
    await world.desk.do(messages.reply, account, line.copy_id, written)
    [answer] = await world.deliver()
    assert answer["X-Gateway-Notice"] == "reply"
    assert answer["To"] == "ada@riverside.example"
    assert answer["Reply-To"].startswith("reply+")
    assert answer.get_content().strip() == "Thank you, doctor."
    assert world.sent[-1][0].mail_from == ""

    await world.receive(mail(answer["Reply-To"], "Re: Your results", "You are welcome."))
    assert kinds(await world.deliver()) == ["new-message"]
    assert len(await world.desk.ask(lines.inbox, account)) == 2
    with pytest.raises(NotASender):
        await world.receive(mail(answer["Reply-To"], "x", "y", "Cleo <cleo@riverside.example>"))


# ----------------------------------------------------------------------------------------------- who, and which way


async def test_each_recipient_is_decided_on_their_own_and_bcc_is_not_shown(world):
    await accept(world, await invited(world))
    await world.deliver()
    world.later()
    octets = mail("pat@home.example, new@home.example", Bcc="dr@hospital.example", Cc="cleo@riverside.example")
    verdicts = await world.receive(
        octets, "pat@home.example", "new@home.example", "dr@hospital.example", "cleo@riverside.example"
    )
    assert [v.action.value for v in verdicts] == ["portal", "hold", "relay", "hold"]
    sent = await world.deliver()
    assert kinds(sent) == ["", "new-message", "receipt"]
    relayed = next(octets for delivery, _, octets in world.sent if delivery.hop == "hospital.example")
    assert b"Bcc" not in relayed
    assert b"dr@hospital.example" not in relayed
    assert b"Subject: Your results\r\n" in relayed
    receipt = next(m for m in sent if m["X-Gateway-Notice"] == "receipt")
    assert "dr@hospital.example" in text(receipt)


async def test_mail_that_is_not_secure_passes_octet_for_octet(world):
    octets = mail(subject="Lunch?")
    await world.receive(octets, "pat@home.example", mail_from="")
    await world.deliver()
    assert world.sent[0][2] == b"Received: by us\r\n" + octets


async def test_secure_mail_of_nobody_here_is_refused_and_bounces_pass_under_always():
    world = World()
    with pytest.raises(NotASender):
        await world.receive(mail(sender="Eve <eve@evil.example>"))
    with pytest.raises(NotASender):
        await world.receive(mail(sender="Dr Ada <ada@riverside.example>, Eve <eve@evil.example>"))
    always = World(site=replace(world.site, marks=replace(world.site.marks, always=True)))
    [verdict] = await always.receive(mail(subject="Undeliverable", sender="x@far.example"), mail_from="")
    assert verdict.action.value == "pass"


async def test_loops_and_unknown_local_addresses_are_refused(world):
    with pytest.raises(Looping):
        await world.receive(b"Received: x\r\n" * 101 + mail())
    with pytest.raises(BadRecipient):
        await world.receive(mail("nobody@secure.riverside.example"))


async def test_a_head_without_end_is_refused_since_a_mark_may_hide_in_it(world):
    with pytest.raises(EndlessHead):
        await world.receive(b"X: y\r\n" * 10_001 + mail())


async def test_a_tag_that_was_not_closed_still_keeps_the_mail_back(world):
    [verdict] = await world.receive(mail(subject="[secure patient 1980-02-03 Results"))
    assert verdict.action.value == "hold"
    assert kinds(await world.deliver()) == ["receipt"]


async def test_the_same_mail_handed_in_twice_is_held_once(world):
    octets = mail()
    await world.receive(octets)
    await world.receive(b"Received: again\r\n" + octets)
    assert len(await world.rows(Copy)) == 1
    assert kinds(await world.deliver()) == ["receipt"]


# --------------------------------------------------------------------------------------------------- relationships


async def test_a_colleague_elsewhere_gives_practice_details(world):
    await world.receive(mail("omar@clinic.example"))
    [receipt] = await world.deliver()
    assert kinds(await world.reply(receipt, "COLLEAGUE")) == ["invitation", "transcript"]
    token = await token_for(world, "omar@clinic.example")
    assert (await world.desk.do(registration.check, token, Proof())).check is Check.WRONG
    account = await accept(
        world, token, Proof(practice_name="Clinic", practice_phone="1", practice_address="2"), "Omar"
    )
    assert account.practice_name == "Clinic"


async def test_a_colleague_here_at_an_outside_address_is_pointed_out_first(world):
    await world.receive(mail("cleo@gmail.example"))
    [receipt] = await world.deliver()
    sent = await world.reply(receipt, "CLINICIAN")
    assert kinds(sent) == ["confirm", "transcript"]
    [invitation] = await world.rows(Invitation)
    assert invitation.state is State.AWAITING
    confirm = next(m for m in sent if m["X-Gateway-Notice"] == "confirm")
    assert kinds(await world.reply(confirm, "YES")) == ["invitation", "transcript"]
    [invitation] = await world.rows(Invitation)
    assert (invitation.state, invitation.relationship) == (State.INVITED, Relationship.COLLEAGUE_HERE)
    assert "nothing_to_confirm" in text((await world.reply(confirm, "YES", "please"))[0])


async def test_a_colleague_here_confirms_the_practice(world):
    await world.receive(mail("cleo@riverside.example", "[secure staff] Rota"))
    assert kinds(await world.deliver()) == ["invitation", "receipt"]
    token = await token_for(world, "cleo@riverside.example")
    assert await accept(world, token, Proof(), "Cleo") is None
    assert await accept(world, token, Proof(organisation=True), "Cleo")


# ------------------------------------------------------------------------------------------------------ the calendar


async def test_reminders_on_days_3_15_and_30_then_expiry_then_lapse(world):
    await invited(world)
    seen = {}
    for day in range(1, 62):
        await world.days(1)
        if sent := kinds(await world.deliver()):
            seen[day] = sent
    assert seen == {3: ["reminder"], 15: ["reminder"], 30: ["reminder"], 31: ["expired"], 61: ["lapsed"]}
    assert await world.rows(Content) == []
    [invitation] = await world.rows(Invitation)
    assert invitation.due_at is None


async def test_a_sender_who_does_not_answer_is_asked_on_days_1_and_3_and_it_lapses_on_day_7(world):
    await world.receive(mail())
    await world.deliver()
    seen = {}
    for day in range(1, 10):
        await world.days(1)
        if sent := kinds(await world.deliver()):
            seen[day] = sent
    assert seen == {1: ["details-again"], 3: ["details-again"], 7: ["lapsed"]}
    assert [copy.state for copy in await world.rows(Copy)] == [CopyState.DESTROYED]


async def test_missed_days_collapse_into_one_reminder(world):
    await invited(world)
    world.clock.advance(days=16)
    await world.tick()
    assert kinds(await world.deliver()) == ["reminder"]


async def test_an_expired_invitation_is_renewed_with_a_new_link_and_the_mail_kept(world):
    old = await invited(world)
    await world.days(31)
    expired = next(m for m in await world.deliver() if m["X-Gateway-Notice"] == "expired")
    assert await world.desk.ask(registration.look, old) is None
    assert kinds(await world.reply(expired, "INVITE")) == ["invitation", "transcript"]
    new = await token_for(world)
    assert new != old
    assert await world.desk.ask(registration.look, old) is None
    account = await accept(world, new)
    assert len(await world.desk.ask(lines.inbox, account)) == 1


# ------------------------------------------------------------------------------------------------- wrong birthdates


async def test_three_wrong_birthdates_lock_and_one_reply_mends_it(world):
    token = await invited(world)
    wrong = Proof(birthdate=date(1980, 3, 2))
    tries = [await world.desk.do(registration.check, token, wrong) for _ in range(3)]
    assert [(t.check, t.tries_left) for t in tries] == [(Check.WRONG, 2), (Check.WRONG, 1), (Check.LOCKED, 0)]
    assert (await world.desk.do(registration.check, token, RIGHT)).check is Check.DEAD
    assert await accept(world, token) is None
    [locked, shut_out] = await world.deliver()
    assert kinds([locked, shut_out]) == ["locked", "locked"]
    assert shut_out["To"] == "pat@home.example"
    assert kinds(await world.reply(locked, "PATIENT 3 March 1980")) == ["invitation", "transcript"]
    account = await accept(world, await token_for(world), Proof(birthdate=date(1980, 3, 3)))
    assert len(await world.desk.ask(lines.inbox, account)) == 1


async def test_wrong_birthdates_are_capped_over_all_rounds(world):
    token = await invited(world)
    for _ in range(3):
        for _ in range(3):
            await world.desk.do(registration.check, token, Proof(birthdate=date(1970, 1, 1)))
        [locked, _] = await world.deliver()
        answers = await world.reply(locked, "PATIENT 1980-02-03")
        [invitation] = await world.rows(Invitation)
        token = world.keys.token(Purpose.INVITE, invitation.id, invitation.generation)
    assert kinds(answers) == ["transcript"]
    assert "used_up" in text(answers[0])


async def test_a_date_that_cannot_be_read_is_no_try(world):
    token = await invited(world)
    for _ in range(5):
        assert (await world.desk.do(registration.check, token, Proof())).check is Check.WRONG
    assert (await world.desk.do(registration.check, token, RIGHT)).tries_left == 3


# ------------------------------------------------------------------------------------------------------- two senders


async def test_a_second_sender_joins_and_cancel_withdraws_only_ones_own(world):
    await invited(world)
    cleo = "Cleo <cleo@riverside.example>"
    await world.receive(
        mail(subject="[secure patient 1999-09-09] Mine", sender=cleo), mail_from="cleo@riverside.example"
    )
    [receipt] = await world.deliver()
    [invitation] = await world.rows(Invitation)
    assert await world.desk.ask(_is_birthdate, invitation, BORN)
    assert not await world.desk.ask(_is_birthdate, invitation, date(1999, 9, 9))
    await world.reply(receipt, "CANCEL", sender=cleo)
    assert sorted(copy.state for copy in await world.rows(Copy)) == [CopyState.DESTROYED, CopyState.HELD]
    account = await accept(world, await token_for(world))
    assert [line.subject for line in await world.desk.ask(lines.inbox, account)] == ["Your results"]


def _is_birthdate(ctx, invitation, born):
    return ctx.is_birthdate(invitation.id, invitation.birthdate_digest, born)


async def test_the_last_sender_to_cancel_ends_it_and_the_mail_is_destroyed(world):
    token = await invited(world)
    [waiting] = [m for _, m, _ in world.sent if m["X-Gateway-Notice"] == "receipt"]
    [transcript] = await world.reply(waiting, "CANCEL")
    assert "cancelled" in text(transcript)
    assert await world.rows(Content) == []
    assert await world.desk.ask(registration.look, token) is None
    assert await accept(world, token) is None


async def test_another_practices_mail_waits_for_its_own_question(world):
    omar = "Dr Omar <omar@hillside.example>"
    octets = mail(subject="[secure patient 1980-02-03] From Hillside", sender=omar)
    await world.receive(octets, mail_from="omar@hillside.example")
    await world.deliver()
    await world.receive(mail(subject="[secure patient 1980-02-03] From Riverside"))
    await world.deliver()
    [hillside] = await world.rows(Invitation, practice_id="hillside")
    riverside = (await world.rows(Invitation, practice_id="riverside"))[0]
    account = await accept(world, world.keys.token(Purpose.INVITE, riverside.id))
    assert [line.subject for line in await world.desk.ask(lines.inbox, account)] == ["From Riverside"]
    [question] = await world.desk.ask(registration.questions, account)
    assert question.practice == "Hillside Surgery"
    wrong = await world.desk.do(registration.answer, account, hillside.id, Proof(birthdate=date(1999, 1, 1)))
    assert wrong.tries_left == 2
    await world.desk.do(registration.answer, account, hillside.id, RIGHT)
    assert len(await world.desk.ask(lines.inbox, account)) == 2


# ---------------------------------------------------------------------------------------------------------- delivery


async def test_a_hop_that_is_down_is_tried_again_with_growing_pauses(world):
    await world.receive(mail(subject="plain"))
    waits = []
    for _ in range(4):
        before = world.clock.now()
        await world.deliver(Outcome(0, "connection refused"))
        [delivery] = await world.rows(Delivery)
        waits.append((delivery.due_at - before).total_seconds() / 60)
        world.clock.at = delivery.due_at
    assert waits == [7.5, 15, 30, 60]
    await world.deliver()
    assert [d.state for d in await world.rows(Delivery)] == [DeliveryState.SENT]
    assert await world.rows(Content) == []


async def test_a_mail_that_is_refused_for_good_is_reported_without_its_body(world):
    await world.receive(mail(subject="plain", body="Private words."), mail_from="ada@riverside.example")
    await world.deliver(Outcome(550, "5.1.1 no such user"))
    _, report, octets = world.sent[-1]
    assert report.get_content_type() == "multipart/report"
    assert report["To"] == "ada@riverside.example"
    assert b"Private words" not in octets
    assert b"Final-Recipient: rfc822; pat@home.example" in octets


async def test_an_invitation_to_a_dead_address_tells_the_sender_once(world):
    await world.receive(mail(subject="[secure patient 1980-02-03] x"))
    await world.deliver(Outcome(550, "5.1.1 no such user"))
    [invitation] = await world.rows(Invitation)
    assert invitation.state is State.UNDELIVERABLE
    assert kinds(m for _, m, _ in world.sent).count("undeliverable") == 1


async def test_an_invitation_that_was_withdrawn_while_it_waited_is_not_sent(world):
    await world.receive(mail(subject="[secure patient 1980-02-03] x"))
    await world.deliver(Outcome(0, "down"))
    receipt_token = world.keys.token(Purpose.WAITING_SENDER, 1)
    await world.receive(mail(f"bot+{receipt_token}@secure.riverside.example", "x", "CANCEL"))
    world.clock.advance(hours=1)
    assert "invitation" not in kinds(await world.deliver())


@pytest.mark.parametrize("world", ["memory"], indirect=True)
async def test_large_mail_that_is_handed_in_again_leaves_no_file(world, monkeypatch):
    discarded = []
    monkeypatch.setattr("gateway.testing.MemoryTx.discard", lambda _, content_id: discarded.append(content_id))
    submission = Submission("ada@riverside.example", ("pat@home.example",), trusted=True)
    octets = mail()
    for _ in range(2):
        receiver = MailReceiver(world.site, world.keys, world.content, submission, "Received: by us\r\n")
        receiver.feed(octets)
        draft, forms = receiver.finish()
        spilt = replace(forms, secure=replace(forms.secure, inline=None))
        await world.desk.do(receive.accept, draft, spilt)
        last = forms.secure.content_id
    assert discarded == [last]
