"""How a gateway is, on one screen: does it serve, what waits, what needs a person."""

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.admin import sights
from gateway.admin.access import ask
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.domain.needs import Need, NeedKind
from gateway.edge.run.clock import the_clock
from gateway.edge.run.supervisor import is_in_use
from gateway.flow.administration import needs, status
from gateway.flow.administration.status import Rows
from gateway.flow.context import Context
from gateway.flow.upkeep import troubles

PATIENCE = 1.0
"""Seconds for a listener to answer."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a gateway is; `needs` has a line for each thing that needs a person."""

    at: datetime
    serves: bool
    listeners: dict[str, bool]
    database: dict[str, object]
    rows: Rows
    free: int
    needs: tuple[str, ...]


def look(settings: Settings, *, deep: bool) -> Status:
    """Look at everything. `deep`: read the whole database for damage. Raises as `ask`, and StoreDamaged."""
    kept = database_of(settings)
    now = the_clock().now()
    rows = ask(settings, status.rows)
    serves = is_in_use(settings.serving_path)
    listeners = {name: _answers(address) for name, address in _listeners(settings).items()}
    database: dict[str, object] = {
        "file": kept.name,
        "octets": kept.octets(),
        "log_octets": kept.log_octets(),
        "schema": kept.schema(),
        "damage": kept.damage() if deep else None,
    }
    free = shutil.disk_usage(settings.data_folder).free
    known = Status(now, serves, listeners, database, rows, free, ())
    return replace(
        known, needs=ask(settings, lambda ctx: tuple(one.line for one in needs.joined(_needs(ctx, settings, known))))
    )


def _listeners(settings: Settings) -> dict[str, str]:
    listening = {
        "smtp": settings.smtp.listen,
        **({"smtps": settings.smtp.tls_listen} if settings.smtp.tls_listen else {}),
        "portal": settings.portal.listen,
        "metrics": settings.metrics.listen,
    } | ({"admin": settings.admin.listen} if settings.admin.listen else {})
    return {name: where for name, where in listening.items() if split_address(where)[1]}  # port 0: nobody knows which


def _answers(where: str) -> bool:
    try:
        socket.create_connection(split_address(where), PATIENCE).close()
    except OSError:
        return False
    return True


def _needs(ctx: Context, settings: Settings, known: Status) -> Iterator[Need]:
    """What needs a person: what is seen from here, what who serves has seen, and what rows tell."""
    here, serves = settings.node, known.serves or any(one.node.lives(known.at) for one in known.rows.nodes)
    if not serves:
        yield Need(NeedKind.NOT_SERVING)
    for name, answers in known.listeners.items():
        if serves and not answers:
            yield Need(NeedKind.LISTENER, None, f"{name}.listen", node=here)
    if known.database["damage"]:
        yield Need(NeedKind.DAMAGED, subject=str(known.database["damage"]))
    seen = sights.all_seen(settings, known.at)
    yield from (Need(one.kind, None, one.subject, one.number, here) for one in seen)
    if serves:
        yield from (one for one in troubles.lasting(ctx) if one.node != here or one.kind not in sights.KINDS)
    yield from needs.of_store(ctx, serves=serves)
