"""An invitation's page: who invites, showing who one is, a password, a last look, and the account is there.

Each step is one form; what was given so far lies in a cookie, sealed. A step that is taken leads to the page of the
next one (303), so that Back and Reload repeat nothing. Only two steps change anything: showing who one is counts a
wrong birthdate, and the last one registers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.domain.vocabulary import Relationship
from gateway.flow.accounts import registration, sessions
from gateway.flow.accounts.registration import Check, Proof, Used, Welcome
from gateway.flow.context import Context
from gateway.portal.account import known
from gateway.portal.cookies import SESSION, unguessable
from gateway.portal.door import DeadLink
from gateway.portal.form import REFUSED
from gateway.portal.invite import registration_state
from gateway.portal.invite.again import again
from gateway.portal.invite.forms import AccountForm
from gateway.portal.invite.registration_state import Place, RegistrationState
from gateway.portal.invite.verify import WRONG, examine, form_again, form_for, is_stranger
from gateway.portal.visit import Visit, go_to


@dataclass(frozen=True, slots=True)
class Registering:
    """One visit to an invitation's page, and what was given so far."""

    visit: Visit
    welcome: Welcome
    state: RegistrationState

    @property
    def token(self) -> str:
        return str(self.visit.request.path_params["token"])

    def show(self, step: str, *, status: int = 200, **facts: Any) -> Response:
        common = {
            "welcome": self.welcome,
            "token": self.token,
            "days_left": (self.welcome.until - self.visit.today).days,
        }
        practice = self.welcome.practice_id
        return self.visit.show(f"invite/{step}", common | facts, status=status, practice_id=practice)

    def turn_to(self, step: str, more: str = "") -> Response:
        """Lead to the page of a step, where what was given is found again."""
        page, place = go_to(f"/invite/{self.token}?step={step}{more}"), Place(self.token, self.welcome.relationship)
        if not registration_state.keep(self.visit, page, self.welcome.invitation_id, place, self.state):
            raise HTTPException(413)
        return page


async def invitation(visit: Visit, found: Welcome | Used | None) -> Response:
    """GET shows a step, the first one if none is named; POST takes one, or goes back to one."""
    if found is None:
        return await again(visit)
    if isinstance(found, Used):
        return await _registered_already(visit, found)
    place = Place(visit.request.path_params["token"], found.relationship)
    at, step = (
        Registering(visit, found, registration_state.found(visit, found.invitation_id, place)),
        visit.typed("step"),
    )
    if not visit.posted or found.has_account:
        wanted = "" if found.has_account else visit.request.query_params.get("step", "")
        return _SHOW.get(wanted, _show_welcome)(at)
    if (back := visit.typed("go")) in _SHOW:
        return replace(at, state=_with_what_was_typed(at, step)).turn_to(back)
    return await _TAKE.get(step, _start)(at)


async def _registered_already(visit: Visit, used: Used) -> Response:
    """Whoever has registered by this link is led on, where the browser is theirs; to others it is as dead as any.

    A last step that is sent twice, by a double click, say, is known by what is kept of it.
    """
    account = used.account
    if visit.signed_in and visit.signed_in.account.id == account.id:
        return go_to("/inbox")
    place = Place(visit.request.path_params["token"], used.relationship)
    last = registration_state.found(visit, used.invitation_id, place)
    if visit.posted and last.verified and last.password_hash == account.password_hash:
        cookie = unguessable(visit.portal.random)
        await visit.desk.do(sessions.start, account, cookie, visit.request.headers.get("user-agent", ""))
        return _at_home(visit, used.invitation_id, account, cookie)
    if known.browser(visit, account.address):
        return go_to("/sign-in?next=/inbox")
    raise DeadLink


def _with_what_was_typed(at: Registering, step: str) -> RegistrationState:
    """Whoever goes back finds again what they typed where it was asked."""
    match step:
        case "verify":
            return at.state.with_proof(form_for(at.welcome, at.visit.form))
        case "password":
            return replace(at.state, name=AccountForm(at.visit.form).name.data)
        case _:
            return at.state


# ---------------------------------------------------------------------------------------------------- showing a step


def _show_welcome(at: Registering) -> Response:
    is_begun = "step" not in at.visit.request.query_params and at.state != RegistrationState()
    return at.show("welcome", is_begun=is_begun)


def _show_verify(at: Registering) -> Response:
    return at.show("verify", form=form_again(at.visit, at.welcome, at.state.proof))


def _show_stranger(at: Registering) -> Response:
    return at.show("stranger") if at.welcome.relationship is Relationship.COLLEAGUE_HERE else _show_verify(at)


def _show_password(at: Registering) -> Response:
    if not at.state.verified:
        return _show_verify(at)
    form = AccountForm(data={"name": at.state.name or at.welcome.name})
    return at.show("password", form=form, has_password=bool(at.state.password_hash))


def _show_check(at: Registering) -> Response:
    return at.show("check", registration_state=at.state) if _is_complete(at.state) else _show_password(at)


def _is_complete(so_far: RegistrationState) -> bool:
    return bool(so_far.verified and so_far.name and so_far.password_hash)


_SHOW: dict[str, Callable[[Registering], Response]] = {
    "welcome": _show_welcome,
    "verify": _show_verify,
    "stranger": _show_stranger,
    "password": _show_password,
    "check": _show_check,
}

# ----------------------------------------------------------------------------------------------------- taking a step


async def _start(at: Registering) -> Response:
    """Nothing counts yet: scanners of mail press this button, too. Nobody begins anew who went away for a while."""
    if _is_complete(at.state):
        return at.turn_to("check")
    return at.turn_to("password" if at.state.verified else "verify")


async def _verify(at: Registering) -> Response:
    desk, form = at.visit.desk, form_for(at.welcome, at.visit.form)
    checked = await examine(form, at.visit.today, lambda proof: desk.do(registration.check, at.token, proof))
    if checked is None:
        return at.show("verify", form=form, status=REFUSED)
    match checked.check:
        case Check.RIGHT:
            proved = replace(at.state.with_proof(form), verified=True)
            return replace(at, state=proved).turn_to("password")
        case Check.WRONG if is_stranger(at.welcome, checked):
            return at.turn_to("stranger")
        case Check.WRONG:  # the page does not say what was typed: another one must be
            return replace(at, state=at.state.with_proof(form)).turn_to("verify", f"&{WRONG}")
        case Check.LOCKED:
            return at.show("locked", status=REFUSED)
        case Check.DEAD:
            raise DeadLink


async def _choose_password(at: Registering) -> Response:
    if not at.state.verified:
        return replace(at, state=_with_what_was_typed(at, "password")).turn_to("verify")
    form, chosen = AccountForm(at.visit.form), bool(at.state.password_hash)
    asker = at.visit.asker(at.token)
    possible = form.is_possible(may_be_empty=chosen)
    if not possible or not await form.is_hard_to_guess(at.visit.portal.passwords, _about(at, form), asker):
        return at.show("password", form=form, has_password=chosen, status=REFUSED)
    hashed = at.state.password_hash
    if form.password.data:
        hashed = await at.visit.portal.passwords.hash(form.password.data, asker)
    complete = replace(at.state, name=form.name.data, password_hash=hashed)
    return replace(at, state=complete).turn_to("check")


def _about(at: Registering, form: AccountForm) -> tuple[str, ...]:
    """What a guesser would try first."""
    return (form.name.data, at.welcome.address, at.welcome.address.partition("@")[0], at.welcome.practice)


async def _finish(at: Registering) -> Response:
    if not _is_complete(at.state):
        return await _start(at)
    cookie = unguessable(at.visit.portal.random)
    proof = _proof(at)
    account = await _registered(at, proof, cookie) if proof else None
    if account is None:
        return await _start_again(at)
    return _at_home(at.visit, at.welcome.invitation_id, account, cookie)


def _at_home(visit: Visit, invitation_id: int, account: Account, cookie: str) -> Response:
    response = go_to("/inbox?done=registered")
    visit.portal.cookies.give(response, SESSION, cookie)
    known.remember(visit, response, account)
    visit.portal.cookies.take_back(response, registration_state.cookie(invitation_id))
    return response


async def _start_again(at: Registering) -> Response:
    """The link has died, or the address has an account by now: then the invitation's page says so."""
    welcome = await at.visit.desk.ask(registration.look, at.token)
    if welcome is None:
        raise DeadLink
    return go_to(f"/invite/{at.token}")


_TAKE: dict[str, Callable[[Registering], Awaitable[Response]]] = {
    "welcome": _start,
    "verify": _verify,
    "password": _choose_password,
    "check": _finish,
}


async def _registered(at: Registering, proof: Proof, cookie: str) -> Account | None:
    """All that waited for the person is released at once, however much it is."""
    agent = at.visit.request.headers.get("user-agent", "")
    return await at.visit.desk.do_at_length(_register, at.token, proof, at.state, cookie, agent)


def _proof(at: Registering) -> Proof | None:
    return form_for(at.welcome, typed=at.state.proof).proof(at.visit.today)


def _register(
    ctx: Context, token: str, proof: Proof, registration_state: RegistrationState, cookie: str, agent: str
) -> Account | None:
    """Register and sign in, or neither."""
    account = registration.register(ctx, token, proof, registration_state.name, registration_state.password_hash)
    if account:
        sessions.start(ctx, account, cookie, agent)
    return account
