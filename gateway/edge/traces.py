"""Spans: what edges tell a tracing system of what they do. This is the port; edge/run/otel.py is OpenTelemetry's side.

A span holds numbers, names of our own and the queue id. It never holds an address, a subject or anything else that a
person wrote: whoever keeps traces may not read mail.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

Fact = str | int | bool | Sequence[str] | Sequence[int]


class Span(Protocol):
    """Something that is under way."""

    def tell(self, **facts: Fact) -> None:
        """What has become known of it meanwhile."""

    def drop(self) -> None:
        """It was nothing that anybody wants to know of."""


class Traces(Protocol):
    """Where spans are told."""

    def span(
        self, name: str, mail: str = "", *, begins: bool = False, **facts: Fact
    ) -> AbstractContextManager[Span, bool | None]:
        """A span that lasts as long as the context. What is raised in it is told by the name of its type alone.

        A span within another is a part of it, but for one that `begins` a trace. All spans of one `mail`, named by its
        queue id, are one trace, whichever process tells them and however much later.
        """


class _Nothing:
    def tell(self, **_: Fact) -> None:
        pass

    def drop(self) -> None:
        pass


class Untraced:
    """Nobody asked for traces."""

    _span: AbstractContextManager[Span, bool | None] = nullcontext(_Nothing())

    def span(self, *_: Any, **__: Any) -> AbstractContextManager[Span, bool | None]:
        return self._span


UNTRACED: Traces = Untraced()
