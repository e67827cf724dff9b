"""What an administrator can see from outside: figures for Prometheus, and a watch over the event loop.

Every worker counts what it does itself, so that sums over all workers are right; what is asked of the database, which
all share, is told by the first worker alone.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, make_asgi_app
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.needs import Need, NeedKind
from gateway.domain.vocabulary import State
from gateway.flow.overview import Standing, Waiting
from gateway.flow.upkeep.proxies import ProxyFault

_LATE = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
_COMMIT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def shown_to_prometheus(registry: CollectorRegistry) -> ASGIApp:
    """The figures for whoever reads them."""
    figures = make_asgi_app(registry)

    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            await figures(scope, receive, send)
            return
        refused = PlainTextResponse("Only GET and HEAD\n", 405, {"Allow": "GET, HEAD"})  # RFC 9110 §15.5.6
        await refused(scope, receive, send)

    return show


class Figures:
    """All that is counted; made once and handed to whoever counts. Times are in seconds."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        where: Any = {"registry": registry}
        ProcessCollector(registry=registry)
        Gauge("gateway_up", "1 while the gateway runs", **where).set(1)
        self.sessions = Gauge("gateway_smtp_sessions", "SMTP sessions that are open", **where)
        self._taken = Counter("gateway_recipients_taken", "recipients of mail taken, by action", ["action"], **where)
        self._refused = Counter("gateway_mails_refused", "mails refused, by the reply's code", ["code"], **where)
        self._signed_in = Counter("gateway_sign_ins", "sign-ins of SMTP clients, by reply", ["code"], **where)
        self._late = Histogram("gateway_loop_late_seconds", "how late the event loop was", buckets=_LATE, **where)
        self._stall = Gauge("gateway_loop_stall_seconds", "the event loop's longest stall of the last minute", **where)
        self._commit = Histogram("gateway_commit_seconds", "a commit of the store", buckets=_COMMIT, **where)
        self._batch = Histogram("gateway_commit_batch", "callers who shared a commit", buckets=_BATCH, **where)
        self.mailbox_connected = Gauge("gateway_mailbox_connected", "1 while the mailbox is read over IMAP", **where)
        self.mailbox_reader = Gauge("gateway_mailbox_reader", "1 where it is this process that reads it", **where)
        self.mailbox_mails = Counter("gateway_mailbox_mails", "mails taken in from the mailbox", **where)
        self._directory = Gauge("gateway_directory_answers", "1 unless the directory of people failed last", **where)
        self._directory.set(1)
        self._unopened = Counter("gateway_rows_unopened", "times that an altered row could not be opened", **where)
        self._doubted = Counter(
            "gateway_portal_proxy_doubts", "requests through a proxy that is not set up as it should", ["why"], **where
        )
        self.mailbox_set_aside = Counter(
            "gateway_mailbox_set_aside", "mails left in the mailbox, flagged, that could not be taken in", **where
        )
        self._hop = Gauge("gateway_hop_up", "1 while this mail server can be reached", ["hop"], **where)
        self.keeps_time = Gauge("gateway_keeps_time", "1 in the worker that does timed work", **where)
        self.clock_astray = Gauge("gateway_clock_astray", "1 while the machine's clock is not believed", **where)
        self.timed_until = Gauge("gateway_timed_work_until_seconds", "all that was due by then is done", **where)

    def taken(self, action: str) -> None:
        """A mail was taken for one recipient."""
        self._taken.labels(action).inc()

    def refused(self, reply: str) -> None:
        """A mail was refused with this SMTP reply."""
        self._refused.labels(reply[:3]).inc()

    def signed_in(self, reply: str) -> None:
        """A client tried to sign in, and got this SMTP reply."""
        self._signed_in.labels(reply[:3]).inc()

    def directory_answers(self, answers: bool) -> None:
        """The directory of people answers, or does not any more."""
        self._directory.set(int(answers))

    def unopened(self, rows: int) -> None:
        """So many rows could not be opened."""
        self._unopened.inc(rows)

    def proxy_doubted(self, doubt: ProxyFault) -> None:
        """A request came through a proxy that is not trusted, or that names no client."""
        self._doubted.labels(doubt.name.lower()).inc()

    def hop_answers(self, hop: str, answers: bool) -> None:
        """A mail server can be reached, or not any more; "" is the next hop."""
        self._hop.labels(hop or "next_hop").set(int(answers))

    def is_set(self, gauge: str) -> bool:
        """Whether a figure that is 0 or 1, such as `gateway_directory_answers`, is 1."""
        return bool(self.registry.get_sample_value(gauge))

    def commit(self, callers: int, seconds: float) -> None:
        """So many callers shared a commit, which took them so long."""
        self._batch.observe(callers)
        self._commit.observe(seconds)

    def watch_loop(self) -> "Watchdog":
        watchdog = Watchdog(self._late)
        self._stall.set_function(watchdog.worst)
        return watchdog


class Watchdog:
    """Sleeps a little, again and again, and sees how late it wakes: so late was everybody else."""

    EVERY = 0.01
    _HALF = 30.0

    def __init__(self, late: Histogram) -> None:
        self._late = late
        self._since = time.monotonic()
        self._now = self._before = 0.0

    def worst(self) -> float:
        """The longest stall of the last half minute at least, a minute at most."""
        return max(self._before, self._now)

    async def run(self) -> None:
        while True:
            asleep = time.monotonic()
            await asyncio.sleep(self.EVERY)
            self._note(time.monotonic() - asleep - self.EVERY)

    def _note(self, late: float) -> None:
        self._late.observe(max(late, 0))
        if time.monotonic() - self._since > self._HALF:
            self._before, self._now, self._since = self._now, 0.0, time.monotonic()
        self._now = max(self._now, late)


class Shared:
    """What the database says for all workers together: a part of the figures of the first one."""

    def __init__(self, figures: Figures) -> None:
        where: Any = {"registry": figures.registry}
        self._queued = Gauge("gateway_deliveries_queued", "outgoing mails that are to be sent", **where)
        self._oldest = Gauge("gateway_deliveries_overdue_seconds", "for how long the oldest of them is due", **where)
        self._aside = Gauge("gateway_deliveries_set_aside", "mails that were set aside", **where)
        self._by_state = Gauge("gateway_deliveries", "outgoing mails that are kept, by state", ["state"], **where)
        self._age = Gauge("gateway_deliveries_oldest_seconds", "for how long the oldest of those is there", **where)
        self._backup = Gauge("gateway_last_backup_seconds", "when the last backup was taken (0: never)", **where)
        self._unsealed = Gauge("gateway_audit_unsealed_rows", "rows of the audit that are not sealed yet", **where)
        self._needs = Gauge("gateway_needs", "what needs a person, by kind", ["kind"], **where)
        self._certificates = Gauge("gateway_certificate_ends_seconds", "when a certificate ends", ["key"], **where)
        self._open = Gauge("gateway_invitations", "invitations that are open, by state", ["state"], **where)

    def standing(self, found: Standing) -> None:
        for state, count in found.by_state.items():
            self._by_state.labels(state.value).set(count)
        self._age.set(found.oldest.total_seconds())
        self._backup.set(found.backup.timestamp() if found.backup else 0)
        self._unsealed.set(found.unsealed)

    def seen(self, certificates: Mapping[str, datetime], needs: Iterable[Need]) -> None:
        """When certificates end, by the setting that names each, and what needs a person."""
        self._certificates.clear()  # one that the settings name no more has no end
        for key, end in certificates.items():
            self._certificates.labels(key).set(end.timestamp())
        kinds = [one.kind for one in needs]
        for kind in NeedKind:
            self._needs.labels(kind.value).set(kinds.count(kind))

    def deliveries(self, waiting: Waiting) -> None:
        self._queued.set(waiting.count)
        self._oldest.set(waiting.overdue.total_seconds())
        self._aside.set(waiting.set_aside)

    def invitations(self, counts: dict[State, int]) -> None:
        for state, count in counts.items():
            self._open.labels(state.value).set(count)
