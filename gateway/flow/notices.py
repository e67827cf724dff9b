"""Queueing what the gateway itself has to say.

A notice is stored as facts (facts.py), not as text: it is rendered when it is sent, perhaps by a newer gateway.
"""

import json
from dataclasses import dataclass, fields
from datetime import timedelta

from gateway.domain.address import Address
from gateway.domain.model import Account, Delivery, Invitation, Sender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Audience, DeliveryKind, Notice, Purpose
from gateway.flow import facts as facts_of
from gateway.flow import stored_facts
from gateway.flow.context import Context
from gateway.flow.facts import Facts, NonDelivery
from gateway.flow.standing import Token
from gateway.ports import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedNotice:
    """Everything that a notice is written from, but for its words."""

    notice: Notice
    audience: Audience
    facts: Facts
    to_name: str = ""
    language: str = "en"
    speaks_for: str = ""
    """The sender on whose behalf it speaks; it stands in the From field's display name."""
    reply: Token | None = None
    """The token of its Reply-To: for commands, or for an invitee's answer."""
    answers: str = ""
    """The Message-ID of the mail that it answers."""
    practice: str = ""
    """Of which practice it speaks."""
    instead_of: str = ""
    """The sender in whose place it goes to somebody else."""
    to_postmaster: bool = False


ANSWERS = (Notice.TRANSCRIPT, Notice.CONFIRM)
"""What somebody waits for who has just written to us."""
HEAD_START = timedelta(minutes=1)
"""By how much an answer is due before what was queued with it: what is due first is sent first, in a rush as well."""
VERSION = 1
"""Of how a notice is stored. Fields that are added need no other one (facts.py); it is for what they cannot say."""

_FIELDS = tuple(one.name for one in fields(QueuedNotice))


def seal(keys: Keys, queued: QueuedNotice, recipient: str) -> bytes:
    stored = {"version": VERSION, **{name: getattr(queued, name) for name in _FIELDS}}
    return keys.seal(stored_facts.as_json(stored).encode(), bound_to(recipient))


def bound_to(recipient: str) -> str:
    """What the facts of a notice are bound to: they are for nobody else."""
    return f"letter|{recipient}"


def unseal(keys: Keys, delivery: Delivery) -> QueuedNotice:
    """The notice of a delivery. Raises WrongKey, and ValueError for what a newer gateway has queued."""
    stored = json.loads(keys.open(delivery.facts or b"", bound_to(delivery.recipient)))
    if stored["version"] > VERSION:
        raise ValueError(f"a notice of version {stored['version']}, which a newer gateway has queued")
    notice, audience = Notice(stored["notice"]), Audience(stored["audience"])
    kind = NonDelivery if delivery.kind is DeliveryKind.REPORT else facts_of.kind_of(notice, audience)
    reply = (
        Token(Purpose(stored["reply"]["purpose"]), stored["reply"]["row"], stored["reply"]["generation"])
        if stored["reply"]
        else None
    )
    known = {name: value for name, value in stored.items() if name in _FIELDS}
    return QueuedNotice(
        **known
        | {"notice": notice, "audience": audience, "reply": reply, "facts": stored_facts.loaded(kind, stored["facts"])}
    )


def queue(
    ctx: Context,
    queued: QueuedNotice,
    to: str,
    invitation: Invitation | None = None,
    wait: timedelta = timedelta(),
    sender: Sender | None = None,
) -> Delivery:
    """Queue a notice for the next hop, in the same transaction as what it speaks of; it leaves after the `wait`."""
    return ctx.tx.add(
        Delivery(
            kind=DeliveryKind.NOTICE,
            notice=queued.notice,
            recipient=to,
            facts=seal(ctx.keys, queued, to),
            invitation_id=invitation.id if invitation else None,
            sender_id=sender.id if sender else None,
            created_at=ctx.now,
            due_at=ctx.now + wait - (HEAD_START if queued.notice in ANSWERS else timedelta()),
            queue_id=ctx.queue_id,
        )
    )


def read_by(ctx: Context, sender: Sender) -> str:
    """The address at which somebody reads what this sender is told."""
    return ctx.site.practice(sender.practice_id).read_by(Address(sender.address, sender.typed))


def to_sender(
    ctx: Context,
    notice: Notice,
    sender: Sender,
    facts: Facts,
    *,
    reply: Token,
    answers: str = "",
    invitation: Invitation | None = None,
    language: str = "",
    wait: timedelta = timedelta(),
    to: str = "",
) -> Delivery:
    """Tell a sender something, in the language given or else their practice's; or who reads in their place, or `to`."""
    practice = ctx.site.practice(sender.practice_id)
    to = to or read_by(ctx, sender)
    is_own = to == sender.typed
    queued = QueuedNotice(
        notice=notice,
        audience=Audience.SENDER,
        facts=facts,
        to_name=sender.name if is_own else "",
        language=language or practice.language,
        reply=reply,
        answers=answers,
        practice=practice.name,
        instead_of="" if is_own else sender.typed,
    )
    return queue(ctx, queued, to, invitation, wait, sender)


def to_postmaster(ctx: Context, notice: Notice, facts: Facts, to: str = "") -> Delivery:
    """Tell the site's postmaster something, or whoever keeps something for them."""
    language = ctx.site.language()
    queued = QueuedNotice(notice=notice, audience=Audience.SENDER, facts=facts, language=language, to_postmaster=True)
    return queue(ctx, queued, to or ctx.site.postmaster)


def to_invitee(
    ctx: Context, notice: Notice, invitation: Invitation, practice: Practice, speaks_for: str, facts: Facts
) -> Delivery:
    """Tell the invited person something. What they answer is heard, wherever they write from."""
    queued = QueuedNotice(
        notice=notice,
        audience=Audience.INVITEE,
        facts=facts,
        to_name=invitation.name,
        language=practice.language,
        speaks_for=speaks_for,
        reply=Token(Purpose.ANSWER, invitation.id),
        practice=practice.name,
    )
    return queue(ctx, queued, invitation.typed, invitation)


def to_account(
    ctx: Context,
    notice: Notice,
    account: Account,
    speaks_for: str,
    facts: Facts,
    reply: Token | None = None,
    practice: str = "",
) -> Delivery:
    """Tell a registered person something."""
    queued = QueuedNotice(
        notice=notice,
        audience=Audience.ACCOUNT,
        facts=facts,
        to_name=account.name,
        language=account.language,
        speaks_for=speaks_for,
        reply=reply,
        practice=practice,
    )
    return queue(ctx, queued, account.typed)
