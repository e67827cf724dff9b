"""Tries to get into an account: whose it is, and how many there may be."""

from gateway.domain.address import address
from gateway.domain.saying import say
from gateway.errors import BadAddress
from gateway.portal.visit import Visit

TOO_OFTEN = say("There were too many tries. Wait 15 minutes, and try again.")


def may_try(visit: Visit, key: str) -> bool:
    """Count a try to get into this account, and of this client; whether it may be made."""
    portal, now = visit.portal, visit.desk.clock.now()
    return all([portal.account_throttle.take(key, now), portal.client_throttle.take(visit.client, now)])


def give_back(visit: Visit, key: str) -> None:
    """The try was an honest one, or none was made."""
    visit.portal.account_throttle.give_back(key)
    visit.portal.client_throttle.give_back(visit.client)


def key_of(typed: str) -> str:
    """How the address is stored; what is no address is nobody's."""
    try:
        return address(typed).key
    except BadAddress:
        return typed
