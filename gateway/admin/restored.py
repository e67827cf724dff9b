"""A database that comes from a backup, brought up to what is known to have happened since."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.admin import drills, hop_log
from gateway.admin import ledger as ledgers
from gateway.admin.access import place
from gateway.admin.opening import Opens
from gateway.config.settings import Settings
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.ledger import HoldLine, LedgerLine, LedgerPosition
from gateway.domain.model import Copy, Delivery, Message
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState
from gateway.flow import ledger
from gateway.flow.context import Context
from gateway.flow.upkeep import holding, key_use, outage, replay
from gateway.flow.upkeep.replay import Replayed
from gateway.ports import Keys, Tx
from gateway.prepare import check_keys
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from gateway.store.runner import read_once, write_once
from gateway.store.snapshot import skip_numbers

R = TypeVar("R")

LINES = 200
"""Lines of the ledger that are followed in one transaction."""
_FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_A_SECOND = 1000
"""More rows than any table gets in a second, from the first day on: numbers behind that have never been given out."""


@dataclass(frozen=True, slots=True)
class Comeback:
    """A database on its way back: where it lies, and with what it is read."""

    database: Path
    settings: Settings
    keys: Keys
    now: datetime

    def context(self, tx: Tx) -> Context:
        return Context(tx, self.settings.policy(), self.keys, self.now, place())

    def ask(self, look: Callable[[Context], R]) -> R:
        return read_once(open_database(self.database), lambda tx: look(self.context(tx)))

    def do(self, change: Callable[[Context], R]) -> R:
        """Raises StoreFull, StoreDamaged."""
        return write_once(open_database(self.database), lambda tx: change(self.context(tx)))


@dataclass(frozen=True, slots=True)
class How:
    """How a backup comes back: with nothing that tells what was destroyed since; only to be looked at."""

    without_ledger: bool = False
    as_drill: bool = False


def bring_up(comeback: Comeback, lines: Sequence[LedgerLine], content: Opens, sent: set[tuple[str, str]]) -> Replayed:
    """Follow the ledger and the hop's log. Raises WrongKey, StoreFull, StoreDamaged."""
    opening = open_database(comeback.database)
    migrate(opening)
    read_once(opening, lambda tx: check_keys(tx, comeback.keys))
    to_follow = replay.to_follow(lines)
    done = Replayed()
    for start in range(0, len(to_follow), LINES):
        done += comeback.do(partial(replay.follow, lines=to_follow[start : start + LINES]))
    if sent:
        done += comeback.do(lambda ctx: replay.mark_sent(ctx, hop_log.queued_and_sent(ctx, content, sent)))
    return done


def lost_holds(comeback: Comeback, lines: Sequence[LedgerLine]) -> list[str]:
    """A line for each legal hold that the ledger tells of, and that could not be placed."""
    found = comeback.ask(lambda ctx: holding.unplaced(ctx, lines))
    return [
        f"the legal hold of {one.at:%Y-%m-%d %H:%M} UTC could not be placed: {_nobody(HoldLine.read(one.subject))}; "
        "place it again if you know whom it was on (gateway people hold, gateway practices hold)"
        for one in found
    ]


def returned_keys(comeback: Comeback, lines: Sequence[LedgerLine]) -> list[str]:
    """A line for each key that was retired since the backup, and is in use again with it. Raises StoreFull."""

    def note(ctx: Context) -> list[str]:
        key_use.note_returned(ctx, lines)
        return key_use.about_returned(ctx.tx, ctx.keys)

    return comeback.do(note)


def _nobody(line: HoldLine) -> str:
    return "its practice is not in the settings" if line.on_practice else "its person is not in the backup"


def settle(comeback: Comeback, name: str, position: LedgerPosition, how: How) -> int:
    """Make it one of its own; the last number that is left out. Raises StoreFull, StoreDamaged."""

    def change(ctx: Context) -> None:
        replay.begin_anew(ctx)
        outage.note_away(ctx)
        ledger.moved(ctx.tx, [], position)
        details = ["without its ledger"] * how.without_ledger + ["as a drill"] * how.as_drill
        ctx.audit(ADMINISTRATOR, Act.RESTORED, f"snapshot {name}", ", ".join(details))
        if how.without_ledger:
            ledgers.note_without(ctx.tx, ctx.now)
        if how.as_drill:
            drills.note(ctx.tx, ctx.now)

    comeback.do(change)
    now = comeback.now
    first = int((now - _FIRST_DAY).total_seconds()) * _A_SECOND
    message = Message(practice_id="", header_id="", subject=b"", content_id="", size=0, received_at=now)
    copy = Copy(message_id=0, address="", typed="", state=CopyState.DESTROYED, ended_at=now)
    mail = Delivery(kind=DeliveryKind.NOTICE, recipient="", state=DeliveryState.DROPPED, created_at=now, due_at=now)
    return skip_numbers(comeback.database, first, (message, copy, mail))
