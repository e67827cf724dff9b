"""The tables of docs/scale.md, made of the arithmetic."""

from pathlib import Path

from tests.bench.arithmetic import (
    A_MEGABYTE,
    A_SIGN_IN,
    AUDIT_OCTETS,
    COSTS,
    GB,
    KB,
    MB,
    MONTHLY_CORE,
    MONTHLY_DATABASE_GB,
    MONTHLY_OBJECT_GB,
    PER_PROCESS,
    TB,
    Day,
    connections,
)
from tests.bench.table import fill

PAGE = Path(__file__).resolve().parents[2] / "docs/scale.md"


def page() -> str:
    """The page, with its tables made anew."""
    text = PAGE.read_text("utf-8")
    for name, make in {"assumptions": assumptions, "costs": costs, "needs": needs}.items():
        text = fill(text, name, make())
    return text


def assumptions() -> str:
    day = Day()
    sizes = ", ".join(f"{share:.1%} of {size / KB:,.0f} KB" for size, share in day.sizes)
    return _table(
        ("what is assumed", "figure"),
        ("clinicians; in one practice", f"{day.clinicians:,}; {day.clinicians_a_practice}"),
        ("mails of a clinician to outside their practice, a working day", f"{day.mails:g}"),
        ("of these secure", f"{day.secure:.0%}"),
        ("of secure mail to somebody who was never written to", f"{day.strangers:.0%}"),
        ("mails that such an invitation brings later (its sender's answer, reminders, its end)", f"{day.later:g}"),
        ("people who sign in, for each secure mail", f"{day.sign_ins:g}"),
        ("sizes", f"{sizes}: {day.size / KB:,.0f} KB on average"),
        ("the busiest hour, of the mean of 24", f"{day.peak / day.rate():.1f} times"),
        ("working days a year", f"{day.working_days}"),
        (
            "days for which is kept: to whom mail was sent; traces of mail that has ended; the audit (the defaults)",
            f"{day.sent_days}; {day.trace_days}; {day.audit_days:,}",
        ),
        (
            "days for which a message stays in an inbox (`secure_mail.keep_days`, by default for ever)",
            f"{day.inbox_days}",
        ),
        ("of a core that is to be busy in the busiest hour", f"{day.busy:.0%}"),
        ("a core for a month", f"{MONTHLY_CORE} €"),
        ("a GB of fast disk for a month; in an object store", f"{MONTHLY_DATABASE_GB} €; {MONTHLY_OBJECT_GB} €"),
    )


def costs() -> str:
    rows = [
        (
            kind,
            *(
                f"{figure:.3g}"
                for figure in (
                    sum(cost.written.values()),
                    cost.octets / KB,
                    cost.wal / KB,
                    cost.gateway_ms,
                    cost.postgres_ms,
                )
            ),
        )
        for kind, cost in {**COSTS, "each MB more": A_MEGABYTE, "a sign-in": A_SIGN_IN}.items()
    ]
    return _table(("mail", "rows written", "KB of tables", "KB of log", "ms of a gateway", "ms of PostgreSQL"), *rows)


def needs() -> str:
    day = Day()
    mail, whole = day.mail(), day.all_of_it()
    gateways, portals, server = day.gateway_cores, day.portal_cores, day.postgres_cores
    processes = day.processes
    stored = day.stored_octets
    price = (gateways + portals + server * 2) / day.busy * MONTHLY_CORE + sum(
        stored.values()
    ) * 2 / GB * MONTHLY_DATABASE_GB
    return _table(
        ("a million clinicians", "how", "figure"),
        ("mails a day", "clinicians × mails", f"{day.mails_a_day / 1e6:.3g} million"),
        ("mails a second, mean and peak", "÷ 86,400; × the busiest hour", f"{day.rate():,.0f}; {day.peak:,.0f}"),
        (
            "secure mails, invitations, sign-ins a day",
            "shares of it",
            f"{day.secure_a_day / 1e6:.3g}, {day.strangers_a_day / 1e6:.3g}, {day.sign_ins_a_day / 1e6:.3g} million",
        ),
        (
            "rows written a mail; a second at the peak",
            "kinds by their shares",
            f"{sum(mail.written.values()):.3g}; {sum(whole.written.values()) * day.peak:,.0f}",
        ),
        *(
            (f"rows of `{name}` that stay", "a year's working days ÷ 365 × days kept", f"{count / 1e6:,.0f} million")
            for name, count in day.rows.items()
        ),
        ("octets of messages in inboxes", "secure mails × their size × days kept", f"{stored['content'] / TB:.3g} TB"),
        ("octets of rows", "rows × what one takes", f"{stored['rows'] / TB:.3g} TB"),
        ("octets of the audit", f"rows × {AUDIT_OCTETS}", f"{stored['audit'] / TB:.3g} TB"),
        (
            "log (WAL) a second at the peak; a day",
            "KB a mail × mails",
            f"{whole.wal * day.peak / MB:,.0f} MB; {whole.wal * day.mails_a_day / TB:.3g} TB",
        ),
        ("cores' worth of work of gateways at the peak", "ms a mail × mails a second", f"{gateways:.3g}"),
        ("of passwords at the peak", "ms a sign-in × sign-ins a second", f"{portals:.3g}"),
        ("of PostgreSQL at the peak", "ms a mail × mails a second", f"{server:.3g}"),
        ("gateway processes", f"cores' worth ÷ {day.busy:.0%}", f"{processes}"),
        ("connections", f"processes × (database.connections + 4 + 1 = {PER_PROCESS})", f"{connections(processes):,}"),
        (
            "cost a month",
            f"cores ÷ {day.busy:.0%} (PostgreSQL twice: a replica) and disk twice, at the prices above",
            f"{price:,.0f} €",
        ),
        (
            "the same with content in an object store",
            "its GB at the other price, once",
            f"{_with_objects(day, price):,.0f} €",
        ),
        ("of it for each clinician", "", f"{price / day.clinicians * 100:.2g} ct"),
    )


def _with_objects(day: Day, price: float) -> float:
    large = day.large_octets / GB
    return price - large * 2 * MONTHLY_DATABASE_GB + large * MONTHLY_OBJECT_GB


def _table(head: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    cells = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([cells[0], "|---" * len(head) + "|", *cells[1:]])
