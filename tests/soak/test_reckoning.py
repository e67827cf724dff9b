"""The soak's own judgement: whatever is lost, late, or twice without excuse is found."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.soak.calendar import Look, Rules, asked, invited, owed, resting
from tests.soak.figures import Day, levels
from tests.soak.ledger import Arrival, Kind, Ledger, reckon, total

KILLED = 100.0
DUE = datetime(2026, 3, 5, 9, tzinfo=UTC)


def ledger(*arrivals: Arrival, unheard: frozenset[str] = frozenset()) -> Ledger:
    """One mail was promised."""
    book = Ledger(kills=[KILLED], unheard=set(unheard), arrivals=list(arrivals))
    book.promise(Kind.PASSED, "<1@x>", "pat@home.example", DUE)
    return book


def came(at: float = 50, name: str = "<1@x>", **more: object) -> Arrival:
    return Arrival(**{"mark": "<1@x>", "to": "pat@home.example", "id": name, "at": at, "date": DUE, **more})


@pytest.mark.parametrize(
    ("arrivals", "found"),
    [
        ([came()], (1, 1, 0, 0, 0, 0)),
        ([], (1, 0, 1, 0, 0, 0)),
        ([came(), came(51)], (1, 1, 0, 0, 0, 1)),  # twice, far from any kill
        ([came(), came(101)], (1, 1, 0, 0, 0, 1)),  # across a kill, but recorded long before it
        ([came(99), came(101)], (1, 1, 0, 0, 1, 0)),  # the window of D2
        ([came(99), came(99.5)], (1, 1, 0, 0, 0, 1)),  # both before the kill
        ([came(50, handed="A"), came(51, handed="A")], (1, 1, 0, 0, 0, 0)),  # the hop's own repetition
        ([came(99), came(101, "<2@x>")], (1, 2, 0, 0, 0, 1)),  # another mail in place of the same
        ([came(date=DUE + timedelta(days=1))], (1, 1, 0, 1, 0, 0)),
    ],
)
def test_what_came_is_held_against_what_was_promised(arrivals, found):
    reckoning = reckon(ledger(*arrivals))
    row = total(reckoning)
    assert (row.promised, row.came, row.lost, row.astray, row.twice, row.duplicated) == found
    assert bool(reckoning.faults) == any((row.lost, row.astray, row.duplicated))


def test_a_client_that_did_not_hear_its_answer_may_try_again():
    assert reckon(ledger(came(), came(51), unheard=frozenset({"<1@x>"}))).faults == []


def test_a_hop_that_goes_down_may_have_taken_what_it_never_said():
    book = ledger(came(199.0), came(205.0))
    assert reckon(book).faults
    book.cuts.append(200.0)
    assert reckon(book).faults == []


@pytest.mark.parametrize(("recorded", "again", "faults"), [(1, 120, 0), (2, 120, 1), (1, 99, 1)])
def test_a_notice_may_come_again_after_a_kill_that_kept_it_from_being_recorded(recorded, again, faults):
    sent = {"mark": "reminder", "id": "<7.abc@x>", "to": "pat@home.example"}
    book = Ledger(kills=[KILLED], arrivals=[Arrival(at=90, **sent), Arrival(at=again, **sent)])
    book.promise(Kind.REMINDED, "reminder", "pat@home.example")
    book.recorded["7"] = recorded
    assert len(reckon(book).faults) == faults


def test_what_nobody_promised_is_a_fault():
    assert reckon(ledger(came(), came(to="eve@home.example"))).faults


def test_what_may_lose_its_point_need_not_come_and_may():
    for arrivals in ([], [came()]):
        book = Ledger(arrivals=list(arrivals))
        book.promise(Kind.REMINDED, "<1@x>", "pat@home.example", optional=True)
        assert reckon(book).faults == []


# ------------------------------------------------------------------------------------------------------ the calendar

RULES = Rules(reminders=(1, 3), expire=4, grace=2, lapse=2)
BEGUN = date(2026, 3, 27)  # the clocks go forward on the 29th


def looks(*at: str, rules: Rules = RULES) -> list[Look]:
    return [Look(datetime.fromisoformat(one).replace(tzinfo=UTC), rules) for one in at]


def hourly(days: int) -> list[Look]:
    return [Look(datetime(2026, 3, 27, 10, tzinfo=UTC) + timedelta(hours=hour), RULES) for hour in range(24 * days)]


def seen(plan, trace: list[Look]) -> list[tuple[str, str]]:
    return [(due.notice, f"{due.at:%d %H}") for due in owed(plan, BEGUN, trace)]


def test_each_step_is_due_at_its_hour_in_local_time():
    assert seen(invited, hourly(9)) == [("reminder", "28 09"), ("reminder", "30 08"), ("expired", "31 23")]
    assert seen(asked, hourly(9)) == [("details-again", "28 09"), ("lapsed", "29 08")]
    assert seen(resting, hourly(9)) == [("lapsed", "29 08")]


def test_what_was_missed_is_the_last_of_it():
    assert seen(invited, looks("2026-03-27T10:00", "2026-03-30T12:00", "2026-03-30T13:00")) == [("reminder", "30 12")]
    assert seen(invited, looks("2026-03-27T10:00", "2026-04-20T12:00")) == [("expired", "20 12")]


def test_a_clock_that_goes_back_brings_nothing_twice_and_new_rules_are_followed():
    there_and_back = looks("2026-03-28T10:00", "2026-03-28T08:00", "2026-03-28T10:00")
    shorter = looks("2026-03-29T12:00", rules=Rules((), 1, 2, 2))
    assert seen(invited, there_and_back + shorter) == [("reminder", "28 10"), ("expired", "29 12")]


def test_what_is_due_is_told_by_the_look_that_saw_it():
    trace = looks("2026-03-27T10:00", "2026-03-28T10:00", "2026-03-28T08:00", "2026-04-02T12:00")
    assert [due.look for due in owed(invited, BEGUN, trace, 0)] == [1, 3]


# ------------------------------------------------------------------------------------------------------- the figures


def test_only_what_grows_in_the_last_third_is_called_growing():
    days = [Day(day, 1000 + 100 * day, 2, 50_000 + 2000 * min(day, 8), 30) for day in range(12)]
    found = levels(days)
    assert found["database_kb"].startswith("GROWS by 100 a day")
    assert [found[name].split()[0] for name in ("spool_files", "memory_kb", "descriptors")] == ["level"] * 3
