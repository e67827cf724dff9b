"""What becomes of a mail for one recipient: an ordered tuple of small rules, the first verdict wins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.address import Address
from gateway.domain.intent import Encrypted, Intent, NearMiss, Sign
from gateway.domain.vocabulary import DeliverTo


class Action(StrEnum):
    """Where a recipient's copy goes."""

    COMMAND = "command"
    REPLY = "secure reply"
    HEAR = "an answer to a mail that nobody reads answers to"
    BOUNCE = "bounce"
    POSTMASTER = "postmaster"
    PASS = "pass"  # noqa: S105 - an action
    PORTAL = "portal"
    RELAY = "relay"
    HOLD = "hold"
    ASK = "ask the sender"
    RECALL = "take back"
    REFUSE = "refuse"
    NOWHERE = "tell the sender that there is no such address"


NEAR = frozenset({Sign.NEAR_TAG, Sign.NEW_IN_TALK})
"""What only perhaps was meant to be secure."""


class Reason(StrEnum):
    """Why; stored, logged and shown."""

    GATEWAY_ADDRESS = "an address of the gateway itself"
    NOT_SECURE = "not secure"
    MANY_READERS = "many strangers would see each other's addresses"
    OBSERVED = "this site only observes"
    RECALLS = "Outlook's recall of secure mail"
    ENCRYPTED = "encrypted by its sender, for the reader's own key"
    PERHAPS_SECURE = "perhaps meant to be secure"
    ACCOUNT = "registered: reads in the portal"
    ACCOUNT_RELAY = "registered: has a secure system of their own"
    SECURE_DOMAIN = "their domain has a secure system of its own"
    QUESTION_OPEN = "registered, but this practice's own question is still open"
    UNREGISTERED = "not registered"
    NO_ADDRESS = "no address that mail can be sent to"


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What is known of one recipient when the decision is made."""

    gateway: Action | None
    sign: Sign = Sign.NONE
    near_miss: NearMiss = NearMiss.ASK
    delivery: DeliverTo | None = None
    """The account's way of delivery; None without an account."""
    domain_relayed: bool = False
    encrypted: Encrypted | None = None
    """What becomes of mail that its sender has encrypted; None of other mail."""
    question_open: bool = False
    """This practice has an invitation for the address that was never accepted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and its reason; `sign` is what showed how the mail was meant."""

    action: Action
    reason: Reason
    sign: Sign = Sign.NONE


def _gateway_address(facts: RecipientFacts) -> Verdict | None:
    return Verdict(facts.gateway, Reason.GATEWAY_ADDRESS) if facts.gateway else None


def _not_secure(facts: RecipientFacts) -> Verdict | None:
    passes = facts.sign.intent is Intent.CLEAR or (facts.sign in NEAR and facts.near_miss is NearMiss.PASS)
    return Verdict(Action.PASS, Reason.NOT_SECURE) if passes else None


def _perhaps_secure(facts: RecipientFacts) -> Verdict | None:
    is_near = facts.sign in NEAR and facts.near_miss is NearMiss.ASK
    return Verdict(Action.ASK, Reason.PERHAPS_SECURE) if is_near else None


def _encrypted(facts: RecipientFacts) -> Verdict | None:
    """Nobody is to open two locks, nor can the portal show what we cannot read."""
    if facts.encrypted is None:
        return None
    return Verdict(Action.PASS if facts.encrypted is Encrypted.PASS else Action.REFUSE, Reason.ENCRYPTED)


def _relay_account(facts: RecipientFacts) -> Verdict | None:
    relayed = facts.delivery is DeliverTo.RELAY and facts.domain_relayed
    return Verdict(Action.RELAY, Reason.ACCOUNT_RELAY) if relayed else None


def _question_open(facts: RecipientFacts) -> Verdict | None:
    waits = facts.delivery is not None and facts.question_open
    return Verdict(Action.HOLD, Reason.QUESTION_OPEN) if waits else None


def _account(facts: RecipientFacts) -> Verdict | None:
    return None if facts.delivery is None else Verdict(Action.PORTAL, Reason.ACCOUNT)


def _secure_domain(facts: RecipientFacts) -> Verdict | None:
    return Verdict(Action.RELAY, Reason.SECURE_DOMAIN) if facts.domain_relayed else None


def _unregistered(_: RecipientFacts) -> Verdict:
    return Verdict(Action.HOLD, Reason.UNREGISTERED)


RULES: tuple[Callable[[RecipientFacts], Verdict | None], ...] = (
    _gateway_address,
    _not_secure,
    _encrypted,
    _perhaps_secure,
    _relay_account,
    _question_open,
    _account,
    _secure_domain,
    _unregistered,
)


def decide(facts: RecipientFacts) -> Verdict:
    """The verdict of the first rule that has one; the last always has."""
    verdict = next(verdict for rule in RULES if (verdict := rule(facts)) is not None)
    return replace(verdict, sign=facts.sign)


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
