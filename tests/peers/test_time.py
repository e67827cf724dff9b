"""Reminders and expiry in real processes: awkward nights and zones, a gateway that was down, a clock that is set."""

import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.peers.ledger import ADA, drained
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

STEPS = ("reminder", "reminder", "reminder", "expired")


@dataclass(frozen=True)
class Life:
    """An invitation at a site: when it is made, and the instants (UTC) of three reminders and of its end."""

    zone: str
    hour: int
    invited: str
    due: tuple[str, str, str, str]


LIVES = {
    "the night that lacks 1:00 is day 15": Life(
        *("Europe/London", 1, "2026-03-14T10:00"),
        ("2026-03-17T01:00", "2026-03-29T01:00", "2026-04-13T00:00", "2026-04-13T23:00"),
    ),
    "the night that has 1:00 twice is day 15": Life(
        *("Europe/London", 1, "2026-10-10T10:00"),
        ("2026-10-13T00:00", "2026-10-25T00:00", "2026-11-09T01:00", "2026-11-10T00:00"),
    ),
    "New Year is day 15, twelve hours behind": Life(
        *("Etc/GMT+12", 9, "2026-12-17T22:00"),
        ("2026-12-20T21:00", "2027-01-01T21:00", "2027-01-16T21:00", "2027-01-17T12:00"),
    ),
    "29 February is day 15, fourteen hours ahead": Life(
        *("Pacific/Kiritimati", 9, "2028-02-13T18:00"),
        ("2028-02-16T19:00", "2028-02-28T19:00", "2028-03-14T19:00", "2028-03-15T10:00"),
    ),
}
QUEUED = "SELECT notice, created_at FROM delivery WHERE notice IN ('reminder', 'expired') ORDER BY id"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def planned(served: Served) -> list[tuple[str, datetime]]:
    """Reminders and expiries that the gateway has queued, and when by its clock."""
    return [(notice, datetime.fromtimestamp(at / 1e6, UTC)) for notice, at in served.rows(QUEUED)]


def invite(served: Served, to: str = "pat@home.example") -> None:
    served.send(ADA, to, "[secure patient 1980-02-03] Results", "Fine.")
    invited = "SELECT count(*) FROM delivery WHERE notice = 'invitation' AND recipient = ?"
    wait_for(lambda: served.rows(invited, to) == [(1,)])


def copies(served: Served) -> list[str]:
    return [state for (state,) in served.rows("SELECT state FROM copy")]


@pytest.fixture
def sites(tmp_path, hop):
    """`sites(name, **settings)` sets a gateway up; all end with the test."""
    running: list[Served] = []

    def make(name: str, **settings: str) -> Served:
        running.append(Served(tmp_path / name, hop.port, **settings))
        return running[-1]

    yield make
    for served in running:
        served.end(signal.SIGKILL)


def set_clock(served: Served, at: datetime) -> None:
    served.turn(seconds=(at - served.now).total_seconds())


def test_each_reminder_goes_once_on_its_day_and_the_end_comes_with_the_end_of_day_30(sites, hop):
    """A minute before each instant nothing is sent; at the instant one mail is, and an hour later no second one."""
    at = {}
    for number, life in enumerate(LIVES.values()):
        served = sites(
            f"site{number}", SITE__TIMEZONE=life.zone, INVITATIONS__REMINDER_HOUR=str(life.hour), NEXT_HOP__TLS="none"
        )
        set_clock(served, utc(life.invited))
        served.start()
        invite(served)
        at[served] = life
    for step in range(len(STEPS)):
        for minutes in (-1, 0, 61):
            for served, life in at.items():
                set_clock(served, utc(life.due[step]) + timedelta(minutes=minutes))
            for served, life in at.items():
                served.catch_up()
                expected = list(zip(STEPS, map(utc, life.due), strict=True))[: step + (minutes >= 0)]
                assert planned(served) == expected, life
    for served in at:
        wait_for(lambda served=served: drained(served), 20)
        assert served.rows("SELECT state FROM invitation") == [("expired",)]
    kinds = [handed.message["X-Gateway-Notice"] for handed in hop.messages()]
    assert (kinds.count("reminder"), kinds.count("expired")) == (3 * len(LIVES), len(LIVES))


@pytest.mark.parametrize(
    ("days", "change", "ends"),
    [
        (16, {"INVITATIONS__REMINDER_DAYS": "[15]"}, "2026-06-01T01:00"),
        (4, {"INVITATIONS__REMINDER_DAYS": "[]"}, "2026-06-01T01:00"),
        (16, {"INVITATIONS__EXPIRE_AFTER_DAYS": "10"}, "2026-05-17T12:00"),
    ],
)
def test_settings_that_change_under_a_living_invitation_leave_it_its_end(sites, hop, days, change, ends):
    served = sites("gateway", SITE__TIMEZONE="Europe/London")
    set_clock(served, utc("2026-05-01T10:00"))
    served.start()
    invite(served)
    served.turn(days=days, hours=2)
    served.catch_up()
    sent = [kind for kind, _ in planned(served)]
    served.end()
    served.settings |= change
    served.start()
    served.catch_up()
    set_clock(served, utc(ends))
    wait_for(lambda: served.rows("SELECT state FROM invitation") == [("expired",)])
    assert [kind for kind, _ in planned(served)] == [*sent, "expired"]


def test_a_gateway_that_was_down_catches_up_once(sites, hop):
    """Down on days 2 to 16: one reminder, not two. Down over the end: one more reminder each, and a day to answer."""
    served = sites("gateway", SITE__TIMEZONE="Europe/London", RETENTION__SENT="365")
    set_clock(served, utc("2026-05-01T10:00"))
    served.start()
    invite(served)
    set_clock(served, utc("2026-05-02T12:00"))
    served.catch_up()
    served.end()
    set_clock(served, utc("2026-05-17T12:00"))
    served.start()
    wait_for(lambda: planned(served))
    invite(served, "tim@home.example")
    served.turn(minutes=1)
    served.catch_up()
    assert planned(served) == [("reminder", utc("2026-05-17T12:00"))]
    wait_for(lambda: drained(served), 20)
    served.end()
    set_clock(served, utc("2026-07-01T12:00"))
    served.start()
    wait_for(lambda: len(planned(served)) == 3, 20)
    set_clock(served, utc("2026-07-02T22:59"))
    served.catch_up()
    late, over = utc("2026-07-01T12:00"), utc("2026-07-02T23:00")
    assert planned(served)[1:] == [("reminder", late), ("reminder", late)]
    set_clock(served, over)
    wait_for(lambda: len(planned(served)) == 5)
    assert planned(served)[3:] == [("expired", over), ("expired", over)]
    wait_for(lambda: drained(served))
    reminders = [handed for handed in hop.messages() if handed.message["X-Gateway-Notice"] == "reminder"]
    assert sorted(handed.recipients for handed in reminders) == [
        ("pat@home.example",),
        ("pat@home.example",),
        ("tim@home.example",),
    ]


def test_an_answer_that_waited_out_an_outage_over_day_7_counts(sites, hop):
    """Nothing was destroyed, the sender was asked again, and the answer that comes an hour later invites."""
    served = sites("gateway", SITE__TIMEZONE="Europe/London")
    set_clock(served, utc("2026-05-01T10:00"))
    served.start()
    mail = Mailboxes(hop)
    served.send(ADA, "pat@home.example", "[secure] Results", "Fine.")
    asked = mail.next("receipt", ADA)
    set_clock(served, utc("2026-05-07T12:00"))
    served.catch_up()
    served.end()
    set_clock(served, utc("2026-05-09T12:00"))
    served.start()
    served.turn(hours=1)
    served.catch_up()
    assert served.rows("SELECT state FROM invitation") == [("awaiting_details",)]
    again = served.rows("SELECT count(*) FROM delivery WHERE notice = 'details-again'")
    served.send(ADA, asked["Reply-To"], "Re: your mail", "PATIENT 1980-02-03")
    mail.next("invitation", "pat@home.example")
    assert again == [(2,)]  # on day 3, and after the outage


def test_a_clock_that_is_set_while_running_sends_nothing_early_and_nothing_twice(sites, hop):
    """31 days ahead and back, two days back and forth; mail that passes goes on. A restart confirms the time."""
    served = sites("gateway", SITE__TIMEZONE="Europe/London", CLOCK_FILE="")
    shift = served.folder / "shift"

    def set_by(days: float) -> None:
        aside = served.folder / "shift.new"
        aside.write_text(str(days))
        aside.rename(shift)  # read at any moment

    def looked() -> None:
        """Wait until the gateway has looked twice at its clock and at what is due."""
        looks = served.folder / "shift.looks"
        wait_for(looks.exists, 20)
        before = looks.stat().st_size
        wait_for(lambda: looks.stat().st_size >= before + 2)

    set_by(0)
    served.through = ("tests.peers.shifted", str(shift))
    served.start()
    mail = Mailboxes(hop)
    invite(served)
    mail.next("invitation", "pat@home.example")
    for days in (31, 0, -2, 0):
        set_by(days)
        looked()
        assert planned(served) == []
        served.send(ADA, f"away{days}@home.example", "passes", "by any clock")
        wait_for(lambda days=days: f"away{days}@home.example" in hop.recipients(), 20)
    served.said("clock has jumped", times=2)
    served.said("clock is back", times=2)
    assert served.rows("SELECT state FROM invitation") == [("invited",)]

    set_by(3.5)
    served.end()
    served.start()
    mail.next("reminder", "pat@home.example")
    served.end()
    set_by(0)
    served.start()
    looked()
    assert [notice for notice, _ in planned(served)] == ["reminder"]


def test_a_clock_that_jumps_while_the_hop_is_down_gives_nothing_up(sites, hop):
    """A month ahead and back: what was put off is neither returned nor lost, and leaves once the hop takes it."""
    served = sites("gateway", SITE__TIMEZONE="Europe/London", CLOCK_FILE="")
    shift = served.folder / "shift"
    shift.write_text("0")
    served.through = ("tests.peers.shifted", str(shift))
    hop.script = lambda step, *_: "421 4.3.2 Later" if step == "banner" else ""
    served.start()
    served.send(ADA, "pat@home.example", "[secure patient 1980-02-03] Results", "Fine.")
    served.send(ADA, "pat@home.example", "passes", "Fine.")
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE attempts > 0") == [(3,)])
    shift.write_text("31")
    wait_for(lambda: served.figure("gateway_clock_astray") == 1)
    wait_for(lambda: (served.folder / "shift.looks").stat().st_size > 20)
    assert served.rows("SELECT DISTINCT state FROM delivery") == [("queued",)]
    assert served.rows("SELECT state FROM invitation") == [("invited",)]
    shift.write_text("0")
    wait_for(lambda: served.figure("gateway_clock_astray") == 0)
    due = served.rows("SELECT max(due_at) - max(created_at) FROM delivery")[0][0]
    assert due < 3600 * 1_000_000  # as soon as if nothing had been set


def test_messages_are_kept_for_as_long_as_the_site_says(sites, hop):
    served = sites("kept", SECURE_MAIL__KEEP_DAYS="7")
    served.start()
    served.enrol("pat@home.example")
    served.send(ADA, "pat@home.example", "[secure] Results", "Fine.")
    wait_for(lambda: copies(served) == ["inbox"])
    served.turn(days=6)
    served.catch_up()  # it reads the clock's file at its own pace
    served.send(ADA, "pat@home.example", "[secure] More results", "Fine.")
    wait_for(lambda: copies(served) == ["inbox", "inbox"])
    served.turn(days=1)
    wait_for(lambda: copies(served) == ["over", "inbox"], 20)
    assert served.rows("SELECT count(*) FROM content") == [(1,)]
