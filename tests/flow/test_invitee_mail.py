"""An invited person answers our mail: they hear that nobody reads there, and those who wait hear of it."""

from dataclasses import replace

import pytest

from gateway.domain.model import Account, Content, Copy, Invitation, Sender
from gateway.domain.vocabulary import CopyState, DeliverySignal, Notice, Purpose, State
from gateway.errors import NotASender, TooLarge, TooMany
from gateway.flow.inbound import invitee_mail
from tests.practice import ADA, BEA, PAT, PATIENT_TAG, RIVERSIDE, SITE, World, bare, mail
from tests.reading import kinds, text

WORDS = "I have chest pain since this morning."


async def invited(world: World, tag: str = PATIENT_TAG):
    """Pat's invitation, as it arrived."""
    await world.receive(mail(subject=f"[{tag}] Your results"))
    return next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "invitation")


async def answer(world: World, notice, words: str = WORDS, author: str = PAT, **more: str):
    """Pat answers from anywhere on the internet; the mails that follow, by audience."""
    mail_from = more.pop("mail_from", bare(author))
    octets = mail(notice["Reply-To"], f"Re: {notice['Subject']}", words, author, **more)
    await world.receive(octets, mail_from=mail_from, trusted=False)
    return {one["X-Gateway-Audience"]: one for one in await world.deliver()}


async def kept(world: World) -> list[Copy]:
    return await world.rows(Copy, state=CopyState.TO_SENDERS)


async def test_an_answer_tells_the_invitee_that_nobody_reads_and_the_sender_that_there_is_one(world):
    heard = await answer(world, await invited(world), message_id="<pain@home.example>")
    told, back = heard["sender"], heard["invitee"]
    assert (told["X-Gateway-Notice"], told["To"]) == ("answered-notice", "Dr Ada <ada@riverside.example>")
    assert WORDS not in told.as_string()
    assert back["To"] == "pat@home.example"
    assert (back["Auto-Submitted"], back["In-Reply-To"]) == ("auto-replied", "<pain@home.example>")  # RFC 3834 §5
    [invitation] = await world.rows(Invitation)
    assert world.keys.token(Purpose.INVITE, invitation.id, invitation.generation) in text(back)
    assert WORDS not in back.as_string()


async def test_all_who_wait_are_told(world):
    invitation = await invited(world)
    await world.receive(mail(sender=BEA), mail_from=bare(BEA))
    await world.deliver()
    await answer(world, invitation)
    told = [m["To"] for _, m, _ in world.sent if m["X-Gateway-Notice"] == "answered-notice"]
    assert told == [ADA, BEA]


@pytest.mark.parametrize("kind", ["invitation", "reminder", "locked", "nobody-reads"])
async def test_every_mail_to_an_invitee_can_be_answered(world, kind):
    await invited(world)
    if kind == "reminder":
        await world.days(3)
    if kind == "locked":
        await world.collect()
        await world.try_birthdate(times=3)
    if kind == "nobody-reads":
        await answer(world, next(m for _, m, _ in world.sent if m["X-Gateway-Notice"] == "invitation"), "first")
    await world.deliver()
    notice = next(m for _, m, _ in reversed(world.sent) if (m["X-Gateway-Notice"], m["To"]) == (kind, bare(PAT)))
    before = len(await kept(world))
    await answer(world, notice, "and this?")
    assert len(await kept(world)) == before + 1


async def test_the_invitee_is_answered_once_a_day_and_the_sender_told_each_time_up_to_five(world):
    invitation = await invited(world)
    answers = [await answer(world, invitation, f"{WORDS} {n}") for n in range(7)]
    assert [sorted(heard) for heard in answers] == [["invitee", "sender"], *[["sender"]] * 4, [], []]
    assert "last_of: 5" in text(answers[4]["sender"])
    assert len(await kept(world)) == 7
    world.clock.advance(days=1)
    assert sorted(await answer(world, invitation, "Hello?")) == ["invitee", "sender"]


async def test_a_day_keeps_so_many_answers_and_the_next_one_comes_again_tomorrow(world):
    invitation = await invited(world)
    for n in range(invitee_mail.MOST_KEPT):
        await answer(world, invitation, f"{n}")
    with pytest.raises(TooMany):
        await answer(world, invitation, "one more")
    assert len(await kept(world)) == invitee_mail.MOST_KEPT


async def test_an_answer_that_is_too_large_is_refused(world, monkeypatch):
    monkeypatch.setattr(invitee_mail, "MOST_OCTETS", 100)
    with pytest.raises(TooLarge):
        await answer(world, await invited(world))
    assert await kept(world) == []


async def test_the_same_answer_handed_in_twice_is_one(world):
    invitation = await invited(world)
    octets = mail(invitation["Reply-To"], "Re: x", WORDS, PAT)
    for _ in range(2):
        await world.receive(octets, mail_from=bare(PAT), trusted=False)
    assert len(await kept(world)) == 1


@pytest.mark.parametrize(
    "sign",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated; owner-email=x@home.example"},
        {"mail_from": ""},
    ],
)
async def test_an_automatic_answer_is_no_answer(world, sign):
    assert await answer(world, await invited(world), **sign) == {}
    assert await kept(world) == []


async def test_a_report_that_went_astray_is_no_answer(world):
    notice = await invited(world)
    octets = mail(notice["Reply-To"], "Undelivered", "x", "Mail <postmaster@home.example>")
    report = octets.replace(b"Content-Type: text/plain", b"Content-Type: multipart/report; boundary=x")
    await world.receive(report, mail_from="postmaster@home.example", trusted=False)
    assert await world.deliver() == []
    assert await kept(world) == []


async def test_a_note_of_absence_is_told_in_status(world):
    await answer(world, await invited(world), auto_submitted="auto-replied")
    [invitation] = await world.rows(Invitation)
    assert invitation.delivery_signal is DeliverySignal.AWAY


@pytest.mark.parametrize(
    "sign",
    [{"precedence": "bulk"}, {"list_unsubscribe": "<mailto:x@y.example>"}, {"x_ms_exchange_inbox_rules_loop": "x@y"}],
)
async def test_what_a_person_may_have_written_is_passed_on_and_not_answered(world, sign):
    assert sorted(await answer(world, await invited(world), **sign)) == ["sender"]
    assert len(await kept(world)) == 1


async def test_the_link_goes_to_the_invitees_own_address_alone(world):
    heard = await answer(world, await invited(world), author="Sam <sam@elsewhere.example>")
    assert heard["invitee"]["To"] == "sam@elsewhere.example"
    assert "invite: \r\n" in text(heard["invitee"])
    assert "Pat" not in text(heard["invitee"])
    assert sorted(heard) == ["invitee", "sender"]


async def test_who_has_an_account_is_sent_there(world):
    invitation = await invited(world)
    await world.collect()
    await world.accept()
    await world.deliver()
    heard = await answer(world, invitation)
    assert "invite: \r\n" in text(heard["invitee"])
    assert "has_account: True" in text(heard["invitee"])
    assert "sender" in heard


async def test_what_to_do_in_an_emergency_is_the_practices_own_word(world):
    world.site = replace(SITE, practices=(replace(RIVERSIDE, emergency="Ring 999."),))
    world.__post_init__()
    assert "Ring 999." in text((await answer(world, await invited(world)))["invitee"])


@pytest.mark.parametrize("token", ["a", "aaaa", "aaaeabcdefghijklmnopqrstuvwx"])
async def test_a_token_that_was_made_up_is_refused_like_any(world, token):
    await invited(world)
    with pytest.raises(NotASender):
        await world.receive(mail(f"reply+{token}@{SITE.domain}", sender=PAT), mail_from=bare(PAT), trusted=False)


async def test_the_answer_of_who_was_moved_away_reaches_the_sender_and_gets_no_link(world):
    invitation = await invited(world)
    await world.receive(mail(f"bot@{SITE.domain}", "x", "pat@home.example MOVE pat@right.example"), authenticated=True)
    await world.deliver()
    heard = await answer(world, invitation, "Wrong person!")
    assert "invite: \r\n" in text(heard["invitee"])
    assert heard["sender"]["X-Gateway-Notice"] == "answered-notice"


# ------------------------------------------------------------------------------------------- who has an account by now


async def announced(world: World, author: str = ADA):
    """Pat has accepted Ada's invitation, and has a new message."""
    await invited(world)
    await world.collect()
    await world.accept()
    await world.deliver()
    await world.receive(mail(sender=author), mail_from=bare(author))
    return next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "new-message")


async def test_the_mail_that_announces_a_message_can_be_answered_too(world):
    heard = await answer(world, await announced(world))
    assert (heard["sender"]["X-Gateway-Notice"], heard["sender"]["To"]) == ("answered-notice", ADA)
    assert (heard["invitee"]["To"], heard["invitee"]["Auto-Submitted"]) == ("Pat <pat@home.example>", "auto-replied")
    assert "has_account: True" in text(heard["invitee"])


async def test_that_is_for_who_wrote_the_message_alone(world):
    notice = await announced(world, BEA)
    assert (await answer(world, notice))["sender"]["To"] == BEA
    [invitation] = await world.rows(Invitation)
    senders = {one.address: one for one in await world.rows(Sender)}
    seen = {
        who: len(await world.desk.ask(invitee_mail.readable, sender, invitation)) for who, sender in senders.items()
    }
    assert seen == {bare(ADA): 0, bare(BEA): 1}


async def test_who_never_was_invited_there_hears_that_nobody_reads(world):
    await world.registered()
    await world.receive(mail())
    [notice] = await world.deliver()
    assert list(await answer(world, notice)) == ["invitee"]
    assert await kept(world) == []


async def test_an_erased_account_is_not_written_to(world):
    notice = await announced(world)
    account = await world.one(Account)
    await world.store.write(lambda tx: tx.put(replace(account, typed="", address="erased")))
    assert await answer(world, notice) == {}


# ------------------------------------------------------------------------------------------------------- what is kept


async def test_nothing_of_an_answer_is_kept_in_clear(world):
    await answer(world, await invited(world))
    rows = [row for table in (await world.everything()).values() for row in table]
    assert "chest pain" not in repr(rows)


async def say(world: World, line: str) -> None:
    octets = mail(f"bot@{SITE.domain}", "x", line)
    await world.receive(octets, authenticated=True)
    await world.deliver()


async def test_it_is_destroyed_with_the_held_mail(world):
    await answer(world, await invited(world))
    await say(world, "pat@home.example CANCEL")
    assert {copy.wrapped_key for copy in await world.rows(Copy)} == {None}
    assert await world.rows(Content) == []


async def test_it_lapses_with_the_held_mail(world):
    await answer(world, await invited(world))
    await world.days(31 + 31)
    [invitation] = await world.rows(Invitation)
    assert invitation.state is State.LAPSED
    assert {copy.wrapped_key for copy in await world.rows(Copy)} == {None}


async def test_it_is_kept_when_the_invitation_is_accepted_and_wherever_that_moves(world):
    await answer(world, await invited(world))
    await say(world, "pat@home.example MOVE pat@right.example")
    await world.collect()
    await world.accept()
    [copy] = await kept(world)
    assert copy.wrapped_key


async def test_when_nobody_waits_any_more_nothing_is_kept(world):
    invitation = await invited(world)
    await say(world, "pat@home.example CANCEL")
    assert list(await answer(world, invitation)) == ["invitee"]
    assert await kept(world) == []


# -------------------------------------------------------------------------------------------------------- locked out


async def test_who_is_locked_out_is_told_whom_to_ask(world):
    await invited(world)
    await world.collect()
    await world.try_birthdate(times=3)
    told = await world.deliver()
    assert kinds(told) == ["locked", "locked"]
    invitee = next(one for one in told if one["X-Gateway-Audience"] == "invitee")
    assert invitee["To"] == "pat@home.example"
    assert "inviters: ['Dr Ada']" in text(invitee)
    assert "invite: " not in text(invitee)
    assert invitee["X-Gateway-Notice"] == Notice.LOCKED
