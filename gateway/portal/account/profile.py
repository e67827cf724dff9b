"""What a person sees and changes of their own account: name, practice, password, where they are signed in."""

import re
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.address import address
from gateway.domain.model import Account, Session
from gateway.domain.vocabulary import DeliverTo
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import new_address
from gateway.portal.account.forms import ChangePasswordForm, DeliveryForm, NameForm, OwnPracticeForm
from gateway.portal.account.proving import asked_of, is_proved
from gateway.portal.account.reset import is_good
from gateway.portal.form import REFUSED
from gateway.portal.visit import Visit, go_to


async def profile(visit: Visit, account: Account) -> Response:
    awaited = await visit.desk.ask(new_address.awaited, account)
    facts = {
        "done": visit.request.query_params.get("done", ""),
        "new_address": awaited.new_typed if awaited else "",
        "may_be_relayed": await visit.desk.ask(accounts.may_be_relayed, account),
    }
    return visit.show("account/profile", facts)


async def name(visit: Visit, account: Account) -> Response:
    form = NameForm(visit.form if visit.posted else None, data={"name": account.name})
    if visit.posted and form.validate():
        await visit.desk.do(accounts.rename, account, form.name.data)
        return go_to("/profile?done=changed")
    return visit.show("account/name", {"form": form}, status=REFUSED if form.wrong else 200)


async def practice(visit: Visit, account: Account) -> Response:
    form = OwnPracticeForm(visit.form if visit.posted else None, obj=account)
    if visit.posted and form.validate():
        details = (form.practice_name.data, form.practice_phone.data, form.practice_address.data)
        await visit.desk.do(accounts.change_practice, account, *details)
        return go_to("/profile?done=changed")
    return visit.show("account/practice", {"form": form}, status=REFUSED if form.wrong else 200)


async def delivery(visit: Visit, account: Account) -> Response:
    """Where new messages go, for a person whose own domain has a secure mail system."""
    if not await visit.desk.ask(accounts.may_be_relayed, account):
        raise HTTPException(404)
    form = DeliveryForm(visit.form if visit.posted else None, obj=account)
    if visit.posted and form.validate():
        await visit.desk.do(accounts.choose_delivery, account, DeliverTo(form.delivery.data))
        return go_to("/profile?done=changed")
    facts = {"form": form, "domain": address(account.typed).domain}
    return visit.show("account/delivery", facts, status=REFUSED if form.wrong else 200)


async def password(visit: Visit, account: Account) -> Response:
    """GET asks; POST changes the password, and ends every other session."""
    form = ChangePasswordForm(visit.form if visit.posted else None)
    if visit.posted and await is_good(visit, form, account) and await is_proved(visit, account, form, "old"):
        hashed = await visit.portal.passwords.hash(form.password.data, visit.asker())
        await visit.desk.do(accounts.change_password, account, hashed, own_session(visit).id)
        return go_to("/profile?done=password")
    facts = {"form": form, "proof": await asked_of(visit, account)}
    return visit.show("account/password", facts, status=REFUSED if form.wrong else 200)


# ------------------------------------------------------------------------------------------------------------ sessions


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One place where the person is signed in."""

    id: int
    browser: str
    system: str
    began: datetime
    seen: datetime
    is_this: bool


async def sessions(visit: Visit, account: Account) -> Response:
    """GET lists; POST ends one of them, or all others."""
    this = own_session(visit).id
    if visit.posted:
        only = visit.typed("session")
        chosen = int(only) if only.isascii() and only.isdigit() and len(only) < 19 else None
        if chosen is not None or visit.typed("all"):
            await visit.desk.do(accounts.end_sessions, account, besides=this, only=chosen)
        return go_to("/profile/sessions?done=ended")
    found = await visit.desk.ask(accounts.sessions, account)
    facts = {"lines": [_line(one, this) for one in found], "done": visit.request.query_params.get("done", "")}
    return visit.show("account/sessions", facts)


def own_session(visit: Visit) -> Session:
    """The session of whoever is signed in: the door let nobody else in."""
    assert visit.signed_in is not None  # noqa: S101 - the page's line in the table says so
    return visit.signed_in.session


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
    *(("Mac OS", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux")),
)


def _line(session: Session, this: int) -> SessionLine:
    return SessionLine(
        id=session.id,
        browser=_named(session.agent, _BROWSERS),
        system=_named(session.agent, _SYSTEMS),
        began=session.created_at,
        seen=session.seen_at,
        is_this=session.id == this,
    )


def _named(agent: str, known: tuple[tuple[str, str], ...]) -> str:
    """What people call it: the first that the browser claims to be; "" for what nobody knows."""
    return next((name for mark, name in known if re.search(rf"\b{mark}", agent)), "")
