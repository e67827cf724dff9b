"""Signing in and out, and what a person sees of their own account."""

import re

from starlette.responses import Response

from gateway.domain.address import address
from gateway.domain.model import Account
from gateway.domain.saying import say
from gateway.errors import BadAddress, TryAgain
from gateway.flow.context import Context
from gateway.portal import sessions
from gateway.portal.account.forms import SignInForm
from gateway.portal.cookies import SESSION, unguessable
from gateway.portal.form import REFUSED
from gateway.portal.throttle import network
from gateway.portal.visit import Portal, Visit, go_to

_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.-]*")
_REFUSED = say("This email address and password do not belong together. Check both, and try again.")
_TOO_OFTEN = say("There were too many tries. Wait 15 minutes, and try again.")


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
            return await _let_in(visit, form, wanted)
    done = visit.request.query_params.get("done", "")
    return visit.show("account/sign_in", {"form": form, "next": wanted, "done": done}, status=status)


async def sign_out(visit: Visit, _: Account) -> Response:
    await visit.desk.do(sessions.end, visit.portal.cookies.read(visit.request, SESSION))
    response = go_to("/sign-in?done=signed-out")
    visit.portal.cookies.take_back(response, SESSION)
    return response


async def profile(visit: Visit, _: Account) -> Response:
    return visit.show("account/profile")


def own_path(wanted: str) -> str:
    """A page of ours to go on to; the inbox for anything else."""
    return wanted if _OWN_PATH.fullmatch(wanted) else "/inbox"


# ------------------------------------------------------------------------------------------------------------ parts


async def _try(visit: Visit, form: SignInForm) -> int:
    """Try what the form says: 200 if it is right; otherwise the form says what is wrong."""
    if not form.validate():
        return REFUSED
    portal, now = visit.portal, visit.desk.clock.now()
    key = _key(form.email.data)
    client = network(visit.request.client.host if visit.request.client else "")
    allowed = [portal.account_throttle.take(key, now), portal.client_throttle.take(client, now)]
    if not all(allowed):
        form.refuse("email", _TOO_OFTEN)
        return 429  # RFC 6585 §4
    account = await visit.desk.ask(_account_at, key)
    try:
        right = await portal.passwords.matches(form.password.data, account.password_hash if account else None)
    except TryAgain:  # nothing was tried
        _give_back(portal, key, client)
        raise
    if not right:
        form.refuse("email", _REFUSED)
        return REFUSED
    _give_back(portal, key, client)
    return 200


def _give_back(portal: Portal, key: str, client: str) -> None:
    portal.account_throttle.give_back(key)
    portal.client_throttle.give_back(client)


async def _let_in(visit: Visit, form: SignInForm, wanted: str) -> Response:
    cookie = unguessable(visit.portal.random)
    before = visit.portal.cookies.read(visit.request, SESSION)
    await visit.desk.do(_change_session, _key(form.email.data), before, cookie)
    response = go_to(wanted)
    visit.portal.cookies.give(response, SESSION, cookie)
    return response


def _change_session(ctx: Context, key: str, before: str, cookie: str) -> None:
    """A fresh session, so that nobody may hand a person a session that they know."""
    sessions.end(ctx, before)
    account = _account_at(ctx, key)
    if account:
        sessions.start(ctx, account, cookie)


def _account_at(ctx: Context, key: str) -> Account | None:
    return ctx.tx.one(Account, address=key)


def _key(typed: str) -> str:
    """How the address is stored; what is no address is nobody's."""
    try:
        return address(typed).key
    except BadAddress:
        return typed
