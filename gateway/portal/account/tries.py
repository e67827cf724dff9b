"""Tries to get into an account: whose it is, and how many there may be."""

from gateway.domain.address import address
from gateway.domain.translatable import say
from gateway.errors import BadAddress
from gateway.portal.account import known
from gateway.portal.throttle import Throttle
from gateway.portal.visit import Visit

TOO_OFTEN = say("There were too many tries. Wait 15 minutes, and try again.")


def may_try(visit: Visit, what: str, address: str = "") -> bool:
    """Count a try at something; whether it may be made. `address` is whose account it is about, where the person's own
    browsers may have tries of their own: not for a second step, which who reads their mail would get more tries at.
    """
    now = visit.desk.clock.now()
    taken = [throttle.take(key, now) for throttle, key in _counts(visit, what, address)]  # none is left uncounted
    return all(taken)


def give_back(visit: Visit, what: str, address: str = "") -> None:
    """The try was an honest one, or none was made."""
    for throttle, key in _counts(visit, what, address):
        throttle.give_back(key)


def _counts(visit: Visit, what: str, address: str) -> list[tuple[Throttle, str]]:
    """Where a try counts: with those of all strangers and of their client, unless it comes from where the person was
    signed in before, or is so now. So nobody can keep a person out who signs in where they did before.
    """
    portal = visit.portal
    if visit.signed_in and visit.signed_in.account.address == address:
        return [(portal.account_throttle, f"{what} signed in {visit.signed_in.account.id}")]
    if name := known.browser(visit, address):
        return [(portal.account_throttle, f"{what} {name}")]
    return [(portal.account_throttle, what), (portal.client_throttle, visit.client)]


def key_of(typed: str) -> str:
    """How the address is stored; what is no address is nobody's."""
    try:
        return address(typed).key
    except BadAddress:
        return typed
