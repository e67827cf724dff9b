"""An account gets another address: confirmed at the new one, and for a week called back from the old one.

It takes three things: the password, the link in the mail to the new address, and being signed in to this very account
when following it. Without the last, somebody could be talked into giving their own address, and with it their mail, to
another's account. Whoever has taken an account over can ask as its owner does; so the old address gets a link that
undoes whatever came after, and leaves neither a session nor the password. It gives the old mailbox no more than it had:
a forgotten password is replaced through it as well.
"""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.model import Account, AddressChange, Codes, Passkey, RecoveryCode, Session
from gateway.domain.vocabulary import Notice, Purpose
from gateway.flow import legal_holds, notices
from gateway.flow.accounts import account as accounts
from gateway.flow.context import Context
from gateway.flow.facts import AddressChanged, NewAddress
from gateway.flow.standing import Token

CONFIRM_WITHIN = timedelta(days=1)
STOP_WITHIN = timedelta(days=7)
"""Both are counted from when the change was asked for."""
MOST_A_DAY = 3
"""Changes that an account may ask for in a day: each writes to an address that may be anybody's."""


class Confirmed(StrEnum):
    """What became of following the link in the mail to the new address."""

    DONE = "done"
    TAKEN = "taken"
    """meanwhile there is another account at this address"""
    DEAD = "dead"


# ------------------------------------------------------------------------------------------------------- at the new end


def ask(ctx: Context, account: Account, to: Address) -> bool:
    """Write to both addresses; False where too many changes were asked for today.

    Whether there is an account at the new address is told there, and nowhere else.
    """
    if ctx.tx.count(AddressChange, account_id=account.id, asked_at__gt=ctx.now - timedelta(days=1)) >= MOST_A_DAY:
        return False
    change = ctx.tx.add(
        AddressChange(
            account_id=account.id,
            old_address=account.address,
            old_typed=account.typed,
            new_address=to.key,
            new_typed=to.typed,
            asked_at=ctx.now,
        )
    )
    taken = accounts.at(ctx, to.key) is not None
    facts = NewAddress(confirm=Token(Purpose.NEW_ADDRESS, change.id), taken=taken)
    stranger = replace(account, typed=to.typed, name="")  # an address with a slip in it is somebody else's
    notices.to_account(ctx, Notice.NEW_ADDRESS, stranger, "", facts)
    _tell_old(ctx, account, change, "asked")
    ctx.audit(account.address, Act.ASKED_NEW_ADDRESS, f"account {account.id}")
    return True


def awaited(ctx: Context, account: Account) -> AddressChange | None:
    """The change that still waits to be confirmed: always the one asked for last."""
    change = next(iter(ctx.tx.find(AddressChange, order="-id", limit=1, account_id=account.id)), None)
    if change is None or change.done_at or change.stopped_at or ctx.now - change.asked_at >= CONFIRM_WITHIN:
        return None
    return change


def confirmable(ctx: Context, account: Account, token: str) -> AddressChange | None:
    """The change that this link confirms, for whoever is signed in; None for every dead link alike."""
    change = ctx.opened(token, Purpose.NEW_ADDRESS, AddressChange)
    waiting = awaited(ctx, account)
    return waiting if change and waiting and waiting.id == change.id else None


def confirm(ctx: Context, account: Account, token: str, session_id: int) -> Confirmed:
    """Make the change; all sessions but this one end, and so does every link to a new password."""
    change = confirmable(ctx, account, token)
    current = ctx.tx.get(Account, account.id)
    if change is None or current is None:
        return Confirmed.DEAD
    if accounts.at(ctx, change.new_address):
        return Confirmed.TAKEN
    ctx.tx.put(replace(change, done_at=ctx.now))
    legal_holds.follow(ctx, current.address, change.new_address)
    ctx.tx.remove(Session, account_id=account.id, id__ne=session_id)
    _tell_old(ctx, current, change, "done")
    ctx.audit(current.address, Act.CHANGED_ADDRESS, f"account {account.id}")
    generation = current.reset_generation + 1
    moved = replace(current, address=change.new_address, typed=change.new_typed)
    ctx.tx.put(replace(moved, reset_at=None, reset_generation=generation))
    return Confirmed.DONE


# ------------------------------------------------------------------------------------------------------- at the old end


def stoppable(ctx: Context, token: str) -> AddressChange | None:
    """The change that this link calls back; None for every dead link alike, and where the old address is taken now."""
    change = ctx.opened(token, Purpose.OLD_ADDRESS, AddressChange)
    if change is None or change.stopped_at or ctx.now - change.asked_at >= STOP_WITHIN:
        return None
    there = accounts.at(ctx, change.old_address)
    return change if there is None or there.id == change.account_id else None


def stop(ctx: Context, token: str) -> str | None:
    """Call the change back, made or not, with all that were asked for after it; the token that sets a new password.

    Whoever asked knew the password and was signed in: both are worth nothing any more, nor is a second factor that was
    set up since then.
    """
    change = stoppable(ctx, token)
    account = ctx.tx.get(Account, change.account_id) if change else None
    if change is None or account is None:
        return None
    for later in ctx.tx.find(AddressChange, account_id=account.id, id__gt=change.id - 1):
        ctx.tx.put(replace(later, stopped_at=ctx.now))
    _shut_out(ctx, account, change)
    restored = ctx.tx.put(
        replace(
            account,
            address=change.old_address,
            typed=change.old_typed,
            password_hash="",
            reset_at=ctx.now,
            reset_generation=account.reset_generation + 1,
        )
    )
    _tell_old(ctx, restored, change, "back")
    ctx.audit(restored.address, Act.CALLED_BACK, f"account {account.id}")
    return ctx.keys.token(Purpose.RESET, restored.id, restored.reset_generation)


def _shut_out(ctx: Context, account: Account, change: AddressChange) -> None:
    ctx.tx.remove(Session, account_id=account.id)
    since = {"account_id": account.id, "created_at__gt": change.asked_at}
    gone = {
        Act.PASSKEY_REMOVED: ctx.tx.remove(Passkey, **since),
        Act.CODES_OFF: ctx.tx.remove(Codes, **since),
        Act.RECOVERY_CODES_REMOVED: ctx.tx.remove(
            RecoveryCode, account_id=account.id
        ),  # nothing says when they were made
    }
    for what, count in gone.items():
        if count:
            ctx.audit(account.address, what, f"account {account.id}")


# ---------------------------------------------------------------------------------------------------------------- parts


def _tell_old(ctx: Context, account: Account, change: AddressChange, what: str) -> None:
    """To the old address. Not a word of the new one: an old mailbox is not always one's own any more."""
    facts = AddressChanged(what=what, keep=Token(Purpose.OLD_ADDRESS, change.id))
    there = replace(account, typed=change.old_typed)
    notices.to_account(ctx, Notice.ADDRESS_CHANGED, there, "", facts)
