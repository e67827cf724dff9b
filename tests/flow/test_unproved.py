"""Mail without proof of its author: whoever forges a name fills nobody's mailbox, and nobody's words are lost."""

from dataclasses import replace

import pytest

from gateway.domain.model import Invitation, Sender, WaitingSender
from gateway.domain.vocabulary import State
from gateway.flow.commands.mailed import UNPROVED, UNPROVED_PEOPLE
from gateway.testing import FakeRenderer
from tests.flow.test_commands import CLEO, asked, codes, say
from tests.practice import TEMPLATES, World
from tests.reading import kinds

WAITED_FOR = 60


@pytest.fixture
async def busy():
    """Ada waits for many people."""
    world = World(renderer=TEMPLATES)
    await asked(world)
    invitation = await world.one(Invitation)
    waiting_sender = await world.one(WaitingSender)

    def many(tx):
        for number in range(WAITED_FOR):
            address = f"p{number}@home.example"
            row = tx.add(replace(invitation, id=0, address=address, typed=address, state=State.INVITED))
            tx.add(replace(waiting_sender, id=0, invitation_id=row.id))

    await world.store.write(many)
    return world


async def forged(world, *lines, times=60, sender="Dr Ada <ada@riverside.example>"):
    return [one for _ in range(times) for one in await say(world, *lines, authenticated=False, sender=sender)]


@pytest.mark.parametrize("line", ["LIST", "STATUS", "DIRECTORY", "PATIENTS", "READ", "HELP", "nobody@x.example STATUS"])
async def test_questions_are_answered_so_many_times_a_day_and_shortly(busy, line):
    answers = await forged(busy, line)
    assert kinds(answers) == ["transcript"] * UNPROVED
    assert sum(len(bytes(one)) for one in answers) < 150_000
    assert kinds(await forged(busy, "LIST", "DIRECTORY", times=3)) == []
    assert kinds(await forged(busy, "LIST", times=1, sender=CLEO)) == ["transcript"]
    busy.clock.advance(days=1)
    assert kinds(await forged(busy, line, times=UNPROVED + 2)) == ["transcript"] * UNPROVED


async def test_a_list_is_short_and_links_to_the_page_that_has_all(busy):
    [short] = await forged(busy, "LIST", times=1)
    words = short.get_body(("plain",)).get_content()
    assert words.count("@home.example") <= UNPROVED_PEOPLE + 1  # and an example
    assert f"And {WAITED_FOR + 1 - UNPROVED_PEOPLE} more." in words
    assert "/sender/" in words
    [whole] = await say(busy, "LIST")
    assert whole.get_body(("plain",)).get_content().count("@home.example") > WAITED_FOR


async def test_the_same_question_is_answered_once_in_a_mail(busy):
    [transcript] = await forged(busy, *["LIST"] * 50, times=1)
    assert len(bytes(transcript)) < 30_000
    busy.renderer = FakeRenderer()
    assert codes((await say(busy, "LIST", "READ", "LIST"))[0]) == ["list", "read_not_told"]


async def test_many_different_questions_wait_for_a_yes(busy):
    lines = [f"p{number}@home.example STATUS" for number in range(40)]
    [confirm] = await forged(busy, *lines, times=1)
    assert kinds([confirm]) == ["confirm"]
    busy.renderer = FakeRenderer()
    assert codes((await busy.reply(confirm, "YES"))[0]) == ["status"] * 40


async def test_a_change_is_asked_about_so_many_times_a_day(busy):
    assert kinds(await forged(busy, "p1@home.example CANCEL")) == ["confirm"] * UNPROVED
    busy.clock.advance(days=1)
    assert kinds(await forged(busy, "p1@home.example CANCEL", times=1)) == ["confirm"]


@pytest.mark.parametrize("line", ["LIST", "p1@home.example CANCEL"])
async def test_the_last_answer_of_the_day_says_so_and_replies_to_it_still_work(busy, line):
    answers = await forged(busy, line)
    said = ["today’s last" in one.get_body(("plain",)).get_content() for one in answers]
    assert said == [False] * (UNPROVED - 1) + [True]
    for _ in range(UNPROVED + 1):
        assert kinds(await busy.reply(answers[-1], "LIST")) == ["transcript"]


async def test_who_is_not_answered_leaves_no_trace_but_in_the_audit(busy):
    await forged(busy, "LIST")
    before = await busy.everything()
    await forged(busy, "LIST", times=3)
    after = await busy.everything()
    assert [table for table in before if len(before[table]) != len(after[table]) and table is not Sender] == [
        table for table in before if table.__name__ in ("Audit", "Fingerprint")
    ]
