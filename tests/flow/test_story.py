"""The main job, on the flows alone: written, held, asked, invited, registered, read, answered."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.vocabulary import CopyState, DeliveryState, Purpose, Relationship, State
from gateway.errors import BadRecipient, EndlessHead, Looping, NotASender
from gateway.flow import lines, receive, register, release
from gateway.flow.register import Check, Proof
from gateway.flow.take_in import Taking
from gateway.flow.understand import Submission
from gateway.ports import Outcome
from tests.flow.conftest import House, kinds, mail, text

BORN = date(1980, 2, 3)
RIGHT = Proof(birthdate=BORN)


async def invited(house, subject="[secure patient 1980-02-03] Your results", **more):
    """Ada's mail to Pat, invited at once by the tag; the invitation's token."""
    await house.receive(mail(subject=subject, **more))
    await house.deliver()
    return await token_for(house)


async def token_for(house, address="pat@home.example"):
    [invitation] = await house.rows(Invitation, address=address, state=State.INVITED)
    return house.keys.token(Purpose.INVITE, invitation.id, invitation.generation)


async def accept(house, token, proof=RIGHT, name="Pat Example"):
    return await house.desk.do(register.register, token, proof, name, "hash")


# ------------------------------------------------------------------------------------------------ a patient, by mail


async def test_a_stranger_is_held_asked_about_invited_and_reads(house):
    await house.receive(mail(body="The secret result is 42."))
    [receipt] = await house.deliver()
    assert kinds([receipt]) == ["receipt"]
    assert receipt["To"] == "Dr Ada <ada@riverside.example>"
    assert "Your results" not in receipt.as_string()
    assert receipt["In-Reply-To"]

    sent = await house.reply(receipt, "PATIENT 1980-02-03")
    assert kinds(sent) == ["invitation", "transcript"]
    invitation = next(m for m in sent if m["X-Gateway-Notice"] == "invitation")
    assert invitation["To"] == "pat@home.example"
    assert "Dr Ada via Riverside Secure Mail" in invitation["From"]
    assert "1980" not in "".join(m.as_string() for m in sent)

    token = await token_for(house)
    assert token in text(invitation)
    account = await accept(house, token)
    [accepted] = await house.deliver()
    assert kinds([accepted]) == ["accepted"]

    [line] = await house.desk.ask(lines.inbox, account)
    assert (line.subject, line.author, line.unread) == ("Your results", "Dr Ada", True)
    opened = await house.desk.do(release.open_message, account, line.copy_id)
    assert b"The secret result is 42." in house.content.get(opened.content.id, None, opened.data_key)
    [line] = await house.desk.ask(lines.inbox, account)
    assert not line.unread


async def test_later_mail_goes_to_the_account_with_no_invitation(house):
    account = await accept(house, await invited(house))
    await house.deliver()
    await house.receive(mail(subject="[secure] More"))
    assert kinds(await house.deliver()) == ["new-message"]
    assert len(await house.desk.ask(lines.inbox, account)) == 2
    await house.receive(
        mail(subject="[secure] From Hillside", sender="Dr Omar <omar@hillside.example>"),
        mail_from="omar@hillside.example",
    )
    assert kinds(await house.deliver()) == ["new-message"]


async def test_an_answer_reaches_the_sender_who_answers_by_reply(house):
    account = await accept(house, await invited(house))
    await house.deliver()
    [line] = await house.desk.ask(lines.inbox, account)
    sealed = house.content.put(b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThank you, doctor.\r\n")
    written = release.Written(sealed, "Re: Your results", "<p1@secure.riverside.example>")
    await house.desk.do(release.reply, account, line.copy_id, written)
    [answer] = await house.deliver()
    assert answer["X-Gateway-Notice"] == "reply"
    assert answer["To"] == "ada@riverside.example"
    assert answer["Reply-To"].startswith("reply+")
    assert answer.get_content().strip() == "Thank you, doctor."
    assert house.sent[-1][0].mail_from == ""

    await house.receive(mail(answer["Reply-To"], "Re: Your results", "You are welcome."))
    assert kinds(await house.deliver()) == ["new-message"]
    assert len(await house.desk.ask(lines.inbox, account)) == 2
    with pytest.raises(NotASender):
        await house.receive(mail(answer["Reply-To"], "x", "y", "Cleo <cleo@riverside.example>"))


# ----------------------------------------------------------------------------------------------- who, and which way


async def test_each_recipient_is_decided_on_their_own_and_bcc_is_not_shown(house):
    await accept(house, await invited(house))
    await house.deliver()
    octets = mail("pat@home.example, new@home.example", Bcc="dr@hospital.example", Cc="cleo@riverside.example")
    verdicts = await house.receive(
        octets, "pat@home.example", "new@home.example", "dr@hospital.example", "cleo@riverside.example"
    )
    assert [v.action.value for v in verdicts] == ["portal", "hold", "relay", "hold"]
    sent = await house.deliver()
    assert kinds(sent) == ["", "new-message", "receipt"]
    relayed = next(octets for delivery, _, octets in house.sent if delivery.hop == "hospital.example")
    assert b"Bcc" not in relayed
    assert b"dr@hospital.example" not in relayed
    assert b"Subject: Your results\r\n" in relayed
    receipt = next(m for m in sent if m["X-Gateway-Notice"] == "receipt")
    assert "dr@hospital.example" in text(receipt)


async def test_mail_that_is_not_secure_passes_octet_for_octet(house):
    octets = mail(subject="Lunch?")
    await house.receive(octets, "pat@home.example", mail_from="")
    await house.deliver()
    assert house.sent[0][2] == b"Received: by us\r\n" + octets


async def test_secure_mail_of_nobody_here_is_refused_and_bounces_pass_under_always():
    house = House()
    with pytest.raises(NotASender):
        await house.receive(mail(sender="Eve <eve@evil.example>"))
    with pytest.raises(NotASender):
        await house.receive(mail(sender="Dr Ada <ada@riverside.example>, Eve <eve@evil.example>"))
    always = House(site=replace(house.site, marks=replace(house.site.marks, always=True)))
    [verdict] = await always.receive(mail(subject="Undeliverable", sender="x@far.example"), mail_from="")
    assert verdict.action.value == "pass"


async def test_loops_and_unknown_local_addresses_are_refused(house):
    with pytest.raises(Looping):
        await house.receive(b"Received: x\r\n" * 101 + mail())
    with pytest.raises(BadRecipient):
        await house.receive(mail("nobody@secure.riverside.example"))


async def test_a_head_without_end_is_refused_since_a_mark_may_hide_in_it(house):
    with pytest.raises(EndlessHead):
        await house.receive(b"X: y\r\n" * 10_001 + mail())


async def test_a_tag_that_was_not_closed_still_keeps_the_mail_back(house):
    [verdict] = await house.receive(mail(subject="[secure patient 1980-02-03 Results"))
    assert verdict.action.value == "hold"
    assert kinds(await house.deliver()) == ["receipt"]


async def test_the_same_mail_handed_in_twice_is_held_once(house):
    octets = mail()
    await house.receive(octets)
    await house.receive(b"Received: again\r\n" + octets)
    assert len(await house.rows(Copy)) == 1
    assert kinds(await house.deliver()) == ["receipt"]


# --------------------------------------------------------------------------------------------------- relationships


async def test_a_colleague_elsewhere_gives_practice_details(house):
    await house.receive(mail("omar@clinic.example"))
    [receipt] = await house.deliver()
    assert kinds(await house.reply(receipt, "COLLEAGUE")) == ["invitation", "transcript"]
    token = await token_for(house, "omar@clinic.example")
    assert (await house.desk.do(register.check, token, Proof())).check is Check.WRONG
    account = await accept(
        house, token, Proof(practice_name="Clinic", practice_phone="1", practice_address="2"), "Omar"
    )
    assert account.practice_name == "Clinic"


async def test_a_colleague_here_at_an_outside_address_is_pointed_out_first(house):
    await house.receive(mail("cleo@gmail.example"))
    [receipt] = await house.deliver()
    sent = await house.reply(receipt, "CLINICIAN")
    assert kinds(sent) == ["confirm", "transcript"]
    [invitation] = await house.rows(Invitation)
    assert invitation.state is State.AWAITING
    confirm = next(m for m in sent if m["X-Gateway-Notice"] == "confirm")
    assert kinds(await house.reply(confirm, "YES")) == ["invitation", "transcript"]
    [invitation] = await house.rows(Invitation)
    assert (invitation.state, invitation.relationship) == (State.INVITED, Relationship.COLLEAGUE_HERE)
    assert "nothing_to_confirm" in text((await house.reply(confirm, "YES", "please"))[0])


async def test_a_colleague_here_confirms_the_practice(house):
    await house.receive(mail("cleo@riverside.example", "[secure staff] Rota"))
    assert kinds(await house.deliver()) == ["invitation", "receipt"]
    token = await token_for(house, "cleo@riverside.example")
    assert await accept(house, token, Proof(), "Cleo") is None
    assert await accept(house, token, Proof(organisation=True), "Cleo")


# ------------------------------------------------------------------------------------------------------ the calendar


async def test_reminders_on_days_3_15_and_30_then_expiry_then_lapse(house):
    await invited(house)
    seen = {}
    for day in range(1, 62):
        await house.days(1)
        if sent := kinds(await house.deliver()):
            seen[day] = sent
    assert seen == {3: ["reminder"], 15: ["reminder"], 30: ["reminder"], 31: ["expired"], 61: ["lapsed"]}
    assert await house.rows(Content) == []
    [invitation] = await house.rows(Invitation)
    assert invitation.due_at is None


async def test_a_sender_who_does_not_answer_is_asked_on_days_1_and_3_and_it_lapses_on_day_7(house):
    await house.receive(mail())
    await house.deliver()
    seen = {}
    for day in range(1, 10):
        await house.days(1)
        if sent := kinds(await house.deliver()):
            seen[day] = sent
    assert seen == {1: ["details-again"], 3: ["details-again"], 7: ["lapsed"]}
    assert [copy.state for copy in await house.rows(Copy)] == [CopyState.DESTROYED]


async def test_missed_days_collapse_into_one_reminder(house):
    await invited(house)
    house.clock.advance(days=16)
    await house.tick()
    assert kinds(await house.deliver()) == ["reminder"]


async def test_an_expired_invitation_is_renewed_with_a_new_link_and_the_mail_kept(house):
    old = await invited(house)
    await house.days(31)
    expired = next(m for m in await house.deliver() if m["X-Gateway-Notice"] == "expired")
    assert await house.desk.ask(register.look, old) is None
    assert kinds(await house.reply(expired, "INVITE")) == ["invitation", "transcript"]
    new = await token_for(house)
    assert new != old
    assert await house.desk.ask(register.look, old) is None
    account = await accept(house, new)
    assert len(await house.desk.ask(lines.inbox, account)) == 1


# ------------------------------------------------------------------------------------------------- wrong birthdates


async def test_three_wrong_birthdates_lock_and_one_reply_mends_it(house):
    token = await invited(house)
    wrong = Proof(birthdate=date(1980, 3, 2))
    tries = [await house.desk.do(register.check, token, wrong) for _ in range(3)]
    assert [(t.check, t.tries_left) for t in tries] == [(Check.WRONG, 2), (Check.WRONG, 1), (Check.LOCKED, 0)]
    assert (await house.desk.do(register.check, token, RIGHT)).check is Check.DEAD
    assert await accept(house, token) is None
    [locked] = await house.deliver()
    assert kinds([locked]) == ["locked"]
    assert kinds(await house.reply(locked, "PATIENT 3 March 1980")) == ["invitation", "transcript"]
    account = await accept(house, await token_for(house), Proof(birthdate=date(1980, 3, 3)))
    assert len(await house.desk.ask(lines.inbox, account)) == 1


async def test_wrong_birthdates_are_capped_over_all_rounds(house):
    token = await invited(house)
    for _ in range(3):
        for _ in range(3):
            await house.desk.do(register.check, token, Proof(birthdate=date(1970, 1, 1)))
        [locked] = await house.deliver()
        answers = await house.reply(locked, "PATIENT 1980-02-03")
        [invitation] = await house.rows(Invitation)
        token = house.keys.token(Purpose.INVITE, invitation.id, invitation.generation)
    assert kinds(answers) == ["transcript"]
    assert "used_up" in text(answers[0])


async def test_a_date_that_cannot_be_read_is_no_try(house):
    token = await invited(house)
    for _ in range(5):
        assert (await house.desk.do(register.check, token, Proof())).check is Check.WRONG
    assert (await house.desk.do(register.check, token, RIGHT)).tries_left == 3


# ------------------------------------------------------------------------------------------------------- two senders


async def test_a_second_sender_joins_and_cancel_withdraws_only_ones_own(house):
    await invited(house)
    cleo = "Cleo <cleo@riverside.example>"
    await house.receive(
        mail(subject="[secure patient 1999-09-09] Mine", sender=cleo), mail_from="cleo@riverside.example"
    )
    [receipt] = await house.deliver()
    assert (await house.rows(Invitation))[0].birthdate_digest == (await house.desk.ask(_digest))
    await house.reply(receipt, "CANCEL", sender=cleo)
    assert sorted(copy.state for copy in await house.rows(Copy)) == [CopyState.DESTROYED, CopyState.HELD]
    account = await accept(house, await token_for(house))
    assert [line.subject for line in await house.desk.ask(lines.inbox, account)] == ["Your results"]


def _digest(ctx):
    return ctx.birthdate_digest(1, BORN)


async def test_the_last_sender_to_cancel_ends_it_and_the_mail_is_destroyed(house):
    token = await invited(house)
    [waiting] = [m for _, m, _ in house.sent if m["X-Gateway-Notice"] == "receipt"]
    [transcript] = await house.reply(waiting, "CANCEL")
    assert "cancelled" in text(transcript)
    assert await house.rows(Content) == []
    assert await house.desk.ask(register.look, token) is None
    assert await accept(house, token) is None


async def test_another_practices_mail_waits_for_its_own_question(house):
    omar = "Dr Omar <omar@hillside.example>"
    octets = mail(subject="[secure patient 1980-02-03] From Hillside", sender=omar)
    await house.receive(octets, mail_from="omar@hillside.example")
    await house.deliver()
    await house.receive(mail(subject="[secure patient 1980-02-03] From Riverside"))
    await house.deliver()
    [hillside] = await house.rows(Invitation, practice_id="hillside")
    riverside = (await house.rows(Invitation, practice_id="riverside"))[0]
    account = await accept(house, house.keys.token(Purpose.INVITE, riverside.id))
    assert [line.subject for line in await house.desk.ask(lines.inbox, account)] == ["From Riverside"]
    [question] = await house.desk.ask(register.questions, account)
    assert question.practice == "Hillside Surgery"
    wrong = await house.desk.do(register.answer, account, hillside.id, Proof(birthdate=date(1999, 1, 1)))
    assert wrong.tries_left == 2
    await house.desk.do(register.answer, account, hillside.id, RIGHT)
    assert len(await house.desk.ask(lines.inbox, account)) == 2


# ---------------------------------------------------------------------------------------------------------- delivery


async def test_a_hop_that_is_down_is_tried_again_with_growing_pauses(house):
    await house.receive(mail(subject="plain"))
    waits = []
    for _ in range(4):
        before = house.clock.now()
        await house.deliver(Outcome(0, "connection refused"))
        [delivery] = await house.rows(Delivery)
        waits.append((delivery.due_at - before).total_seconds() / 60)
        house.clock.at = delivery.due_at
    assert waits == [7.5, 15, 30, 60]
    await house.deliver()
    assert [d.state for d in await house.rows(Delivery)] == [DeliveryState.SENT]
    assert await house.rows(Content) == []


async def test_a_mail_that_is_refused_for_good_is_reported_without_its_body(house):
    await house.receive(mail(subject="plain", body="Private words."), mail_from="ada@riverside.example")
    await house.deliver(Outcome(550, "5.1.1 no such user"))
    _, report, octets = house.sent[-1]
    assert report.get_content_type() == "multipart/report"
    assert report["To"] == "ada@riverside.example"
    assert b"Private words" not in octets
    assert b"Final-Recipient: rfc822; pat@home.example" in octets


async def test_an_invitation_to_a_dead_address_tells_the_sender_once(house):
    await house.receive(mail(subject="[secure patient 1980-02-03] x"))
    await house.deliver(Outcome(550, "5.1.1 no such user"))
    [invitation] = await house.rows(Invitation)
    assert invitation.state is State.UNDELIVERABLE
    assert kinds(m for _, m, _ in house.sent).count("undeliverable") == 1


async def test_an_invitation_that_was_withdrawn_while_it_waited_is_not_sent(house):
    await house.receive(mail(subject="[secure patient 1980-02-03] x"))
    await house.deliver(Outcome(0, "down"))
    receipt_token = house.keys.token(Purpose.WAITER, 1)
    await house.receive(mail(f"bot+{receipt_token}@secure.riverside.example", "x", "CANCEL"))
    house.clock.advance(hours=1)
    assert "invitation" not in kinds(await house.deliver())


async def test_large_mail_that_is_handed_in_again_leaves_no_file(house, monkeypatch):
    discarded = []
    monkeypatch.setattr("gateway.testing.MemoryTx.discard", lambda _, content_id: discarded.append(content_id))
    submission = Submission("ada@riverside.example", ("pat@home.example",), trusted=True)
    octets = mail()
    for _ in range(2):
        taking = Taking(house.site, house.content, submission, "Received: by us\r\n")
        taking.feed(octets)
        draft, exits = taking.finish()
        spilt = replace(exits, secure=replace(exits.secure, inline=None))
        await house.desk.do(receive.accept, draft, spilt)
        last = exits.secure.content_id
    assert discarded == [last]
