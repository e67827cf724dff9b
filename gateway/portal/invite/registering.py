"""An invitation's page: who invites, showing who one is, a password, a last look, and the account is there.

Each step is one form; what was given so far travels with it, sealed. Only two steps change anything: showing who one
is counts a wrong birthdate, and the last one registers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow import register
from gateway.flow.context import Context
from gateway.flow.register import Check, Proof, Welcome
from gateway.portal import sessions
from gateway.portal.account import known
from gateway.portal.cookies import GIVEN, SESSION, unguessable
from gateway.portal.door import DeadLink
from gateway.portal.form import REFUSED
from gateway.portal.invite import given
from gateway.portal.invite.again import again
from gateway.portal.invite.forms import AccountForm
from gateway.portal.invite.given import Given, Place
from gateway.portal.invite.verify import examine, form_for, is_stranger
from gateway.portal.visit import Visit, go_to

KEPT_FOR = timedelta(hours=1)
"""How long one may stay away in the middle of registering, and go on."""


@dataclass(frozen=True, slots=True)
class Registering:
    """One visit to an invitation's page. What was given so far is kept in a cookie too, for who comes back."""

    visit: Visit
    welcome: Welcome
    given: Given

    @property
    def token(self) -> str:
        return str(self.visit.request.path_params["token"])

    def show(self, step: str, *, status: int = 200, **facts: Any) -> Response:
        common = {
            "welcome": self.welcome,
            "token": self.token,
            "state": self._sealed(step),
            "days_left": (self.welcome.until - self.visit.today).days,
        }
        practice = self.welcome.practice_id
        page = self.visit.show(f"invite/{step}", common | facts, status=status, practice_id=practice)
        if self.visit.posted:
            self.visit.portal.cookies.give(page, GIVEN, self._sealed(given.KEPT), KEPT_FOR)
        return page

    def going_on(self, step: str, state: str) -> "Registering":
        """The same visit with what was given before, if that was sealed for this step."""
        place = Place(self.token, self.welcome.relationship, step)
        return replace(self, given=given.unseal(self.visit.desk.keys, place, state))

    def _sealed(self, step: str) -> str:
        place = Place(self.token, self.welcome.relationship, step)
        return given.seal(self.visit.desk.keys, place, self.given)


async def invitation(visit: Visit, welcome: Welcome | None) -> Response:
    """GET shows who invites; POST takes one step, or goes back to one."""
    if welcome is None:
        return await again(visit)
    at, step = Registering(visit, welcome, Given()), visit.typed("step")
    if not visit.posted or welcome.has_account:
        return _show_welcome(at.going_on(given.KEPT, visit.portal.cookies.read(visit.request, GIVEN)))
    at = at.going_on(step, visit.typed("state"))
    if back := _SHOW.get(visit.typed("go")):
        return back(replace(at, given=_with_what_was_typed(at, step)))
    return await _TAKE.get(step, _start)(at)


def _with_what_was_typed(at: Registering, step: str) -> Given:
    """Whoever goes back finds again what they typed where it was asked."""
    match step:
        case "verify":
            return at.given.with_proof(form_for(at.welcome, at.visit.form))
        case "password":
            return replace(at.given, name=AccountForm(at.visit.form).name.data)
        case _:
            return at.given


# ---------------------------------------------------------------------------------------------------- showing a step


def _show_welcome(at: Registering) -> Response:
    return at.show("welcome", is_begun=not at.visit.posted and at.given != Given())


def _show_verify(at: Registering) -> Response:
    return at.show("verify", form=form_for(at.welcome, typed=at.given.proof))


def _show_next(at: Registering) -> Response:
    """The first step that is not done yet: nobody has to begin anew who went away for a while."""
    if at.given.verified and at.given.name and at.given.password_hash:
        return at.show("check", given=at.given)
    return _show_password(at)


def _show_password(at: Registering) -> Response:
    if not at.given.verified:
        return _show_verify(at)
    form = AccountForm(data={"name": at.given.name or at.welcome.name})
    return at.show("password", form=form, has_password=bool(at.given.password_hash))


_SHOW: dict[str, Callable[[Registering], Response]] = {
    "welcome": _show_welcome,
    "verify": _show_verify,
    "password": _show_password,
}

# ----------------------------------------------------------------------------------------------------- taking a step


async def _start(at: Registering) -> Response:
    """Nothing counts yet: scanners of mail press this button, too."""
    return _show_next(at)


async def _verify(at: Registering) -> Response:
    desk, form = at.visit.desk, form_for(at.welcome, at.visit.form)
    examined = await examine(form, at.visit.today, lambda proof: desk.do(register.check, at.token, proof))
    if examined is None:
        return at.show("verify", form=form, status=REFUSED)
    _, checked = examined
    match checked.check:
        case Check.RIGHT:
            proved = replace(at.given.with_proof(form), verified=True)
            return _show_password(replace(at, given=proved))
        case Check.WRONG:
            page = "stranger" if is_stranger(at.welcome, checked) else "verify"
            return at.show(page, form=form, status=REFUSED)
        case Check.LOCKED:
            return at.show("locked", status=REFUSED)
        case Check.DEAD:
            raise DeadLink


async def _choose_password(at: Registering) -> Response:
    if not at.given.verified:
        return _show_verify(at)
    form, chosen = AccountForm(at.visit.form), bool(at.given.password_hash)
    asker = at.visit.asker(at.token)
    possible = form.is_possible(may_be_empty=chosen)
    if not possible or not await form.is_hard_to_guess(at.visit.portal.passwords, _about(at, form), asker):
        return at.show("password", form=form, has_password=chosen, status=REFUSED)
    hashed = at.given.password_hash
    if form.password.data:
        hashed = await at.visit.portal.passwords.hash(form.password.data, asker)
    complete = replace(at.given, name=form.name.data, password_hash=hashed)
    return replace(at, given=complete).show("check", given=complete)


def _about(at: Registering, form: AccountForm) -> tuple[str, ...]:
    """What a guesser would try first."""
    return (form.name.data, at.welcome.address, at.welcome.address.partition("@")[0], at.welcome.practice)


async def _finish(at: Registering) -> Response:
    if not (at.given.verified and at.given.password_hash):
        return _show_verify(at)
    cookie = unguessable(at.visit.portal.random)
    proof = _proof(at)
    account = await _registered(at, proof, cookie) if proof else None
    if account is None:
        return await _start_again(at)
    response = go_to("/inbox?done=registered")
    at.visit.portal.cookies.give(response, SESSION, cookie)
    known.remember(at.visit, response, account)
    at.visit.portal.cookies.take_back(response, GIVEN)
    return response


async def _start_again(at: Registering) -> Response:
    """The link has died, or the address has an account by now: then the invitation's page says so."""
    welcome = await at.visit.desk.ask(register.look, at.token)
    if welcome is None:
        raise DeadLink
    return _show_welcome(Registering(at.visit, welcome, Given()))


_TAKE: dict[str, Callable[[Registering], Awaitable[Response]]] = {
    "welcome": _start,
    "verify": _verify,
    "password": _choose_password,
    "check": _finish,
}


async def _registered(at: Registering, proof: Proof, cookie: str) -> Account | None:
    """All that waited for the person is released at once, however much it is."""
    agent = at.visit.request.headers.get("user-agent", "")
    return await at.visit.desk.do_at_length(_register, at.token, proof, at.given, cookie, agent)


def _proof(at: Registering) -> Proof | None:
    return form_for(at.welcome, typed=at.given.proof).proof(at.visit.today)


def _register(ctx: Context, token: str, proof: Proof, given: Given, cookie: str, agent: str) -> Account | None:
    """Register and sign in, or neither."""
    account = register.register(ctx, token, proof, given.name, given.password_hash)
    if account:
        sessions.start(ctx, account, cookie, agent)
    return account
