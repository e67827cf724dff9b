"""The transcript words every result that a command can have."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.model import Copy
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import Audience, Notice
from gateway.flow.commands import (
    delegates,
)
from gateway.flow.inbox import messages
from gateway.flow.results import ResultCode
from tests.edge.stories import bounced, locked
from tests.practice import ADA, BEA, CLEO, OMAR, PAT, PATIENT_TAG, RIVERSIDE, SITE, TEMPLATES, World
from tests.reading import Mail, all_decent, buttons


@pytest.fixture
def world() -> World:
    return World(TEMPLATES)


async def commands() -> list[World]:
    """Stories in which every verb meets every state that answers differently."""
    return [
        await talk_about_strangers(),
        await talk_about_invited(),
        await talk_about_ended(),
        await talk_about_locked(),
        await talk_about_doubts(),
        await talk_about_moves(),
        await talk_about_delegates(),
        await talk_about_taking_back(),
        await talk_about_questions(),
        await talk_about_lists(),
        await talk_about_renaming(),
    ]


async def talk_about_questions() -> World:
    """Mail that is perhaps secure, and mail to a crowd."""
    world = World(TEMPLATES)
    for first in ("YES", "PLAIN", "CANCEL"):
        await world.write(ADA, PAT, tag="secured")
        token = await world.question_token()
        for line in (first, "YES", "PLAIN"):
            await world.say(line, token=token)
    await world.write(ADA, *(f"p{number}@home.example" for number in range(12)))
    await world.say("PLAIN", token=await world.question_token())
    await world.say("PLAIN", token=token)
    await world.say("PLAIN", token=await world.sender_token())
    return world


async def talk_about_lists() -> World:
    """Many lines at once, some of them wrong."""
    world = World(TEMPLATES)
    await world.write(ADA, *(f"p{number}@home.example" for number in range(3)))
    token = await world.sender_token()
    lines = [f"p{number}@home.example, 1980-02-03" for number in range(3)]
    await world.say("\n".join([lines[0], "p1@home.example and so on 3", lines[2]]), token=token)
    await world.say("\n".join([lines[1], *("p2@home.example, 1980-02-30",) * 30]), token=token)
    return world


async def talk_about_renaming() -> World:
    """A practice whose id has changed."""
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    world.desk.site = replace(SITE, practices=(replace(RIVERSIDE, id="renamed"),))
    await world.say("CANCEL", token=await world.sender_token())
    return world


async def talk_about_strangers() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, OMAR)
    token = world.mails[0].facts["reply_to"][4:].partition("@")[0]
    for line in (
        *("STATUS", "LIST", "DIRECTORY", "PATIENTS", "HELP", "REMIND", "Dear bot, please do it", "YES"),
        *("pat@home.example STATUS", "pat@home.example REMIND", "pat@home.example PATIENT 03/04/1980"),
        *("cleo@riverside.example STATUS", "INVITE cleo@riverside.example STAFF", f"INVITE x@{SITE.domain}", "INVITE"),
        "pat@home.example PATIENT 1980-02-03\nomar@hillside.example COLLEAGUE\nLIST\nPATIENTS\nDIRECTORY",
    ):
        await world.say(line, token=token)
    await world.say("", token=token)
    for line in ("cancle", "patinet 1980-02-03"):
        await world.say(line, token=await world.sender_token())
    await world.say("STATUS", token=await world.sender_token())
    await world.say("pat@home.example PATIENT 1980-02-03", author=CLEO, token=token)
    return world


async def talk_about_invited() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.write(CLEO, PAT)
    token = world.mails[1].facts["reply_to"][4:].partition("@")[0]
    for line in (
        "STATUS",
        "REMIND",
        "REMIND ",
        "INVITE",
        "PATIENT 1980-02-04",
        "PATIENT 1980-02-30",
        "PATIENT 1980-02-03",
        "PATIENT 1980-02-03",
    ):
        await world.say(line, token=token)
    cleo = world.last(Notice.RECEIPT).facts["people"][0]["token"]
    for line in ("PATIENT 1981-04-05", "CANCEL", "CANCEL", "STATUS"):
        await world.say(line, token=cleo, author=CLEO)
    await world.accept()
    for line in ("STATUS", "REMIND", "CANCEL", "INVITE pat@home.example", "INVITE"):
        await world.say(line, token=token)
    return world


async def talk_about_taking_back() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    account = await world.accept()
    for line in ("pat@home.example READ", "pat@home.example CANCEL", "READ"):
        await world.say(line, token=await world.sender_token())
    world.desk = replace(world.desk, site=replace(SITE, read_receipts=True))
    copy = await world.one(Copy, account_id=account.id)
    await world.desk.do(messages.open_message, account, copy.id)
    await world.write(ADA, PAT)
    pat = "pat@home.example"
    for line in ("READ", f"{pat} RECALL", f"{pat} RECALL", f"{pat} RECALL: for somebody else", "READ", f"{pat} RECALL"):
        await world.say(line, token=await world.sender_token())
    await world.write(ADA, "x@hospital.example")
    await world.say("x@hospital.example RECALL", token=await world.sender_token())
    return world


async def talk_about_ended() -> World:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    token = world.last(Notice.RECEIPT).facts["people"][0]["token"]
    await world.days(31)
    await world.collect()
    for line in ("STATUS", "REMIND", "INVITE", "CANCEL", "STATUS", "PATIENT 1980-02-03"):
        await world.say(line, token=token)
    return world


async def talk_about_locked() -> World:
    world = await locked()
    token = world.last(Notice.RECEIPT).facts["people"][0]["token"]
    for line in ("STATUS", "REMIND", "INVITE", "PATIENT 1980-02-03"):
        await world.say(line, token=token)
    for _ in range(2):
        await world.try_birthdate(times=3)
        await world.say("PATIENT 1980-02-03", token=token)
    return world


async def talk_about_doubts() -> World:
    world = await bounced()
    token = world.last(Notice.RECEIPT).facts["people"][0]["token"]
    await world.say("STAFF", token=token)
    await world.say("YES", token=token)
    await world.say("STATUS", token=token)
    await world.say("pat@home.example CANCEL")
    return world


async def talk_about_moves() -> World:
    world = await bounced()
    token = await world.sender_token()
    for line in ("MOVE", "MOVE pat@home.example", "MOVE pat@right.example"):
        await world.say(f"pat@home.example {line}", token=token)
    await world.accept()
    await world.write(ADA, OMAR)
    await world.say("omar@hillside.example MOVE pat@right.example", token=token)
    return world


async def talk_about_delegates() -> World:
    world = World(TEMPLATES)
    world.authenticated = True
    practice = replace(SITE.practices[0], delegates=(("desk@riverside.example", "ada@riverside.example"),))
    world.desk = replace(world.desk, site=replace(SITE, practices=(practice, *SITE.practices[1:])))
    for sender in (ADA, BEA):
        await world.write(sender, PAT)
        await world.say("DELEGATE cleo@riverside.example", author=sender)
    await world.say("LIST\npat@home.example REMIND\nDELEGATE", author=CLEO)
    token = world.mails[0].facts["reply_to"][4:].partition("@")[0]
    await world.say("DELEGATE omar@riverside.example\nCOLLEAGUE", author=CLEO, token=token)
    for line in ("DELEGATE pat@home.example", "UNDELEGATE desk@riverside.example", "UNDELEGATE x@riverside.example"):
        await world.say(line)
    await world.say("\n".join(f"DELEGATE d{number}@riverside.example" for number in range(delegates.MOST)))
    await world.say("UNDELEGATE cleo@riverside.example")
    return world


def answers(stories: list[World]) -> Iterator[tuple[dict[str, Any], Mail]]:
    for world in stories:
        for mail in all_decent(world.mails):
            yield from ((result, mail) for result in mail.facts.get("results", ()))


async def test_every_result_is_worded() -> None:
    told = list(answers(await commands()))
    assert {result["code"] for result, _ in told} == set(ResultCode)
    for result, mail in told:
        assert result["line"] in mail.html.text
        assert result["line"] in " ".join(mail.rendered.text.split())


async def test_what_can_be_changed_has_its_button() -> None:
    told = list(answers(await commands()))
    wanted = {
        "invited": {"REMIND", "CANCEL"},
        "reminded": {"CANCEL"},
        "already_invited": {"REMIND", "CANCEL"},
        "used_up": {"CANCEL"},
    }
    alone = [(result["code"], mail) for result, mail in told if len(mail.facts["results"]) == 1]
    for code, mail in alone:
        if code in wanted:
            assert {line for _, line in buttons(mail)} == wanted[code]
            assert f"bot+{mail.facts['results'][0]['person']['token']}@" in buttons(mail)[0][0]
    assert wanted.keys() <= {code for code, _ in alone} | {"invited"}


async def test_those_who_have_not_accepted_carry_a_triangle_and_words(world: World) -> None:
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    mail = await world.say("PATIENTS", token=await world.sender_token())
    assert "▲! not accepted yet: invited" in mail.html.text
    assert "▲! not accepted yet: invited" in mail.rendered.text
    heads = [attrs for tag, attrs in mail.html.tags if tag == "th"]
    assert [attrs["scope"] for attrs in heads] == ["col"] * 5 + ["row"]
    await world.accept()
    mail = await world.say("PATIENTS", token=await world.sender_token())
    assert "not accepted yet" not in mail.html.text + mail.rendered.text


async def test_help_explains_every_verb(world: World) -> None:
    await world.write(ADA, PAT)
    mail = await world.say("HELP", token=await world.sender_token())
    explained = " ".join(re.findall(r"^  (\S.*)$", mail.rendered.text, re.MULTILINE))
    assert set(Verb) <= set(explained.split())
    assert all(verb in mail.html.text for verb in Verb)


async def test_yes_answers_the_question_itself(world: World) -> None:
    await world.write(ADA, PAT)
    mail = await world.say("pat@home.example CANCEL")
    assert (mail.notice, mail.audience) == (Notice.CONFIRM, Audience.SENDER)
    assert "pat@home.example CANCEL" in mail.rendered.text
    assert buttons(mail) == [(mail.facts["reply_to"], "YES")]
