"""Every mail that the gateway writes, with sample people, for whoever wants to see them all."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.domain.vocabulary import Audience, Notice

TODAY = date(2026, 3, 2)
TOKEN = "w" + "a" * 29
UNTIL = (TODAY + timedelta(days=30)).isoformat()
SENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail: what it is about, and what it is written from."""

    title: str
    notice: Notice
    audience: Audience
    facts: dict[str, Any]


def person(name: str = "Pat Miller", address: str = "pat@home.example", **changes: Any) -> dict[str, Any]:
    """How somebody stands, as flow/senders.py tells it."""
    return {
        "who": f"{name} <{address}>",
        "name": name,
        "address": address,
        "state": "invited",
        "relationship": "patient",
        "role": "",
        "since": TODAY.isoformat(),
        "changed": TODAY.isoformat(),
        "until": UNTIL,
        "next": (TODAY + timedelta(days=3)).isoformat(),
        "reminders": [(TODAY + timedelta(days=days)).isoformat() for days in (3, 15, 30)],
        "waiting": True,
        "delivery_signal": "",
        "delivery_signal_on": "",
        "at_my_practice": False,
        "tries_left": 3,
        "wrong": 0,
        "token": TOKEN,
        "page": TOKEN,
        **changes,
    }


PAT = person()
OMAR = person("Dr Omar", "omar@hillside.example", relationship="colleague_elsewhere")
CLEO = person("Cleo", "cleo@riverside.example", at_my_practice=True, relationship="colleague_here", role="staff")
STRANGER: dict[str, Any] = {"state": "awaiting_details", "relationship": "", "until": "", "reminders": []}


ENVELOPES = {
    Audience.SENDER: {"to_name": "Dr Ada", "to": "ada@riverside.example", "speaks_for": ""},
    Audience.INVITEE: {"to_name": "Pat Miller", "to": "pat@home.example", "speaks_for": "Dr Ada"},
    Audience.ACCOUNT: {"to_name": "Pat Miller", "to": "pat@home.example", "speaks_for": "Dr Ada"},
}
"""To whom they go, and for whom they speak."""


def _sender(title: str, notice: Notice, **facts: Any) -> Sample:
    return Sample(title, notice, Audience.SENDER, {"practice": "Riverside Family Practice", **facts})


def _invitee(title: str, notice: Notice, **facts: Any) -> Sample:
    known = {"inviters": ["Dr Ada"], "relationship": "patient", "until": UNTIL, "last_day": False, "has_account": False}
    known["replaces"] = False
    return Sample(
        title,
        notice,
        Audience.INVITEE,
        {"practice": "Riverside Family Practice", **known, "invite": "i" + TOKEN[1:], **facts},
    )


def _account(title: str, notice: Notice, **facts: Any) -> Sample:
    return Sample(title, notice, Audience.ACCOUNT, facts)


def _result(line: str, code: str, **facts: Any) -> dict[str, Any]:
    return {"line": line, "code": code, "who": facts.get("person", PAT)["who"], "person": PAT, **facts}


def _row(who: dict[str, Any], outcome: str, **changes: Any) -> dict[str, Any]:
    return {**who, "outcome": outcome, "joined": False, "why": "", **changes}


_RESULTS = [
    _result("pat@home.example PATIENT (birthdate received)", "invited"),
    _result("omar@hillside.example REMIND", "reminded", person=OMAR),
    {
        "line": "LIST",
        "code": "list",
        "people": [PAT, {**OMAR, "delivery_signal": "away", "delivery_signal_on": TODAY.isoformat()}, CLEO],
        "counts": {"patients": 1, "colleagues": 2, "unsaid": 0},
        "more": 0,
    },
]
_READINGS = [
    {"who": "pat@home.example", "sent": SENT.isoformat(), "read": SENT.isoformat(), "recalled": False},
    {"who": "omar@hillside.example", "sent": SENT.isoformat(), "read": "", "recalled": False},
]
_RUN = [
    _row(person(**STRANGER), "asking"),
    _row(OMAR, "invited"),
    {"who": "uma@home.example", "outcome": "inbox"},
    {"who": "x@hospital.example", "outcome": "relayed"},
    {"who": "hana.@home.example", "outcome": "no_address"},
]


def _question(sign: str, **facts: Any) -> dict[str, Any]:
    asked = {
        "stage": "asked",
        "readers": ["pat@home.example"],
        "more": 0,
        "sent": SENT.isoformat(),
        "shown": "",
        "plain": True,
    }
    return {**asked, "sign": sign, "until": TODAY.isoformat(), "ask_again": [1, 3], "sender_page": TOKEN, **facts}


SAMPLES: tuple[Sample, ...] = (
    _invitee("A patient is invited", Notice.INVITATION),
    _invitee("A colleague elsewhere is invited", Notice.INVITATION, relationship="colleague_elsewhere"),
    _invitee("Somebody with an account is invited", Notice.INVITATION, has_account=True),
    _invitee("A reminder", Notice.REMINDER),
    _invitee("The last reminder", Notice.REMINDER, last_day=True, until=TODAY.isoformat()),
    _invitee("Locked out", Notice.LOCKED),
    _invitee("Nobody reads an answer by mail", Notice.NOBODY_READS, emergency=""),
    _sender(
        "A receipt that asks who somebody is",
        Notice.RECEIPT,
        people=[_row(person(**STRANGER), "asking")],
        asking=True,
        sender_page=TOKEN,
    ),
    _sender(
        "A receipt for several people",
        Notice.RECEIPT,
        people=_RUN,
        asking=True,
        sender_page=TOKEN,
    ),
    _sender(
        "A digest of many mails", Notice.DIGEST, people=_RUN, mails=["1", "2", "3", "4"], asking=True, sender_page=TOKEN
    ),
    _sender("Was it meant to be secure?", Notice.NEAR_MISS, **_question("NEAR_TAG", shown="(secure)")),
    _sender("A new person in a secure talk", Notice.NEAR_MISS, **_question("NEW_IN_TALK")),
    _sender("Many people at once", Notice.NEAR_MISS, **_question("MANY_READERS", plain=False)),
    _sender("Asked again", Notice.NEAR_MISS, **_question("NEAR_TAG", stage="again")),
    _sender("It was never sent", Notice.NEAR_MISS, **_question("NEAR_TAG", stage="over")),
    _sender("The question asked again", Notice.DETAILS_AGAIN, person=person(**STRANGER), used_up=False),
    _sender("Are you sure?", Notice.CONFIRM, why="outside", lines=["cleo@gmail.example STAFF"], person=CLEO, meant=""),
    _sender("Was that you?", Notice.CONFIRM, why="unproved", lines=["pat@home.example CANCEL"], person=None, meant=""),
    _sender("What became of some lines", Notice.TRANSCRIPT, results=_RESULTS, sender_page=TOKEN, by=""),
    _sender("Help", Notice.TRANSCRIPT, results=[{"line": "HELP", "code": "help"}], sender_page=TOKEN, by=""),
    _sender(
        "What has been read",
        Notice.TRANSCRIPT,
        results=[{"line": "READ", "code": "read", "readings": _READINGS}],
        sender_page=TOKEN,
        by="",
    ),
    _sender(
        "Wrong dates of birth", Notice.LOCKED, person={**PAT, "state": "locked", "until": "", "wrong": 3}, used_up=False
    ),
    _sender("They have answered by mail", Notice.ANSWERED, person=PAT, last_of=0),
    _sender(
        "Mail to a sender does not arrive",
        Notice.UNHEARD,
        sender="noreply@riverside.example",
        dead="noreply@riverside.example",
        instead_of="noreply@riverside.example",
        people=[person(**STRANGER), PAT],
        more=0,
        answered="",
        sender_page=TOKEN,
    ),
    _sender("It has run out", Notice.EXPIRED, person={**PAT, "state": "expired", "until": ""}, used_up=False),
    _sender("Asked for anew", Notice.ASKED_AGAIN, person={**PAT, "state": "expired", "until": ""}, used_up=False),
    _sender("Never delivered", Notice.LAPSED, person={**PAT, "state": "lapsed", "waiting": False}, used_up=False),
    _sender("Withdrawn on the page", Notice.CANCELLED, person={**PAT, "state": "cancelled", "waiting": False}),
    _sender("The address is dead", Notice.UNDELIVERABLE, person={**PAT, "state": "undeliverable", "until": ""}),
    _sender("Accepted", Notice.ACCEPTED, person={**PAT, "state": "accepted", "waiting": False}, used_up=False),
    _sender("A new link to one’s page", Notice.SENDER_LINK, sender_page=TOKEN),
    _account(
        "A new message",
        Notice.NEW_MESSAGE,
        author="Dr Ada",
        practice="Riverside Family Practice",
        copy_id=1,
        until="",
    ),
    _account("An answer that did not arrive", Notice.UNDELIVERABLE, address="ada@riverside.example", person=None),
    _account("A forgotten password", Notice.PASSWORD_RESET, reset="p" + TOKEN[1:]),
    _account("A changed password", Notice.ACCOUNT_CHANGED, change="password"),
    _account("A passkey", Notice.ACCOUNT_CHANGED, change="passkey_added"),
    _account("A new address", Notice.NEW_ADDRESS, taken=False, confirm="n" + TOKEN[1:]),
    _account("A new address that has an account", Notice.NEW_ADDRESS, taken=True, confirm="n" + TOKEN[1:]),
    _account("To the old address, before", Notice.ADDRESS_CHANGED, what="asked", keep="o" + TOKEN[1:]),
    _account("To the old address, afterwards", Notice.ADDRESS_CHANGED, what="done", keep="o" + TOKEN[1:]),
    _account("Called back", Notice.ADDRESS_CHANGED, what="back", keep="o" + TOKEN[1:]),
    _account("An erased account", Notice.ACCOUNT_CHANGED, change="erased"),
)
