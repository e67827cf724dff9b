"""A span for each request of a web page. It has the page's pattern, never its path: that may hold a token."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.edge.traces import UNTRACED, Traces

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"})


def traced(app: ASGIApp, traces: Traces, name: str) -> ASGIApp:
    """The application with a span for each request, if anybody wants traces."""
    return app if traces is UNTRACED else Traced(app, traces, name)


class Traced:
    """ASGI middleware around one of our applications, which says in its scope which page was found."""

    def __init__(self, app: ASGIApp, traces: Traces, name: str) -> None:
        self._app, self._traces, self._name = app, traces, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"  # a client may write any word there
        with self._traces.span(self._name, method=method) as span:
            size = 0

            async def told(message: Message) -> None:
                nonlocal size
                if message["type"] == "http.response.start":
                    span.tell(status=message["status"], route=getattr(scope.get("route"), "path", ""))
                size += len(message.get("body", b""))
                await send(message)

            await self._app(scope, receive, told)
            span.tell(size=size)
