"""Following the ledger after a backup was restored: nothing that was destroyed comes back, nothing is sent twice."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from gateway.domain.acts import Act
from gateway.domain.ledger import HoldLine, InvitationStanding, LedgerKind, LedgerLine, Sent
from gateway.domain.model import Account, Copy, Delivery, Invitation, Session
from gateway.domain.model_drafts import Draft
from gateway.domain.model_questions import Observation, Question
from gateway.domain.model_records import Worker
from gateway.domain.timetable import at_reminder_hour
from gateway.domain.vocabulary import Answer, CopyState, DeliveryState, Notice, State
from gateway.flow import copies, ledger
from gateway.flow.accounts import account as accounts
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.inbox import drafts
from gateway.flow.invitations import invite
from gateway.flow.outbound import deliver
from gateway.flow.outbound.deliver import DeliveryResult
from gateway.flow.upkeep import forgetting, holding
from gateway.ports import Outcome

SENT = Outcome(250, "2.0.0 taken by the hop before the restore")
_STOPPED = (State.LOCKED, State.EXPIRED, State.UNDELIVERABLE, State.CANCELLED, State.LAPSED)
_WAIT = (DeliveryState.QUEUED, DeliveryState.HELD, DeliveryState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many of each were followed."""

    destroyed: int = 0
    sent: int = 0
    moved: int = 0

    def __add__(self, more: "Replayed") -> "Replayed":
        return Replayed(self.destroyed + more.destroyed, self.sent + more.sent, self.moved + more.moved)


def follow(ctx: Context, lines: Sequence[LedgerLine]) -> Replayed:
    """Do again what these lines (`to_follow`) tell, as far as this database does not know of it."""
    done = Replayed()
    for line in lines:
        done += _FOLLOW[line.kind](ctx, line.subject.split(), line.at)
    return done


def to_follow(lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    """Of where an invitation has stood only the last counts."""
    invited = {line.subject.split()[0]: line for line in lines if line.kind == LedgerKind.INVITATION}
    last = {line.number for line in invited.values()}
    return [
        line for line in lines if line.kind in _FOLLOW and (line.kind != LedgerKind.INVITATION or line.number in last)
    ]


def begin_anew(ctx: Context) -> int:
    """Sign everybody out, since a session that was ended may have come back; how many there were."""
    ctx.tx.remove(Worker, id__gt=0)
    return ctx.tx.remove(Session, id__gt=0)


def mark_sent(ctx: Context, ids: Collection[int]) -> Replayed:
    """These were taken by a hop, as its own log says."""
    found = ctx.tx.find(Delivery, id__in=sorted(ids), state__in=_WAIT) if ids else []
    deliver.record_all(ctx, [DeliveryResult(one, SENT) for one in found])
    for one in found:
        ctx.audit("gateway", Act.SENT_BEFORE, f"delivery {one.id}")
    return Replayed(sent=len(found))


# --------------------------------------------------------------------------------------------------- what is done again


def _copy(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    copy = ctx.tx.get(Copy, int(words[0]))
    if copy is None or copy.wrapped_key is None:
        return Replayed()
    state = CopyState[words[1]]
    if words[2:] == ["kept"]:  # a hold that could not be placed again is said by the restore
        ctx.tx.put(replace(copy, state=state, expires_at=None, ended_at=copy.ended_at or ctx.now, kept=True))
        ctx.audit("gateway", Act.KEPT_BY_HOLD, f"copy {copy.id}", state.value)
        return Replayed(moved=1)
    copies.destroy(ctx, copy, state)
    return Replayed(destroyed=1)


def _delivery(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    delivery = ctx.tx.get(Delivery, int(words[0]))
    if delivery is None or delivery.state not in _WAIT:
        return Replayed()
    deliver.drop(ctx, delivery, tell=False)
    return Replayed(destroyed=1)


def _draft(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    draft = ctx.tx.get(Draft, int(words[0]))
    owner = ctx.tx.get(Account, draft.account_id) if draft else None
    return Replayed(destroyed=int(owner is not None and drafts.discard(ctx, owner, int(words[0]))))


def _account(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    account = ctx.tx.get(Account, int(words[0]))
    if account is None or account.is_erased:
        return Replayed()
    accounts.erase(ctx, account, by="gateway", quietly=True)
    return Replayed(destroyed=1)


def _person(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    return Replayed(destroyed=int(forgetting.forget_again(ctx, words[0], int(words[1]), *words[2:])))


def _question(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    question = ctx.tx.get(Question, int(words[0]))
    if question is None or question.answer:
        return Replayed()
    answer = None if words[1] == "-" else Answer[words[1]]
    step = max(question.last_step_day, int(words[2]))
    due = None if answer else question.due_at
    ctx.tx.put(replace(question, answer=answer, last_step_day=step, due_at=due))
    return Replayed(moved=1)


def _invitation(ctx: Context, words: Sequence[str], _: datetime) -> Replayed:
    """Where it stood, as far as the row still has what that takes: details that came later are asked for again."""
    stood = InvitationStanding.read(" ".join(words))
    invitation = ctx.tx.get(Invitation, stood.id)
    if invitation is None or ledger.standing(invitation) == stood:
        return Replayed()
    counted = replace(
        invitation,
        generation=stood.generation,
        wrong_birthdates=stood.wrong_birthdates,
        wrong_birthdates_before=stood.wrong_birthdates_before,
    )
    state = State(stood.state)
    if state in _STOPPED or state is invitation.state:
        counted = replace(
            counted,
            state=state,
            schedule_start=date.fromisoformat(stood.schedule_start),
            last_step_day=stood.last_step_day,
            extended_to=stood.extended_to,
            changed_at=ctx.now,
        )
    ctx.tx.put(replace(counted, due_at=invite.planned(ctx, counted)))
    ctx.audit("gateway", Act.FOLLOWED_LEDGER, f"invitation {invitation.id}", counted.state.value)
    return Replayed(moved=1)


def _hold(ctx: Context, words: Sequence[str], at: datetime) -> Replayed:
    return Replayed(moved=int(holding.follow(ctx, HoldLine.read(" ".join(words)), at)))


def _sent(ctx: Context, words: Sequence[str], at: datetime) -> Replayed:
    mails = {one.delivery: one for one in map(Sent.read, words)}
    known = ctx.tx.find(Delivery, id__in=sorted(mails), state__in=_WAIT)
    same = [one.id for one in known if ledger.recipient_digest(ctx.keys, one.recipient) == mails[one.id].recipient]
    for mail in mails.values():
        _reported(ctx, mail.notice, at)
    return mark_sent(ctx, same)


def _reported(ctx: Context, notice: str, at: datetime) -> None:
    """What a daily report has told is not told again."""
    day = ctx.site.day_of(at)
    if notice == Notice.ATTENTION and day == ctx.today:
        count_today(ctx, "attention", 1)
    if notice == Notice.OBSERVED:
        ctx.tx.remove(Observation, at__lt=at_reminder_hour(day, ctx.site.zone, ctx.site.rhythm))


_FOLLOW: Mapping[str, Callable[[Context, Sequence[str], datetime], Replayed]] = {
    LedgerKind.COPY: _copy,
    LedgerKind.DELIVERY: _delivery,
    LedgerKind.DRAFT: _draft,
    LedgerKind.ACCOUNT: _account,
    LedgerKind.PERSON: _person,
    LedgerKind.QUESTION: _question,
    LedgerKind.INVITATION: _invitation,
    LedgerKind.HOLD: _hold,
    LedgerKind.SENT: _sent,
}
