"""Figures, and the watch over the event loop."""

import asyncio
import time

import httpx2
import pytest
from prometheus_client import generate_latest

from gateway.domain.model import Delivery
from gateway.domain.needs import Need, NeedKind
from gateway.domain.vocabulary import OPEN, DeliveryKind, DeliveryState
from gateway.edge.run.metrics import Figures, Shared, shown_to_prometheus
from gateway.flow import overview
from gateway.flow.context import Desk
from gateway.testing import FakeClock, MemoryStore, fake_keys


def value(figures, name, **labels):
    return figures.registry.get_sample_value(name, labels)


async def test_a_stall_of_the_loop_shows():
    figures = Figures()
    task = asyncio.create_task(figures.watch_loop().run())
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - the stall
    await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    task.cancel()
    assert value(figures, "gateway_loop_stall_seconds") >= 0.1
    assert value(figures, "gateway_loop_late_seconds_bucket", le="0.1") == 0


def test_mails_are_counted_by_what_became_of_them():
    figures = Figures()
    figures.taken("hold")
    figures.taken("hold")
    figures.refused("552 5.3.4 Message is larger than this site takes")
    assert value(figures, "gateway_recipients_taken_total", action="hold") == 2
    assert value(figures, "gateway_mails_refused_total", code="552") == 1


def test_commits_are_timed_and_their_callers_counted():
    figures = Figures()
    figures.commit(7, 0.25)
    assert value(figures, "gateway_commit_seconds_sum") == 0.25
    assert value(figures, "gateway_commit_batch_sum") == 7


async def test_the_queue_says_how_long_it_is_and_how_late():
    figures, clock = Figures(), FakeClock()
    shared, desk = Shared(figures), Desk(MemoryStore(), None, fake_keys(), clock)
    for hours in (1, 3):
        row = Delivery(kind=DeliveryKind.PASS, recipient="pat@home.example", created_at=clock.now(), due_at=clock.now())
        await desk.store.write(lambda tx, row=row: tx.add(row))
        clock.advance(hours=hours)
    shared.deliveries(await desk.ask(overview.deliveries))
    shared.invitations(await desk.ask(overview.invitations))
    assert value(figures, "gateway_deliveries_queued") == 2
    assert value(figures, "gateway_deliveries_overdue_seconds") == 4 * 3600
    assert all(value(figures, "gateway_invitations", state=state.value) == 0 for state in OPEN)


async def test_states_age_backup_and_what_is_not_sealed_are_told():
    figures, clock = Figures(), FakeClock()
    shared, desk = Shared(figures), Desk(MemoryStore(), None, fake_keys(), clock)
    for state in (DeliveryState.QUEUED, DeliveryState.PAUSED, DeliveryState.SENT):
        now = clock.now()
        row = Delivery(kind=DeliveryKind.PASS, recipient="p@x.example", created_at=now, due_at=now, state=state)
        await desk.store.write(lambda tx, row=row: tx.add(row))
        clock.advance(hours=1)
    backup = clock.now()
    shared.standing(await desk.ask(overview.standing, backup, 12))
    assert value(figures, "gateway_deliveries", state="queued") == 1
    assert value(figures, "gateway_deliveries", state="paused") == 1
    assert value(figures, "gateway_deliveries", state="quarantined") == 0
    assert value(figures, "gateway_deliveries_oldest_seconds") == 3 * 3600
    assert value(figures, "gateway_last_backup_seconds") == backup.timestamp()
    assert value(figures, "gateway_audit_unsealed_rows") == 12
    shared.standing(await desk.ask(overview.standing, None, 0))
    assert value(figures, "gateway_last_backup_seconds") == 0


def test_what_needs_a_person_and_when_certificates_end_are_told():
    figures = Figures()
    shared, end = Shared(figures), FakeClock().now()
    shared.seen({"smtp.tls_cert": end}, [Need(NeedKind.DISK), Need(NeedKind.HOP_DOWN), Need(NeedKind.HOP_DOWN)])
    assert value(figures, "gateway_certificate_ends_seconds", key="smtp.tls_cert") == end.timestamp()
    assert value(figures, "gateway_needs", kind="hop down") == 2
    shared.seen({}, [])
    assert value(figures, "gateway_needs", kind="hop down") == 0
    assert value(figures, "gateway_certificate_ends_seconds", key="smtp.tls_cert") is None


def test_a_hop_is_told_by_its_name():
    figures = Figures()
    figures.hop_answers("", False)
    figures.hop_answers("hospital.example", True)
    assert value(figures, "gateway_hop_up", hop="next_hop") == 0
    assert value(figures, "gateway_hop_up", hop="hospital.example") == 1


def test_a_worker_does_not_tell_what_all_share():
    assert b"gateway_deliveries" not in generate_latest(Figures().registry)


@pytest.mark.parametrize(
    ("method", "code"),
    [("GET", 200), ("HEAD", 200), *((one, 405) for one in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"))],
)
async def test_figures_are_read_and_nothing_else(method, code):
    transport = httpx2.ASGITransport(shown_to_prometheus(Figures().registry))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.request(method, "/metrics")
    assert (answer.status_code, answer.headers.get("Allow")) == (code, "GET, HEAD" if code == 405 else None)
    assert ("gateway_up 1.0" in answer.text) is (method == "GET")
