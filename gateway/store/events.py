"""What a store tells of itself."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreEvents:
    """What a store tells the event loop that serves from it."""

    queued: Callable[[], None] = lambda: None
    """A commit has queued a delivery: one of this process, or of another that serves from the same database."""
    committed: Callable[[int, float], None] = lambda _count, _seconds: None
    """A commit, shared by so many callers, or tried so often, has taken so many seconds."""


UNHEARD = StoreEvents()
