"""Showing who one is: the question that both an invitation's page and an account's page ask."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

from gateway.domain.saying import Saying, say
from gateway.domain.vocabulary import Relationship
from gateway.flow.register import Check, Checked, Proof, Welcome
from gateway.portal.invite.forms import PROOFS, ProofForm


def form_for(welcome: Welcome, posted: Any = None, typed: Mapping[str, Any] | None = None) -> ProofForm:
    """The form that asks what this relationship asks, filled in with what was posted or typed before."""
    return PROOFS[welcome.relationship](posted, data=typed)


async def examine(
    form: ProofForm, today: date, submit: Callable[[Proof], Awaitable[Checked]]
) -> tuple[Proof, Checked] | None:
    """Submit what the form says; None where the form is at fault, which it then says. A wrong birthdate is said too."""
    proof = form.proof(today)
    if proof is None:
        return None
    checked = await submit(proof)
    if checked.check is Check.WRONG:
        form.refuse(form.main_field, wrong(checked.tries_left))
    return proof, checked


def is_stranger(welcome: Welcome, checked: Checked) -> bool:
    """Whether somebody said that they don't work where their colleague thought."""
    return checked.check is Check.WRONG and welcome.relationship is Relationship.COLLEAGUE_HERE


def wrong(left: int) -> Saying:
    """What is said of a wrong birthdate, with so many tries left."""
    if left == 1:
        return say("This is not the date of birth that we were told. You can try one more time.")
    return say("This is not the date of birth that we were told. You can try %(count)s more times.", count=left)
