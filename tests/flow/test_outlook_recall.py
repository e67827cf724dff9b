"""Outlook's Recall takes a secure mail back; anything else with such a subject is a mail like others."""

import pytest

from gateway.domain.intent import Sign
from gateway.domain.model import Copy, Invitation
from gateway.domain.vocabulary import CopyState, State
from gateway.flow.inbox import messages
from tests.practice import BEA, World, mail
from tests.reading import codes, kinds

SAID = 'Dr Ada would like to recall the message, "Results".'


@pytest.fixture
async def world():
    world = World()
    await world.receive(mail(subject="[secure patient 1980-02-03] Results"))
    await world.deliver()
    world.later()
    return world


async def recalled(world, subject="Recall: [secure patient 1980-02-03] Results", body=SAID, **more):
    verdicts = await world.receive(mail(subject=subject, body=body, **more))
    return verdicts, await world.deliver()


async def test_a_held_mail_is_taken_back_and_the_invitation_ends_with_it(world):
    [verdict], answers = await recalled(world)
    assert verdict.sign is Sign.RECALL
    assert kinds(answers) == ["transcript"]
    assert codes(answers[0]) == ["recalled"]
    assert [one.state for one in await world.rows(Invitation)] == [State.CANCELLED]
    assert [one.state for one in await world.rows(Copy)] == [CopyState.DESTROYED]


async def test_other_mail_to_the_same_person_waits_on(world):
    await world.receive(mail(subject="[secure] Another thing"))
    await world.deliver()
    await recalled(world)
    assert [one.state for one in await world.rows(Invitation)] == [State.INVITED]
    assert [one.state for one in await world.rows(Copy)] == [CopyState.DESTROYED, CopyState.HELD]


async def test_a_mail_in_an_inbox(world):
    account = await world.accept()
    _, answers = await recalled(world)
    assert codes(next(one for one in answers if kinds([one]) == ["transcript"])) == ["recalled"]
    assert [one.state for one in await world.rows(Copy, account_id=account.id)] == [CopyState.RECALLED]


async def test_a_mail_that_was_read_stays(world):
    account = await world.accept()
    [copy] = await world.rows(Copy)
    await world.desk.do(messages.open_message, account, copy.id)
    _, answers = await recalled(world)
    assert codes(next(one for one in answers if kinds([one]) == ["transcript"])) == ["recall_read"]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Recall: Results", SAID),
        ("Zurückrufen: [secure] Results", 'Dr. Ada möchte die Nachricht "Results" zurückrufen.'),
        ("Rappel : [secure] Results", "Dr Ada souhaite rappeler le message « Results »."),
        ("Recuperar: [secure] Results", 'Dra. Ada desea recuperar el mensaje "Results".'),
    ],
)
async def test_with_and_without_the_tag_in_other_languages(world, subject, body):
    _, answers = await recalled(world, subject, body)
    assert codes(answers[0]) == ["recalled"]


async def test_what_was_never_sent_is_not_taken_back_and_not_sent_either(world):
    _, answers = await recalled(world, "Recall: [secure] Something else")
    assert codes(answers[0]) == ["recall_nothing"]
    assert len(await world.rows(Copy)) == 1


@pytest.mark.parametrize(
    ("subject", "body", "sender", "action"),
    [
        ("Recall: Results", "We recall your results from last year.", "Dr Ada <ada@riverside.example>", "pass"),
        ("Rappel : Results", "N'oubliez pas le rendez-vous.", "Dr Ada <ada@riverside.example>", "pass"),
        ("Recall: [secure] Results", "We recall them.", "Dr Ada <ada@riverside.example>", "hold"),
        ("Recall: Lunch", SAID, "Dr Ada <ada@riverside.example>", "pass"),
        ("Recall: Results", SAID, BEA, "pass"),
    ],
)
async def test_a_mail_like_others(world, subject, body, sender, action):
    [verdict], _ = await recalled(world, subject, body, sender=sender)
    assert verdict.action.value == action
    assert [one.state for one in await world.rows(Invitation)] == [State.INVITED]
