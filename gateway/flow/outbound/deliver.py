"""Outgoing mail: a row is claimed, sent by the edge, and what the hop said is recorded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gateway.domain.acts import Act
from gateway.domain.address import address
from gateway.domain.ledger import LedgerKind
from gateway.domain.model import Account, Content, Copy, Delivery, Invitation, Message
from gateway.domain.retry import POISON_TRIES, next_try
from gateway.domain.vocabulary import TO_INVITEE, DeliveryKind, DeliverySignal, DeliveryState, Notice, Purpose, State
from gateway.errors import BadAddress, WrongKey
from gateway.flow import copies, ledger, notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import Invite
from gateway.flow.invitations import invite
from gateway.flow.outbound import failed
from gateway.flow.outbound.write_out import Answer, PreparedDelivery
from gateway.flow.standing import Token
from gateway.mail.bounces import Bounce, Severity
from gateway.ports import Outcome

Row = TypeVar("Row")

_NOT_ASKED = Outcome(0, "")
UNPREPARED = "550 5.3.0 it could not be prepared for sending here"  # RFC 3463 §3.4: the mail system's own fault
GIVEN_UP = "550 5.7.0 it was removed from the queue by an administrator"  # RFC 3463 §3.8: security or policy
LEASE = timedelta(minutes=30)
"""How long a claimed delivery is left to the one who claimed it: longer than the largest mail takes on a slow line."""
ENOUGH = timedelta(minutes=15)
"""What must be left of a lease for a mail to be begun with."""
MAY_COME_BACK = timedelta(days=7)
"""How long what was handed back is kept after a hop has taken it: a mail server may try for five days (RFC 5321
§4.5.4.1) before it returns a mail, and we have the only copy.
"""
FRESH = timedelta(seconds=1)
"""How long after a claim a mail need not be looked at again before it is sent."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of an attempt: what the hop said, or else the `fault` for which the mail could not be written out.

    `head` is the mail's header, for a failure report; `spread` as in retry.next_try. `pointless`: it was not sent.
    """

    delivery: Delivery
    outcome: Outcome = _NOT_ASKED
    head: bytes = b""
    spread: float = 0.0
    fault: str = ""
    pointless: bool = False


# ----------------------------------------------------------------------------------------------------------- claim


def claim(ctx: Context, limit: int, besides: Collection[str] = (), worker: str = "") -> list[PreparedDelivery]:
    """Take due deliveries for sending, each leased; mail that is not needed any more is dropped.

    Hops in `besides` have their hands full: what is for them stays where it is.
    """
    claimed = ctx.tx.claim_deliveries(ctx.now, ctx.now + LEASE, limit, besides, worker)
    contents = _by_id(ctx, Content, [one.content_id for one in claimed if one.content_id])
    told = [one.invitation_id for one in claimed if one.notice in TO_INVITEE and one.invitation_id]
    invitations = _by_id(ctx, Invitation, told)
    first = _not_invited_yet(ctx, told)
    prepared_deliveries = []
    for delivery in claimed:
        is_too_soon = delivery.notice is Notice.REMINDER and delivery.invitation_id in first
        if delivery.notice in TO_INVITEE and (is_too_soon or not _has_a_point(ctx, delivery, invitations)):
            ctx.tx.put(replace(delivery, state=DeliveryState.DROPPED, facts=None, ended_at=ctx.now))
        elif prepared := _parcel(ctx, delivery, contents):
            prepared_deliveries.append(prepared)
    return prepared_deliveries


def _not_invited_yet(ctx: Context, ids: Sequence[int]) -> set[int | None]:
    """Those whose invitation is still on its way: it says all that a reminder beside it would, and comes first."""
    where: dict[str, Any] = {"invitation_id__in": sorted(set(ids)), "state": DeliveryState.QUEUED}
    return {one.invitation_id for one in ctx.tx.find(Delivery, notice=Notice.INVITATION, **where)} if ids else set()


def may_begin(delivery: Delivery, now: datetime) -> bool:
    """Whether its lease lasts long enough to send it: else it is left to whoever claims it next."""
    return delivery.lease_until is not None and delivery.lease_until - now >= ENOUGH


def may_be_stale(delivery: Delivery, now: datetime) -> bool:
    """Whether it has waited since its claim, and speaks of an invitation that may have moved or ended meanwhile."""
    claimed = delivery.lease_until - LEASE if delivery.lease_until else now
    return delivery.notice in TO_INVITEE and now - claimed > FRESH


def is_pointless(ctx: Context, delivery: Delivery) -> bool:
    """Whether the invitation of which it speaks has moved or ended by now; only looks."""
    return not _has_a_point(ctx, delivery, _by_id(ctx, Invitation, [delivery.invitation_id or 0]))


def put_back(ctx: Context, deliveries: Sequence[Delivery]) -> None:
    """Leave claimed deliveries to others, as if they had not been claimed."""
    stored = _by_id(ctx, Delivery, [delivery.id for delivery in deliveries])
    for delivery in deliveries:
        if _is_ours(stored.get(delivery.id), delivery):
            here = _as_sealed_now(delivery, stored[delivery.id])
            ctx.tx.put(replace(here, lease_until=None, attempts=delivery.attempts - 1))


def put_back_unknown(ctx: Context, worker: str, known: Collection[int]) -> int:
    """Leave to others what this worker claimed without hearing of it: a commit was cut off, and was done all the same.

    How many there were.
    """
    claimed = ctx.tx.find(Delivery, state=DeliveryState.QUEUED, lease_until__ne=None, claimed_by=worker)
    unknown = [one for one in claimed if one.id not in known]
    for one in unknown:
        ctx.tx.put(replace(one, lease_until=None, attempts=one.attempts - 1))
    return len(unknown)


def _is_ours(stored: Delivery | None, claimed: Delivery) -> bool:
    """Whether the claim still stands: a lease that has ended may be another's by now, or done with."""
    return stored is not None and (stored.lease_until, stored.state) == (claimed.lease_until, claimed.state)


def _is_to_record(stored: Delivery | None, result: DeliveryResult) -> bool:
    may_have_left = (DeliveryState.QUEUED, DeliveryState.PAUSED)  # it was in hand when it was paused
    was_taken = result.outcome.sent and stored is not None and stored.state in may_have_left
    return was_taken or _is_ours(stored, result.delivery)


def _as_sealed_now(claimed: Delivery, stored: Delivery) -> Delivery:
    """The delivery with what it holds as it is sealed now: the keys may have been rotated since the claim."""
    return replace(claimed, wrapped_key=stored.wrapped_key, facts=stored.facts)


def reclaim(ctx: Context) -> int:
    """Free what a run that ended has left claimed; only for a node that is alone. How many there were."""
    left = ctx.tx.find(Delivery, state=DeliveryState.QUEUED, lease_until__ne=None)
    for delivery in left:
        ctx.tx.put(replace(delivery, lease_until=None))
    return len(left)


def clock_was_set(ctx: Context, by: timedelta) -> int:
    """What waits is as old as before, and due after the same time, by a clock that was set; how many there were."""
    waiting = ctx.tx.find(Delivery, state=DeliveryState.QUEUED)
    for one in waiting:
        lease = one.lease_until + by if one.lease_until else None
        ctx.tx.put(replace(one, created_at=one.created_at + by, due_at=one.due_at + by, lease_until=lease))
    return len(waiting)


def _by_id(ctx: Context, table: type[Row], ids: Sequence[int | str]) -> dict[Any, Row]:
    rows: list[Any] = ctx.tx.find(table, id__in=sorted(set(ids))) if ids else []
    return {row.id: row for row in rows}


def _has_a_point(ctx: Context, delivery: Delivery, invitations: Mapping[Any, Invitation]) -> bool:
    """Mail about an invitation that was withdrawn, answered, locked or given a new link while it waited is not sent."""
    invitation = invitations.get(delivery.invitation_id)
    if invitation is None or invitation.state is not State.INVITED:
        return False
    try:
        facts = notices.unseal(ctx.keys, delivery).facts
    except (WrongKey, ValueError):
        return True  # writing it out says what is wrong with the row
    return isinstance(facts, Invite) and facts.invite == Token(Purpose.INVITE, invitation.id, invitation.generation)


def _parcel(ctx: Context, delivery: Delivery, contents: Mapping[str, Content]) -> PreparedDelivery | None:
    """The delivery with what it is written from; None, and set aside for now, where that cannot be had."""
    try:
        if delivery.kind in (DeliveryKind.PASS, DeliveryKind.RETURN):
            key = ctx.keys.unwrap(
                delivery.wrapped_key or b"", copies.bound_to_passing(delivery.content_id, delivery.recipient)
            )
            return PreparedDelivery(delivery, contents.get(delivery.content_id), key)
        copy = ctx.tx.get(Copy, delivery.copy_id) if delivery.copy_id else None
        return _copy_parcel(ctx, delivery, copy) if copy else PreparedDelivery(delivery)
    except (WrongKey, BadAddress) as error:  # one altered row must not keep all the others from being claimed
        record_poison(ctx, delivery, str(error))
        return None


def _copy_parcel(ctx: Context, delivery: Delivery, copy: Copy) -> PreparedDelivery:
    message = senders.message_of(ctx, copy)
    key = copies.data_key(ctx, copy, message, copies.at_address(address(delivery.recipient).key))
    answer = _answer(ctx, message, key) if delivery.kind is DeliveryKind.REPLY else None
    return PreparedDelivery(
        delivery, ctx.tx.get(Content, message.content_id), key, answer, copies.addressed(message, copy)
    )


def _answer(ctx: Context, message: Message, data_key: bytes) -> Answer:
    author = ctx.tx.get(Account, message.account_id or 0)
    answered = ctx.tx.get(Message, message.reply_to_id) if message.reply_to_id else None
    return Answer(
        author=author.name if author else "",
        subject=ctx.keys.open_under(data_key, message.subject).decode(),
        header_id=message.header_id,
        in_reply_to=answered.header_id if answered else "",
        message_id=message.id,
    )


# ---------------------------------------------------------------------------------------------------------- record


def may_be_last(delivery: Delivery, outcome: Outcome, now: datetime) -> bool:
    """Whether this outcome may have to be reported."""
    return outcome.permanent or next_try(delivery.attempts + 1, delivery.created_at, now) is None


def record_all(ctx: Context, results: Sequence[DeliveryResult]) -> list[Delivery]:
    """Record many attempts at once; what each has become, in their order.

    What another has claimed since is theirs to record: it stays as it is. But that a hop has taken a mail is so,
    whoever claims it by now: where the clock was set, its lease has ended early.
    """
    stored = _by_id(ctx, Delivery, [result.delivery.id for result in results])
    ours = [_is_to_record(stored.get(result.delivery.id), result) for result in results]
    recorded = [
        _record(ctx, replace(result, delivery=_as_sealed_now(result.delivery, stored[result.delivery.id])))
        if its_ours
        else stored.get(result.delivery.id, result.delivery)
        for result, its_ours in zip(results, ours, strict=True)
    ]
    _drop_passed(ctx, {one.content_id for one in recorded if one.content_id and one.wrapped_key is None})
    return recorded


def record(ctx: Context, delivery: Delivery, outcome: Outcome, head: bytes) -> Delivery:
    """Record what the hop said of one delivery."""
    return record_all(ctx, [DeliveryResult(delivery, outcome, head)])[0]


def _record(ctx: Context, result: DeliveryResult) -> Delivery:
    """Sent, to be tried again, failed for good, or set aside."""
    delivery, outcome = result.delivery, result.outcome
    if result.pointless:
        dropped = replace(delivery, state=DeliveryState.DROPPED, facts=None, lease_until=None, ended_at=ctx.now)
        return ctx.tx.put(dropped)
    if result.fault:
        return record_poison(ctx, delivery, result.fault)
    reply = f"{outcome.code} {outcome.text}" if outcome.code else outcome.text
    said = replace(delivery, lease_until=None, last_reply=reply[:500])
    if outcome.sent:
        if delivery.copy_id:
            ctx.audit("gateway", Act.HANDED_OVER, f"copy {delivery.copy_id}", delivery.kind.value)
        if delivery.kind is DeliveryKind.RETURN:
            return ctx.tx.put(replace(said, state=DeliveryState.SENT, ended_at=ctx.now))
        return _finish(ctx, replace(said, state=DeliveryState.SENT))
    again = None if outcome.permanent else next_try(delivery.attempts, delivery.created_at, ctx.now, result.spread)
    if again:
        return ctx.tx.put(replace(said, due_at=again))
    failed.tell(ctx, said, result.head)
    return _not_taken_back(ctx, said) or _finish(ctx, replace(said, state=DeliveryState.FAILED))


def _not_taken_back(ctx: Context, delivery: Delivery) -> Delivery | None:
    """A held mail that its own sender's mail server does not take back is set aside whole: nobody else has it."""
    if delivery.kind is not DeliveryKind.RETURN or delivery.wrapped_key is None:
        return None
    ctx.audit("gateway", Act.QUARANTINED, f"delivery {delivery.id}", "not taken back")
    return ctx.tx.put(replace(delivery, state=DeliveryState.QUARANTINED, lease_until=None, ended_at=None))


def forget_returned(ctx: Context, limit: int) -> int:
    """Destroy so many of the mails that were handed back and have not come back; how many there were."""
    since: dict[str, Any] = {"ended_at__lt": ctx.now - MAY_COME_BACK, "wrapped_key__ne": None}
    sent: dict[str, Any] = {"kind": DeliveryKind.RETURN, "state": DeliveryState.SENT}
    found = ctx.tx.find(Delivery, order="ended_at", limit=limit, **sent, **since)
    for one in found:
        ctx.tx.put(replace(one, facts=None, wrapped_key=None))
    _drop_passed(ctx, {one.content_id for one in found})
    return len(found)


def record_poison(ctx: Context, delivery: Delivery, reason: str) -> Delivery:
    """A mail that could not even be written out: tried again, then set aside, and whoever wrote it is told."""
    again = next_try(delivery.attempts, delivery.created_at, ctx.now)
    if delivery.attempts < POISON_TRIES and again:
        return ctx.tx.put(replace(delivery, lease_until=None, last_reply=reason, due_at=again))
    ctx.audit("gateway", Act.QUARANTINED, f"delivery {delivery.id}", reason)
    if delivery.kind is not DeliveryKind.NOTICE or delivery.notice is Notice.INVITATION:
        failed.tell(ctx, replace(delivery, last_reply=UNPREPARED), b"")
    return ctx.tx.put(replace(delivery, lease_until=None, last_reply=reason, state=DeliveryState.QUARANTINED))


def drop(ctx: Context, delivery: Delivery, *, tell: bool) -> None:
    """Give a mail up that an administrator does not want sent."""
    if tell:
        failed.tell(ctx, replace(delivery, last_reply=GIVEN_UP), b"")
    _finish(ctx, replace(delivery, state=DeliveryState.DROPPED, lease_until=None))
    _drop_passed(ctx, {delivery.content_id} if delivery.content_id else ())


def bounced(ctx: Context, delivery: Delivery, report: Bounce) -> None:
    """A mail of ours came back after a hop had taken it, or is late: only what is final fails it.

    It may come before it is recorded that the hop has taken the mail: then that is not recorded any more.
    """
    if not (delivery.state is DeliveryState.SENT or _is_under_way(delivery)):
        return
    if report.permanent:
        came_back = replace(delivery, last_reply=f"bounced: {report.status}"[:500], lease_until=None)
        if not _not_taken_back(ctx, came_back):
            ctx.tx.put(replace(came_back, state=DeliveryState.FAILED, facts=None, ended_at=ctx.now))
        failed.tell(ctx, delivery, b"")
    else:
        invite.note_signal(
            ctx,
            failed.invitation_of(ctx, delivery),
            DeliverySignal.DELAYED if report.severity is Severity.DELAYED else DeliverySignal.RETURNED,
        )


def _is_under_way(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.QUEUED and delivery.attempts > 0


def answered_automatically(ctx: Context, delivery: Delivery) -> None:
    """An invitee's mail system answered a mail of ours for them."""
    invite.note_signal(ctx, failed.invitation_of(ctx, delivery), DeliverySignal.AWAY)


def _finish(ctx: Context, delivery: Delivery) -> Delivery:
    """Nothing of a finished mail is kept but the fact."""
    if delivery.state is not DeliveryState.SENT:  # what was sent the outbox tells the ledger itself
        ledger.note(ctx, LedgerKind.DELIVERY, delivery.id)
    finished = ctx.tx.put(replace(delivery, facts=None, wrapped_key=None, ended_at=ctx.now))
    if delivery.kind is DeliveryKind.RELAY and (copy := ctx.tx.get(Copy, delivery.copy_id or 0)):
        copies.destroy(ctx, copy)
    return finished


def _drop_passed(ctx: Context, content_ids: Collection[str]) -> None:
    """Remove the contents that nobody holds a key to any more: what passed to one may be secure mail to another."""
    if content_ids:
        waiting = ctx.tx.find(Delivery, content_id__in=sorted(content_ids), wrapped_key__ne=None)
        done = set(content_ids) - {delivery.content_id for delivery in waiting}
        kept = {one.content_id for one in ctx.tx.find(Message, content_id__in=sorted(done))} if done else set()
        for content_id in kept:
            copies.drop_content(ctx, content_id)
        if done - kept:
            ctx.tx.remove(Content, id__in=sorted(done - kept))
