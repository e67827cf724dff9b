"""When the audit is sealed, and where its head is kept."""

import pytest

from gateway.domain.acts import Act
from gateway.domain.audit_chain import MOST_ROWS
from gateway.domain.model_records import Audit, AuditBatch
from gateway.edge.run import sealer
from gateway.edge.run.sealer import Sealer
from gateway.errors import StoreBusy


def happen(ctx, times=1):
    for _ in range(times):
        ctx.audit("gateway", Act.RELEASED, "copy 1")


@pytest.fixture
def passed(monkeypatch):
    """The seconds that have passed."""
    at = [1000.0]
    monkeypatch.setattr(sealer.time, "monotonic", lambda: at[0])
    return at


async def batches(world):
    return [(one.first_row, one.last_row) for one in await world.rows(AuditBatch)]


async def test_what_lies_open_is_sealed_at_the_start_and_then_each_minute(world, passed):
    ours = Sealer(world.desk)
    await ours.look()
    assert await batches(world) == []
    await world.desk.do(happen)
    await ours.look()
    assert await batches(world) == [(1, 1)]
    await world.desk.do(happen)
    passed[0] += sealer.SEAL_EVERY - 1
    await ours.look()
    assert await batches(world) == [(1, 1)]
    passed[0] += 1
    await ours.look()
    assert await batches(world) == [(1, 1), (2, 2)]


async def test_many_rows_are_sealed_at_once_in_batches(world, passed):
    ours = Sealer(world.desk)
    await ours.look()
    await world.desk.do(happen, MOST_ROWS + 1)
    await ours.look()
    assert await batches(world) == [(1, MOST_ROWS), (MOST_ROWS + 1, MOST_ROWS + 1)]


async def test_rows_among_which_others_may_still_appear_are_left_alone_for_a_while(world, passed):
    ours = Sealer(world.desk, settles=2.0)
    for _ in range(2):
        await world.desk.do(happen)
        await ours.look()
        assert await batches(world) == []
        passed[0] += 1
    await ours.look()
    assert await batches(world) == [(1, 1)]
    passed[0] += sealer.SEAL_EVERY
    await ours.look()
    assert await batches(world) == [(1, 1), (2, 2)]


async def test_two_who_seal_at_the_same_time_make_one_chain(world):
    await world.desk.do(happen, 3)
    await Sealer(world.desk).seal()
    await Sealer(world.desk).end()
    assert await batches(world) == [(1, 3)]


async def test_a_database_that_cannot_be_written_at_the_end_leaves_it_to_the_next_start(world, monkeypatch):
    async def busy(*_, **__):
        raise StoreBusy

    monkeypatch.setattr(world.store, "write", busy)
    await Sealer(world.desk).end()


async def test_the_file_elsewhere_gets_one_line_a_day_however_often_we_start(world, tmp_path, passed):
    file = tmp_path / "heads"
    await Sealer(world.desk, lambda: file).look()
    assert not file.exists()  # nothing was sealed yet
    for _ in range(2):
        ours = Sealer(world.desk, lambda: file)
        for _ in range(3):
            await world.desk.do(happen)
            await ours.seal()
            await ours.look()
    [line] = file.read_text().splitlines()
    [first, *_] = await world.rows(AuditBatch)
    assert line == f"2026-03-02T10:00:00+00:00 1 1 {first.head.hex()}"
    world.clock.advance(days=1)
    await ours.look()
    assert [one.split()[1] for one in file.read_text().splitlines()] == ["1", "6"]


async def test_a_place_that_cannot_be_written_does_not_stop_the_sealing(world, tmp_path, caplog, passed):
    ours = Sealer(world.desk, lambda: tmp_path / "gone/heads")
    await world.desk.do(happen)
    await ours.look()
    await ours.look()
    assert await batches(world) == [(1, 1)]
    assert len(await world.rows(Audit)) == 1
