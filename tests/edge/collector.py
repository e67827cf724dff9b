"""A collector of traces: an OTLP/HTTP receiver on a port of its own, which keeps the spans that it is sent."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Told:
    """One span, as it came over the wire."""

    name: str
    trace: bytes
    id: bytes
    parent: bytes
    facts: dict[str, Any]
    process: str


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, kind)


class Collector:
    """Listens in a thread. `octets` is all that it was sent, for a look at what must not be in it."""

    def __init__(self, status: int = 200) -> None:
        self.octets = b""
        self.spans: list[Told] = []
        self.status = status
        collector = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Collector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        self.octets += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            who = {one.key: _plain(one.value) for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    facts = {one.key: _plain(one.value) for one in span.attributes}
                    self.spans.append(
                        Told(
                            span.name,
                            span.trace_id,
                            span.span_id,
                            span.parent_span_id,
                            facts,
                            who["service.instance.id"],
                        )
                    )

    def named(self, name: str) -> list[Told]:
        return [one for one in self.spans if one.name == name]
