"""What a person shows besides a password: a passkey, a code from their phone, or a recovery code.

A code is good once: its time step is remembered (RFC 6238 §5.2), a recovery code is struck off, and so is the
challenge that a passkey has signed. A forgotten password that is replaced by mail takes none of them away.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyotp

from gateway.domain.acts import STRANGER, Act
from gateway.domain.model import Account, Codes, Fingerprint, Passkey, RecoveryCode
from gateway.errors import WrongKey
from gateway.flow.accounts import account as accounts
from gateway.flow.context import Context

STEP = 30
"""Seconds that a code is shown for (RFC 6238 §4.1)."""
DRIFT = 1
"""By how many steps a phone's clock may be off."""
RECOVERY_CODES = 10
RECOVERY_OCTETS = 10
"""Of chance in each: 80 bits."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has besides a password."""

    passkeys: tuple[Passkey, ...] = ()
    has_codes: bool = False
    recovery_codes: int = 0

    @property
    def wanted(self) -> bool:
        """Whether signing in takes a second step."""
        return bool(self.passkeys) or self.has_codes


def factors(ctx: Context, account: Account) -> Factors:
    return Factors(
        passkeys=tuple(ctx.tx.find(Passkey, account_id=account.id)),
        has_codes=ctx.tx.one(Codes, account_id=account.id) is not None,
        recovery_codes=ctx.tx.count(RecoveryCode, account_id=account.id),
    )


# --------------------------------------------------------------------------------------------------------------- codes


def fits(secret: str, typed: str, at: datetime) -> int | None:
    """The time step whose code this is, if a phone shows it at this instant."""
    if not secret:
        return None
    code = "".join(typed.split())
    step = int(at.timestamp()) // STEP
    totp = pyotp.TOTP(secret, interval=STEP)
    near = range(step - DRIFT, step + DRIFT + 1)
    return next((one for one in near if pyotp.utils.strings_equal(totp.generate_otp(one), code)), None)


def start_codes(ctx: Context, account: Account, secret: str, typed: str) -> bool:
    """From now on a code is asked for, if this one shows that the phone has the secret."""
    step = fits(secret, typed, ctx.phones or ctx.now)
    if step is None:
        return False
    ctx.tx.remove(Codes, account_id=account.id)
    sealed = ctx.keys.seal(secret.encode(), bound_to(account.id))
    ctx.tx.add(Codes(account_id=account.id, secret=sealed, last_step=step, created_at=ctx.now))
    _noted(ctx, account, "codes_on")
    return True


def stop_codes(ctx: Context, account: Account) -> None:
    ctx.tx.remove(Codes, account_id=account.id)
    _noted(ctx, account, "codes_off")


def use_code(ctx: Context, account: Account, typed: str) -> bool:
    """Whether this is a code of now that has not been used, or one of the recovery codes, which is then gone."""
    row = ctx.tx.one(Codes, account_id=account.id)
    step = fits(_secret(ctx, account, row), typed, ctx.phones or ctx.now) if row else None
    if row and step is not None and step > row.last_step:
        ctx.tx.put(replace(row, last_step=step))
        ctx.audit(account.address, Act.USED_CODE, f"account {account.id}")
        return True
    return _use_recovery_code(ctx, account, typed)


def _secret(ctx: Context, account: Account, row: Codes) -> str:
    """What the codes are made from; "" for a row that was altered, whose codes fit nothing."""
    try:
        return ctx.keys.open(row.secret, bound_to(account.id)).decode()
    except WrongKey:
        return ""


def _use_recovery_code(ctx: Context, account: Account, typed: str) -> bool:
    used = ctx.tx.remove(RecoveryCode, account_id=account.id, digest=_digest(ctx, account, typed)) > 0
    if used:
        ctx.audit(account.address, Act.USED_RECOVERY_CODE, f"account {account.id}")
    return used


def new_recovery_codes(ctx: Context, account: Account, codes: Sequence[str]) -> None:
    """These take the place of the old ones; only digests are kept."""
    ctx.tx.remove(RecoveryCode, account_id=account.id)
    for code in codes:
        ctx.tx.add(RecoveryCode(account_id=account.id, digest=_digest(ctx, account, code)))
    _noted(ctx, account, "recovery_codes")


def _digest(ctx: Context, account: Account, code: str) -> bytes:
    plain = "".join(filter(str.isalnum, code.casefold()))
    return ctx.keys.digest("recovery", f"{account.id}|{plain}".encode())


# ------------------------------------------------------------------------------------------------------------ passkeys


def add_passkey(ctx: Context, account: Account, passkey: Passkey) -> bool:
    """Whether it was added: a credential belongs to one account only."""
    if ctx.tx.one(Passkey, credential=passkey.credential):
        return False
    ctx.tx.add(passkey)
    _noted(ctx, account, "passkey_added")
    return True


def remove_passkey(ctx: Context, account: Account, passkey_id: int) -> None:
    if ctx.tx.remove(Passkey, id=passkey_id, account_id=account.id):
        _noted(ctx, account, "passkey_removed")


def passkey_of(ctx: Context, credential: bytes) -> tuple[Passkey, Account] | None:
    """The passkey with this credential, and whose it is."""
    passkey = ctx.tx.one(Passkey, credential=credential)
    account = ctx.tx.get(Account, passkey.account_id) if passkey else None
    return (passkey, account) if passkey and account else None


def use_passkey(ctx: Context, passkey: Passkey, sign_count: int, challenge: bytes) -> bool:
    """Note that it has signed this challenge; False if it had been signed before."""
    if not first_use(ctx, challenge):
        return False
    ctx.tx.put(replace(passkey, sign_count=sign_count, used_at=ctx.now))
    account = ctx.tx.get(Account, passkey.account_id)
    ctx.audit(account.address if account else STRANGER, Act.USED_PASSKEY, f"account {passkey.account_id}")
    return True


def first_use(ctx: Context, challenge: bytes) -> bool:
    """Whether this challenge is answered for the first time."""
    return ctx.tx.add_once(Fingerprint(fingerprint=hashlib.sha256(b"challenge|" + challenge).digest(), at=ctx.now))


# --------------------------------------------------------------------------------------------------------------- parts


def _noted(ctx: Context, account: Account, change: str) -> None:
    ctx.audit(account.address, Act(change.replace("_", " ")), f"account {account.id}")
    accounts.tell(ctx, account, change)


def bound_to(account_id: int) -> str:
    """What the secret of one-time codes is bound to."""
    return f"codes|{account_id}"
