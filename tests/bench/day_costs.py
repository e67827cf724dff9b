"""What a run of mails took of gateways and server, and the table that holds it against the arithmetic."""

from dataclasses import dataclass

import psycopg

from tests.bench.arithmetic import A_SIGN_IN, KB, Cost, Day, connections, total
from tests.bench.nodes import Site
from tests.bench.sampling import cpu_seconds
from tests.peers.postgres import Postgres

_TABLES = """
    SELECT relname, n_tup_ins, n_tup_upd + n_tup_del, n_tup_ins - n_tup_del, pg_total_relation_size(relid)
    FROM pg_stat_user_tables
"""
_LOG = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
_UNDONE = "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'bench'"
BY_TIME = {"worker", "meta", "lease"}
"""Tables that are written by the clock, whatever mail there is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What gateways and server have done so far: rows written and kept by table, octets, seconds of processor time."""

    written: dict[str, int]
    kept: dict[str, int]
    octets: int
    wal: int
    undone: int
    gateways: float
    postgres: float


def reading(site: Site, server: Postgres) -> Reading:
    """What it is now. Tables are measured without the room of rows that are gone."""
    [(wal,)], [(undone,)] = server.say(_LOG), server.say(_UNDONE)
    gateways, postgres = sum(cpu_seconds(one.pid) for one in site.gateways), cpu_seconds(server.pid)
    with psycopg.connect(server.of("bench"), autocommit=True) as connection:
        connection.execute("VACUUM")
        tables = [row for row in connection.execute(_TABLES) if row[0] not in BY_TIME]
    return Reading(
        {name: int(made + changed) for name, made, changed, _, _ in tables},
        {name: int(kept) for name, _, _, kept, _ in tables},
        sum(int(size) for *_, size in tables),
        int(wal),
        int(undone),
        gateways,
        postgres,
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took: `cost` for each mail, seconds, and how many connections there were at most."""

    cost: Cost
    mails: int
    rate: float
    whole_seconds: float
    p95: float
    people: int
    people_p95: float
    undone: float
    connections: int

    @classmethod
    def of(
        cls,
        before: Reading,
        after: Reading,
        mails: int,
        took: float,
        whole: float,
        p95: float,
        people: int,
        people_p95: float,
        connections: int,
    ) -> "Taken":
        written = {name: (count - before.written.get(name, 0)) / mails for name, count in after.written.items()}
        kept = {name: (count - before.kept.get(name, 0)) / mails for name, count in after.kept.items()}
        cost = Cost(
            {name: rows for name, rows in sorted(written.items()) if rows},
            {name: rows for name, rows in sorted(kept.items()) if rows},
            (after.octets - before.octets) / mails,
            (after.wal - before.wal) / mails,
            (after.gateways - before.gateways) * 1e3 / mails,
            (after.postgres - before.postgres) * 1e3 / mails,
        )
        undone = (after.undone - before.undone) / mails
        return cls(cost, mails, mails / took, whole, p95, people, people_p95, undone, connections)


def told(hour: str, offered: float | None, day: Day, nodes: int, taken: Taken) -> str:
    """The table of one hour: what the arithmetic says, what was measured, and the second over the first."""
    wanted, got = total([day.mail(), A_SIGN_IN.times(taken.people / taken.mails)]), taken.cost
    rows = [
        ("mails accepted a second", offered, taken.rate),
        ("p95 of the 250, ms", None, taken.p95 * 1e3),
        ("p95 of a sign-in, ms", None, taken.people_p95 * 1e3 if taken.people else None),
        ("rows written a mail", sum(wanted.written.values()), sum(got.written.values())),
        *((f"rows of `{name}`", wanted.written.get(name, 0), got.written[name]) for name in _most(got)),
        ("KB of tables a mail", wanted.octets / KB, got.octets / KB),
        ("KB of log (WAL) a mail", wanted.wal / KB, got.wal / KB),
        ("gateways: ms of a core a mail", wanted.gateway_ms, got.gateway_ms),
        ("PostgreSQL: ms of a core a mail", wanted.postgres_ms, got.postgres_ms),
        ("connections", connections(nodes), taken.connections),
        ("transactions undone a mail", None, taken.undone),
    ]
    title = f"**{hour}**: {taken.rate:.1f} mails a second, {taken.people} people signed in"
    return "\n".join(
        [title, "", "| figure | arithmetic | measured | ratio |", "|---|---|---|---|", *map(_line, rows), ""]
    )


def _most(cost: Cost) -> list[str]:
    """The five tables with the most rows written."""
    return sorted(cost.written, key=lambda name: -cost.written[name])[:5]


def _line(row: tuple[str, float | None, float | None]) -> str:
    name, wanted, got = row
    ratio = f"{got / wanted:.2f}" if wanted and got is not None else ""
    return f"| {name} | {_number(wanted)} | {_number(got)} | {ratio} |"


def _number(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
