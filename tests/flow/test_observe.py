"""At a site that only observes all mail passes as it came, and a daily report says what would have been done."""

from dataclasses import replace

import pytest

from gateway.domain.model import Copy, Invitation
from gateway.domain.model_questions import Observation
from gateway.domain.vocabulary import Notice
from gateway.flow.inbound import observe
from gateway.flow.upkeep import retention
from tests.practice import BOT, SITE, World, mail
from tests.reading import kinds, text


@pytest.fixture
def world():
    return World(site=replace(SITE, observes=True))


@pytest.mark.parametrize(
    ("octets", "noted"),
    [
        (mail(), ["hold"]),
        (mail(subject="(secure) Results"), ["ask the sender"]),
        (mail(sender="Eve <eve@evil.example>"), ["refused"]),
        (mail("pat@home.example, x@hospital.example"), ["hold", "relay"]),
        (mail(subject="Lunch?"), []),
        (b"X: y\r\n" * 10_001 + mail(subject="Lunch?"), ["refused"]),
    ],
)
async def test_everything_passes_octet_for_octet(world, octets, noted):
    verdicts = await world.receive(octets)
    assert {one.action.value for one in verdicts} == {"pass"}
    await world.deliver()
    assert {raw for _, _, raw in world.sent} == {b"Received: by us\r\n" + octets}
    assert [one.action for one in await world.rows(Observation)] == noted
    assert await world.rows(Copy) == await world.rows(Invitation) == []


async def test_a_daily_report_goes_to_the_postmaster(world):
    await world.receive(mail())
    await world.receive(mail(subject="[secrue] Results"))
    await world.deliver()
    assert await world.deliver() == []
    await world.days(1)
    [report] = await world.deliver()
    assert kinds([report]) == ["observed"]
    assert "postmaster@riverside.example" in report["To"]
    assert "ask the sender" in text(report)
    assert "Results" not in text(report)
    await world.days(1)
    assert await world.deliver() == []
    assert len(await world.rows(Observation)) == 2  # for the administrator's page
    await world.desk.do(retention.forget)
    assert len(await world.rows(Observation)) == 2
    world.clock.advance(days=30)
    await world.desk.do(retention.forget)
    assert await world.rows(Observation) == []


async def test_a_busy_day_makes_one_report_and_each_mail_is_told_once(world):
    for _ in range(25):
        await world.receive(mail())
    await world.deliver()
    await world.days(1)
    await world.receive(mail())
    await world.deliver()
    await world.days(1)
    await world.deliver()
    assert [one.facts["counts"] for one in world.mails if one.notice is Notice.OBSERVED] == [{"hold": 25}, {"hold": 1}]


async def test_the_report_can_be_taken_as_a_table_without_formulas(world):
    await world.receive(mail(sender="=cmd@riverside.example"), mail_from="=cmd@riverside.example")
    found = await world.desk.ask(observe.noted, 10)
    assert (found.counts, len(found.lines)) == ({"hold": 1}, 1)
    [row] = await world.desk.ask(observe.rows)
    assert len(row) == len(observe.COLUMNS)
    assert row[1] == "'=cmd@riverside.example"


async def test_what_is_said_to_the_gateway_is_heard(world):
    await world.receive(mail(BOT, "x", "LIST"), authenticated=True)
    assert kinds(await world.deliver()) == ["transcript"]
