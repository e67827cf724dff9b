"""What becomes of a mail for one recipient: an ordered tuple of small rules, the first verdict wins."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.address import Address


class Action(StrEnum):
    """Where a recipient's copy goes."""

    COMMAND = "command"
    REPLY = "secure reply"
    BOUNCE = "bounce"
    POSTMASTER = "postmaster"
    PASS = "pass"  # noqa: S105 - an action
    PORTAL = "portal"
    RELAY = "relay"
    HOLD = "hold"


class Reason(StrEnum):
    """Why; stored, logged and shown."""

    GATEWAY_ADDRESS = "an address of the gateway itself"
    NOT_SECURE = "not marked secure"
    ACCOUNT = "registered: reads in the portal"
    ACCOUNT_RELAY = "registered: has a secure system of their own"
    SECURE_DOMAIN = "their domain has a secure system of its own"
    QUESTION_OPEN = "registered, but this practice's own question is still open"
    UNREGISTERED = "not registered"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one recipient when the decision is made."""

    gateway: Action | None
    secure: bool
    delivery: str | None = None
    """The account's way of delivery; None without an account."""
    domain_relayed: bool = False
    question_open: bool = False
    """This practice has an invitation for the address that was never accepted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and its reason."""

    action: Action
    reason: Reason


def _gateway_address(facts: Facts) -> Verdict | None:
    return Verdict(facts.gateway, Reason.GATEWAY_ADDRESS) if facts.gateway else None


def _not_secure(facts: Facts) -> Verdict | None:
    return None if facts.secure else Verdict(Action.PASS, Reason.NOT_SECURE)


def _relay_account(facts: Facts) -> Verdict | None:
    relayed = facts.delivery == "relay" and facts.domain_relayed
    return Verdict(Action.RELAY, Reason.ACCOUNT_RELAY) if relayed else None


def _question_open(facts: Facts) -> Verdict | None:
    waits = facts.delivery is not None and facts.question_open
    return Verdict(Action.HOLD, Reason.QUESTION_OPEN) if waits else None


def _account(facts: Facts) -> Verdict | None:
    return None if facts.delivery is None else Verdict(Action.PORTAL, Reason.ACCOUNT)


def _secure_domain(facts: Facts) -> Verdict | None:
    return Verdict(Action.RELAY, Reason.SECURE_DOMAIN) if facts.domain_relayed else None


def _unregistered(_: Facts) -> Verdict:
    return Verdict(Action.HOLD, Reason.UNREGISTERED)


RULES: tuple[Callable[[Facts], Verdict | None], ...] = (
    _gateway_address,
    _not_secure,
    _relay_account,
    _question_open,
    _account,
    _secure_domain,
    _unregistered,
)


def decide(facts: Facts) -> Verdict:
    """The verdict of the first rule that has one; the last always has."""
    return next(verdict for rule in RULES if (verdict := rule(facts)) is not None)


_TOKEN_BOXES = {"bot": Action.COMMAND, "reply": Action.REPLY, "bounce": Action.BOUNCE}


def own_address(recipient: Address, domain: str) -> tuple[Action, str] | None:
    """What an address at the site's own domain is for, and the token in it; None when there is no such address."""
    if recipient.domain != domain:
        return None
    box, _, token = recipient.local.partition("+")
    if box == "postmaster" and not token:  # RFC 5321 §4.5.1
        return Action.POSTMASTER, ""
    action = _TOKEN_BOXES.get(box)
    if action is None or (not token and action is not Action.COMMAND):
        return None
    return action, token
