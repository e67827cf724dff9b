"""How far a practice's invitations come, and where they are stuck: for its managers. Nothing of any message.

It looks through the whole table of invitations, in a reader's thread: a report that is asked for now and then is not
worth an index that every mail would have to keep up.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.acts import Act
from gateway.domain.model import Copy, Invitation, Sender
from gateway.domain.vocabulary import CopyState, State
from gateway.flow.context import Context

STAGES = ("held", "invited", "opened", "registered", "read")
MONTHS = 12
"""How many months a report shows."""
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the start of a cell."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """By month (`2026-03`), how many invitations of that month came how far; and why the open ones are stuck."""

    months: list[tuple[str, dict[str, int]]]
    stuck: list[tuple[str, int]]

    @property
    def total(self) -> dict[str, int]:
        return {stage: sum(counts[stage] for _, counts in self.months) for stage in STAGES}


def is_manager(ctx: Context, sender: Sender) -> bool:
    """Whether settings name this sender as a manager of their practice."""
    return sender.address in ctx.site.practice(sender.practice_id).managers


def funnel(ctx: Context, practice_id: str) -> Funnel:
    """The last months' invitations, and what the open ones wait for."""
    invitations = ctx.tx.find(Invitation, order="address", practice_id=practice_id)
    read = _read(ctx, [one.id for one in invitations if one.state is State.ACCEPTED])
    months: dict[str, Counter[str]] = {}
    for invitation in invitations:
        month = invitation.created_at.astimezone(ctx.site.zone).strftime("%Y-%m")
        months.setdefault(month, Counter()).update(_stages(invitation, invitation.id in read))
    stuck = Counter(why for invitation in invitations if (why := _why(invitation)))
    return Funnel([(month, _counts(months.get(month))) for month in _latest(ctx.today)], stuck.most_common())


def _latest(today: date) -> list[str]:
    """The last months, this one among them."""
    this = today.year * 12 + today.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(this - MONTHS + 1, this + 1)]


def _counts(found: Counter[str] | None) -> dict[str, int]:
    return {stage: found[stage] if found else 0 for stage in STAGES}


def as_csv(ctx: Context, sender: Sender) -> str:
    """The practice's people and how they stand (RFC 4180). No birthdate, nothing of any message."""
    ctx.audit(sender.address, Act.TOOK_LIST, f"practice {sender.practice_id}")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "address", "relationship", "role", "state", "since", "opened", "changed", "stuck"])
    for one in ctx.tx.find(Invitation, order="address", practice_id=sender.practice_id):
        writer.writerow(
            [
                *(_cell(one.name), _cell(one.typed), one.relationship or "", one.role or "", one.state.value),
                *(_day(ctx, one.created_at), _day(ctx, one.opened_at), _day(ctx, one.changed_at), _why(one)),
            ]
        )
    return text.getvalue()


def _day(ctx: Context, at: datetime | None) -> str:
    return at.astimezone(ctx.site.zone).date().isoformat() if at else ""


def _cell(text: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_RISKY) else text


def _read(ctx: Context, accepted: list[int]) -> set[int | None]:
    """Which invitations have had a message of theirs read."""
    copies = ctx.tx.find(Copy, invitation_id__in=accepted, read_at__ne=None)
    return {copy.invitation_id for copy in copies if copy.state is not CopyState.HELD}


def _stages(invitation: Invitation, read: bool) -> list[str]:
    came_to = {
        "held": True,
        "invited": invitation.relationship is not None,
        "opened": invitation.opened_at is not None or invitation.state is State.ACCEPTED,
        "registered": invitation.state is State.ACCEPTED,
        "read": read,
    }
    return [stage for stage, came in came_to.items() if came]


def _why(invitation: Invitation) -> str:
    """Why an open invitation has not been accepted; "" for one that is over."""
    match invitation.state:
        case State.AWAITING:
            return "details"
        case State.INVITED:
            return "begun" if invitation.opened_at else "unopened"
        case State.LOCKED | State.EXPIRED | State.UNDELIVERABLE:
            return invitation.state.value
        case _:
            return ""
