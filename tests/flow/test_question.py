"""A mail that is perhaps secure, or that many would see: nothing of it leaves before its sender has answered."""

from dataclasses import replace

import pytest

from gateway.domain.decide import Action
from gateway.domain.intent import NearMiss, Sign
from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import Answer, CopyState, DeliveryState, State
from gateway.flow.inbox import messages
from tests.practice import CLEO, World, mail
from tests.reading import codes, kinds, text

ASKED = "[secured] Results"


@pytest.fixture
def world():
    return World()


async def question(world, subject=ASKED, to="pat@home.example", **more):
    """A mail that is perhaps secure; the question about it, and how it came."""
    octets = mail(to, subject, **more)
    await world.receive(octets)
    [asked] = await world.deliver()
    assert kinds([asked]) == ["near-miss"]
    return asked, octets


async def test_nothing_leaves_and_nobody_is_invited_before_the_answer(world):
    asked, _ = await question(world)
    assert asked["To"] == "ada@riverside.example" or "ada@riverside.example" in asked["To"]
    assert "[secured]" in text(asked)
    assert await world.rows(Invitation) == []
    assert [one.state for one in await world.rows(Copy)] == [CopyState.ASKED]
    assert await world.deliver() == []


async def test_yes_takes_it_as_secure_mail(world):
    asked, _ = await question(world)
    world.later()
    answers = await world.reply(asked, "YES")
    assert kinds(answers) == ["receipt", "transcript"]
    [invitation] = await world.rows(Invitation)
    assert invitation.state is State.AWAITING
    [copy] = await world.rows(Copy)
    assert (copy.state, copy.invitation_id) == (CopyState.HELD, invitation.id)
    assert [one.state for one in await world.rows(Delivery, kind="pass")] == [DeliveryState.DROPPED]
    receipt = next(one for one in answers if kinds([one]) == ["receipt"])
    assert kinds(await world.reply(receipt, "COLLEAGUE")) == ["invitation", "transcript"]


async def test_what_is_nearly_a_tag_gives_details_and_is_taken_out(world):
    asked, _ = await question(world, "(secure patient 1980-02-03) Results")
    assert "1980" not in text(asked)
    assert kinds(await world.reply(asked, "YES")) == ["invitation", "receipt", "transcript"]
    [copy] = await world.rows(Copy)
    kept = await world.kept(copy)
    assert b"Subject: Results\r\n" in kept
    assert b"1980" not in kept


async def test_yes_for_somebody_with_an_account(world):
    await world.registered()
    asked, _ = await question(world)
    assert kinds(await world.reply(asked, "YES")) == ["new-message", "transcript"]
    assert [one.state for one in await world.rows(Copy)] == [CopyState.INBOX]


async def test_plain_sends_it_on_octet_for_octet(world):
    asked, octets = await question(world)
    sent = await world.reply(asked, "PLAIN")
    assert kinds(sent) == ["", "transcript"]
    passed = next(raw for delivery, _, raw in world.sent if delivery.kind.value == "pass")
    assert passed == b"Received: by us\r\n" + octets
    assert [one.state for one in await world.rows(Copy)] == [CopyState.PASSED]
    assert await world.rows(Invitation) == []


async def test_who_says_who_the_person_is_means_yes(world):
    asked, _ = await question(world)
    assert kinds(await world.reply(asked, "PATIENT 1980-02-03")) == ["invitation", "receipt", "transcript"]
    assert [one.state for one in await world.rows(Invitation)] == [State.INVITED]


async def test_cancel_destroys_it(world):
    asked, _ = await question(world)
    [transcript] = await world.reply(asked, "CANCEL")
    assert codes(transcript) == ["discarded"]
    assert await world.rows(Content) == []
    assert await world.deliver() == []


@pytest.mark.parametrize("first", ["YES", "PLAIN", "CANCEL"])
@pytest.mark.parametrize("then", ["YES", "PLAIN"])
async def test_a_question_is_answered_once(world, first, then):
    asked, _ = await question(world)
    await world.reply(asked, first)
    before = await world.rows(Delivery, kind="pass"), await world.rows(Copy)
    [transcript] = await world.reply(asked, then)
    assert codes(transcript) == ["nothing_asked"]
    assert (await world.rows(Delivery, kind="pass"), await world.rows(Copy)) == before


async def test_without_an_answer_it_is_asked_again_and_then_destroyed(world):
    await question(world)
    said = []
    for _ in range(9):
        await world.days(1)
        said += [(kinds([one]), "over" in text(one)) for one in await world.deliver()]
    assert said == [(["near-miss"], False), (["near-miss"], False), (["near-miss"], True)]
    assert await world.rows(Content) == []
    assert [one.answer for one in await world.rows(Question)] == [Answer.NONE]


async def test_only_its_sender_answers(world):
    asked, _ = await question(world)
    await world.reply(asked, "PLAIN", sender=CLEO)
    await world.reply(asked, "PLAIN", trusted=False)
    assert [one.answer for one in await world.rows(Question)] == [None]
    assert await world.rows(Delivery, state=DeliveryState.SENT, kind="pass") == []


@pytest.mark.parametrize(("setting", "action"), [(NearMiss.SECURE, "hold"), (NearMiss.PASS, "pass")])
async def test_a_site_may_have_it_otherwise(setting, action):
    world = World()
    world = World(site=replace(world.site, marks=replace(world.site.marks, near_miss=setting)))
    [verdict] = await world.receive(mail(subject=ASKED))
    assert (verdict.action.value, verdict.sign) == (action, Sign.NEAR_TAG)


async def test_nobody_elses_mail_is_asked_about(world):
    [verdict] = await world.receive(mail(subject=ASKED, sender="Eve <eve@far.example>"))
    assert verdict.action.value == "pass"


@pytest.mark.parametrize("days", [0, 5])
async def test_a_mail_in_two_parts_is_asked_about_once(world, days):
    octets = mail("pat@home.example, kim@home.example", ASKED)
    await world.receive(octets, "pat@home.example")
    await world.receive(octets, "kim@home.example")
    [asked] = await world.deliver()
    world.clock.advance(days=days)
    await world.reply(asked, "YES")
    held = await world.rows(Copy, state=CopyState.HELD)
    assert {one.address for one in held} == {"pat@home.example", "kim@home.example"}


@pytest.mark.parametrize(("answer", "action"), [("YES", "hold"), ("PLAIN", "pass")])
async def test_a_part_that_comes_after_the_answer_goes_the_same_way(world, answer, action):
    octets = mail("pat@home.example, kim@home.example", ASKED)
    await world.receive(octets, "pat@home.example")
    [asked] = await world.deliver()
    await world.reply(asked, answer)
    [verdict] = await world.receive(octets, "kim@home.example")
    assert verdict.action.value == action
    assert "near-miss" not in kinds(await world.deliver())


async def test_the_same_mail_handed_in_twice_is_asked_about_once(world):
    octets = mail(subject=ASKED)
    await world.receive(octets)
    await world.receive(octets)
    assert kinds(await world.deliver()) == ["near-miss"]
    assert len(await world.rows(Copy)) == 1


# --------------------------------------------------------------------------------------------------- many who would see

CROWD = [f"p{number}@home.example" for number in range(10)]


async def test_many_strangers_are_asked_about_before_they_see_each_other(world):
    asked, _ = await question(world, "[secure] News", ", ".join(CROWD))
    assert await world.rows(Invitation) == []
    [refused] = await world.reply(asked, "PLAIN")
    assert codes(refused) == ["not_plain"]
    assert "digest" in (sent := kinds(await world.reply(asked, "YES"))) or "receipt" in sent
    assert len(await world.rows(Invitation)) == len(CROWD)
    for copy in await world.rows(Copy):
        assert [one for one in CROWD if one.encode() in await world.kept(copy)] == [copy.address]


async def test_however_the_mail_server_hands_it_in(world):
    octets = mail(", ".join(CROWD), "[secure] News")
    for one in CROWD:
        [verdict] = await world.receive(octets, one)
        assert verdict.sign is Sign.MANY_READERS
    assert kinds(await world.deliver()) == ["near-miss"]


async def test_a_few_are_not_many(world):
    verdicts = await world.receive(mail(", ".join(CROWD[:9]), "[secure] News"))
    assert {one.action.value for one in verdicts} == {"hold"}


async def test_those_with_an_account_are_no_strangers(world):
    await world.registered(CROWD[0])
    verdicts = await world.receive(mail(", ".join(CROWD), "[secure] News"))
    assert [one.action.value for one in verdicts] == ["portal"] + ["hold"] * 9


# ------------------------------------------------------------------------------------------------------ a secure talk


async def begun(world, to="pat@home.example"):
    """Secure mail to a stranger; its Message-ID."""
    await world.receive(mail(to, "[secure patient 1980-02-03] Results", message_id="<begun@riverside.example>"))
    await world.deliver()
    world.later()
    return "<begun@riverside.example>"


@pytest.mark.parametrize("named", ["In-Reply-To", "References"])
async def test_what_goes_on_with_secure_mail_is_secure(world, named):
    before = await begun(world)
    [verdict] = await world.receive(mail(subject="Re: Results", **{named: f"<other@x.example> {before}"}))
    assert (verdict.action.value, verdict.sign) == ("hold", Sign.TALK)
    assert kinds(await world.deliver()) == ["receipt"]


async def test_what_was_said_of_somebody_new_is_not_said_of_those_in_the_talk(world):
    before = await begun(world)
    octets = mail("pat@home.example, kim@home.example", "Re: Results", In_Reply_To=before)
    await world.receive(octets, "kim@home.example")
    [asked] = await world.deliver()
    await world.reply(asked, "PLAIN")
    [verdict] = await world.receive(octets, "pat@home.example")
    assert verdict.sign is Sign.TALK


async def test_a_program_that_writes_one_message_id_for_ever_is_asked_anew(world):
    asked, _ = await question(world, message_id="<always@riverside.example>")
    await world.reply(asked, "PLAIN")
    world.clock.advance(days=2)
    [verdict] = await world.receive(mail(subject="[secured] Another", message_id="<always@riverside.example>"))
    assert verdict.action is Action.ASK


async def test_somebody_new_in_a_secure_talk_is_asked_about(world):
    before = await begun(world)
    octets = mail("pat@home.example, kim@home.example", "Re: Results", In_Reply_To=before)
    verdicts = await world.receive(octets)
    assert [one.action for one in verdicts] == [Action.HOLD, Action.ASK]
    assert [one.sign for one in verdicts] == [Sign.TALK, Sign.NEW_IN_TALK]
    sent = await world.deliver()
    assert kinds(sent) == ["near-miss", "receipt"]
    asked = next(one for one in sent if kinds([one]) == ["near-miss"])
    await world.reply(asked, "PLAIN")
    passed = next(raw for delivery, _, raw in world.sent if delivery.kind.value == "pass")
    assert passed == b"Received: by us\r\n" + octets


async def test_what_passes_to_one_stays_for_another(world):
    before = await begun(world)
    await world.receive(mail("pat@home.example, kim@home.example", "Re: Results", In_Reply_To=before))
    asked = next(one for one in await world.deliver() if kinds([one]) == ["near-miss"])
    await world.reply(asked, "PLAIN")
    held = await world.rows(Copy, state=CopyState.HELD)
    assert [b"Re: Results" in await world.kept(one) for one in held] == [False, True]


async def test_an_answer_to_what_was_written_in_the_portal_is_in_the_talk(world):
    account = await world.registered()
    copy = await world.written(account)
    answer = messages.Written(world.content.put(b"an answer"), "Re", "<portal@secure.riverside.example>")
    await world.desk.do(messages.reply, account, copy.id, answer)
    [verdict] = await world.receive(mail(subject="Re: Results", References="<portal@secure.riverside.example>"))
    assert (verdict.action.value, verdict.sign) == ("portal", Sign.TALK)


async def test_a_talk_of_another_practice_is_no_secret_of_ours(world):
    before = await begun(world)
    omar = "Dr Omar <omar@hillside.example>"
    [verdict] = await world.receive(mail(subject="Re: Results", sender=omar, References=before))
    assert verdict.action.value == "pass"


async def test_ordinary_talk_stays_ordinary(world):
    asked, _ = await question(world, message_id="<plain@riverside.example>")
    await world.reply(asked, "PLAIN")
    [verdict] = await world.receive(mail(subject="Re: Results", References="<plain@riverside.example>"))
    assert verdict.action.value == "pass"


async def test_a_blind_copy_does_not_show_in_what_goes_on(world):
    before = await begun(world)
    octets = mail(subject="Re: Results", References=before, Bcc="hidden@far.example")
    await world.receive(octets, "pat@home.example")
    [first, second] = [await world.kept(one) for one in await world.rows(Copy)]
    assert b"Re: Results" in second
    assert b"hidden@far.example" not in first + second
