"""What a Postfix's log shows as sent is not sent again."""

import pytest

from gateway.admin import hop_log
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.outbound.write_out import message_id
from gateway.flow.upkeep import replay
from tests.practice import SITE, World, mail

LOG = """\
Mar  2 10:00:00 mx postfix/cleanup[7]: 4XyZ: message-id={id}
Mar  2 10:00:00 mx postfix/qmgr[8]: 4XyZ: from=<bounce+b@secure.riverside.example>, size=900, nrcpt=1 (queue active)
Mar  2 10:00:01 mx postfix/smtp[9]: 4XyZ: to=<{to}>, relay=mx.home.example[192.0.2.1]:25, delay=1, dsn=2.0.0, {said}
"""
SENT, DEFERRED = "status=sent (250 2.0.0 Ok)", "status=deferred (451 4.3.0 later)"


@pytest.fixture
async def world():
    world = World()
    await world.receive(mail("pat@home.example", subject="Lunch?", message_id="<lunch@riverside.example>"))
    await world.receive(mail("sue@home.example", subject="[secure] Results"))
    return world


async def waiting(world):
    return {one.recipient: one for one in await world.rows(Delivery, state=DeliveryState.QUEUED)}


@pytest.mark.parametrize(
    ("id", "to", "said", "count"),
    [
        ("<lunch@riverside.example>", "pat@home.example", SENT, 1),
        ("<lunch@riverside.example>", "Pat@Home.example", SENT, 1),
        ("<lunch@riverside.example>", "sue@home.example", SENT, 0),
        ("<lunch@riverside.example>", "pat@home.example", DEFERRED, 0),
        ("<other@riverside.example>", "pat@home.example", SENT, 0),
    ],
)
async def test_a_mail_that_passes_is_known_by_its_own_id(world, id, to, said, count):  # noqa: A002
    sent = hop_log.sent_mails(LOG.format(id=id, to=to, said=said).splitlines())
    found = await world.desk.ask(hop_log.queued_and_sent, world.content, sent)
    assert len(found) == count
    assert (await world.desk.do(replay.mark_sent, found)).sent == count
    assert ("pat@home.example" in await waiting(world)) == (not count)


async def test_what_we_write_is_known_by_the_id_of_its_row(world):
    receipt = (await waiting(world))["ada@riverside.example"]
    log = LOG.format(id=message_id(world.keys, SITE, receipt.id), to=receipt.recipient, said=SENT)
    found = await world.desk.ask(hop_log.queued_and_sent, world.content, hop_log.sent_mails(log.splitlines()))
    assert found == [receipt.id]
