"""Which mail servers can be reached, as the outbox last found them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.ports import Outcome


@dataclass(slots=True)
class Reach:
    """Hears the outcome of each mail; `on_change` is told a hop's name ("" is the next hop) and whether it answers."""

    on_change: Callable[[str, bool], None] = lambda _, __: None
    _down: dict[str, str] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def heard(self, hop: str, outcome: Outcome) -> None:
        """A mail was handed to this hop, or could not be."""
        is_new = hop not in self._known
        self._known.add(hop)
        if is_new or outcome.reached == (hop in self._down):
            self.on_change(hop, outcome.reached)
        if outcome.reached:
            self._down.pop(hop, None)
        else:
            self._down[hop] = outcome.text

    def down(self) -> Iterator[tuple[str, str]]:
        """The hops that did not answer last, and what was found."""
        yield from sorted(self._down.items())
