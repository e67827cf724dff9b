"""Queueing what the gateway itself has to say.

A notice is stored as facts, not as text: it is rendered when it is sent. A token is stored as the three numbers that it
is derived from, never as itself.
"""

import json
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from gateway.domain.address import Address
from gateway.domain.model import Account, Delivery, Invitation, Sender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Audience, DeliveryKind, Notice, Purpose
from gateway.flow.context import Context
from gateway.ports import Keys


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that a notice is written from, but for its words."""

    notice: Notice
    audience: Audience
    to_name: str = ""
    language: str = "en"
    speaks_for: str = ""
    """The sender on whose behalf it speaks; it stands in the From field's display name."""
    reply: list[Any] | None = None
    """The token of its Reply-To, as `token` makes it: for commands, or for an invitee's answer."""
    answers: str = ""
    """The Message-ID of the mail that it answers."""
    facts: dict[str, Any] = field(default_factory=dict)


ANSWERS = (Notice.TRANSCRIPT, Notice.CONFIRM)
"""What somebody waits for who has just written to us."""
HEAD_START = timedelta(minutes=1)
"""By how much an answer is due before what was queued with it: what is due first is sent first, in a rush as well."""

_LETTER = tuple(part.name for part in fields(Letter))


def token(purpose: Purpose, row: int, generation: int = 1) -> dict[str, list[Any]]:
    """A token among the facts of a letter; `resolve` puts the real one in its place."""
    return {"$token": [purpose.value, row, generation]}


def resolve(keys: Keys, value: Any) -> Any:
    """The facts with every token in its place."""
    match value:
        case {"$token": [purpose, row, generation]}:
            return keys.token(Purpose(purpose), row, generation)
        case dict():
            return {name: resolve(keys, item) for name, item in value.items()}
        case list():
            return [resolve(keys, item) for item in value]
        case _:
            return value


def seal(keys: Keys, letter: Letter, recipient: str) -> bytes:
    plain = {name: getattr(letter, name) for name in _LETTER}  # `asdict` would copy the facts, and cost more than all
    return keys.seal(json.dumps(plain).encode(), f"letter|{recipient}")


def unseal(keys: Keys, delivery: Delivery) -> Letter:
    """The letter of a notice's delivery. Raises WrongKey."""
    data = json.loads(keys.open(delivery.facts or b"", f"letter|{delivery.recipient}"))
    data |= {"notice": Notice(data["notice"]), "audience": Audience(data["audience"])}
    return Letter(**data)


def queue(
    ctx: Context,
    letter: Letter,
    to: str,
    invitation: Invitation | None = None,
    wait: timedelta = timedelta(),
    sender: Sender | None = None,
) -> Delivery:
    """Queue a letter for the next hop, in the same transaction as what it speaks of; it leaves after the `wait`."""
    return ctx.tx.add(
        Delivery(
            kind=DeliveryKind.NOTICE,
            notice=letter.notice,
            recipient=to,
            facts=seal(ctx.keys, letter, to),
            invitation_id=invitation.id if invitation else None,
            sender_id=sender.id if sender else None,
            created_at=ctx.now,
            due_at=ctx.now + wait - (HEAD_START if letter.notice in ANSWERS else timedelta()),
        )
    )


def read_by(ctx: Context, sender: Sender) -> str:
    """The address at which somebody reads what this sender is told."""
    return ctx.site.practice(sender.practice_id).read_by(Address(sender.address, sender.typed))


def to_sender(
    ctx: Context,
    notice: Notice,
    sender: Sender,
    facts: dict[str, Any],
    *,
    reply: dict[str, list[Any]],
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
    letter = Letter(
        notice,
        Audience.SENDER,
        to_name=sender.name if is_own else "",
        language=language or practice.language,
        reply=reply["$token"],
        answers=answers,
        facts={"practice": practice.name, "instead_of": "" if is_own else sender.typed, **facts},
    )
    return queue(ctx, letter, to, invitation, wait, sender)


def to_postmaster(ctx: Context, notice: Notice, facts: dict[str, Any]) -> Delivery:
    """Tell the site's postmaster something."""
    said = {"to_postmaster": True, **facts}
    letter = Letter(notice, Audience.SENDER, language=ctx.site.language(), facts=said)
    return queue(ctx, letter, ctx.site.postmaster)


def to_invitee(
    ctx: Context, notice: Notice, invitation: Invitation, practice: Practice, speaks_for: str, facts: dict[str, Any]
) -> Delivery:
    """Tell the invited person something. What they answer is heard, wherever they write from."""
    letter = Letter(
        notice,
        Audience.INVITEE,
        to_name=invitation.name,
        language=practice.language,
        speaks_for=speaks_for,
        reply=token(Purpose.ANSWER, invitation.id)["$token"],
        facts={"practice": practice.name, **facts},
    )
    return queue(ctx, letter, invitation.typed, invitation)


def to_account(
    ctx: Context,
    notice: Notice,
    account: Account,
    speaks_for: str,
    facts: dict[str, Any],
    reply: dict[str, list[Any]] | None = None,
) -> Delivery:
    """Tell a registered person something."""
    letter = Letter(
        notice,
        Audience.ACCOUNT,
        to_name=account.name,
        language=account.language,
        speaks_for=speaks_for,
        reply=reply["$token"] if reply else None,
        facts=facts,
    )
    return queue(ctx, letter, account.typed)
