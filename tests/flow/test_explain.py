"""`gateway explain` decides as serving does, and does nothing."""

import pytest

from gateway.domain.decide import Action
from gateway.domain.intent import Sign
from gateway.errors import EndlessHead, NotASender
from gateway.flow.inbound import explain
from gateway.flow.inbound.understand import Submission
from tests.practice import BOT, World, mail


async def explained(world, octets, *recipients, mail_from="ada@riverside.example"):
    before = await world.everything()
    submission = Submission(mail_from, recipients, trusted=True)
    incoming = explain.understood(world.site, world.keys, submission, octets)
    lines = await world.desk.ask(lambda ctx: list(explain.explain(ctx, incoming)))
    assert await world.everything() == before
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("fields", "sign", "words"),
    [
        ({}, Sign.TAG, "they are invited as soon as it is known who they are"),
        ({"subject": "(secure) x"}, Sign.NEAR_TAG, "its sender is asked"),
        ({"subject": "x"}, Sign.NONE, "passes as it came"),
        ({"Auto_Submitted": "auto-replied"}, Sign.NOTE_OF_ABSENCE, "passes as it came"),
    ],
)
async def test_each_recipient_has_a_verdict_and_its_reason(fields, sign, words):
    said = await explained(World(), mail(**fields), "pat@home.example")
    assert f"pat@home.example: {words}" in said or words in said
    assert sign.value in said


async def test_it_knows_what_the_store_knows():
    world = World()
    await world.registered()
    await world.receive(mail("kim@home.example", "[secure patient 1980-02-03] x", message_id="<a@riverside.example>"))
    said = await explained(world, mail(subject="Re: x", References="<a@riverside.example>"), "kim@home.example")
    assert "waits with the invitation that they have" in said
    assert Sign.TALK.value in said
    assert "goes sealed into their inbox" in await explained(world, mail(), "pat@home.example")


async def test_a_command_is_read_back_without_its_birthdate():
    said = await explained(World(), mail(BOT, "x", "pat@home.example PATIENT 1980-02-03"), BOT)
    assert "command: pat@home.example PATIENT" in said
    assert "1980" not in said


async def test_it_agrees_with_serving():
    for subject in ("[secure] x", "[secured] x", "x"):
        world = World()
        octets = mail(subject=subject)
        said = await explained(world, octets, "pat@home.example")
        [verdict] = await world.receive(octets)
        assert verdict.reason.value in said
        assert (verdict.action is Action.PASS) == ("passes" in said)


async def test_what_is_refused_is_refused_here_too():
    with pytest.raises(NotASender):
        await explained(World(), mail(sender="Eve <eve@evil.example>"), "pat@home.example")


def test_there_are_words_for_whatever_becomes_of_a_mail():
    assert set(explain._WORDS) == set(Action) - {Action.HOLD}


async def test_a_head_that_is_longer_than_is_read_is_refused_as_in_serving():
    with pytest.raises(EndlessHead):
        await explained(World(), b"X: y\r\n" * 20_000 + mail(), "pat@home.example")
