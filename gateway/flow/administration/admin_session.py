"""Who looks at the administrator's pages: by a link from the command line, once, or by the site's own sign-in.

A session's acts are in the audit as the administrator's; the place of each names who it was given to.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.domain.acts import ADMINISTRATOR, STRANGER, Act
from gateway.domain.address import address
from gateway.domain.model_records import AdminSession
from gateway.domain.vocabulary import Purpose
from gateway.errors import BadAddress
from gateway.flow.context import Context

LINK_LASTS = timedelta(minutes=10)
IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=4)
_NOTICED_EVERY = timedelta(minutes=1)
NOBODY = b""
"""The digest of a link that nobody has used."""


def make_link(ctx: Context, name: str) -> str:
    """A token that lets its holder in once, within the next minutes; whoever asks for it has the command line."""
    made = ctx.tx.add(
        AdminSession(name=name, created_at=ctx.now, seen_at=ctx.now, expires_at=ctx.now + LINK_LASTS, digest=NOBODY)
    )
    ctx.audit(ADMINISTRATOR, Act.ADMIN_LINK, _subject(made))
    return ctx.keys.token(Purpose.ADMIN, made.id, _generation(made))


def unused(ctx: Context, token: str) -> AdminSession | None:
    """The link that this token is of, if nobody has used it and its time is not over."""
    found = ctx.opened(token, Purpose.ADMIN, AdminSession, _generations)
    return found if found and found.digest == NOBODY and found.expires_at > ctx.now else None


def enter(ctx: Context, token: str, cookie: str) -> AdminSession | None:
    """Use the link up: this cookie's browser is signed in from now on. None for any other token alike."""
    found = unused(ctx, token)
    return _start(ctx, found, cookie) if found else None


def admit(ctx: Context, who: str, allowed: Collection[str], cookie: str) -> AdminSession | None:
    """Sign in somebody whom the site's own sign-in vouches for, if the settings name their address."""
    try:
        key = address(who).key
    except BadAddress:
        key = ""
    if key not in allowed:
        ctx.audit(STRANGER, Act.ADMIN_REFUSED, "the administrator's pages")
        return None
    made = ctx.tx.add(AdminSession(name=key, created_at=ctx.now, seen_at=ctx.now, expires_at=ctx.now))
    return _start(ctx, made, cookie)


def find(ctx: Context, cookie: str) -> AdminSession | None:
    """Whose session this cookie is, if it has not ended."""
    found = ctx.tx.one(AdminSession, digest=_digest(cookie))
    return found if found and found.expires_at > ctx.now else None


def is_stale(one: AdminSession, now: datetime) -> bool:
    """Whether it is time to write down that somebody is still there."""
    return now - one.seen_at >= _NOTICED_EVERY


def keep(ctx: Context, cookie: str) -> None:
    """Somebody is still there: the session ends later, but never after its longest time."""
    if found := find(ctx, cookie):
        ctx.tx.put(replace(found, seen_at=ctx.now, expires_at=_end(found, ctx.now)))


def end(ctx: Context, cookie: str) -> None:
    """Sign out."""
    if found := find(ctx, cookie):
        ctx.audit(ADMINISTRATOR, Act.ADMIN_SIGNED_OUT, _subject(found))
        ctx.tx.remove(AdminSession, id=found.id)


def note_look_up(ctx: Context, found: Iterable[str]) -> None:
    """Record that somebody looked for a mail or a person, by what was found; what was typed may be anything."""
    ctx.audit(ADMINISTRATOR, Act.LOOKED_UP, ", ".join(found) or "nothing")


def _start(ctx: Context, one: AdminSession, cookie: str) -> AdminSession:
    fresh = replace(one, digest=_digest(cookie), created_at=ctx.now, seen_at=ctx.now)
    ctx.audit(ADMINISTRATOR, Act.ADMIN_SIGNED_IN, _subject(one), one.name)
    return ctx.tx.put(replace(fresh, expires_at=_end(fresh, ctx.now)))


def _generation(one: AdminSession) -> int:
    return int(one.created_at.timestamp())


def _generations(one: AdminSession) -> Iterable[int]:
    return (_generation(one),)


def _end(one: AdminSession, seen_at: datetime) -> datetime:
    return min(one.created_at + LONGEST, seen_at + IDLE)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


def _subject(one: AdminSession) -> str:
    return f"administrator's session {one.id}"
