"""What was seen of proxies before the portal that are not set up as they should be: `gateway check` tells it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.model import Meta
from gateway.flow import meta
from gateway.flow.context import Context
from gateway.ports import Tx

FRESH = timedelta(days=2)
"""After this time without another sight it is taken to be over."""
MOST = 8
_NAME = "proxies"


class ProxyFault(StrEnum):
    """Why the portal cannot tell its clients apart."""

    UNKNOWN = "hands on requests for others, and is not trusted"
    MUTE = "is trusted, and does not say whom it asks for"


@dataclass(frozen=True, slots=True)
class Sight:
    """The last time that a peer raised a doubt."""

    peer: str
    doubt: ProxyFault
    at: datetime


def note(ctx: Context, peer: str, doubt: ProxyFault) -> None:
    """Remember it, among the latest."""
    others = [one for one in seen(ctx.tx, ctx.now) if (one.peer, one.doubt) != (peer, doubt)]
    latest = [Sight(peer, doubt, ctx.now), *others][:MOST]
    value = json.dumps([(one.peer, one.doubt, one.at.isoformat()) for one in latest]).encode()
    meta.put(ctx.tx, _NAME, value)


def seen(tx: Tx, now: datetime) -> list[Sight]:
    """What was seen lately, the latest first."""
    row = tx.one(Meta, name=_NAME)
    sights = [
        Sight(peer, ProxyFault(doubt), datetime.fromisoformat(at))
        for peer, doubt, at in json.loads(row.value if row else b"[]")
    ]
    return [one for one in sights if now - one.at < FRESH]
