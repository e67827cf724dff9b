"""A mail comes in: what it is, what becomes of it for each recipient, and the one receipt that says so."""

from collections.abc import Callable
from hashlib import sha256

from gateway.domain.decide import Action, Facts, Verdict, decide
from gateway.domain.intent import Sign
from gateway.domain.model import Account, Copy, Message, Seen, Sender
from gateway.domain.vocabulary import CopyState, Purpose
from gateway.errors import NotASender, NotAuthor, RecipientLeft, Unreadable
from gateway.flow import (
    answer,
    delegates,
    deliver,
    invitee_mail,
    mailing,
    observe,
    outlook_recall,
    people,
    question,
    receipts,
    release,
)
from gateway.flow.case import Case
from gateway.flow.command_mail import CommandMail
from gateway.flow.context import Context
from gateway.flow.intake import Intake
from gateway.flow.take_in import Exits
from gateway.flow.understand import Draft, Recipient
from gateway.flow.verdicts import decided
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
    return tuple(decide(Facts(gateway=one.gateway)) for one in draft.recipients)


def _accept(ctx: Context, draft: Draft, exits: Exits) -> tuple[Verdict, ...]:
    intake = Intake(ctx, draft, exits)
    by_login = _writes_by_login(ctx, draft)
    cases = observe.passing(ctx, draft, decided) if draft.passes else decided(ctx, draft)
    for case in cases:
        if case.verdict.action in _REPEATABLE or _is_new(ctx, draft, case.recipient):
            _HANDLERS[case.verdict.action](intake, case)
    if intake.tokens:
        _run_commands(intake, proved=by_login or draft.submission.authenticated or draft.is_vouched_for)
    if intake.asked:
        _ask(intake)
    if intake.recalled:
        outlook_recall.take_back(ctx, intake.sender(), intake.recalled, draft.message_id)
    if intake.mailed and intake.mailed.has_news:
        receipts.tell(intake.mailed, intake.secure().message, incomplete=_is_incomplete(ctx, draft))
    intake.discard_unused()
    return tuple(case.verdict for case in cases)


def _is_incomplete(ctx: Context, draft: Draft) -> bool:
    """Whether other parts of this mail may still come in: it names people from elsewhere who are not here."""
    assert draft.practice is not None  # noqa: S101 - its mail was held
    here = {one.address.key for one in draft.recipients if one.address}
    elsewhere = [one.address for one in draft.head.visible if not draft.practice.owns(one.address)]
    missing = {one.key for one in elsewhere if one.key not in here and one.domain != ctx.site.domain}
    here_too = any(one.key in here for one in elsewhere)
    if not missing or not here_too or draft.author is None:
        return False
    sender = ctx.tx.one(Sender, address=draft.author.address.key, practice_id=draft.practice.id)
    parts = [one.id for one in mailing.parts(ctx, sender, draft.message_id, ctx.now)] if sender else []
    arrived = {copy.address for copy in ctx.tx.find(Copy, message_id__in=parts)} if parts else set()
    return bool(draft.message_id) and not missing <= arrived


def _is_new(ctx: Context, draft: Draft, recipient: Recipient) -> bool:
    """Whether this mail was not taken in for this recipient before."""
    who = recipient.address.key if recipient.address else recipient.typed
    author = draft.author.address.key if draft.author else draft.submission.mail_from
    said = "\0".join((author, draft.message_id, who)).encode() + draft.fingerprint
    return ctx.tx.add_once(Seen(fingerprint=sha256(said).digest(), at=ctx.now))


# ----------------------------------------------------------------------------------------- one action, one handler


def _pass(intake: Intake, case: Case) -> None:
    intake.pass_on(case.recipient.typed)


def _postmaster(intake: Intake, _: Case) -> None:
    intake.pass_on(intake.ctx.site.postmaster)


def _secure(intake: Intake, case: Case) -> None:
    mailing.carry_out(intake.mailing(), case)


def _recall(intake: Intake, case: Case) -> None:
    intake.recalled.append(outlook_recall.Recalled(case.address, case.recalled))


def _wait(intake: Intake, case: Case) -> None:
    """Both forms are kept until the sender has said which is to go."""
    copy = intake.keep(case.address, CopyState.ASKED)
    if case.verdict.sign is not Sign.MANY_READERS:
        intake.pass_on(case.recipient.typed, waits_for=copy)
    intake.asked.append(case)


def _ask(intake: Intake) -> None:
    """One question about one mail, in however many parts it comes."""
    draft, message = intake.draft, intake.secure().message
    before = question.standing(intake.ctx, intake.sender(), draft.message_id)
    if before and before.answer is None:
        return
    said = {"details": draft.marks.details, "names": dict(draft.names), "addressees": sorted(draft.addressees)}
    question.ask(intake.ctx, intake.sender(), message, intake.asked[0].verdict.sign, said, draft.marks.near)


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
        rows=draft.rows,
        in_reply_to=next(iter(draft.answers), ""),
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
    Action.RELAY: _secure,
    Action.PORTAL: _secure,
    Action.HOLD: _secure,
    Action.NOWHERE: _secure,
    Action.ASK: _wait,
    Action.RECALL: _recall,
    Action.COMMAND: _command,
    Action.REPLY: _reply,
    Action.HEAR: invitee_mail.hear,
    Action.BOUNCE: _bounce,
}
_REPEATABLE = (Action.PASS, Action.POSTMASTER, Action.BOUNCE)
"""Mail that is ours to carry, not to know: handed in twice, it passes twice."""
