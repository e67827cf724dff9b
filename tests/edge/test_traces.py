"""Spans as a collector gets them: one trace for a mail, and nothing in them that a person wrote."""

import asyncio
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from gateway.admin.checks.table import inspect
from gateway.config.toml_file import load
from gateway.edge.run.otel import OtelTraces, takes_traces
from gateway.edge.traces import UNTRACED
from gateway.edge.web.traced import traced
from gateway.errors import ConfigError
from gateway.terms import terms_of
from tests.edge.collector import Collector
from tests.edge.hop import until
from tests.test_settings import GOOD


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


async def test_all_that_a_mail_leads_to_is_one_trace_whichever_process_tells_it(collector):
    one, other = OtelTraces(collector.endpoint, "worker 0"), OtelTraces(collector.endpoint, "worker 1")
    with one.span("accept", "4f0c9b2e7a61", begins=True, way="smtp") as span:
        span.tell(size=12, outcome=["hold"])
    with other.span("deliver", "4f0c9b2e7a61"), other.span("write notice", "4f0c9b2e7a61", notice="receipt"):
        pass
    with one.span("accept", "000000000000", begins=True):
        pass
    await one.close()
    await other.close()
    root, stranger = collector.named("accept")
    [attempt], [notice] = collector.named("deliver"), collector.named("write notice")
    assert root.parent == b""
    assert attempt.parent == root.id
    assert notice.parent == attempt.id
    assert {root.trace, attempt.trace, notice.trace} == {root.trace}
    assert stranger.trace != root.trace
    assert (root.process, attempt.process) == ("worker 0", "worker 1")
    assert root.facts == {
        "gateway.queue_id": "4f0c9b2e7a61",
        "gateway.way": "smtp",
        "gateway.size": 12,
        "gateway.outcome": ["hold"],
    }


async def test_of_a_fault_its_kind_is_told_and_not_its_words(collector):
    traces = OtelTraces(collector.endpoint, "worker 0")
    with pytest.raises(ValueError, match="pat"), traces.span("deliver"):
        raise ValueError("pat@home.example is unknown")
    await traces.close()
    assert collector.named("deliver")[0].facts == {"error.type": "ValueError"}
    assert b"pat" not in collector.octets


async def test_what_was_dropped_is_not_told(collector):
    traces = OtelTraces(collector.endpoint, "worker 0")
    with traces.span("timed work") as span:
        span.drop()
    await traces.close()
    assert collector.spans == []


async def test_a_request_is_told_by_the_pattern_of_its_page(collector):
    async def page(_):
        return PlainTextResponse("Hello.")

    traces = OtelTraces(collector.endpoint, "worker 0")
    app = traced(Starlette(routes=[Route("/invite/{token}", page)]), traces, "portal request")
    for method, path in (("GET", "/invite/secrettoken"), ("PATIENT", "/invite/secrettoken"), ("GET", "/pat")):
        scope = {"type": "http", "method": method, "path": path, "query_string": b"q=pat", "headers": []}
        await app(scope, None, _nowhere)
    await traces.close()
    found = [one.facts for one in collector.named("portal request")]
    page, other, unknown = found
    assert page == {
        "http.request.method": "GET",
        "http.route": "/invite/{token}",
        "http.response.status_code": 200,
        "gateway.size": 6,
    }
    assert other["http.request.method"] == "_OTHER"
    assert unknown["http.route"] == ""
    assert not [word for word in (b"secrettoken", b"PATIENT", b"q=pat") if word in collector.octets]


async def _nowhere(_):
    pass


def test_without_traces_an_application_is_served_as_it_is():
    app = Starlette()
    assert traced(app, UNTRACED, "portal request") is app


async def test_that_traces_are_lost_is_said_once_and_so_is_that_they_arrive_again(collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "5")
    collector.status = 400
    traces = OtelTraces(collector.endpoint, "worker 0")
    with capture_logs() as lines:
        for _ in range(2):
            await _told(traces, collector)
        collector.status = 200
        await _told(traces, collector)
        await traces.close()
    assert [line["event"] for line in lines] == [
        "traces are lost: no collector takes them",
        "traces arrive again",
    ]


async def _told(traces, collector):
    known = len(collector.spans)
    with traces.span("timed work"):
        pass
    await until(lambda: len(collector.spans) > known)


async def test_whether_a_collector_answers_can_be_asked(collector):
    assert await asyncio.to_thread(takes_traces, collector.endpoint)
    collector.status = 404
    assert not await asyncio.to_thread(takes_traces, collector.endpoint)


SERVING = "import sys, gateway.app, gateway.workers, gateway.cli.app"


def python(*lines):
    return subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True).stdout


def test_nothing_of_opentelemetry_is_imported_where_nobody_asked():
    assert python(SERVING, "print([one for one in sys.modules if one.startswith('opentelemetry')])") == "[]\n"


def test_without_the_extra_it_is_said_which_line_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gateway.edge.run.otel", None)
    (tmp_path / "gateway.toml").write_text(f'{GOOD}[telemetry]\nendpoint = "http://collector:4318/"\n')
    settings = load(tmp_path / "gateway.toml")
    assert settings.telemetry.endpoint == "http://collector:4318"
    with pytest.raises(ConfigError) as raised:
        terms_of(settings, None)
    line = f"{sys.executable} -m pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
    assert str(raised.value).startswith("telemetry.endpoint: ")
    assert line in str(raised.value)
    assert [(one.key, line in one.do) for one in asyncio.run(inspect(settings)) if one.key == "telemetry.endpoint"] == [
        ("telemetry.endpoint", True)
    ]


@pytest.mark.parametrize("text", ["collector:4318", "ftp://collector", "http://collector:4318/?key=1", "http://a@b"])
def test_an_endpoint_that_is_none_is_refused(text, tmp_path):
    (tmp_path / "gateway.toml").write_text(f'{GOOD}[telemetry]\nendpoint = "{text}"\n')
    with pytest.raises(ConfigError, match=r"telemetry\.endpoint: .* write the collector"):
        load(tmp_path / "gateway.toml")
