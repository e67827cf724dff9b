"""Signing in and out, and what a person sees of their own account."""

import re

from starlette.responses import JSONResponse, Response

from gateway.domain.acts import Act
from gateway.domain.model import Account
from gateway.domain.translatable import say
from gateway.errors import TryAgain
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import attempts, second_factor, sessions
from gateway.portal.account import known, passkeys, pending, second_step
from gateway.portal.account.forms import SignInForm
from gateway.portal.account.pending import Use
from gateway.portal.account.session import let_in
from gateway.portal.account.tries import TOO_OFTEN, give_back, key_of, may_try
from gateway.portal.cookies import SESSION
from gateway.portal.form import REFUSED
from gateway.portal.visit import Visit, go_to

_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.-]*(?:\?[A-Za-z0-9=&%+@._-]*)?")
_REFUSED = say("This email address and password do not belong together. Check both, and try again.")


async def home(visit: Visit) -> Response:
    return go_to("/inbox" if visit.signed_in else "/sign-in")


async def sign_in(visit: Visit) -> Response:
    """GET shows the form; POST signs in. An address that nobody has gets the same answer in the same time."""
    wanted = own_path(visit.typed("next") if visit.posted else visit.request.query_params.get("next", ""))
    if visit.signed_in and not visit.posted:
        return go_to(wanted)
    form = SignInForm(visit.form if visit.posted else None)
    status = 200
    if visit.posted:
        status = await _try(visit, form)
        if status == 200:
            return await _go_on(visit, form, wanted)
    return _page(visit, form, status, wanted)


async def passkey_options(visit: Visit) -> Response:
    """POST: what any passkey of the browser's may sign, to sign in with it alone."""
    asked = pending.begin(visit, Use.PASSKEY_ALONE)
    return JSONResponse({"options": passkeys.authentication(visit, (), asked), "state": pending.seal(visit, asked)})


async def passkey(visit: Visit) -> Response:
    """POST: a passkey instead of a password and a second step."""
    asked = pending.unseal(visit, visit.typed("state"), Use.PASSKEY_ALONE)
    form, tries, wanted = SignInForm(), f"passkey {visit.client}", own_path(visit.typed("next"))
    if not await may_try(visit, tries):
        form.refuse("email", TOO_OFTEN)
        return _page(visit, form, 429, wanted)  # RFC 6585 §4
    account = await passkeys.signed(visit, asked, visit.typed("passkey"), alone=True) if asked else None
    if account is None:
        await visit.desk.do(attempts.of_account, Act.SIGN_IN_FAILED, None)
        form.refuse("email", say("This passkey is not known here. Sign in with your password."))
        return _page(visit, form, REFUSED, wanted)
    await give_back(visit, tries)
    return await let_in(visit, account, wanted)


async def stay(_: Visit, __: Account) -> Response:
    """Nothing but a sign of life: the door has noted it. 204 for the script that asks, and the inbox without one."""
    return Response(status_code=204)


async def sign_out(visit: Visit, _: Account) -> Response:
    await visit.desk.do(sessions.end, visit.portal.cookies.read(visit.request, SESSION))
    response = go_to("/sign-in?done=signed-out")
    visit.portal.cookies.take_back(response, SESSION)
    return response


def own_path(wanted: str) -> str:
    """A page of ours to go on to; the inbox for anything else."""
    return wanted if _OWN_PATH.fullmatch(wanted) else "/inbox"


# ------------------------------------------------------------------------------------------------------------ parts


def _page(visit: Visit, form: SignInForm, status: int, wanted: str) -> Response:
    done = visit.request.query_params.get("done", "")
    facts = {"form": form, "next": wanted, "done": done, "staff": bool(visit.portal.sign_ins)}
    return visit.show("account/sign_in", facts, status=status)


async def _try(visit: Visit, form: SignInForm) -> int:
    """Try what the form says: 200 if it is right; otherwise the form says what is wrong."""
    if not form.validate():
        return REFUSED
    key = key_of(form.email.data)
    tries = f"password {key}"
    if not await may_try(visit, tries, key):
        form.refuse("email", TOO_OFTEN)
        return 429  # RFC 6585 §4
    account = await visit.desk.ask(accounts.at, key)
    try:
        stored, asker = account.password_hash if account else None, known.asker(visit, key)
        right = await visit.portal.passwords.matches(form.password.data, stored, asker)
    except TryAgain:  # nothing was tried
        await give_back(visit, tries, key)
        raise
    if not right:
        await visit.desk.do(attempts.of_account, Act.SIGN_IN_FAILED, account)
        form.refuse("email", _REFUSED)
        return REFUSED
    await give_back(visit, tries, key)
    return 200


async def _go_on(visit: Visit, form: SignInForm, wanted: str) -> Response:
    """The password was right: a session, or the second step."""
    account = await visit.desk.ask(accounts.at, key_of(form.email.data))
    if account is None:  # erased in this very moment
        return go_to("/sign-in")
    has = await visit.desk.ask(second_factor.factors, account)
    if has.wanted:
        return second_step.ask(visit, account, has, wanted)
    return await let_in(visit, account, wanted)
