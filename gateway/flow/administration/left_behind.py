"""What is open of a practice that the settings do not have: it was renamed without an id, or taken out too early."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.model import Copy, Invitation, Message
from gateway.domain.model_records import LegalHold, ListedPerson
from gateway.domain.site import Site
from gateway.domain.vocabulary import OPEN, CopyState
from gateway.ports import Tx

_KINDS: tuple[tuple[str, type[Any], dict[str, Any]], ...] = (
    ("open invitations", Invitation, {"state__in": OPEN}),
    ("people on its list", ListedPerson, {}),
    ("legal holds", LegalHold, {"released_at": None, "practice_id__ne": ""}),
)
"""What needs its practice, as it is called, and which rows."""
_QUESTIONED = "mails that their senders are asked about"


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A practice that the settings do not have, and how much of each kind waits for it."""

    practice_id: str
    counts: dict[str, int]

    @property
    def told(self) -> str:
        counted = ", ".join(f"{kind}: {count}" for kind, count in self.counts.items())
        return (
            f'practices.id: no practice has the id "{self.practice_id}", and there is some of it ({counted}); '
            f'if it was renamed, write id = "{self.practice_id}" under its [[practices]]; if it is to go, put it back, '
            f"and run gateway practices close {self.practice_id} first"
        )


def left_behind(tx: Tx, site: Site) -> list[LeftBehind]:
    """Each practice that is missing in the settings, though something open, held or listed is its own."""
    counts: dict[str, dict[str, int]] = {}
    for practice_id, kind, count in [*_rows(tx, site), *_questions(tx, site)]:
        counts.setdefault(practice_id, {})[kind] = count
    return [LeftBehind(practice_id, found) for practice_id, found in sorted(counts.items())]


def _rows(tx: Tx, site: Site) -> Iterator[tuple[str, str, int]]:
    known = [practice.id for practice in site.practices]
    for kind, table, where in _KINDS:
        if tx.count(table, **where) == tx.count(table, **where, practice_id__in=known):
            continue  # mostly; then nobody looks at each practice
        last = ""
        while rows := tx.find(table, **where, order="practice_id", practice_id__gt=last, limit=1):
            last = rows[0].practice_id
            if last not in known:
                yield last, kind, tx.count(table, **where, practice_id__in=[last])


def _questions(tx: Tx, site: Site) -> Iterator[tuple[str, str, int]]:
    """Mails without an invitation yet."""
    asked = {copy.message_id for copy in tx.find(Copy, state=CopyState.ASKED)}
    messages = filter(None, (tx.get(Message, message_id) for message_id in asked))
    for practice_id, count in Counter(one.practice_id for one in messages).items():
        if not site.has_practice(practice_id):
            yield practice_id, _QUESTIONED, count
