"""Whether somebody shows an account's second factor: a code, or what a passkey has signed. Tries are counted."""

from gateway.domain.acts import Act
from gateway.domain.model import Account
from gateway.domain.translatable import say
from gateway.flow.accounts import attempts, second_factor
from gateway.portal.account import passkeys
from gateway.portal.account.pending import Pending
from gateway.portal.account.tries import TOO_OFTEN, give_back, may_try
from gateway.portal.form import BaseForm
from gateway.portal.visit import Visit


async def is_shown(
    visit: Visit, account: Account, asked: Pending | None, answer: str, form: BaseForm, field: str
) -> bool:
    """Whether `answer`, of a passkey, or else the code that this field has is right; if not, the form says so.

    `asked` is what the passkey was to sign. Both are good once.
    """
    tries = f"second {account.address}"
    if not await may_try(visit, tries):
        form.refuse(field, TOO_OFTEN)
        return False
    if answer:
        signer = await passkeys.signed(visit, asked, answer, alone=False) if asked else None
        right = signer is not None and signer.id == account.id
        words = say("This passkey does not belong to your account. Try another, or type a code.")
    else:
        right = await visit.desk.do(second_factor.use_code, account, form[field].data or "")
        words = say("This code is not right, or was used before. Wait for the next one, and try again.")
    if right:
        await give_back(visit, tries)
    else:
        await visit.desk.do(attempts.of_account, Act.FACTOR_FAILED, account)
        form.refuse(field, words)
    return right
