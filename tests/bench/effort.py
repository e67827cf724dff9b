"""How much is measured."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How many rounds, about how many seconds a run takes, how many rows the scale part makes.

    `like` leaves out kinds of work without that text in their names; `say` is told of each run.
    """

    rounds: int
    seconds: float
    rows: int
    say: Callable[[str], None]
    like: str = ""
