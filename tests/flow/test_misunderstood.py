"""A reply that is not understood never meets silence; a machine's never keeps us talking."""

from dataclasses import replace

import pytest

from gateway.domain.birthdate import Order
from gateway.domain.model import Invitation
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import State
from gateway.errors import NotASender
from gateway.flow.commands.command_mail import HELPS
from gateway.flow.inbox import lines, messages
from tests.flow.test_commands import CLEO, asked, codes, say, state
from tests.practice import ADA, BORN, HILLSIDE, OMAR, RIVERSIDE, SITE, TEMPLATES, World, bare, mail
from tests.reading import kinds, text

ATTRIBUTION = "On Tue, 3 Mar 2026 at 09:02, Riverside Secure Mail <bot@secure.riverside.example> wrote:\n> CANCEL"


@pytest.fixture
def told() -> World:
    """A world whose mail reads as people read it."""
    return World(TEMPLATES)


async def invited(world: World):
    """Ada's secure mail to a patient who is invited; its receipt."""
    await world.receive(mail(subject="[secure patient 1980-02-03] Results"))
    return the(await world.deliver(), "receipt")


def the(messages, kind: str):
    """The one notice of this kind."""
    [found] = [one for one in messages if one["X-Gateway-Notice"] == kind]
    return found


def words(message) -> str:
    return " ".join(text(message).split())


# ------------------------------------------------------------------------------------------------- what is answered


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "There were no words in your mail"),
        (f"{ATTRIBUTION}\n\nREMIND\n", "We found no words of yours above the mail that you answered."),
        ("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", "Your mail was encrypted"),
    ],
)
async def test_where_nothing_was_read_that_is_said(told, body, said):
    receipt = await invited(told)
    [answer] = await told.reply(receipt, *body.split("\n"))
    assert kinds([answer]) == ["transcript"]
    assert answer["Subject"] == "Nothing was read"
    assert said in words(answer)
    assert "on the first line of your reply" in words(answer) or "without encryption" in words(answer)
    assert "the 0 lines" not in words(answer)
    assert await state(told) is State.INVITED


@pytest.mark.parametrize("line", ["canecl", "Stop", "please abort", "Can you cancel it?"])
async def test_what_was_typed_is_repeated_and_what_was_meant_is_asked(told, line):
    receipt = await invited(told)
    [answer] = await told.reply(receipt, line, "", *ATTRIBUTION.split("\n"))
    said = words(answer)
    assert line in said
    asked_about = said.index("Did you mean CANCEL?")
    assert all(asked_about < said.index(verb) for verb in ("CLINICIAN", "REMIND", "STATUS", "LIST"))
    assert await state(told) is State.INVITED
    assert kinds(await told.reply(answer, "CANCEL")) == ["transcript"]
    assert await state(told) is State.CANCELLED


async def test_a_command_below_other_words_is_asked_about(told):
    receipt = await invited(told)
    [answer] = await told.reply(receipt, "Thanks for asking.", "CANCEL")
    assert "Did you mean CANCEL?" in words(answer)
    assert await state(told) is State.INVITED


async def test_a_command_below_other_words_runs_for_none_of_several_notices(world):
    first, second = await asked(world), await asked(world, "kim@home.example")
    octets = mail(f"{first['Reply-To']}, {second['Reply-To']}", "Re: both", "Thanks for asking.\r\nCANCEL")
    await world.receive(octets)
    assert codes((await world.deliver())[0]) == ["unknown"]
    assert {one.state for one in await world.rows(Invitation)} == {State.AWAITING}


async def test_several_are_answered_and_the_last_says_so_and_links_the_page(told):
    receipt = await asked(told)
    answers = [await told.reply(receipt, "Pat who?") for _ in range(HELPS + 2)]
    assert [kinds(one) for one in answers] == [["transcript"]] * HELPS + [[], []]
    said = [words(one) for [one] in answers[:HELPS]]
    assert ["not answer more unclear mails about this today" in one for one in said] == [False] * (HELPS - 1) + [True]
    assert "/sender/" in said[-1]
    assert len(await told.reply(receipt, "STATUS")) == 1
    told.clock.advance(days=1)
    assert len(await told.reply(receipt, "")) == 1


async def test_the_same_words_to_each_of_our_mails_are_answered_once_a_day(world):
    """So writes a responder that marks its mail in no way, and is answered in no loop."""
    notices = [await asked(world)]
    away = "Back on Monday: until then I read none of this."
    for notice in notices:
        octets = mail(notice["Reply-To"], f"Re: {notice['Subject']}", away, In_Reply_To=notice["Message-ID"])
        await world.receive(octets)
        notices += await world.deliver()
    assert [one["X-Gateway-Notice"] for one in notices] == ["receipt", "transcript"]
    again = mail(notices[0]["Reply-To"], "Re: x", away, In_Reply_To=notices[0]["Message-ID"])
    await world.receive(again)
    assert kinds(await world.deliver()) == ["transcript"]


async def test_mail_that_answers_nothing_is_not_left_alone_either(told):
    for body in ("", "remidn"):
        for authenticated in (True, False):
            assert kinds(await say(told, body, authenticated=authenticated)) in (["transcript"], [])
    assert len(told.mails) == HELPS


# ---------------------------------------------------------------------------------------------- who is not the owner


@pytest.mark.parametrize("author", [CLEO, "Ada at home <a.smith@riverside.example>"])
@pytest.mark.parametrize("body", ["CANCEL", "Who is this for?", ""])
async def test_somebody_else_of_the_practice_hears_that_it_is_not_theirs(told, author, body):
    receipt = await invited(told)
    [answer] = await told.reply(receipt, body, sender=author)
    assert bare(author) in answer["To"]
    said = words(answer)
    assert "was for somebody else at Riverside Family Practice" in said
    assert f"DELEGATE {bare(author)}" in said
    assert not any(secret in answer.as_string() for secret in ("pat@", "Pat", "Ada <", "ada@", "1980"))
    assert await state(told) is State.INVITED
    assert [row.action for row in await told.rows(Audit, actor=bare(author))] == ["refused command"]


async def test_they_hear_it_only_so_often(world):
    receipt = await asked(world)
    answers = [await world.reply(receipt, "CANCEL", sender=CLEO) for _ in range(HELPS + 2)]
    assert [len(one) for one in answers] == [1] * HELPS + [0, 0]


@pytest.mark.parametrize("author", [OMAR, "Eve <eve@evil.example>"])
async def test_strangers_and_other_practices_hear_nothing(world, author):
    receipt = await asked(world)
    assert await world.reply(receipt, "CANCEL", sender=author) == []
    assert await world.reply(receipt, "", sender=author) == []


async def test_nobody_hears_anything_over_another_path(world):
    receipt = await asked(world)
    for author in (ADA, CLEO):
        assert await world.reply(receipt, "cancle", sender=author, trusted=False) == []


# ---------------------------------------------------------------------------------------------------- automatic mail

WEAK = [
    {"X_MS_Exchange_Inbox_Rules_Loop": "bea@riverside.example"},
    {"List_Unsubscribe": "<mailto:leave@riverside.example>"},
    {"List_Id": "<staff.riverside.example>"},
    {"Precedence": "bulk"},
    {"X_Autoreply": "yes"},
]
SURE = [{"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated"}]


@pytest.mark.parametrize("fields", WEAK)
async def test_a_sign_that_people_bear_too_drops_no_command(world, fields):
    receipt = await asked(world)
    assert codes((await say(world, "STATUS", to=receipt["Reply-To"], **fields))[-1]) == ["status"]
    assert codes((await say(world, "canecl", to=receipt["Reply-To"], **fields))[-1]) == ["unknown"]
    assert codes((await say(world, ATTRIBUTION, to=receipt["Reply-To"], **fields))[-1]) == ["unread"]
    sent = await say(world, "PATIENT 1980-02-03", to=receipt["Reply-To"], **fields)
    assert kinds(sent) == ["invitation", "transcript"]


@pytest.mark.parametrize("fields", WEAK)
@pytest.mark.parametrize("body", ["Thank you for your mail. We shall look into it.", ""])
async def test_without_a_command_it_is_not_answered(world, fields, body):
    receipt = await asked(world)
    assert await say(world, body, to=receipt["Reply-To"], **fields) == []
    assert await say(world, body, sender=CLEO, to=receipt["Reply-To"], **fields) == []
    assert await say(world, body, **fields) == []


@pytest.mark.parametrize("subject", ["Re: Certificate (on sick leave)", "Absence: who covers?", "Automatic reply: x"])
async def test_a_subject_that_speaks_of_absence_drops_no_command(world, subject):
    receipt = await asked(world)
    await world.receive(mail(receipt["Reply-To"], subject, "PATIENT 1980-02-03"))
    assert kinds(await world.deliver()) == ["invitation", "transcript"]


@pytest.mark.parametrize("fields", SURE)
@pytest.mark.parametrize("body", ["CANCEL", "canecl", ""])
async def test_what_is_surely_automatic_is_never_heard(world, fields, body):
    receipt = await asked(world)
    assert await say(world, body, to=receipt["Reply-To"], **fields) == []
    assert await say(world, body, to=receipt["Reply-To"], mail_from="") == []
    assert await state(world) is State.AWAITING


@pytest.mark.parametrize("daemon", ["post_master", "post-master", "mailer_daemon", "Mail.Daemon", "no_reply"])
async def test_a_daemon_that_writes_to_the_bot_gets_no_answer(world, daemon):
    who = f"Mail System <{daemon}@riverside.example>"
    for body in ("Your mail to kim@riverside.example did not arrive.", "Status: failed", ""):
        for authenticated in (True, False):
            assert await say(world, body, sender=who, authenticated=authenticated) == []


# ------------------------------------------------------------------------------------------------------ secure replies


async def written_by_a_patient(world: World, subject: str):
    """What reaches Ada of a patient's message."""
    account = await world.registered()
    copy = await world.written(account)
    sealed = world.content.put(b"Content-Type: text/plain\r\n\r\nPlease send it to my employer.\r\n")
    await world.desk.do(messages.reply, account, copy.id, messages.Written(sealed, subject, "<p@secure.example>"))
    answer = next(one for one in await world.deliver() if one["X-Gateway-Notice"] == "reply")
    return account, answer


@pytest.mark.parametrize("subject", ["Certificate (on sick leave)", "Absence: what to do", "Out of office"])
@pytest.mark.parametrize("fields", [{}, *WEAK])
async def test_an_answer_to_a_patient_arrives_whatever_it_is_about(world, subject, fields):
    account, answer = await written_by_a_patient(world, subject)
    await world.receive(mail(answer["Reply-To"], subject, "It is in the post.", **fields))
    assert kinds(await world.deliver()) == ["new-message"]
    assert len(await world.desk.ask(lines.inbox, account)) == 2


@pytest.mark.parametrize("fields", SURE)
async def test_what_answers_for_somebody_does_not_reach_the_patient(world, fields):
    account, answer = await written_by_a_patient(world, "My knee")
    await world.receive(mail(answer["Reply-To"], "Re: My knee", "I am away.", **fields))
    assert await world.deliver() == []
    assert len(await world.desk.ask(lines.inbox, account)) == 1
    with pytest.raises(NotASender):
        await world.receive(mail(answer["Reply-To"], "x", "y", CLEO))


# -------------------------------------------------------------------------------------------------- the order of dates


def ordered(order: Order) -> World:
    practice = replace(RIVERSIDE, date_order=order)
    return World(TEMPLATES, site=replace(SITE, practices=(practice, HILLSIDE)))


@pytest.mark.parametrize(
    ("order", "typed", "said"),
    [
        (Order.DAY_FIRST, "03/02/1980", "day first, as your practice has set it"),
        (Order.MONTH_FIRST, "02/03/1980", "month first, as your practice has set it"),
    ],
)
async def test_a_date_is_read_in_the_order_of_the_practice(order, typed, said):
    by_reply, by_tag = ordered(order), ordered(order)
    receipt = await asked(by_reply)
    answers = await by_reply.reply(receipt, "PATIENT", f"born {typed}")
    transcript = the(answers, "transcript")
    assert said in words(transcript)
    assert "(birthdate received)" in words(transcript)
    await by_tag.receive(mail(subject=f"[secure patient {typed}] Results"))
    receipts = await by_tag.deliver()
    assert said in words(the(receipts, "receipt"))
    for world, mails in ((by_reply, answers), (by_tag, receipts)):
        assert not any(typed in one.as_string() or "1980" in one.as_string() for one in mails)
        await world.collect()
        await world.accept(BORN)
        assert await state(world) is State.ACCEPTED


async def test_a_date_that_needs_no_order_says_nothing_of_it():
    world = ordered(Order.DAY_FIRST)
    transcript = the(await world.reply(await asked(world), "PATIENT born 3rd February 1980"), "transcript")
    assert "as your practice has set it" not in words(transcript)
    assert "(birthdate received)" in words(transcript)


@pytest.mark.parametrize("line", ["PATIENT 04/03/1980", "PATIENT 1980-02-30", "PATIENT", "PATIENT sometime in 80"])
async def test_no_birthdate_is_said_to_be_received_that_was_not(told, line):
    receipt = await asked(told)
    for one in await told.reply(receipt, line):
        assert "birthdate received" not in words(one)
    assert await state(told) is State.AWAITING
