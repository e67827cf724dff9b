"""Everything that is held about an address, as rows that an administrator may hand out; no secret is among them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.address import Address
from gateway.domain.model import (
    AddressChange,
    Codes,
    Content,
    Copy,
    Delegation,
    Delivery,
    Message,
    Passkey,
    Sender,
    Session,
)
from gateway.domain.model_questions import Observation, Question
from gateway.domain.model_records import Audit, DirectoryEntry
from gateway.domain.vocabulary import CopyState
from gateway.errors import WrongKey
from gateway.flow import copies
from gateway.flow.administration import people
from gateway.flow.context import Context

Facts = dict[str, Any]
_SECRET = frozenset(
    {
        *("password_hash", "digest", "birthdate_digest", "wrapped_key", "facts", "secret", "credential", "public_key"),
        *("mac", "marks", "head", "sealed", "details", "subject_sealed", "reason_sealed", "reset_generation"),
    }
)
"""Columns that are keys, digests or sealed: they tell nobody anything, or too much."""


HOLDS = "Legal holds"


@dataclass(frozen=True, slots=True)
class Part:
    """One table of what is held."""

    title: str
    rows: list[Facts]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is to be written out: its row in the list, and what opens it."""

    name: str
    row: Facts
    content: Content
    data_key: bytes
    before: bytes


def parts(ctx: Context, at: Address) -> list[Part]:
    """All but the messages, what was sent to them, and the audit."""
    one = people.person(ctx, at)
    account = one.account
    own: dict[str, Any] = {"account_id": account.id if account else 0}
    senders = [sender.id for sender in one.sends_for]
    return [
        Part("Account", _told([account] if account else [])),
        Part("Where they are signed in", _told(ctx.tx.find(Session, **own))),
        Part("Passkeys and one-time codes", _told([*ctx.tx.find(Passkey, **own), *ctx.tx.find(Codes, **own)])),
        Part("Changes of address", _told(ctx.tx.find(AddressChange, **own))),
        Part("Invitations", _told(one.invitations)),
        Part("People lists", _told(one.listed)),
        Part("Directory", _told(ctx.tx.find(DirectoryEntry, address=at.key))),
        Part("Writes for", _told(one.sends_for)),
        Part("Acts for others", _told(ctx.tx.find(Delegation, address=at.key))),
        Part("Others act for them", _told(ctx.tx.find(Delegation, sender_id__in=senders) if senders else [])),
        Part("Questions about their mail", _told(ctx.tx.find(Question, sender_id__in=senders) if senders else [])),
        Part(HOLDS, _told(one.holds)),
    ]


def letters(ctx: Context, at: Address) -> tuple[list[Facts], list[int]]:
    """What was sent to the person, a row each; and the numbers of the copies that can still be opened."""
    found = list(people.all_copies(ctx, people.person(ctx, at)))
    return [_copy_row(ctx, copy) for copy in found], [copy.id for copy in found if copy.wrapped_key]


def written(ctx: Context, at: Address) -> tuple[list[Facts], list[int]]:
    """What the person wrote, a row each; and the numbers of the copies that open what they wrote in the portal.

    What somebody wrote for a practice is about its patients: of that it is only said that it was written.
    """
    one = people.person(ctx, at)
    found = people.written(ctx, one)
    opened = [_any_copy(ctx, message) for message in found if message.account_id and not message.sender_id]
    return [_message_row(ctx, message) for message in found], [copy.id for copy in opened if copy]


def letter(ctx: Context, copy_id: int, name: str) -> Letter | None:
    """Open one of these copies; None where it cannot be opened. It is in the audit."""
    copy = ctx.tx.get(Copy, copy_id)
    message = ctx.tx.get(Message, copy.message_id) if copy else None
    content = ctx.tx.get(Content, message.content_id) if message else None
    if not (copy and message and content):
        return None
    held_by = copies.of_invitation(copy.invitation_id or 0) if copy.state is CopyState.TO_SENDERS else ""
    try:
        key = copies.kept_key(ctx, copy, message, held_by)
        subject = ctx.keys.open_under(key, message.subject).decode()
    except WrongKey:
        ctx.audit("gateway", Act.COULD_NOT_OPEN, f"copy {copy.id}")
        return None
    ctx.audit(ADMINISTRATOR, Act.EXPORTED_COPY, f"copy {copy.id}")
    row = {"subject": subject} | (_copy_row(ctx, copy) if name == "received" else _message_row(ctx, message))
    return Letter(f"{name}-{copy.id}", row, content, key, copies.addressed(message, copy))


def deliveries(ctx: Context, at: Address, after: int, limit: int) -> tuple[list[Facts], int]:
    """The mails on their way to or from the person, or sent not long ago; and where to go on, or 0."""
    rows = ctx.tx.find(Delivery, id__gt=after, limit=limit)
    mine = [row for row in rows if people.is_at(at, row.recipient) or people.is_at(at, row.mail_from)]
    return _told(mine), rows[-1].id if len(rows) == limit else 0


def observations(ctx: Context, at: Address) -> list[Facts]:
    """What was noted of their mail while the site only observes."""
    rows = ctx.tx.find(Observation)
    return _told(row for row in rows if people.is_at(at, row.author) or people.is_at(at, row.recipient))


def audit(ctx: Context, names: Mapping[str, None], after: int, limit: int) -> tuple[list[Facts], int]:
    """The rows of the audit that name the person, by address or by one of the rows of theirs (`names`)."""
    rows = ctx.tx.find(Audit, id__gt=after, limit=limit)
    mine = [row for row in rows if row.subject in names or any(who in names for who in row.actor.split(" for "))]
    return _told(mine), rows[-1].id if len(rows) == limit else 0


def names(ctx: Context, at: Address) -> dict[str, None]:
    """How the audit names this person and what is theirs."""
    one = people.person(ctx, at)
    found = [at.key, f"person {at.key}"]
    found += [f"account {one.account.id}"] if one.account else []
    found += [f"invitation {row.id}" for row in one.invitations]
    found += [f"copy {row.id}" for row in people.all_copies(ctx, one)]
    found += [f"message {row.id}" for row in people.written(ctx, one)]
    found += [f"sender:{row.id}" for row in one.sends_for]
    return dict.fromkeys(found)


def note(ctx: Context, at: Address) -> None:
    """Have in the audit that all of this leaves the gateway."""
    ctx.audit(ADMINISTRATOR, Act.EXPORTED_PERSON, f"person {at.key}")


# --------------------------------------------------------------------------------------------------------------- parts


def _copy_row(ctx: Context, copy: Copy) -> Facts:
    message = ctx.tx.get(Message, copy.message_id)
    return {
        "received": message.received_at.isoformat() if message else "",
        "practice": message.practice_id if message else "",
        "from": _author(ctx, message) if message else "",
        "state": copy.state.value + (" (kept by a legal hold)" if copy.kept else ""),
        "read": copy.read_at.isoformat() if copy.read_at else "",
        "ended": copy.ended_at.isoformat() if copy.ended_at else "",
        "copy": copy.id,
    }


def _message_row(ctx: Context, message: Message) -> Facts:
    to = [copy.typed for copy in ctx.tx.find(Copy, message_id=message.id)]
    for_practice = bool(message.sender_id)
    return {
        "written": message.received_at.isoformat(),
        "practice": message.practice_id,
        "to": f"{len(to)} people" if for_practice else ", ".join(to),
        "message": message.id,
    }


def _author(ctx: Context, message: Message) -> str:
    sender = ctx.tx.get(Sender, message.sender_id) if message.sender_id else None
    return sender.typed if sender else ""


def _any_copy(ctx: Context, message: Message) -> Copy | None:
    return ctx.tx.one(Copy, message_id=message.id, wrapped_key__ne=None)


def _told(rows: Iterable[Any]) -> list[Facts]:
    return [dict(_facts(row)) for row in rows]


def _facts(row: Any) -> Iterator[tuple[str, Any]]:
    for one in fields(row):
        value = getattr(row, one.name)
        if one.name not in _SECRET and not isinstance(value, bytes):
            yield one.name, value.isoformat() if isinstance(value, datetime | date) else value
