"""Each rule has its case; the order of the rules is the policy."""

from pathlib import Path

import pytest

from gateway.domain.address import address
from gateway.domain.decide import Action, Reason, RecipientFacts, decide, own_address
from gateway.domain.intent import SIGNS, NearMiss, Sign, described
from gateway.domain.vocabulary import DeliverTo
from gateway.errors import BadAddress

SITE = "secure.riverside.example"


@pytest.mark.parametrize(
    ("facts", "action", "reason"),
    [
        (RecipientFacts(Action.COMMAND, sign=Sign.TAG), Action.COMMAND, Reason.GATEWAY_ADDRESS),
        (RecipientFacts(None, sign=Sign.NONE, delivery=DeliverTo.PORTAL), Action.PASS, Reason.NOT_SECURE),
        (RecipientFacts(None, sign=Sign.REPORT, delivery=DeliverTo.PORTAL), Action.PASS, Reason.NOT_SECURE),
        (RecipientFacts(None, sign=Sign.PLAIN), Action.PASS, Reason.NOT_SECURE),
        (RecipientFacts(None, sign=Sign.NEAR_TAG, delivery=DeliverTo.PORTAL), Action.ASK, Reason.PERHAPS_SECURE),
        (RecipientFacts(None, sign=Sign.NEW_IN_TALK), Action.ASK, Reason.PERHAPS_SECURE),
        (RecipientFacts(None, sign=Sign.NEAR_TAG, near_miss=NearMiss.PASS), Action.PASS, Reason.NOT_SECURE),
        (RecipientFacts(None, sign=Sign.NEAR_TAG, near_miss=NearMiss.SECURE), Action.HOLD, Reason.UNREGISTERED),
        (RecipientFacts(None, sign=Sign.TALK), Action.HOLD, Reason.UNREGISTERED),
        (RecipientFacts(None, sign=Sign.TAG), Action.HOLD, Reason.UNREGISTERED),
        (RecipientFacts(None, sign=Sign.TAG, delivery=DeliverTo.PORTAL), Action.PORTAL, Reason.ACCOUNT),
        (
            RecipientFacts(None, sign=Sign.TAG, delivery=DeliverTo.PORTAL, domain_relayed=True),
            Action.PORTAL,
            Reason.ACCOUNT,
        ),
        (
            RecipientFacts(None, sign=Sign.TAG, delivery=DeliverTo.RELAY, domain_relayed=True),
            Action.RELAY,
            Reason.ACCOUNT_RELAY,
        ),
        (RecipientFacts(None, sign=Sign.TAG, delivery=DeliverTo.RELAY), Action.PORTAL, Reason.ACCOUNT),
        (RecipientFacts(None, sign=Sign.TAG, domain_relayed=True), Action.RELAY, Reason.SECURE_DOMAIN),
        (
            RecipientFacts(None, sign=Sign.TAG, delivery=DeliverTo.PORTAL, question_open=True),
            Action.HOLD,
            Reason.QUESTION_OPEN,
        ),
    ],
)
def test_a_verdict_and_its_reason(facts, action, reason):
    verdict = decide(facts)
    assert (verdict.action, verdict.reason) == (action, reason)


def test_every_sign_has_a_meaning():
    assert set(SIGNS) == set(Sign)


def test_the_documentation_says_what_the_rules_say():
    assert (Path(__file__).parents[2] / "docs/secure-or-not.md").read_text().endswith(described())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("bot@secure.riverside.example", (Action.COMMAND, "")),
        ("BOT+Abc@Secure.Riverside.example", (Action.COMMAND, "abc")),
        ("reply+abc@secure.riverside.example", (Action.REPLY, "abc")),
        ("bounce+abc@secure.riverside.example", (Action.BOUNCE, "abc")),
        ("postmaster@secure.riverside.example", (Action.POSTMASTER, "")),
        ("reply@secure.riverside.example", None),
        ("bounce@secure.riverside.example", None),
        ("bottom@secure.riverside.example", None),
        ("postmaster+x@secure.riverside.example", None),
        ("bot@riverside.example", None),
    ],
)
def test_the_sites_own_addresses(typed, expected):
    assert own_address(address(typed), SITE) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Pat@Home.Example", "pat@home.example", True),
        ("pat+news@home.example", "pat@home.example", False),
        ("pat@bücher.example", "pat@xn--bcher-kva.example", True),
        ("STRASSE@home.example", "straße@home.example", False),
        ("e\u0301@home.example", "\u00e9@home.example", True),
    ],
)
def test_addresses_compare_by_their_key(one, other, same):
    assert (address(one).key == address(other).key) is same


def test_what_was_typed_is_kept():
    assert address(" Pat@Home.Example ").typed == "Pat@Home.Example"


@pytest.mark.parametrize(
    "typed", ["", "pat", "pat@", "@home.example", "a@b@c.example", "pat @home.example", "pat@-.example"]
)
def test_what_is_no_address(typed):
    with pytest.raises(BadAddress):
        address(typed)
