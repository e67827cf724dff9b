"""The audit's chain: one sealer makes batches of the rows that were written since, and retention forgets old ones."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.audit_chain import FIRST_HEAD, MOST_ROWS, entries_of, forgotten, sealed
from gateway.domain.model_records import Audit, AuditBatch
from gateway.flow import legal_holds
from gateway.flow.context import Context

LAST = 2**63 - 1
"""No row has a higher number."""


def newest(ctx: Context) -> AuditBatch | None:
    """The batch that was sealed last."""
    return next(iter(ctx.tx.find(AuditBatch, order="-id", limit=1, id__gt=0)), None)


@dataclass(frozen=True, slots=True)
class Ends:
    """The number of the last row that was sealed, and that of the last there is; 0 for none."""

    sealed: int
    written: int

    @property
    def waiting(self) -> int:
        """About how many rows are not sealed yet: as if no number were left out."""
        return self.written - self.sealed


def ends(ctx: Context) -> Ends:
    """How far the audit is sealed: two rows are looked at, however many there are."""
    last, row = newest(ctx), next(iter(ctx.tx.find(Audit, order="-id", limit=1, id__gt=0)), None)
    sealed_to = last.last_row if last else 0
    return Ends(sealed_to, row.id if row else sealed_to)


def waiting(ctx: Context) -> int:
    """About how many rows are not sealed yet."""
    return ends(ctx).waiting


def seal(ctx: Context, upto: int = LAST) -> bool:
    """Make one batch of the rows since the last, none of a higher number than `upto`; whether there may be more.

    Two who do so at the same time do it one after the other: what the last batch is, is looked up in the transaction.
    """
    last = newest(ctx)
    after = last.last_row if last else 0
    rows = ctx.tx.find(Audit, id__gt=after, id__le=upto, limit=MOST_ROWS)
    if not rows:
        return False
    entries = entries_of(rows, rows[0].id - 1)
    batch = AuditBatch(at=ctx.now, first_row=rows[0].id, last_row=rows[-1].id, marks=entries, head=b"")
    made = ctx.tx.add(batch)  # its number is a part of what is sealed
    ctx.tx.put(sealed(ctx.keys, made, last.head if last else FIRST_HEAD))
    return len(rows) == MOST_ROWS


def forget(ctx: Context, _after: int, _limit: int) -> int:
    """Remove the rows of one batch that has served its time, and the batches before it; its number, or 0 for none.

    The newest batch stays, and with it the newest row, whose number must not be given again. A batch with a row that a
    legal hold keeps stays, and so does all that comes after it: a chain is forgotten from its beginning.
    """
    last = newest(ctx)
    before = ctx.now - timedelta(days=ctx.site.retention.audit)
    old = ctx.tx.one(AuditBatch, forgotten=False, id__gt=0)
    if old is None or last is None or old.id == last.id or old.at >= before:
        return 0
    rows = ctx.tx.find(Audit, id__lt=old.last_row + 1)
    if len(legal_holds.not_kept(ctx, rows)) < len(rows):
        return 0
    ctx.tx.put(forgotten(ctx.keys, old, ctx.now, ctx.site.retention.audit))
    ctx.tx.remove(Audit, id__lt=old.last_row + 1)
    ctx.tx.remove(AuditBatch, id__lt=old.id)
    return old.id
