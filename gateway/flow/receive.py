"""A mail comes in: what it is, what becomes of it for each recipient, and the one receipt that says so."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from gateway.domain.acts import Act
from gateway.domain.birthdate import Order
from gateway.domain.commands import read
from gateway.domain.decide import Action, RecipientFacts, Verdict, decide
from gateway.domain.intent import Sign
from gateway.domain.model import Account, Copy, Delivery, Fingerprint, Message
from gateway.domain.vocabulary import CopyState, Purpose
from gateway.errors import NotAuthor, NotWrittenTo, RecipientLeft, Unreadable
from gateway.flow import senders, who
from gateway.flow.accounts import attempts
from gateway.flow.commands import delegates, mailed
from gateway.flow.commands.command_mail import CommandMail
from gateway.flow.context import Context
from gateway.flow.inbound import invitee_mail, mailing, observe, outlook_recall, question, receipts
from gateway.flow.inbound.acceptance import Acceptance
from gateway.flow.inbound.mail_receiver import SealedForms
from gateway.flow.inbound.recipient_case import RecipientCase
from gateway.flow.inbound.understand import IncomingMail, Recipient
from gateway.flow.inbound.verdicts import decided, settled
from gateway.flow.inbox import messages
from gateway.flow.outbound import deliver
from gateway.mail.automatic import NO_ANSWER, automatic, surely_automatic

_MISTAKES = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError, RecursionError)
"""What code of ours raises where it did not expect what a mail says; nothing of these comes from a disk."""


def accept(ctx: Context, incoming: IncomingMail, forms: SealedForms) -> tuple[Verdict, ...]:
    """Decide each recipient and carry it out; the verdicts, in the order of the recipients.

    Raises NotASender for secure mail of somebody who writes for no practice, NotWrittenTo for an answer by somebody
    else than the one who was written to; NotAuthor for a From that is not for the client's login to use; Unreadable
    where we fail at what it says.
    """
    try:
        return _accept(_by_mail(ctx, incoming.submission.queue_id), incoming, forms)
    except _MISTAKES as mistake:
        raise Unreadable from mistake


def concerns(incoming: IncomingMail) -> frozenset[str | bytes]:
    """The keys of all about whom the store will be asked, and by what the mail is known if it comes again."""
    if not incoming.depends_on_author or incoming.author is None:
        return frozenset()
    fingerprints = (_fingerprint(incoming, one) for one in incoming.recipients)
    return frozenset([*incoming.addressees, incoming.author.address.key, *fingerprints])


def note_refused(ctx: Context, incoming: IncomingMail) -> None:
    """Record that an answer was refused, once nothing of the mail is left."""
    known = incoming.author.address.key if incoming.author and incoming.practice and incoming.submission.trusted else ""
    attempts.failed(ctx, Act.REFUSED_ANSWER, known, "reply")


def _by_mail(ctx: Context, queue_id: str) -> Context:
    """What is done by mail is recorded with the mail that asked for it."""
    return replace(ctx.of_mail(queue_id), place=", ".join(filter(None, (ctx.place, queue_id and f"mail {queue_id}"))))


def unheard(incoming: IncomingMail) -> tuple[Verdict, ...]:
    """The verdicts on a mail that can have no effect: they cost no transaction."""
    return tuple(decide(RecipientFacts(gateway=one.gateway)) for one in incoming.recipients)


def _accept(ctx: Context, understood: IncomingMail, forms: SealedForms) -> tuple[Verdict, ...]:
    incoming = settled(ctx, understood)
    acceptance = Acceptance(ctx, incoming, forms)
    by_login = _writes_by_login(ctx, incoming)
    cases = observe.passing(ctx, incoming, decided) if incoming.passes else decided(ctx, incoming)
    for case in cases:
        if case.verdict.action in _REPEATABLE or _is_new(ctx, incoming, case.recipient):
            _HANDLERS[case.verdict.action](acceptance, case)
    if acceptance.tokens:
        _run_commands(acceptance, proved=by_login or incoming.submission.authenticated or incoming.is_vouched_for)
    if acceptance.asked:
        _ask(acceptance)
    if acceptance.recalled:
        outlook_recall.take_back(ctx, acceptance.sender(), acceptance.recalled, incoming.message_id)
    if acceptance.mailed and acceptance.mailed.has_news:
        receipts.tell(acceptance.mailed, acceptance.secure().message, incomplete=_is_incomplete(ctx, incoming))
    acceptance.discard_unused()
    return tuple(case.verdict for case in cases)


def _is_incomplete(ctx: Context, incoming: IncomingMail) -> bool:
    """Whether other parts of this mail may still come in: it names people from elsewhere who are not here."""
    assert incoming.practice is not None  # noqa: S101 - its mail was held
    here = {one.address.key for one in incoming.recipients if one.address}
    elsewhere = [one.address for one in incoming.head.visible if not who.works_at(ctx, incoming.practice, one.address)]
    missing = {one.key for one in elsewhere if one.key not in here and one.domain != ctx.site.domain}
    here_too = any(one.key in here for one in elsewhere)
    if not missing or not here_too or incoming.author is None:
        return False
    sender = senders.known_sender(ctx, incoming.practice, incoming.author.address)
    parts = [one.id for one in mailing.parts(ctx, sender, incoming.message_id, ctx.now)] if sender else []
    arrived = {copy.address for copy in ctx.tx.find(Copy, message_id__in=parts)} if parts else set()
    return bool(incoming.message_id) and not missing <= arrived


def _is_new(ctx: Context, incoming: IncomingMail, recipient: Recipient) -> bool:
    """Whether this mail was not taken in for this recipient before."""
    return ctx.tx.add_once(Fingerprint(fingerprint=_fingerprint(incoming, recipient), at=ctx.now))


def _fingerprint(incoming: IncomingMail, recipient: Recipient) -> bytes:
    reader = recipient.address.key if recipient.address else recipient.typed
    author = incoming.author.address.key if incoming.author else incoming.submission.mail_from
    said = "\0".join((author, incoming.message_id, reader)).encode() + incoming.fingerprint
    return sha256(said).digest()


# ----------------------------------------------------------------------------------------- one action, one handler


def _pass(acceptance: Acceptance, case: RecipientCase) -> None:
    acceptance.pass_on(case.recipient.typed)


def _postmaster(acceptance: Acceptance, _: RecipientCase) -> None:
    acceptance.pass_on(acceptance.ctx.site.postmaster)


def _secure(acceptance: Acceptance, case: RecipientCase) -> None:
    mailing.carry_out(acceptance.mailing(), case)


def _recall(acceptance: Acceptance, case: RecipientCase) -> None:
    acceptance.recalled.append(outlook_recall.Recalled(case.address, case.recalled))


def _wait(acceptance: Acceptance, case: RecipientCase) -> None:
    """Both forms are kept until the sender has said which is to go."""
    copy = acceptance.keep(case.address, CopyState.ASKED)
    if case.verdict.sign is not Sign.MANY_READERS:
        acceptance.pass_on(case.recipient.typed, waits_for=copy)
    acceptance.asked.append(case)


def _ask(acceptance: Acceptance) -> None:
    """One question about one mail, in however many parts it comes."""
    incoming, message = acceptance.incoming, acceptance.secure().message
    before = question.standing(acceptance.ctx, acceptance.sender(), incoming.message_id)
    if before and before.answer is None:
        return
    said = {"details": incoming.marks.details, "names": dict(incoming.names), "addressees": sorted(incoming.addressees)}
    question.ask(
        acceptance.ctx, acceptance.sender(), message, acceptance.asked[0].verdict.sign, said, incoming.marks.near
    )


def _command(acceptance: Acceptance, case: RecipientCase) -> None:
    """All that one mail says to us is answered at once, however many of our addresses it went to."""
    acceptance.tokens.append(case.recipient.token)


def _writes_by_login(ctx: Context, incoming: IncomingMail) -> bool:
    """Whether the client's login shows who the one author is. Raises NotAuthor where it may not write as them."""
    client = incoming.submission
    author = incoming.author.address if incoming.author else None
    own = bool(client.login) and delegates.may_write_as(ctx, client.login, author)
    if client.login and not own and not client.login.startswith("*@"):  # a mail server forwards what others wrote
        raise NotAuthor
    return own


def _run_commands(acceptance: Acceptance, *, proved: bool) -> None:
    incoming, client = acceptance.incoming, acceptance.incoming.submission
    today, order = acceptance.ctx.today, incoming.practice.date_order if incoming.practice else Order.UNSET
    mail = CommandMail(
        tokens=tuple(filter(None, acceptance.tokens)),
        author=incoming.author,
        lines=read(incoming.lines, today, order),
        rows=read(incoming.rows, today, order),
        in_reply_to=next(iter(incoming.answers), ""),
        unread=incoming.unread,
        message_id=incoming.message_id,
        trusted=client.trusted,
        authenticated=proved,
        automatic=surely_automatic(incoming.head, client.mail_from),
        signs=automatic(incoming.head, client.mail_from),
        languages=incoming.head.get("content-language") or incoming.head.get("accept-language"),
    )
    mailed.receive(acceptance.ctx, mail)


def _reply(acceptance: Acceptance, case: RecipientCase) -> None:
    """A sender answers, from their own mail client, what a registered person wrote in the portal."""
    ctx, incoming = acceptance.ctx, acceptance.incoming
    if surely_automatic(incoming.head, incoming.submission.mail_from):
        return  # an out-of-office note is not worth a health record's envelope
    written = ctx.opened(case.recipient.token, Purpose.REPLY, Message)
    author = acceptance.author.address.key
    if written is None or not incoming.submission.trusted or not _was_written_to(ctx, written, author):
        raise NotWrittenTo
    account = ctx.tx.get(Account, written.account_id or 0)
    if account is None or account.is_erased:
        raise RecipientLeft
    name = senders.display(acceptance.sender())
    messages.deliver_to_inbox(ctx, acceptance.secure(written), account, name, acceptance.practice.name)


def _was_written_to(ctx: Context, message: Message, author_key: str) -> bool:
    return ctx.tx.one(Copy, message_id=message.id, address=author_key) is not None


def _bounce(acceptance: Acceptance, case: RecipientCase) -> None:
    ctx, incoming = acceptance.ctx, acceptance.incoming
    came_back = ctx.opened(case.recipient.token, Purpose.BOUNCE, Delivery)
    if not came_back or not case.recipient.is_heard:
        return
    if incoming.report:
        deliver.bounced(ctx, came_back, incoming.report)
    elif automatic(incoming.head, incoming.submission.mail_from) not in NO_ANSWER:
        deliver.answered_automatically(ctx, came_back)


_HANDLERS: dict[Action, Callable[[Acceptance, RecipientCase], None]] = {
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
