"""Showing who one is: the question that both an invitation's page and an account's page ask."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

from gateway.domain.translatable import Translatable, say
from gateway.domain.vocabulary import Relationship
from gateway.flow.accounts.registration import Check, Checked, Proof, Welcome
from gateway.portal.invite.forms import PROOFS, ProofForm
from gateway.portal.visit import Visit

WRONG = "wrong"
"""The query of the page that says that a birthdate was not right."""


def form_for(welcome: Welcome, posted: Any = None, typed: Mapping[str, Any] | None = None) -> ProofForm:
    """The form that asks what this relationship asks, filled in with what was posted or typed before."""
    return PROOFS[welcome.relationship](posted, data=typed)


def form_again(visit: Visit, welcome: Welcome, typed: Mapping[str, Any]) -> ProofForm:
    """The form of a page that is asked for, as it was left; it says what was wrong if it was sent back for that."""
    form = form_for(welcome, typed=typed)
    if WRONG in visit.request.query_params and welcome.tries_left:
        form.refuse(form.main_field, _wrong(welcome.tries_left))
    return form


async def examine(form: ProofForm, today: date, submit: Callable[[Proof], Awaitable[Checked]]) -> Checked | None:
    """Submit what the form says; None where the form is at fault, which it then says."""
    proof = form.proof(today)
    return await submit(proof) if proof else None


def is_stranger(welcome: Welcome, checked: Checked) -> bool:
    """Whether somebody said that they don't work where their colleague thought."""
    return checked.check is Check.WRONG and welcome.relationship is Relationship.COLLEAGUE_HERE


def _wrong(left: int) -> Translatable:
    """What is said of a wrong birthdate, with so many tries left."""
    if left == 1:
        return say("This is not the date of birth that we were told. You can try one more time.")
    return say("This is not the date of birth that we were told. You can try %(count)s more times.", count=left)
