"""Tries to get into an account: whose it is, and how many there may be."""

from gateway.domain.address import address
from gateway.domain.translatable import say
from gateway.errors import BadAddress
from gateway.flow import throttle
from gateway.flow.throttle import Count
from gateway.portal.account import known
from gateway.portal.throttle import of_account, of_client
from gateway.portal.visit import Visit

TOO_OFTEN = say("There were too many tries. Wait 15 minutes, and try again.")


async def may_try(visit: Visit, what: str, address: str = "") -> bool:
    """Count a try at something; whether it may be made. `address` is whose account it is about, where the person's own
    browsers may have tries of their own: not for a second step, which who reads their mail would get more tries at.
    """
    return await visit.desk.do(throttle.take, *_counts(visit, what, address))


async def give_back(visit: Visit, what: str, address: str = "") -> None:
    """The try was an honest one, or none was made."""
    await visit.desk.do(throttle.give_back, *_counts(visit, what, address))


def _counts(visit: Visit, what: str, address: str) -> tuple[Count, ...]:
    """Where a try counts: with those of all strangers and of their client, unless it comes from where the person was
    signed in before, or is so now. So nobody can keep a person out who signs in where they did before.
    """
    if visit.signed_in and visit.signed_in.account.address == address:
        return (of_account(f"{what} signed in {visit.signed_in.account.id}"),)
    if name := known.browser(visit, address):
        return (of_account(f"{what} {name}"),)
    return of_client(visit.client), of_account(what)


def key_of(typed: str) -> str:
    """How the address is stored; what is no address is nobody's."""
    try:
        return address(typed).key
    except BadAddress:
        return typed
