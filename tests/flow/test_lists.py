"""The answer to a digest may be a list: typed, or attached as a table; hundreds at once, the wrong ones named."""

import pytest

from gateway.domain.model import Invitation
from gateway.domain.vocabulary import State
from gateway.flow.inbound.receipts import AT_ONCE
from tests.practice import ADA, World, mail
from tests.reading import codes, kinds, text


@pytest.fixture
def world():
    return World()


async def merged(world, count):
    """A mail merge to so many strangers; the last digest."""
    for number in range(count):
        await world.receive(mail(f"p{number}@home.example"))
        if number < AT_ONCE:
            await world.deliver()
    world.clock.advance(minutes=5)
    return next(one for one in await world.deliver() if kinds([one]) == ["digest"])


async def attached(world, digest, table):
    """A reply with a table; the transcript."""
    octets = (
        f"From: {ADA}\r\nTo: {digest['Reply-To']}\r\nSubject: Re: list\r\nMessage-ID: <list@riverside.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHere is the list.\r\n"
        f"--b\r\nContent-Type: text/csv\r\n\r\n{table}\r\n--b--\r\n"
    )
    await world.receive(octets.encode())
    return next(one for one in await world.deliver() if kinds([one]) == ["transcript"])


async def states(world):
    return {one.address.partition("@")[0]: one.state for one in await world.rows(Invitation)}


async def test_a_line_a_person(world):
    digest = await merged(world, 6)
    said = ["p3@home.example, 1980-02-03", "p4@home.example; 3 Feb 1980", "p5@home.example STAFF"]
    answers = await world.reply(digest, *said)
    assert kinds(answers).count("invitation") == 2
    transcript = next(one for one in answers if kinds([one]) == ["transcript"])
    assert codes(transcript) == ["invited", "invited", "doubt"]
    assert "1980" not in text(transcript)


async def test_a_wrong_line_is_named_and_the_others_run(world):
    digest = await merged(world, 6)
    said = ["p3@home.example, 1980-02-03", "p4@home.example, 30.02.1980", "p5@home.example, 1990-02-03"]
    answers = await world.reply(digest, *said)
    transcript = next(one for one in answers if kinds([one]) == ["transcript"])
    assert codes(transcript) == ["invited", "details_needed", "invited"]
    assert (await states(world))["p4"] is State.AWAITING


async def test_a_table(world):
    digest = await merged(world, 5)
    table = "mail;born\r\np3@home.example;1980-02-03\r\nnobody;1980-02-03\r\np4@home.example;x"
    transcript = await attached(world, digest, table)
    assert codes(transcript) == ["invited", "unknown_row", "details_needed"]
    assert "row 3" in text(transcript)


async def test_many_at_once_with_the_wrong_ones_named(world):
    digest = await merged(world, 120)
    table = "\r\n".join(f"p{number}@home.example,1980-02-{number % 31 + 1:02}" for number in range(120))
    transcript = await attached(world, digest, table)
    assert codes(transcript)[0] == "many"
    impossible = [number for number in range(120) if number % 31 in (29, 30)]
    assert all(f"p{number}@home.example" in text(transcript) for number in impossible)
    invited = [name for name, state in (await states(world)).items() if state is State.INVITED]
    assert len(invited) == 120 - len(impossible)


async def test_prose_with_an_address_is_no_list(world):
    digest = await merged(world, 5)
    answers = await world.reply(digest, "p3@home.example was born in 1980 I think")
    assert "invitation" not in kinds(answers)


async def test_in_reply_to_a_notice_on_one_person_a_bare_list_line_says_nothing(world):
    await world.receive(mail())
    [receipt] = await world.deliver()
    answers = await world.reply(receipt, "ada@riverside.example 2026-11-23")
    assert "invitation" not in kinds(answers)
