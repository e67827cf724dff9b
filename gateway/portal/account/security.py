"""What protects an account besides its password: setting it up, and taking it away."""

import base64

import pyotp
import segno
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.domain.translatable import say
from gateway.flow.accounts import second_factor
from gateway.portal.account import passkeys, pending
from gateway.portal.account.forms import CodesForm, OwnPasswordForm, PasskeyForm
from gateway.portal.account.pending import Pending, Use
from gateway.portal.account.proving import asked_of, is_proved
from gateway.portal.form import REFUSED
from gateway.portal.said import then_say, to_say
from gateway.portal.visit import Visit, go_to


async def security(visit: Visit, account: Account) -> Response:
    has = await visit.desk.ask(second_factor.factors, account)
    return visit.show("account/security", {"has": has, "done": visit.request.query_params.get("done", "")})


# --------------------------------------------------------------------------------------------------------------- codes


async def codes(visit: Visit, account: Account) -> Response:
    """GET shows a fresh secret; POST turns codes on, once one has shown that the phone has the secret."""
    asked = pending.unseal(visit, visit.typed("state"), Use.CODES) if visit.posted else None
    secret = asked.secret if asked else _new_secret(visit)
    form = CodesForm(visit.form if visit.posted else None)
    if visit.posted and await _may_start(visit, account, form, asked):
        await visit.desk.do(second_factor.start_codes, account, secret, str(form.code.data))
        return go_to("/profile/security?done=codes_on")
    uri = pyotp.TOTP(secret).provisioning_uri(name=account.typed, issuer_name=visit.desk.site.name)
    facts = {
        "form": form,
        "proof": await asked_of(visit, account),
        "state": pending.seal(visit, pending.begin(visit, Use.CODES, account.address, secret=secret)),
        "picture": _picture(uri),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "uri": uri,
    }
    return visit.show("account/codes", facts, status=REFUSED if form.wrong else 200)


async def _may_start(visit: Visit, account: Account, form: CodesForm, asked: Pending | None) -> bool:
    """Whether the phone has the secret, and who sets it up is the account's own person."""
    now = visit.desk.clock.phones()
    form.validate()
    if form.code.data and (asked is None or second_factor.fits(asked.secret, form.code.data, now) is None):
        form.refuse("code", say("This code is not right. Wait for the next one, and try again."))
    return not form.wrong and await is_proved(visit, account, form)


def _new_secret(visit: Visit) -> str:
    """160 bits (RFC 4226 §4)."""
    return base64.b32encode(visit.portal.random.octets(20)).decode()


def _picture(uri: str) -> Markup:
    """The QR code, within the page."""
    drawn = segno.make(uri, micro=False, error="m").svg_inline(scale=4, border=4, light="#fff", dark="#000")
    return Markup(drawn)  # noqa: S704 - made by the library out of squares


async def stop_codes(visit: Visit, account: Account) -> Response:
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_proved(visit, account, form):
        await visit.desk.do(second_factor.stop_codes, account)
        return go_to("/profile/security?done=codes_off")
    facts = {"form": form, "proof": await asked_of(visit, account)}
    return visit.show("account/codes_off", facts, status=REFUSED if form.wrong else 200)


# ------------------------------------------------------------------------------------------------------ recovery codes


async def recovery(visit: Visit, account: Account) -> Response:
    """POST makes new recovery codes, and turns to the page that shows them, for some minutes."""
    if (said := to_say(visit)) is not None:
        return visit.show("account/recovery_codes", said)
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_proved(visit, account, form):
        made = [_recovery_code(visit) for _ in range(second_factor.RECOVERY_CODES)]
        await visit.desk.do(second_factor.new_recovery_codes, account, made)
        return then_say(visit, {"codes": made})
    facts = {"form": form, "proof": await asked_of(visit, account)}
    return visit.show("account/recovery", facts, status=REFUSED if form.wrong else 200)


def _recovery_code(visit: Visit) -> str:
    plain = base64.b32encode(visit.portal.random.octets(second_factor.RECOVERY_OCTETS)).decode().lower()
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))


# ------------------------------------------------------------------------------------------------------------ passkeys


async def add_passkey(visit: Visit, account: Account) -> Response:
    """GET has what the browser's script needs; POST takes the passkey that it has made."""
    has = await visit.desk.ask(second_factor.factors, account)
    form = PasskeyForm(visit.form if visit.posted else None)
    if visit.posted and await is_proved(visit, account, form):
        asked = pending.unseal(visit, visit.typed("state"), Use.NEW_PASSKEY)
        passkey = passkeys.made(visit, account, asked, visit.typed("passkey"), form.name.data) if asked else None
        is_added = passkey is not None and await visit.desk.do(second_factor.add_passkey, account, passkey)
        if is_added:
            return go_to("/profile/security?done=passkey_added")
        form.refuse("name", say("Your browser made no passkey that we can use. Try again."))
    asked = pending.begin(visit, Use.NEW_PASSKEY, account.address)
    facts = {
        "form": form,
        "proof": await asked_of(visit, account),
        "state": pending.seal(visit, asked),
        "options": passkeys.registration(visit, account, has.passkeys, asked),
    }
    return visit.show("account/passkey", facts, status=REFUSED if form.wrong else 200)


async def remove_passkey(visit: Visit, account: Account) -> Response:
    """GET asks once more; POST removes one of the person's own."""
    has = await visit.desk.ask(second_factor.factors, account)
    known = next((one for one in has.passkeys if one.id == visit.request.path_params["passkey_id"]), None)
    if known is None:
        raise HTTPException(404)
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_proved(visit, account, form):
        await visit.desk.do(second_factor.remove_passkey, account, known.id)
        return go_to("/profile/security?done=passkey_removed")
    facts = {"form": form, "passkey": known, "proof": await asked_of(visit, account)}
    return visit.show("account/passkey_remove", facts, status=REFUSED if form.wrong else 200)
