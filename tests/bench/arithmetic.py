"""The arithmetic of docs/scale.md: from what one mail costs to what a million clinicians need.

All its constants are here. What a mail costs was measured one kind after the other, with one practice on one node
(`python -m tests.bench.day --kinds`). `python -m tests.bench.day` holds it against a mixed day of many practices.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOURS = (3, 2, 2, 2, 3, 8, 20, 60, 105, 120, 110, 85, 55, 80, 110, 90, 65, 35, 15, 10, 8, 6, 4, 2)
"""Of a thousand mails of a working day, how many fall into each hour from midnight: most after the morning's round."""
KB, MB, GB, TB = 1e3, 1e6, 1e9, 1e12


@dataclass(frozen=True, slots=True)
class Cost:
    """What one mail costs, until all that it brings about has been sent.

    `written` counts rows inserted, changed and deleted by table, `kept` those that are left; `octets` are of the
    tables' growth, `wal` of the log's; milliseconds are of one core.
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
    def secure_a_day(self) -> float:
        return self.mails_a_day * self.secure

    @property
    def strangers_a_day(self) -> float:
        return self.secure_a_day * self.strangers

    @property
    def sign_ins_a_day(self) -> float:
        return self.secure_a_day * self.sign_ins

    def mail(self) -> Cost:
        """An average mail as it is handed in: each kind by its share, and what its size adds."""
        beyond = max(0, self.size - SMALL) / MB
        kinds = [COSTS[kind].times(share) for kind, share in self.shares.items()]
        large = [A_MEGABYTE.times(beyond), A_SECURE_MEGABYTE.times(beyond * self.secure)]
        return total([*kinds, *large])

    def all_of_it(self) -> Cost:
        """An average mail with what comes of its invitation later."""
        return total([self.mail(), COSTS[REGISTERED].times(self.secure * self.strangers * self.later)])

    @property
    def audited_a_day(self) -> float:
        """Rows of the audit: what invitations bring, sign-ins, and each secure message opened once."""
        return self.strangers_a_day * (1 + self.later) + self.sign_ins_a_day + self.secure_a_day

    @property
    def rows(self) -> dict[str, float]:
        """Of each large table, once as much ends as comes in."""
        a_day = self.working_days / 365
        kept = self.all_of_it().kept
        days = {"delivery": self.sent_days, "message": self.inbox_days + self.trace_days}
        days |= {"copy": days["message"], "content": self.inbox_days, "search_index": self.inbox_days}
        days["invitation"] = self.trace_days
        rows = {table: kept.get(table, 0) * self.mails_a_day * a_day * those for table, those in days.items()}
        return rows | {"audit": self.audited_a_day * a_day * self.audit_days}

    @property
    def stored_octets(self) -> dict[str, float]:
        """What is left on the disk: what messages say beyond their rows, rows, the audit."""
        a_year = self.secure_a_day * self.working_days * self.inbox_days / 365
        small = {kind: COSTS[kind].octets * share for kind, share in self.shares.items()}
        rows = (small[REGISTERED] + small[STRANGER]) * self.mails_a_day * self.working_days * self.inbox_days / 365
        rows += small[ORDINARY] * self.mails_a_day * self.working_days * self.sent_days / 365
        content = max(0, self.size - SMALL) * a_year
        return {"content": content, "rows": rows, "audit": self.rows["audit"] * AUDIT_OCTETS}

    @property
    def large_octets(self) -> float:
        """Of what is stored, that of mail above `objects.above` by default."""
        large = sum(size * share for size, share in self.sizes if size > MB)
        return large * self.secure_a_day * self.working_days * self.inbox_days / 365

    @property
    def gateway_cores(self) -> float:
        """That mail keeps busy at the peak."""
        return self.peak * self.all_of_it().gateway_ms / 1e3

    @property
    def portal_cores(self) -> float:
        """That passwords keep busy at the peak."""
        return self.peak * self.secure * self.sign_ins * A_SIGN_IN.gateway_ms / 1e3

    @property
    def postgres_cores(self) -> float:
        """That the server keeps busy at the peak."""
        return self.peak * self.all_of_it().postgres_ms / 1e3

    @property
    def processes(self) -> int:
        """Of gateways, of which each has one core at most."""
        return math.ceil(self.gateway_cores / self.busy)


SMALL = 4_000
"""Octets of the mails of `COSTS`."""
_MAIL = {"content": 1.0, "copy": 1.0, "delivery": 1.0, "fingerprint": 1.0, "message": 1.0, "sender": 1.0}
"""Rows that are kept of each secure mail; its sender was not known before."""
_INVITED = {"audit": 1.0, "invitation": 1.0, "waiting_sender": 1.0}
_SEARCHED = {"search_entry": 1.0, "search_index": 1.0}
COSTS: dict[str, Cost] = {
    ORDINARY: Cost({"content": 2.0, "delivery": 3.0}, {"delivery": 1.0}, 580, 6_500, 4.9, 2.1),
    REGISTERED: Cost(
        _MAIL | _SEARCHED | {"delivery": 3.0, "search_entry": 2.0}, _MAIL | _SEARCHED, 9_000, 9_900, 8.3, 3.7
    ),
    STRANGER: Cost(_MAIL | _INVITED | {"delivery": 3.0}, _MAIL | _INVITED, 9_000, 10_300, 7.3, 2.9),
}
A_MEGABYTE = Cost({"chunk": 8.0}, {}, 0, 1.12 * MB, 21, 11.7)
"""What each million octets more cost, of any kind of mail: they are written, and deleted when it has passed on."""
A_SECURE_MEGABYTE = Cost({"chunk": -4.0}, {"chunk": 4.0}, 1.04 * MB, 0, 8, 0)
"""What these cost beyond that in secure mail, of which they stay, and are read for the search."""
A_SIGN_IN = Cost({"audit": 1.0, "session": 1.0, "try_window": 4.0}, {"audit": 1.0, "session": 1.0}, 0, 15_000, 200, 20)

AUDIT_OCTETS = 250
"""Of one row with its index, about."""
MONTHLY_CORE, MONTHLY_DATABASE_GB, MONTHLY_OBJECT_GB = 25, 0.12, 0.025
"""Euros: a core with its memory, a GB of fast disk, a GB in an object store."""
PER_PROCESS = 8 + 4 + 1
"""Connections of a process: `database.connections`, those for large content, and one that listens for mail."""


def connections(processes: int) -> int:
    return processes * PER_PROCESS
