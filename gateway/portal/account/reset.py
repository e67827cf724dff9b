"""A forgotten password: a link by mail, and with it a new one. Nobody learns here who has an account."""

from datetime import timedelta

from starlette.responses import Response

from gateway.domain.address import address
from gateway.domain.model import Account
from gateway.domain.translatable import say
from gateway.errors import BadAddress
from gateway.flow.accounts import account as accounts
from gateway.portal.account import known
from gateway.portal.account.forms import ResetForm
from gateway.portal.account.tries import TOO_OFTEN, key_of, may_try
from gateway.portal.form import REFUSED
from gateway.portal.new_password import NewPasswordForm
from gateway.portal.said import then_say, to_say
from gateway.portal.visit import Visit, go_to

_MINUTES = accounts.MAIL_AGAIN // timedelta(minutes=1)


async def ask(visit: Visit) -> Response:
    """GET asks for the address; POST mails a link, and says the same whoever's address it is."""
    if (said := to_say(visit)) is not None:
        return visit.show("account/reset_sent", said | {"minutes": _MINUTES})
    form = ResetForm(visit.form if visit.posted else None)
    if not visit.posted:
        return visit.show("account/reset", {"form": form})
    if not form.validate() or not _is_address(form):
        return visit.show("account/reset", {"form": form}, status=REFUSED)
    if not await may_try(visit, f"reset {key_of(form.email.data)}", key_of(form.email.data)):
        form.refuse("email", TOO_OFTEN)
        return visit.show("account/reset", {"form": form}, status=429)  # RFC 6585 §4
    await visit.desk.do(accounts.ask_reset, key_of(form.email.data))
    return then_say(visit, {"address": form.email.data})


def _is_address(form: ResetForm) -> bool:
    """Whether it could be anybody's address; if not, the form says so, and nobody has asked for anything."""
    try:
        address(form.email.data)
    except BadAddress:
        form.refuse("email", say("This is no email address. Check it: it looks like name@example.com."))
        return False
    return True


async def reset(visit: Visit) -> Response:
    """GET shows the form of a link that works; POST sets the password. The person signs in with it afterwards."""
    token = visit.request.path_params["token"]
    account = await visit.desk.ask(accounts.resettable, token)
    if account is None:
        return visit.show("account/reset_dead", status=404)
    form = NewPasswordForm(visit.form if visit.posted else None)
    facts = {"form": form, "token": token, "address": account.typed}
    if not visit.posted:
        return visit.show("account/new_password", facts)
    if not await is_good(visit, form, account):
        return visit.show("account/new_password", facts, status=REFUSED)
    hashed = await visit.portal.passwords.hash(form.password.data, visit.asker(token))
    if await visit.desk.do(accounts.reset, token, hashed) is None:
        return visit.show("account/reset_dead", status=404)
    response = go_to("/sign-in?done=reset")
    known.remember(visit, response, account)  # the person reads their mail here, and may not be kept out by guessers
    return response


async def is_good(visit: Visit, form: NewPasswordForm, account: Account) -> bool:
    """Whether the password that the form has may be this person's."""
    about = (account.name, account.typed, account.typed.partition("@")[0], visit.desk.site.name)
    return form.is_possible() and await form.is_hard_to_guess(visit.portal.passwords, about, visit.asker())
