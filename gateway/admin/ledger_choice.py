"""Which ledger a restore follows: of all that are there, the one that tells all that the others do."""

from dataclasses import dataclass
from pathlib import Path

from gateway.domain.ledger import Ledger, LedgerPosition
from gateway.errors import ConfigError
from gateway.store.ledger import ChainedLedger


@dataclass(frozen=True, slots=True)
class Followed:
    """The ledger that is followed. `besides` are files that tell a part of the same."""

    file: Path
    known: Ledger
    besides: tuple[Path, ...] = ()


def followed(own: ChainedLedger, named: Path | None, since: LedgerPosition) -> Followed:
    """The ledger to be followed from this position on. Raises ConfigError where none will do, and OSError."""
    places = [*([named] if named else []), own.file, *own.copies]
    missing = [place for place in places if not place.exists()]
    there = list({place.resolve(): place for place in reversed(places) if place.exists()}.values())[::-1]
    if not there or (named and named in missing):
        raise ConfigError(f"ledger: {'; '.join(f'there is no {place}' for place in missing)}")
    known = {place: own.at(place).read() for place in there}
    for place, ledger in known.items():
        if ledger.fault:
            raise ConfigError(f"ledger: {place}: {ledger.fault}. Where another tells more, move this one away")
    best = max(there, key=lambda place: known[place].end.number)
    _refuse_contradictions(best, known)
    if fault := known[best].lacks(since):
        raise ConfigError(f"ledger: {best}: {fault}")
    return Followed(best, known[best], tuple(place for place in there if place != best))


def _refuse_contradictions(best: Path, known: dict[Path, Ledger]) -> None:
    for place, ledger in known.items():
        if more := known[best].leaves_out(ledger):
            raise ConfigError(
                f"ledger: {place} and {best} contradict each other: of the two, {place} is shorter, and {more}. Move "
                "the one away that is not of the gateway that was lost (a drill may have written it), and restore again"
            )
