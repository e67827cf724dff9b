"""One's own account at another address: asking for it, confirming it there, and calling it back from the old one."""

from starlette.responses import Response

from gateway.domain.address import Address, address
from gateway.domain.model import Account
from gateway.domain.translatable import say
from gateway.errors import BadAddress
from gateway.flow.accounts import new_address
from gateway.flow.accounts.new_address import Confirmed
from gateway.portal.account.forms import AddressForm
from gateway.portal.account.profile import own_session
from gateway.portal.account.proving import asked_of, is_proved
from gateway.portal.form import REFUSED
from gateway.portal.said import then_say, to_say
from gateway.portal.sure import left_alone, sure_form
from gateway.portal.visit import Visit, go_to


async def ask(visit: Visit, account: Account) -> Response:
    """GET asks for the new address and the password; POST writes to both addresses."""
    if (said := to_say(visit)) is not None:
        return visit.show("account/address_sent", said)
    form = AddressForm(visit.form if visit.posted else None)
    wanted = _wanted(visit, account, form) if visit.posted else None
    if wanted and await is_proved(visit, account, form):
        is_asked = await visit.desk.do(new_address.ask, account, wanted)
        if is_asked:
            return then_say(visit, {"address": wanted.typed})
        form.refuse("email", say("You have tried this several times today. Try again tomorrow."))
    facts = {"form": form, "proof": await asked_of(visit, account)}
    return visit.show("account/address", facts, status=REFUSED if form.wrong else 200)


async def confirm(visit: Visit, account: Account) -> Response:
    """The link in the mail to the new address. GET asks once more; POST makes the change."""
    token = visit.request.path_params["token"]
    change = await visit.desk.ask(new_address.confirmable, account, token)
    if change is None:
        return visit.show("account/address_dead", {"taken": False}, status=404)
    form, answered = sure_form(visit)
    if not answered:
        facts = {"form": form, "token": token, "address": change.new_typed}
        return visit.show("account/address_confirm", facts, status=REFUSED if form.wrong else 200)
    if not form.is_yes:
        return go_to("/profile")
    match await visit.desk.do(new_address.confirm, account, token, own_session(visit).id):
        case Confirmed.DONE:
            return go_to("/profile?done=address")
        case Confirmed.TAKEN:
            return visit.show("account/address_dead", {"taken": True}, status=409)
        case Confirmed.DEAD:
            return visit.show("account/address_dead", {"taken": False}, status=404)


async def keep(visit: Visit) -> Response:
    """The link in the mail to the old address. GET says what it does; POST does it, and leads to a new password."""
    token = visit.request.path_params["token"]
    change = await visit.desk.ask(new_address.stoppable, token)
    if change is None:
        return visit.show("account/address_dead", {"taken": False}, status=404)
    form, answered = sure_form(visit)
    if not answered:
        facts = {"form": form, "token": token, "address": change.old_typed}
        return visit.show("account/address_keep", facts, status=REFUSED if form.wrong else 200)
    if not form.is_yes:
        return left_alone(visit)
    reset = await visit.desk.do(new_address.stop, token)
    if reset is None:
        return visit.show("account/address_dead", {"taken": False}, status=404)
    return go_to(f"/reset/{reset}")


def _wanted(visit: Visit, account: Account, form: AddressForm) -> Address | None:
    """The address that the form has; None if it cannot be used, which the form then says."""
    if not form.validate():
        return None
    try:
        wanted = address(form.email.data)
    except BadAddress:
        form.refuse("email", say("This is no email address. Check it: it looks like name@example.com."))
        return None
    if wanted.domain == visit.desk.site.domain:
        form.refuse("email", say("This address is one of ours. Type one at which you get emails."))
        return None
    if wanted.key == account.address:
        form.refuse("email", say("This is your address already. Type the new one."))
        return None
    return wanted
