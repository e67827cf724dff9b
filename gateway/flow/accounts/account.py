"""A registered person's own account: a new password, a new name, where they are signed in, and its end."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.acts import Act
from gateway.domain.address import address
from gateway.domain.ledger import LedgerKind
from gateway.domain.model import Account, AddressChange, Codes, Copy, Message, Passkey, RecoveryCode, Session
from gateway.domain.vocabulary import CopyState, DeliverTo, Notice, Purpose
from gateway.flow import copies, ledger, legal_holds, notices, search_index, who
from gateway.flow.context import Context
from gateway.flow.facts import AccountChanged, PasswordReset
from gateway.flow.inbox import drafts
from gateway.flow.standing import Token

LINK_LIVES = timedelta(hours=1)
"""How long the link in a mail about a new password works."""
MAIL_AGAIN = timedelta(minutes=5)
"""How soon the next such mail goes to the same account, however often it is asked for."""
CHANGES = (
    *("password", "erased", "passkey_added", "passkey_removed"),
    *("codes_on", "codes_off", "recovery_codes", "downloaded"),
)
"""What a person is told of by mail, in case it was not them."""
_ERASED = "erased|"


def at(ctx: Context, key: str) -> Account | None:
    """Whose address this is. What is left of an erased account is nobody's, though its row has a key too."""
    account = ctx.tx.one(Account, address=key)
    return account if account and not account.is_erased else None


def of_id(ctx: Context, account_id: int) -> Account | None:
    """The account of this number, unless it was erased."""
    account = ctx.tx.get(Account, account_id)
    return account if account and not account.is_erased else None


# ------------------------------------------------------------------------------------------------- a forgotten password


def ask_reset(ctx: Context, key: str) -> None:
    """Mail a link to whoever has an account at this address.

    Whoever asks learns nothing: for an address that nobody has, as much is written, and nothing comes back either.
    """
    account = at(ctx, key)
    ctx.audit(key, Act.ASKED_NEW_PASSWORD, f"account {account.id}" if account else "no account")
    if account is None or (account.reset_at and ctx.now - account.reset_at < MAIL_AGAIN):
        return
    # While a link lives, asking again sends the same one: whichever of the mails is opened first works.
    lives = account.reset_at is not None and ctx.now - account.reset_at < LINK_LIVES
    generation = account.reset_generation if lives else account.reset_generation + 1
    asked = ctx.tx.put(replace(account, reset_at=ctx.now, reset_generation=generation))
    facts = PasswordReset(reset=Token(Purpose.RESET, asked.id, asked.reset_generation))
    notices.to_account(ctx, Notice.PASSWORD_RESET, asked, "", facts)


def resettable(ctx: Context, token: str) -> Account | None:
    """Whose password this link sets; None for every dead link alike."""
    account = ctx.opened(token, Purpose.RESET, Account, lambda account: (account.reset_generation,))
    if account is None or account.reset_at is None:
        return None
    return account if ctx.now - account.reset_at < LINK_LIVES else None


def reset(ctx: Context, token: str, password_hash: str) -> Account | None:
    """Set the new password; all sessions end. None if the link has died."""
    account = resettable(ctx, token)
    return _new_password(ctx, account, password_hash, keep=0) if account else None


def change_password(ctx: Context, account: Account, password_hash: str, session_id: int) -> Account:
    """Set a new password; all sessions but this one end."""
    return _new_password(ctx, account, password_hash, keep=session_id)


def _new_password(ctx: Context, account: Account, password_hash: str, *, keep: int) -> Account:
    ctx.tx.remove(Session, account_id=account.id, id__ne=keep)
    ctx.audit(account.address, Act.CHANGED_PASSWORD, f"account {account.id}")
    changed = ctx.tx.put(
        replace(
            _now(ctx, account),
            password_hash=password_hash,
            reset_at=None,
            reset_generation=account.reset_generation + 1,
        )
    )
    tell(ctx, changed, "password")
    return changed


def tell(ctx: Context, account: Account, change: str) -> None:
    """Tell a person by mail of one of `CHANGES`."""
    notices.to_account(ctx, Notice.ACCOUNT_CHANGED, account, "", AccountChanged(change=change))


# ---------------------------------------------------------------------------------------------------------- one's name


def rename(ctx: Context, account: Account, name: str) -> None:
    """A new name: senders see it on what the person writes from now on."""
    ctx.audit(account.address, Act.CHANGED_NAME, f"account {account.id}")
    ctx.tx.put(replace(_now(ctx, account), name=name))


def change_practice(ctx: Context, account: Account, name: str, phone: str, where: str) -> None:
    """New details of the practice at which a colleague works."""
    ctx.audit(account.address, Act.CHANGED_PRACTICE, f"account {account.id}")
    ctx.tx.put(replace(_now(ctx, account), practice_name=name, practice_phone=phone, practice_address=where))


def choose_language(ctx: Context, account: Account, language: str) -> None:
    """The language in which the person is written to."""
    ctx.tx.put(replace(_now(ctx, account), language=language))


def may_be_relayed(ctx: Context, account: Account) -> bool:
    """Whether the person's own domain has a secure mail system that we hand mail to."""
    return who.has_secure_mail(ctx, address(account.typed))


def choose_delivery(ctx: Context, account: Account, deliver_to: DeliverTo) -> None:
    """Where the person reads what is sent to them from now on."""
    if deliver_to is DeliverTo.RELAY and not may_be_relayed(ctx, account):
        return
    ctx.audit(account.address, Act.CHANGED_DELIVERY, f"account {account.id}", deliver_to.value)
    ctx.tx.put(replace(_now(ctx, account), delivery=deliver_to))


# ------------------------------------------------------------------------------------------------------------ sessions


def sessions(ctx: Context, account: Account) -> list[Session]:
    """Where the person is signed in, the latest first."""
    return ctx.tx.find(Session, order="-seen_at", account_id=account.id, expires_at__gt=ctx.now)


def end_sessions(ctx: Context, account: Account, *, besides: int, only: int | None = None) -> None:
    """End one session of the account's, or all but one."""
    for session in ctx.tx.find(Session, account_id=account.id):
        if session.id != besides and only in (None, session.id):
            ctx.tx.remove(Session, id=session.id)
            ctx.audit(account.address, Act.ENDED_SESSION, f"account {account.id}")


# ------------------------------------------------------------------------------------------------------------- the end


def erase(ctx: Context, account: Account, *, by: str = "", quietly: bool = False) -> None:
    """Destroy what the person has here; to their senders they are a stranger again.

    Messages are destroyed by their keys; what the person wrote to a practice is the practice's. The account's row
    stays, empty and without an address, because what others keep points to it. What a legal hold keeps is out of
    everybody's reach, and goes when the hold is released. `by` is who does it, if not they; `quietly`: they were told
    before.
    """
    for copy in ctx.tx.find(Copy, account_id=account.id, state=CopyState.INBOX):
        copies.destroy(ctx, copy)
    search_index.destroy(ctx, account.id)
    for table in (Session, Passkey, Codes, RecoveryCode):
        ctx.tx.remove(table, account_id=account.id)
    for change in ctx.tx.find(AddressChange, account_id=account.id):
        ctx.tx.put(replace(change, stopped_at=change.stopped_at or ctx.now))
    if not legal_holds.keeps(ctx, account):
        forget_rest(ctx, account)
    if not quietly:
        tell(ctx, account, "erased")
    ledger.note(ctx, LedgerKind.ACCOUNT, account.id)
    ctx.audit(by or account.address, Act.ERASED, f"account {account.id}")
    nobody = Account(
        id=account.id,
        address=erased_address(account.id),
        typed="",
        name="",
        password_hash="",
        created_at=account.created_at,
    )
    ctx.tx.put(nobody)
    legal_holds.follow(ctx, account.address, nobody.address)


def erased_address(number: int) -> str:
    """What stands in the place of an address that was erased: no address has this form, so nobody can be written to
    or sign in there.
    """
    return f"{_ERASED}{number}"


def is_erased(key: str) -> bool:
    """Whether this stands in the place of an address that was erased."""
    return key.startswith(_ERASED)


def forget_rest(ctx: Context, account: Account) -> None:
    """What an erased person has begun to write, and their other addresses."""
    drafts.discard_all(ctx, account)
    for change in ctx.tx.find(AddressChange, account_id=account.id):
        # The row stays, empty: its number stands in links, and must never be that of somebody else's change.
        ctx.tx.put(replace(change, old_address="", old_typed="", new_address="", new_typed=""))


def note_download(ctx: Context, account: Account) -> None:
    """All that a person has here leaves the portal."""
    ctx.audit(account.address, Act.DOWNLOADED, f"account {account.id}")
    tell(ctx, account, "downloaded")


def inbox_copies(ctx: Context, account: Account) -> list[int]:
    """The copies that a download of one's own data holds, the oldest first."""
    return [copy.id for copy in ctx.tx.find(Copy, account_id=account.id, state=CopyState.INBOX)]


def own_messages(ctx: Context, account: Account) -> list[int]:
    """What the person has written, the oldest first."""
    return [message.id for message in ctx.tx.find(Message, account_id=account.id)]


def _now(ctx: Context, account: Account) -> Account:
    """The row as it stands in this transaction: it may have changed since the page was asked for."""
    return ctx.tx.get(Account, account.id) or account
