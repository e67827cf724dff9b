"""The one list of what needs a person: seen, kept since when, and mailed when it is news, in words of each language."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.model import Delivery
from gateway.domain.needs import NEEDS, Need, NeedKind
from gateway.domain.vocabulary import DeliveryKind, DeliveryState, Notice
from gateway.domain.words import LANGUAGES
from gateway.flow.administration.needs import needs
from gateway.flow.outbound import heartbeat
from gateway.flow.upkeep import hours, outage, troubles
from gateway.flow.upkeep.troubles import Seen
from tests.practice import TEMPLATES, World, templates

HOP = Seen(NeedKind.HOP_DOWN, "next_hop (mail.example:25)")
DISK = Seen(NeedKind.DISK, "", 120)


async def kinds(world):
    return [one.kind for one in await world.desk.ask(needs)]


async def test_a_trouble_is_kept_since_it_was_first_seen_and_goes_when_it_has_passed(world):
    began = world.clock.now()
    await world.desk.do(troubles.note, [HOP, DISK])
    assert await kinds(world) == [NeedKind.DISK]  # a mail server that is away for a minute needs nobody
    world.clock.advance(hours=2)
    await world.desk.do(troubles.note, [HOP, Seen(NeedKind.DISK, "", 80)])
    down, disk = await world.desk.ask(needs)
    assert (down.kind, down.since) == (NeedKind.HOP_DOWN, began)
    assert (disk.since, disk.number) == (began, 80)
    await world.desk.do(troubles.note, [])
    assert await kinds(world) == []


async def test_each_node_sees_its_own_and_what_one_saw_goes_with_it(world):
    for worker in ("one worker 0", "other worker 0", "other worker 1"):
        await world.desk.do(heartbeat.beat, worker)
    await world.desk.do(troubles.note, [DISK], "one")
    world.clock.advance(hours=1)
    await world.desk.do(troubles.note, [DISK, Seen(NeedKind.CERTIFICATE, "smtp.tls_cert", 3)], "other")
    await world.desk.do(troubles.note, [replace(DISK, number=110)], "one")
    seen = [(one.node, one.kind, one.number) for one in await world.desk.ask(needs)]
    assert seen == [("one", "disk", 110), ("other", "disk", 120), ("other", "certificate", 3)]
    first, second, _ = await world.desk.ask(needs)
    assert second.since - first.since == timedelta(hours=1)
    assert first.key != second.key
    assert first.line.startswith("disk: one: The disk is nearly full")
    await world.desk.do(heartbeat.free, ["one worker 0"])
    assert {one.node for one in await world.desk.ask(needs)} == {"other"}
    await world.desk.do(troubles.note, [DISK], "other")
    await world.desk.do(heartbeat.beat, "one worker 0")
    assert [one.node for one in await world.desk.ask(troubles.known)] == ["other"]


async def test_what_was_seen_before_there_were_nodes_is_forgotten(world):
    await world.desk.do(troubles.note, [DISK])
    await world.desk.do(heartbeat.beat, "one worker 0")
    await world.desk.do(troubles.note, [], "one")
    assert await kinds(world) == []


async def test_the_digest_names_the_node():
    world = World(TEMPLATES)
    await world.desk.do(heartbeat.beat, "one worker 0")
    await world.desk.do(troubles.note, [DISK], "one")
    await world.days(1)
    await world.collect()
    said = world.last(Notice.ATTENTION).rendered
    assert "one: The disk is nearly full" in said.text
    assert "one: The disk is nearly full" in said.html


async def test_mail_that_is_tried_for_hours_needs_a_person_though_its_next_try_is_to_come(world):
    now = world.clock.now()
    row = Delivery(
        kind=DeliveryKind.PASS,
        recipient="pat@home.example",
        created_at=now - timedelta(hours=5),
        due_at=now + timedelta(minutes=20),
        attempts=7,
        last_reply="451 4.7.1 come again",
    )
    await world.store.write(lambda tx: tx.add(row))
    [one] = await world.desk.ask(needs)
    assert (one.kind, one.number, one.since) == (NeedKind.TRIED_LONG, 5, now - timedelta(hours=5))
    assert "451 4.7.1 come again" in one.line
    assert "gateway queue list" in one.line


async def test_mail_that_waits_for_a_server_that_is_down_is_no_second_thing(world):
    now = world.clock.now()
    row = Delivery(kind=DeliveryKind.PASS, recipient="p@x.example", created_at=now, due_at=now, attempts=1)
    await world.store.write(lambda tx: tx.add(row))
    await world.desk.do(troubles.note, [HOP])
    world.clock.advance(hours=6)
    assert await kinds(world) == [NeedKind.HOP_DOWN]
    await world.desk.do(troubles.note, [])
    assert await kinds(world) == [NeedKind.OVERDUE, NeedKind.TRIED_LONG]


async def test_the_digest_says_what_since_when_what_to_do_and_by_which_command():
    world = World(TEMPLATES)
    await world.desk.do(troubles.note, [HOP])
    await world.days(1)
    await world.collect()
    said = world.last(Notice.ATTENTION).rendered
    assert said.subject == "The gateway needs you: 1 thing"
    for words in ("next_hop (mail.example:25)", "So it has been since", "Look whether it runs", "gateway queue list"):
        assert words in said.text
        assert words in said.html


async def digests(world, seen, days=1):
    """How many come in so many days, while this is seen."""
    before = len(await world.rows(Delivery, notice=Notice.ATTENTION))
    await world.desk.do(troubles.note, seen)
    for _ in range(days * 24):
        world.clock.advance(hours=1)
        await world.tick()
        await world.deliver()
    return len(await world.rows(Delivery, notice=Notice.ATTENTION)) - before


async def test_the_digest_comes_when_something_is_new_then_weekly_and_never_when_all_is_well(world):
    assert await digests(world, [], days=3) == 0
    assert await digests(world, [DISK]) == 1
    assert await digests(world, [DISK], days=5) == 0
    assert await digests(world, [DISK], days=2) == 1
    assert await digests(world, [DISK, HOP]) == 1
    assert await digests(world, [DISK], days=5) == 0
    assert await digests(world, [], days=10) == 0


async def test_what_has_passed_and_comes_again_is_new(world):
    assert await digests(world, [HOP]) == 1
    assert await digests(world, []) == 0
    assert await digests(world, [HOP]) == 1


async def test_what_has_become_worse_is_told_again(world):
    assert await digests(world, [DISK]) == 1
    assert await digests(world, [replace(DISK, number=DISK.number - 1)]) == 0
    assert await digests(world, [replace(DISK, number=DISK.number // 2)]) == 1
    certificates = [Seen(NeedKind.CERTIFICATE, "smtp.tls_cert", days) for days in range(12, -1, -1)]
    told = [one.number for one in certificates if await digests(world, [one])]
    assert told == [12, 6, 3, 1, 0]


async def test_what_is_only_said_in_other_words_or_lasts_longer_is_the_same(world):
    assert await digests(world, [replace(HOP, subject=f"{HOP.subject}, connection refused")]) == 1
    assert await digests(world, [replace(HOP, subject=f"{HOP.subject}, no answer")], days=3) == 0
    before, after = (Need(NeedKind.TRIED_LONG, None, *one) for one in (("451 Busy", 5), ("421 Later", 99)))
    assert before.key == after.key
    assert not after.is_worse_than(before.number)


async def test_what_an_outage_has_left_undone_is_told_only_if_it_stays_so(world):
    now = world.clock.now()
    row = Delivery(kind=DeliveryKind.PASS, recipient="p@x.example", created_at=now, due_at=now)
    await world.store.write(lambda tx: tx.add(row))
    await world.desk.do(outage.note_alive)
    world.clock.advance(days=1)  # the machine was off, and is back
    await world.tick()
    assert not await world.rows(Delivery, notice=Notice.ATTENTION)
    await world.desk.do(outage.note_alive)
    world.clock.advance(minutes=10)
    await world.tick()
    assert len(await world.rows(Delivery, notice=Notice.ATTENTION)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NeedKind)
def test_every_kind_has_words_in_every_language(kind, language):
    need = templates()._environment(language, "txt", ours=True).globals["need"]
    said, english = need(kind.value, "S", 7), Need(kind, None, "S", 7)
    assert said["do"]
    assert said["command"] == NEEDS[kind].command
    assert "%(" not in said["what"] + english.line
    assert ("7" in said["what"]) == ("7" in english.what)
    if language != "en":
        assert said["what"] != english.what


async def test_a_kind_that_only_a_newer_gateway_knows_is_named(world):
    need = templates()._environment("de", "txt", ours=True).globals["need"]
    assert need("sharks", "S", 1) == {"what": "sharks", "do": "", "command": ""}


async def test_hours_add_up_and_old_ones_are_forgotten(world):
    await world.desk.do(hours.add, 3, 0)
    await world.desk.do(hours.add, 2, 4)
    world.clock.advance(hours=1)
    await world.desk.do(hours.add, 0, 1)
    flow = await world.desk.ask(hours.flow, 3)
    assert [(one.taken, one.sent) for one in flow.hours] == [(0, 0), (5, 4), (0, 1)]
    assert flow.last_out - flow.last_in == timedelta(hours=1)
    world.clock.advance(days=8)
    await world.desk.do(hours.add, 1, 0)
    assert [one.taken for one in (await world.desk.ask(hours.flow, 24 * 10)).hours if one.taken] == [1]


async def test_what_is_paused_needs_a_person(world):
    now = world.clock.now()
    row = Delivery(kind=DeliveryKind.PASS, recipient="p@x.example", created_at=now, due_at=now)
    await world.store.write(lambda tx: tx.add(row))
    assert await kinds(world) == []
    [row] = await world.rows(Delivery)
    await world.store.write(lambda tx: tx.put(replace(row, state=DeliveryState.PAUSED)))
    assert await kinds(world) == [NeedKind.PAUSED]
