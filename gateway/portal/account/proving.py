"""What a stolen session is not enough for: changing how one signs in, moving, taking along or erasing the account.

It takes the password once more and, where signing in takes a second step, that too: with a factor that the account has
already, used for this very thing. So nobody who has found a browser signed in, or has learnt the password as well,
takes the account from its owner.
"""

from dataclasses import dataclass

from gateway.domain.acts import Act
from gateway.domain.model import Account
from gateway.domain.translatable import say
from gateway.flow.accounts import attempts, second_factor
from gateway.flow.accounts.second_factor import Factors
from gateway.portal.account import factor, passkeys, pending
from gateway.portal.account.pending import Use
from gateway.portal.account.tries import TOO_OFTEN, give_back, may_try
from gateway.portal.form import BaseForm
from gateway.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Proof:
    """What a page asks for beside the password: `options` are for passkeys, and `state` comes back with the form."""

    has: Factors
    state: str = ""
    options: str = ""


async def asked_of(visit: Visit, account: Account) -> Proof:
    """What this account can show."""
    has = await visit.desk.ask(second_factor.factors, account)
    if not has.passkeys:
        return Proof(has)
    asked = pending.begin(visit, Use.PROOF, account.address)
    return Proof(has, pending.seal(visit, asked), passkeys.authentication(visit, has.passkeys, asked))


async def is_proved(visit: Visit, account: Account, form: BaseForm, field: str = "password") -> bool:
    """Whether the form, in which nothing else is wrong, has the password in this field and shows the second factor.

    If not, the form says so.
    """
    form.validate()
    if form.wrong or not await _is_own(visit, account, form, field):
        return False
    has = await visit.desk.ask(second_factor.factors, account)
    return not has.wanted or await _is_shown(visit, account, has, form)


async def _is_own(visit: Visit, account: Account, form: BaseForm, field: str) -> bool:
    tries = f"password {account.address}"
    if not await may_try(visit, tries, account.address):
        form.refuse(field, TOO_OFTEN)
        return False
    right = await visit.portal.passwords.matches(form[field].data, account.password_hash, visit.asker())
    if not right:
        await visit.desk.do(attempts.of_account, Act.PASSWORD_REFUSED, account)
        form.refuse(field, say("This is not your password. Check it, and try again."))
        return False
    await give_back(visit, tries, account.address)
    return True


async def _is_shown(visit: Visit, account: Account, has: Factors, form: BaseForm) -> bool:
    answer = visit.typed("proof")
    if not answer and not form["factor"].data:
        words = say("Use your passkey, or type a code of your second step.") if has.passkeys else say("Type the code.")
        form.refuse("factor", words)
        return False
    asked = pending.unseal(visit, visit.typed("proof_state"), Use.PROOF)
    if asked and asked.key != account.address:
        asked = None
    return await factor.is_shown(visit, account, asked, answer, form, "factor")
