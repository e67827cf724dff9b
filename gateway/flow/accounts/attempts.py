"""What comes to nothing: wrong passwords and codes, and who is not let in. All are in the audit, up to a count a day.

Anybody may try as often as they like, from many addresses; the audit is kept for years, and must not be filled by
them. Nothing that was typed is recorded where it names nobody whom we know: people type passwords into any field.
"""

from gateway.domain.acts import STRANGER, Act
from gateway.domain.model import Account
from gateway.flow.context import Context
from gateway.flow.counting import count_today

MOST_OF_PLACE = 100
MOST_OF_ALL = 1000
"""Failures of one kind that a day's audit holds, from one place and from everywhere. Both are counted whoever was
meant, so that it takes the same time whether there is such a person."""


def failed(ctx: Context, act: Act, actor: str, subject: str) -> None:
    """Record that an attempt has failed; `actor` is "" for nobody whom we know.

    The last one that is recorded today is followed by a row that says so.
    """
    here = count_today(ctx, f"{act}|{ctx.place}", MOST_OF_PLACE)
    turn = count_today(ctx, act, MOST_OF_ALL) if here else 0
    if turn:
        ctx.audit(actor or STRANGER, act, subject)
    if turn and (here == MOST_OF_PLACE or turn == MOST_OF_ALL):
        ctx.audit("gateway", Act.UNCOUNTED, act)


def of_account(ctx: Context, act: Act, account: Account | None) -> None:
    """Record that somebody failed to get into an account, or into none."""
    failed(ctx, act, account.address if account else "", f"account {account.id}" if account else "no account")


def login_used(ctx: Context, login: str) -> None:
    """Record that a login was used at the listener, once a day for each place: mail servers sign in for each mail."""
    if count_today(ctx, f"login|{login}|{ctx.place}", 1):
        ctx.audit(login, Act.SMTP_SIGNED_IN, "smtp")


def login_refused(ctx: Context, login: str) -> None:
    """Record that a login's password was wrong; "" where there is no such login."""
    failed(ctx, Act.SMTP_FAILED, login, "smtp")
