"""A bounce that is here before the sending is recorded: hops answer quickly, and records wait in a rush."""

from gateway.domain.model import Delivery, Invitation
from gateway.domain.vocabulary import DeliveryState, Notice, State
from gateway.flow.outbound import deliver
from gateway.mail.bounces import Bounce, Severity
from tests.practice import OK, World, mail
from tests.reading import kinds


async def test_a_bounce_may_come_before_the_sending_is_recorded():
    world = World()
    await world.receive(mail(subject="[secure patient 1980-02-03] Results"))
    claimed = [one.delivery for one in await world.desk.do(deliver.claim, 50)]
    [invitation] = [one for one in claimed if one.notice is Notice.INVITATION]
    await world.desk.do(deliver.bounced, invitation, Bounce(Severity.PERMANENT, "5.1.1"))
    for one in claimed:
        await world.desk.do(deliver.record, one, OK, b"")
    assert (await world.one(Delivery, id=invitation.id)).state is DeliveryState.FAILED
    assert [one.state for one in await world.rows(Invitation)] == [State.UNDELIVERABLE]
    assert kinds(await world.deliver()) == ["undeliverable"]


async def test_a_mail_that_nobody_has_tried_to_send_cannot_come_back():
    world = World()
    await world.receive(mail(subject="[secure patient 1980-02-03] Results"))
    row = await world.one(Delivery, notice=Notice.INVITATION)
    await world.desk.do(deliver.bounced, row, Bounce(Severity.PERMANENT, "5.1.1"))
    assert [one.state for one in await world.rows(Invitation)] == [State.INVITED]
