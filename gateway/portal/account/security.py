"""What protects an account besides its password: setting it up, and taking it away."""

import base64

import pyotp
import segno
from markupsafe import Markup
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.domain.saying import say
from gateway.flow import second_factor
from gateway.portal.account import passkeys, pending
from gateway.portal.account.forms import CodeForm, OwnPasswordForm, PasskeyForm
from gateway.portal.account.profile import is_own
from gateway.portal.form import REFUSED
from gateway.portal.visit import Visit, go_to


async def security(visit: Visit, account: Account) -> Response:
    has = await visit.desk.ask(second_factor.factors, account)
    return visit.show("account/security", {"has": has, "done": visit.request.query_params.get("done", "")})


# --------------------------------------------------------------------------------------------------------------- codes


async def codes(visit: Visit, account: Account) -> Response:
    """GET shows a fresh secret; POST turns codes on, once one has shown that the phone has the secret."""
    asked = pending.unseal(visit, visit.typed("state")) if visit.posted else None
    secret = asked.secret if asked else _new_secret(visit)
    form = CodeForm(visit.form if visit.posted else None)
    if visit.posted and form.validate():
        is_right = asked is not None and await visit.desk.do(
            second_factor.start_codes, account, secret, str(form.code.data)
        )
        if is_right:
            return go_to("/profile/security?done=codes_on")
        form.refuse("code", say("This code is not right. Wait for the next one, and try again."))
    uri = pyotp.TOTP(secret).provisioning_uri(name=account.typed, issuer_name=visit.desk.site.name)
    facts = {
        "form": form,
        "state": pending.seal(visit, pending.begin(visit, account.address, secret=secret)),
        "picture": _picture(uri),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "uri": uri,
    }
    return visit.show("account/codes", facts, status=REFUSED if form.wrong else 200)


def _new_secret(visit: Visit) -> str:
    """160 bits (RFC 4226 §4)."""
    return base64.b32encode(visit.portal.random.octets(20)).decode()


def _picture(uri: str) -> Markup:
    """The QR code, within the page."""
    drawn = segno.make(uri, micro=False, error="m").svg_inline(scale=4, border=4, light="#fff", dark="#000")
    return Markup(drawn)  # noqa: S704 - made by the library out of squares


# ---------------------------------------------------------------------------------------- what needs the password again


async def stop_codes(visit: Visit, account: Account) -> Response:
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_own(visit, account, form, "password"):
        await visit.desk.do(second_factor.stop_codes, account)
        return go_to("/profile/security?done=codes_off")
    return visit.show("account/codes_off", {"form": form}, status=REFUSED if form.wrong else 200)


async def recovery(visit: Visit, account: Account) -> Response:
    """POST makes new recovery codes, and shows them this once."""
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_own(visit, account, form, "password"):
        made = [_recovery_code(visit) for _ in range(second_factor.RECOVERY_CODES)]
        await visit.desk.do(second_factor.new_recovery_codes, account, made)
        return visit.show("account/recovery_codes", {"codes": made})
    return visit.show("account/recovery", {"form": form}, status=REFUSED if form.wrong else 200)


def _recovery_code(visit: Visit) -> str:
    plain = base64.b32encode(visit.portal.random.octets(second_factor.RECOVERY_OCTETS)).decode().lower()
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))


# ------------------------------------------------------------------------------------------------------------ passkeys


async def add_passkey(visit: Visit, account: Account) -> Response:
    """GET has what the browser's script needs; POST takes the passkey that it has made."""
    has = await visit.desk.ask(second_factor.factors, account)
    form = PasskeyForm(visit.form if visit.posted else None)
    if visit.posted and await is_own(visit, account, form, "password") and form.validate():
        asked = pending.unseal(visit, visit.typed("state"))
        passkey = passkeys.made(visit, account, asked, visit.typed("passkey"), form.name.data) if asked else None
        is_added = passkey is not None and await visit.desk.do(second_factor.add_passkey, account, passkey)
        if is_added:
            return go_to("/profile/security?done=passkey_added")
        form.refuse("name", say("Your browser made no passkey that we can use. Try again."))
    asked = pending.begin(visit, account.address)
    facts = {
        "form": form,
        "state": pending.seal(visit, asked),
        "options": passkeys.registration(visit, account, has.passkeys, asked),
    }
    return visit.show("account/passkey", facts, status=REFUSED if form.wrong else 200)


async def remove_passkey(visit: Visit, account: Account) -> Response:
    passkey_id = visit.request.path_params["passkey_id"]
    form = OwnPasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_own(visit, account, form, "password"):
        await visit.desk.do(second_factor.remove_passkey, account, passkey_id)
        return go_to("/profile/security?done=passkey_removed")
    has = await visit.desk.ask(second_factor.factors, account)
    known = next((one for one in has.passkeys if one.id == passkey_id), None)
    if known is None:
        return go_to("/profile/security")
    facts = {"form": form, "passkey": known}
    return visit.show("account/passkey_remove", facts, status=REFUSED if form.wrong else 200)
