"""Spans by OpenTelemetry, sent in batches over OTLP/HTTP by a thread of their own. Needs the extra `otel`.

A collector that is slow or down costs spans and nothing else: a bounded number waits, and the oldest make room. What
OpenTelemetry would log by itself stays out of the log, since it writes to standard error as it pleases; we say once
when spans are lost, and once when they arrive again.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from gateway import __version__
from gateway.edge.traces import Fact

log = structlog.get_logger()

PATIENCE = 5.0
"""Seconds that a collector has to take a batch, its repetitions included."""
PARTING = 2.0
"""Seconds that a process which ends waits for its last spans to be taken."""
STANDARD = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "error": "error.type",
}
"""Facts for which OpenTelemetry has names; all others are ours, and begin with `gateway.`."""
SERVER = ("accept", "portal request")
"""Spans in which somebody waits for our answer."""


class OtelTraces:
    """To be made in the process that tells the spans; `process` is its name among those that serve."""

    def __init__(self, endpoint: str, process: str) -> None:
        _be_quiet()
        named = {
            "service.name": "secure-mail-gateway",
            "service.version": __version__,
            "service.instance.id": process,
        }
        self._ids = _Ids()
        self._exporter = _Exporter(endpoint)
        self._waiting = BatchSpanProcessor(self._exporter)
        # A mail is told whole: to choose among mails is the collector's part.
        provider = TracerProvider(ALWAYS_ON, Resource.create(named), shutdown_on_exit=False, id_generator=self._ids)
        provider.add_span_processor(self._waiting)
        self._tracer = provider.get_tracer("gateway", __version__)

    @contextmanager
    def span(self, name: str, mail: str = "", *, begins: bool = False, **facts: Fact) -> Iterator["_Told"]:
        told = _Told(self._begun(name, mail, begins))
        told.tell(**facts, **({"queue_id": mail} if mail else {}))
        outer = attach(set_span_in_context(told.span))
        try:
            yield told
        except BaseException as error:
            told.tell(error=type(error).__name__)  # its text may be what a person wrote
            told.span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            detach(outer)
            if told.is_wanted:
                told.span.end()

    def _begun(self, name: str, mail: str, begins: bool) -> Span:
        kind = SpanKind.SERVER if name in SERVER else SpanKind.CLIENT if name == "deliver" else SpanKind.INTERNAL
        self._ids.root = root_of(mail) if begins else None
        if begins:
            above = Context()
        elif mail and not get_current_span().get_span_context().is_valid:
            above = set_span_in_context(NonRecordingSpan(root_of(mail)))
        else:
            above = get_current()
        return self._tracer.start_span(name, above, kind)

    async def close(self) -> None:
        """Tell what waits, so far as that can be begun within `PARTING` seconds."""
        parting = asyncio.get_running_loop().call_later(PARTING, self._exporter.shutdown)
        await asyncio.to_thread(self._waiting.shutdown)
        parting.cancel()


def root_of(mail: str) -> SpanContext:
    """The first span of the mail with this queue id: it follows from the id, so that no row need hold it."""
    digest = hashlib.sha256(f"mail {mail}".encode()).digest()
    trace, span = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def takes_traces(endpoint: str) -> bool:
    """Whether a collector answers there; asked with a batch of no spans. May take `PATIENCE` seconds."""
    _be_quiet()
    return _to(endpoint).export([]) is SpanExportResult.SUCCESS


def _to(endpoint: str) -> OTLPSpanExporter:
    return OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=PATIENCE)  # the path that OTLP/HTTP has for traces


def _be_quiet() -> None:
    """Have OpenTelemetry log nothing by itself."""
    own = logging.getLogger("opentelemetry")
    own.propagate, own.handlers = False, [logging.NullHandler()]


class _Told:
    def __init__(self, span: Span) -> None:
        self.span = span
        self.is_wanted = True

    def tell(self, **facts: Fact) -> None:
        for name, value in facts.items():
            self.span.set_attribute(STANDARD.get(name) or f"gateway.{name}", value)

    def drop(self) -> None:
        self.is_wanted = False


class _Ids(RandomIdGenerator):
    """Ids of chance, but for the root of a mail's trace. Spans are begun in the event loop, one at a time."""

    root: SpanContext | None = None

    def generate_trace_id(self) -> int:
        return self.root.trace_id if self.root else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.root.span_id if self.root else super().generate_span_id()


class _Exporter(SpanExporter):
    """Sends batches, and says once that they get lost, and once that they arrive again."""

    def __init__(self, endpoint: str) -> None:
        self._inner = _to(endpoint)
        self._endpoint = endpoint
        self._arrives = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        found = self._inner.export(spans)
        arrives = found is SpanExportResult.SUCCESS
        if arrives != self._arrives:
            self._arrives = arrives
            if arrives:
                log.info("traces arrive again", at=self._endpoint)
            else:
                log.warning("traces are lost: no collector takes them", at=self._endpoint)
        return found

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]
