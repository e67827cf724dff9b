"""What a page hands to the next one, sealed: who has given the right password, and what a passkey is to sign.

It is worth something in the browser that it was shown to, for some minutes, and for one use only: what was sealed for
proving something within an account is no half of a sign-in.
"""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.errors import WrongKey
from gateway.portal import sealed_text
from gateway.portal.visit import Visit

LIVES = timedelta(minutes=5)


class Use(StrEnum):
    """What a sealed state is for."""

    SECOND_STEP = "second step"
    PASSKEY_ALONE = "passkey alone"
    PROOF = "proof"
    CODES = "codes"
    NEW_PASSKEY = "new passkey"


@dataclass(frozen=True, slots=True)
class Pending:
    """`key` is the account's address where the password was right, "" otherwise; `challenge` is base64url."""

    use: Use
    at: str
    key: str = ""
    wanted: str = "/inbox"
    challenge: str = ""
    secret: str = ""
    """Of one-time codes that are being set up."""


def begin(visit: Visit, use: Use, key: str = "", wanted: str = "/inbox", secret: str = "") -> Pending:
    """A fresh one, with a challenge of its own."""
    challenge = base64.urlsafe_b64encode(visit.portal.random.octets(32)).decode().rstrip("=")
    return Pending(use, visit.desk.clock.now().isoformat(), key, wanted, challenge, secret)


def seal(visit: Visit, pending: Pending) -> str:
    return sealed_text.seal(visit.desk.keys, json.dumps(asdict(pending)).encode(), _bound_to(visit, pending.use))


def unseal(visit: Visit, sealed: str, use: Use) -> Pending | None:
    """What was sealed for this browser and this use, if that is not too long ago."""
    try:
        pending = Pending(**json.loads(sealed_text.unseal(visit.desk.keys, sealed, _bound_to(visit, use))))
    except WrongKey:
        return None
    age = visit.desk.clock.now() - datetime.fromisoformat(pending.at)
    return pending if timedelta() <= age < LIVES else None


def octets(challenge: str) -> bytes:
    return base64.urlsafe_b64decode(challenge + "=" * (-len(challenge) % 4))


def _bound_to(visit: Visit, use: Use) -> str:
    return f"pending|{use}|{visit.visitor}"
