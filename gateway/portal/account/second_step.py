"""The second step of signing in, after a right password: a code, or a passkey."""

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import second_factor
from gateway.flow.accounts.second_factor import Factors
from gateway.portal.account import factor, passkeys, pending
from gateway.portal.account.forms import CodeForm
from gateway.portal.account.pending import Use
from gateway.portal.account.session import let_in
from gateway.portal.form import REFUSED
from gateway.portal.visit import Visit, go_to


def ask(visit: Visit, account: Account, has: Factors, wanted: str, form: CodeForm | None = None) -> Response:
    """The page of the second step. The password was right: that much may be known."""
    asked = pending.begin(visit, Use.SECOND_STEP, account.address, wanted)
    facts = {
        "form": form or CodeForm(),
        "state": pending.seal(visit, asked),
        "has": has,
        "options": passkeys.authentication(visit, has.passkeys, asked) if has.passkeys else "",
    }
    return visit.show("account/second", facts, status=REFUSED if form else 200)


async def second(visit: Visit) -> Response:
    """POST brings a code, or what a passkey has signed."""
    asked = pending.unseal(visit, visit.typed("state"), Use.SECOND_STEP)
    account = await visit.desk.ask(accounts.at, asked.key) if asked and asked.key else None
    if asked is None or account is None:
        return go_to("/sign-in?done=late")
    form, answer = CodeForm(visit.form), visit.typed("passkey")
    if (answer or form.validate()) and await factor.is_shown(visit, account, asked, answer, form, "code"):
        return await let_in(visit, account, asked.wanted)
    has = await visit.desk.ask(second_factor.factors, account)
    return ask(visit, account, has, asked.wanted, form)
