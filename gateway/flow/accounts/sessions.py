"""Who is signed in: use cases on the rows behind the session cookie. Only a hash of the cookie is stored."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.acts import Act
from gateway.domain.model import Account, Session
from gateway.flow.context import Context

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_NOTICED_EVERY = timedelta(minutes=1)
"""How often being busy is written down: not at each click."""
_LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser's session and whose it is."""

    session: Session
    account: Account

    def is_stale(self, now: datetime) -> bool:
        """Whether it is time to write down that the person is still busy."""
        return now - self.session.seen_at >= _NOTICED_EVERY


def start(ctx: Context, account: Account, cookie: str, agent: str = "") -> None:
    """Sign a person in under a fresh cookie; `agent` is what the browser calls itself."""
    ctx.tx.add(
        Session(
            digest=_digest(cookie),
            account_id=account.id,
            created_at=ctx.now,
            seen_at=ctx.now,
            expires_at=_end(ctx.now, ctx.now),
            agent=agent[:_LONGEST_AGENT],
        )
    )
    ctx.audit(account.address, Act.SIGNED_IN, f"account {account.id}")


def change(ctx: Context, account_id: int, before: str, cookie: str, agent: str) -> None:
    """A fresh session in the place of another, so that nobody may hand a person a session that they know."""
    end(ctx, before)
    account = ctx.tx.get(Account, account_id)
    if account and not account.is_erased:
        start(ctx, account, cookie, agent)


def find(ctx: Context, cookie: str) -> SignedIn | None:
    """Whose session this cookie is, if it has not ended."""
    session = ctx.tx.one(Session, digest=_digest(cookie))
    if session is None or session.expires_at <= ctx.now:
        return None
    account = ctx.tx.get(Account, session.account_id)
    return SignedIn(session, account) if account else None


def keep(ctx: Context, cookie: str) -> None:
    """The person is still busy: the session ends later, but never after its longest time."""
    session = ctx.tx.one(Session, digest=_digest(cookie))
    if session:
        ctx.tx.put(replace(session, seen_at=ctx.now, expires_at=_end(session.created_at, ctx.now)))


def end(ctx: Context, cookie: str) -> None:
    """Sign out; the cookie is worth nothing from now on."""
    session = ctx.tx.one(Session, digest=_digest(cookie))
    if session:
        ctx.tx.remove(Session, id=session.id)
        account = ctx.tx.get(Account, session.account_id)
        ctx.audit(account.address if account else "", Act.SIGNED_OUT, f"account {session.account_id}")


def _end(created_at: datetime, seen_at: datetime) -> datetime:
    return min(created_at + LONGEST, seen_at + IDLE)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
