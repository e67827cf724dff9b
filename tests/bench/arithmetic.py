"""The arithmetic of docs/scale.md: from what one mail costs to what a million clinicians need.

All its constants are here. What a mail costs was measured one kind after the other (`python -m tests.bench.day --kinds`),
with one practice on one node; `python -m tests.bench.day` holds the sum of the shares against a mixed day of many practices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOURS = (3, 2, 2, 2, 3, 8, 20, 60, 105, 120, 110, 85, 55, 80, 110, 90, 65, 35, 15, 10, 8, 6, 4, 2)
"""Of a thousand mails of a working day, how many fall into each hour from midnight: most after the morning's round."""
KB, MB, GB, TB = 1e3, 1e6, 1e9, 1e12


@dataclass(frozen=True, slots=True)
class Cost:
    """What one mail costs, until all that it brings about has been sent.

    `written` counts rows inserted, changed and deleted by table, `kept` those that are left; octets of the tables' growth
    and of the log (WAL); milliseconds of processor time.
    """

    written: Mapping[str, float] = field(default_factory=dict)
    kept: Mapping[str, float] = field(default_factory=dict)
    octets: float = 0
    wal: float = 0
    gateway_ms: float = 0
    postgres_ms: float = 0

    def times(self, factor: float) -> "Cost":
        return Cost(
            {table: rows * factor for table, rows in self.written.items()},
            {table: rows * factor for table, rows in self.kept.items()},
            self.octets * factor,
            self.wal * factor,
            self.gateway_ms * factor,
            self.postgres_ms * factor,
        )


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of them."""
    written: dict[str, float] = {}
    kept: dict[str, float] = {}
    octets = wal = gateway = postgres = 0.0
    for cost in costs:
        for rows, more in ((written, cost.written), (kept, cost.kept)):
            for table, count in more.items():
                rows[table] = rows.get(table, 0) + count
        octets, wal = octets + cost.octets, wal + cost.wal
        gateway, postgres = gateway + cost.gateway_ms, postgres + cost.postgres_ms
    return Cost(written, kept, octets, wal, gateway, postgres)


ORDINARY, REGISTERED, STRANGER = "ordinary", "secure, to somebody registered", "secure, to a stranger"


@dataclass(frozen=True, slots=True)
class Day:
    """What is assumed of a working day, and of the site that serves it."""

    clinicians: int = 1_000_000
    clinicians_a_practice: int = 10
    mails: float = 20
    """Of a clinician, to addresses outside their practice."""
    secure: float = 0.10
    strangers: float = 0.10
    """Of secure mail."""
    later: float = 4
    """Mails that a stranger's invitation brings later: its sender's answer, reminders, what tells of its end."""
    sign_ins: float = 0.5
    """At the portal, for each secure mail."""
    sizes: tuple[tuple[int, float], ...] = ((4_000, 0.75), (50_000, 0.20), (500_000, 0.045), (5_000_000, 0.005))
    """In octets, and their shares."""
    working_days: int = 250
    sent_days: int = 30
    trace_days: int = 180
    audit_days: int = 2192
    inbox_days: int = 365
    busy: float = 0.5
    """How much of a core is to be used at the peak."""

    @property
    def mails_a_day(self) -> float:
        return self.clinicians * self.mails

    def rate(self, hour: int | None = None) -> float:
        """Mails a second: of an hour, or over all 24."""
        share = 1 / 24 if hour is None else HOURS[hour] / sum(HOURS)
        return self.mails_a_day * share / 3600

    @property
    def peak(self) -> float:
        return self.rate(HOURS.index(max(HOURS)))

    @property
    def size(self) -> float:
        """Octets of a mail, on average."""
        return sum(size * share for size, share in self.sizes)

    @property
    def shares(self) -> dict[str, float]:
        """Of each kind of mail."""
        return {
            ORDINARY: 1 - self.secure,
            REGISTERED: self.secure * (1 - self.strangers),
            STRANGER: self.secure * self.strangers,
        }

    @property
    def sign_in_cost(self) -> Cost:
        return A_SIGN_IN

    def mail(self) -> Cost:
        """An average mail as it is handed in: each kind by its share, and what its size adds."""
        beyond = max(0, self.size - SMALL) / MB
        kinds = [COSTS[kind].times(share) for kind, share in self.shares.items()]
        large = [A_MEGABYTE.times(beyond), A_SECURE_MEGABYTE.times(beyond * self.secure)]
        return total([*kinds, *large])

    def all_of_it(self) -> Cost:
        """An average mail with what comes of its invitation later."""
        return total([self.mail(), COSTS[REGISTERED].times(self.secure * self.strangers * self.later)])


SMALL = 4_000
"""Octets of the mails of `COSTS`."""
COSTS: dict[str, Cost] = {ORDINARY: Cost(), REGISTERED: Cost(), STRANGER: Cost()}
A_MEGABYTE = Cost()
"""What each million octets more cost, whatever kind the mail is."""
A_SECURE_MEGABYTE = Cost(octets=MB)
"""What of these stays."""
A_SIGN_IN = Cost(gateway_ms=100)


POOL, LARGE_CONTENT, BELL = 8, 4, 1
"""Connections of a process: its pool (`database.connections`), for large content, and one that listens for mail."""


def connections(processes: int) -> int:
    return processes * (POOL + LARGE_CONTENT + BELL)
