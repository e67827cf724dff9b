"""A mail that was found in the bot's mailbox: to whom it was sent, and how far its path is to be trusted.

The envelope is gone. Its recipients are read from the fields in which mail servers keep them, else from To and Cc; its
sender from Return-Path. A mailbox proves nothing about who put a mail into it: only what the configured mail server
says of the author does (DESIGN: Authentication-Results, DMARC).
"""

import re
from itertools import islice

from gateway.domain.address import address
from gateway.domain.site import Site
from gateway.errors import BadAddress, BadRecipient
from gateway.flow import counting
from gateway.flow.context import Context
from gateway.flow.inbound.understand import Submission, recipient_of
from gateway.mail import parse
from gateway.mail.authentication import dmarc_passed
from gateway.mail.parse import Head

_KEPT_IN = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "apparently-to")
_ADDRESSED = ("to", "cc", "resent-to")
_BETWEEN = re.compile(r"[\s<>,;:\"()\[\]]+")
_MOST = 50
"""Addresses that may be ours and are read, of one mail."""
TRIES = 3
"""How often taking in one mail is tried."""


def begin_try(ctx: Context, name: str) -> bool:
    """Count a try at the mail of this name; False if it has had enough of them."""
    return counting.count(ctx, _tries(name), TRIES) > 0


def forget_try(ctx: Context, name: str) -> None:
    """The last try counts for nothing."""
    counting.take_back(ctx, _tries(name), TRIES)


def _tries(name: str) -> str:
    return f"mailbox|{name}"


def submission(site: Site, raw: bytes, authserv_id: str) -> Submission | None:
    """The mail as if it had been handed in; None for one that speaks to none of the gateway's own addresses."""
    head = parse.head(raw)
    recipients = _ours(site, head, _KEPT_IN) or _ours(site, head, _ADDRESSED)
    if not recipients:
        return None
    return Submission(
        mail_from=_sender(head),
        recipients=recipients,
        trusted=dmarc_passed(head, authserv_id),
        authserv_id=authserv_id,
    )


def _ours(site: Site, head: Head, names: tuple[str, ...]) -> tuple[str, ...]:
    """The gateway's own addresses in these fields, each once."""
    words = (word for name in names for value in head.all(name) for word in _BETWEEN.split(value))
    found: dict[str, str] = {}
    for typed in islice((word for word in words if _may_be_own(site, word)), _MOST):
        if _is_own(site, typed):
            found.setdefault(address(typed).key, typed)
    return tuple(found.values())


def _may_be_own(site: Site, word: str) -> bool:
    """A look that costs nothing: reading an address, internationalised ones above all, does."""
    return "@" in word and (not word.isascii() or word.lower().endswith(f"@{site.domain}"))


def _is_own(site: Site, typed: str) -> bool:
    try:
        return address(typed).domain == site.domain and recipient_of(site, typed).gateway is not None
    except (BadAddress, BadRecipient):
        return False


def _sender(head: Head) -> str:
    """What Return-Path says (RFC 5321 §4.4): "" for a null sender, and for a mail that has lost it, its From."""
    paths = head.all("return-path")
    if paths:
        return paths[0].strip().removeprefix("<").removesuffix(">")
    return next((author.address.typed for author in head.authors), "unknown")
