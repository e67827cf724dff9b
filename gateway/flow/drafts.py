"""Messages that a person has begun to write. Their words are sealed; files are not kept."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from gateway.domain.model import Account, Draft
from gateway.errors import WrongKey
from gateway.flow.context import Context

MOST = 50
"""How many drafts a person may keep: the oldest goes for one more."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What was written so far; `to` is the number of a sender, "" while nobody is chosen, and for an answer."""

    to: str = ""
    subject: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft, opened; `broken` if it cannot be. `copy_id` is the message that it answers."""

    id: int
    begun: Begun
    changed_at: datetime
    copy_id: int | None
    broken: bool = False


def save(ctx: Context, account: Account, begun: Begun, draft_id: int = 0, copy_id: int | None = None) -> None:
    """Keep what was written: in place of an earlier draft of the same message, if there is one."""
    discard(ctx, account, draft_id)
    sealed = ctx.keys.seal(json.dumps(asdict(begun)).encode(), _bound_to(account))
    ctx.tx.add(Draft(account_id=account.id, copy_id=copy_id, sealed=sealed, changed_at=ctx.now))
    for oldest in ctx.tx.find(Draft, order="-id", account_id=account.id, skip=MOST):
        ctx.tx.remove(Draft, id=oldest.id)


def listed(ctx: Context, account: Account) -> list[Kept]:
    """The person's drafts, the latest first."""
    return [_open(ctx, account, draft) for draft in ctx.tx.find(Draft, order="-id", account_id=account.id)]


def find(ctx: Context, account: Account, draft_id: int) -> Kept | None:
    """One of the person's own drafts, if it can be opened."""
    draft = ctx.tx.one(Draft, id=draft_id, account_id=account.id)
    kept = _open(ctx, account, draft) if draft else None
    return kept if kept and not kept.broken else None


def discard(ctx: Context, account: Account, draft_id: int) -> bool:
    """Nothing is left of it; False where the person has no such draft."""
    return ctx.tx.remove(Draft, id=draft_id, account_id=account.id) > 0


def _open(ctx: Context, account: Account, draft: Draft) -> Kept:
    try:
        begun = Begun(**json.loads(ctx.keys.open(draft.sealed, _bound_to(account))))
    except WrongKey:  # an altered row costs this draft, not the list
        return Kept(draft.id, Begun(), draft.changed_at, draft.copy_id, broken=True)
    return Kept(draft.id, begun, draft.changed_at, draft.copy_id)


def _bound_to(account: Account) -> str:
    return f"draft|{account.id}"
