"""The second step of signing in, after a right password: a code, or a passkey."""

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.domain.saying import say
from gateway.flow import account as accounts
from gateway.flow import second_factor
from gateway.flow.second_factor import Factors
from gateway.portal.account import passkeys, pending
from gateway.portal.account.forms import CodeForm
from gateway.portal.account.pending import Pending
from gateway.portal.account.session import let_in
from gateway.portal.account.tries import TOO_OFTEN, give_back, may_try
from gateway.portal.form import REFUSED
from gateway.portal.visit import Visit, go_to


def ask(visit: Visit, account: Account, has: Factors, wanted: str, form: CodeForm | None = None) -> Response:
    """The page of the second step. The password was right: that much may be known."""
    asked = pending.begin(visit, account.address, wanted)
    facts = {
        "form": form or CodeForm(),
        "state": pending.seal(visit, asked),
        "has": has,
        "options": passkeys.authentication(visit, has.passkeys, asked) if has.passkeys else "",
    }
    return visit.show("account/second", facts, status=REFUSED if form else 200)


async def second(visit: Visit) -> Response:
    """POST brings a code, or what a passkey has signed."""
    asked = pending.unseal(visit, visit.typed("state"))
    account = await visit.desk.ask(accounts.at, asked.key) if asked and asked.key else None
    if asked is None or account is None:
        return go_to("/sign-in?done=late")
    form = CodeForm(visit.form)
    if await _is_shown(visit, form, account, asked):
        return await let_in(visit, account, asked.wanted)
    has = await visit.desk.ask(second_factor.factors, account)
    return ask(visit, account, has, asked.wanted, form)


async def _is_shown(visit: Visit, form: CodeForm, account: Account, asked: Pending) -> bool:
    """Whether the second factor is right; if not, the form says so. Tries are counted."""
    tries = f"second {account.address}"
    if not may_try(visit, tries):
        form.refuse("code", TOO_OFTEN)
        return False
    answer = visit.typed("passkey")
    if answer:
        signer = await passkeys.signed(visit, asked, answer, alone=False)
        right = signer is not None and signer.id == account.id
        words = say("This passkey does not belong to your account. Try another, or type a code.")
    else:
        right = bool(form.validate()) and await visit.desk.do(second_factor.use_code, account, form.code.data)
        words = say("This code is not right, or was used before. Wait for the next one, and try again.")
    if not right and not form.wrong:
        form.refuse("code", words)
    if right:
        give_back(visit, tries)
    return right
