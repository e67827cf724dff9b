"""A mail comes in: what it is, what becomes of it for each recipient, and the one receipt that says so."""

from collections.abc import Callable
from hashlib import sha256

from gateway.domain.birthdate import Doubt
from gateway.domain.commands import read_details
from gateway.domain.decide import Action, Facts, Verdict, decide
from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Seen, Sender
from gateway.domain.vocabulary import CopyState, DeliveryKind, Details, Notice, Purpose, Relationship, State
from gateway.errors import BadRecipient, NotASender, NotAuthor, RecipientLeft, Unreadable
from gateway.flow import answer, confirm, delegates, deliver, hold, invite, notices, people, release
from gateway.flow.case import Case, Intake
from gateway.flow.command_mail import CommandMail
from gateway.flow.context import Context
from gateway.flow.take_in import Exits
from gateway.flow.understand import Draft, Recipient
from gateway.mail.automatic import NO_ANSWER, automatic, surely_automatic

_MISTAKES = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError, RecursionError)
"""What code of ours raises where it did not expect what a mail says; nothing of these comes from a disk."""


def accept(ctx: Context, draft: Draft, exits: Exits) -> tuple[Verdict, ...]:
    """Decide each recipient and carry it out; the verdicts, in the order of the recipients.

    Raises NotASender for an answer by somebody else than the one who was written to, NotAuthor for a From that is not
    for the client's login to use, Unreadable where we fail at what it says.
    """
    try:
        return _accept(ctx, draft, exits)
    except _MISTAKES as mistake:
        raise Unreadable from mistake


def unheard(draft: Draft) -> tuple[Verdict, ...]:
    """The verdicts on a mail that can have no effect: they cost no transaction."""
    return tuple(decide(Facts(gateway=one.gateway, secure=False)) for one in draft.recipients)


def _accept(ctx: Context, draft: Draft, exits: Exits) -> tuple[Verdict, ...]:
    intake = Intake(ctx, draft, exits)
    by_login = _writes_by_login(ctx, draft)
    if exits.clear:
        hold.add_content(ctx, exits.clear)
    cases = [_case(ctx, draft, recipient) for recipient in draft.recipients]
    for case in cases:
        if case.verdict.action in _REPEATABLE or _is_new(ctx, draft, case.recipient):
            _HANDLERS[case.verdict.action](intake, case)
    if intake.tokens:
        _run_commands(intake, proved=by_login or draft.submission.authenticated or draft.is_vouched_for)
    if intake.waiters:
        _send_receipt(intake)
    if exits.secure and exits.secure.inline is None and not intake.kept:
        ctx.tx.discard(exits.secure.content_id)  # the mail was known, or an answer that is worth nothing
    return tuple(case.verdict for case in cases)


def _case(ctx: Context, draft: Draft, recipient: Recipient) -> Case:
    if not draft.marks.secure or recipient.gateway or draft.practice is None:
        return Case(recipient, decide(Facts(gateway=recipient.gateway, secure=draft.marks.secure)))
    if recipient.address is None:
        raise BadRecipient
    account = ctx.tx.one(Account, address=recipient.address.key)
    latest = people.latest_invitation(ctx, draft.practice.id, recipient.address.key)
    facts = Facts(
        gateway=None,
        secure=True,
        delivery=account.delivery if account else None,
        domain_relayed=recipient.address.domain in ctx.site.relay_domains,
        question_open=latest is not None and latest.is_open,
    )
    return Case(recipient, decide(facts), account, latest)


def _is_new(ctx: Context, draft: Draft, recipient: Recipient) -> bool:
    """Whether this mail was not taken in for this recipient before."""
    who = recipient.address.key if recipient.address else recipient.typed
    author = draft.author.address.key if draft.author else draft.submission.mail_from
    said = "\0".join((author, draft.message_id, who)).encode() + draft.fingerprint
    return ctx.tx.add_once(Seen(fingerprint=sha256(said).digest(), at=ctx.now))


# ----------------------------------------------------------------------------------------- one action, one handler


def _pass(intake: Intake, case: Case, to: str = "") -> None:
    ctx, sealed = intake.ctx, intake.exits.clear
    assert sealed is not None  # noqa: S101 - `needs_clear` made the edge seal it
    to = to or case.recipient.typed
    ctx.tx.add(
        Delivery(
            kind=DeliveryKind.PASS,
            mail_from=intake.draft.submission.mail_from,
            recipient=to,
            content_id=sealed.content_id,
            wrapped_key=ctx.keys.wrap(sealed.data_key, deliver.bound_to(sealed.content_id, to)),
            created_at=ctx.now,
            due_at=ctx.now,
        )
    )


def _postmaster(intake: Intake, case: Case) -> None:
    _pass(intake, case, intake.ctx.site.postmaster)


def _relay(intake: Intake, case: Case) -> None:
    ctx, reader = intake.ctx, case.address
    copy = hold.add_copy(ctx, intake.secure(), reader, CopyState.RELAYED)
    ctx.tx.add(
        Delivery(
            kind=DeliveryKind.RELAY,
            hop=reader.domain,
            recipient=reader.typed,
            copy_id=copy.id,
            created_at=ctx.now,
            due_at=ctx.now,
        )
    )
    intake.rows.append({"who": reader.typed, "outcome": "relayed", "reason": case.verdict.reason.value})


def _portal(intake: Intake, case: Case) -> None:
    assert case.account is not None  # noqa: S101 - or the verdict would have been another
    author = people.display(intake.sender())
    release.deliver_to_inbox(intake.ctx, intake.secure(), case.account, author, intake.practice.name)
    intake.rows.append({"who": case.address.typed, "outcome": "inbox", "reason": case.verdict.reason.value})


def _hold(intake: Intake, case: Case) -> None:
    ctx, practice, stranger, sender = intake.ctx, intake.practice, case.address, intake.sender()
    invitation = case.latest
    joined = invitation is not None and invitation.is_open
    if invitation is None or not joined:
        name = intake.names.get(stranger.key, "")
        invitation = invite.open_for(ctx, practice, stranger, name, before=invitation)
    waiter = people.wait_for(ctx, invitation, sender)
    hold.add_copy(ctx, intake.secure(), stranger, CopyState.HELD, invitation_id=invitation.id)
    if joined:
        invitation = invite.move(ctx, invitation, Event.JOINED, by=sender.address)
    invitation, why = _tag_details(intake, invitation, sender)
    intake.waiters.append(waiter)
    standing = people.standing(ctx, invitation, waiter)
    outcome = {State.AWAITING: "asking", State.INVITED: "invited"}.get(invitation.state, "resting")
    row = {**standing, "outcome": outcome, "joined": joined, "why": why, "reason": case.verdict.reason.value}
    intake.rows.append(row)


def _tag_details(intake: Intake, invitation: Invitation, sender: Sender) -> tuple[Invitation, str]:
    """Take the details in the subject tag, where they can only mean this person; else why not. Or in which order."""
    ctx, draft = intake.ctx, intake.draft
    if not draft.marks.details:
        return invitation, ""
    details = read_details(draft.marks.details, ctx.today, intake.practice.date_order)
    if details is None:
        return invitation, ""
    if isinstance(details, Doubt):
        return invitation, details.value
    strangers = [r for r in draft.recipients if r.gateway is None]
    if details.relationship is Relationship.PATIENT and len(strangers) > 1:
        return invitation, "several"
    after, why = _take_details(ctx, invitation, sender, details, draft.marks.details)
    by_order = after != invitation and read_details(draft.marks.details, ctx.today) is Doubt.AMBIGUOUS
    return after, intake.practice.date_order.value if by_order else why


def _take_details(
    ctx: Context, invitation: Invitation, sender: Sender, details: Details, said: str
) -> tuple[Invitation, str]:
    if not invite.may_correct(ctx, invitation, sender) or invitation.state is State.INVITED:
        return invitation, ""
    if doubt := invite.doubt(ctx, invitation, details):
        confirm.ask(ctx, sender, [f"{invitation.typed} {said}"], doubt, invitation)
        return invitation, doubt
    if invite.tries_used_up(ctx, invitation):
        return invitation, "used_up"
    return invite.give_details(ctx, invitation, sender, details), ""


def _command(intake: Intake, case: Case) -> None:
    """All that one mail says to us is answered at once, however many of our addresses it went to."""
    intake.tokens.append(case.recipient.token)


def _writes_by_login(ctx: Context, draft: Draft) -> bool:
    """Whether the client's login shows who the one author is. Raises NotAuthor where it may not write as them."""
    client = draft.submission
    author = draft.author.address if draft.author else None
    own = bool(client.login) and delegates.may_write_as(ctx, client.login, author)
    if client.login and not own and not client.login.startswith("*@"):  # a mail server forwards what others wrote
        raise NotAuthor
    return own


def _run_commands(intake: Intake, *, proved: bool) -> None:
    draft, client = intake.draft, intake.draft.submission
    mail = CommandMail(
        tokens=tuple(filter(None, intake.tokens)),
        author=draft.author,
        lines=draft.lines,
        in_reply_to=draft.head.in_reply_to,
        unread=draft.unread,
        message_id=draft.message_id,
        trusted=client.trusted,
        authenticated=proved,
        automatic=surely_automatic(draft.head, client.mail_from),
        signs=automatic(draft.head, client.mail_from),
        languages=draft.head.get("content-language") or draft.head.get("accept-language"),
    )
    answer.receive(intake.ctx, mail)


def _reply(intake: Intake, case: Case) -> None:
    """A sender answers, from their own mail client, what a registered person wrote in the portal."""
    ctx, draft = intake.ctx, intake.draft
    if surely_automatic(draft.head, draft.submission.mail_from):
        return  # an out-of-office note is not worth a health record's envelope
    written = _answered(ctx, case.recipient.token)
    author = intake.author.address.key
    if written is None or not draft.submission.trusted or not _was_written_to(ctx, written, author):
        ctx.audit(author, "refused answer", case.recipient.token[:2])
        raise NotASender
    account = ctx.tx.get(Account, written.account_id or 0)
    if account is None or account.is_erased:
        raise RecipientLeft
    name = people.display(intake.sender())
    release.deliver_to_inbox(ctx, intake.secure(written), account, name, intake.practice.name)


def _answered(ctx: Context, token: str) -> Message | None:
    row = ctx.keys.row_of(token, Purpose.REPLY)  # that it holds was seen before the mail was read
    return ctx.tx.get(Message, row) if row else None


def _was_written_to(ctx: Context, message: Message, author_key: str) -> bool:
    return ctx.tx.one(Copy, message_id=message.id, address=author_key) is not None


def _bounce(intake: Intake, case: Case) -> None:
    ctx, draft = intake.ctx, intake.draft
    row = ctx.keys.row_of(case.recipient.token, Purpose.BOUNCE)
    if not row or not case.recipient.is_heard:
        return
    if draft.report:
        deliver.bounced(ctx, row, draft.report)
    elif automatic(draft.head, draft.submission.mail_from) not in NO_ANSWER:
        deliver.answered_automatically(ctx, row)


_HANDLERS: dict[Action, Callable[[Intake, Case], None]] = {
    Action.PASS: _pass,
    Action.POSTMASTER: _postmaster,
    Action.RELAY: _relay,
    Action.PORTAL: _portal,
    Action.HOLD: _hold,
    Action.COMMAND: _command,
    Action.REPLY: _reply,
    Action.BOUNCE: _bounce,
}
_REPEATABLE = (Action.PASS, Action.POSTMASTER, Action.BOUNCE)
"""Mail that is ours to carry, not to know: handed in twice, it passes twice."""


def _send_receipt(intake: Intake) -> None:
    """Tell the sender, recipient by recipient, what happened; a single stranger may be spoken of by a bare verb."""
    ctx, sender = intake.ctx, intake.sender()
    only = intake.waiters[0] if len(intake.waiters) == 1 else None
    reply = (
        notices.token(Purpose.WAITER, only.id) if only else notices.token(Purpose.MESSAGE, intake.secure().message.id)
    )
    facts = {
        "people": intake.rows,
        "asking": any(row["outcome"] == "asking" for row in intake.rows),
        "sender_page": people.page_token(ctx, Purpose.SENDER_PAGE, sender.id),
    }
    notices.to_sender(ctx, Notice.RECEIPT, sender, facts, reply=reply, answers=intake.draft.message_id)
