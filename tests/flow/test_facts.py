"""What templates ask for is what facts have; facts that an older gateway has queued are still rendered."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import meta, nodes

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import Audience, DeliveryKind, Notice, Purpose
from gateway.flow import facts, notices, stored_facts
from gateway.flow.facts import AboutPerson, Invite, ReceiptRow, kind_of
from gateway.flow.notices import QueuedNotice
from gateway.flow.results import OwnedStanding, Reading, Result, ResultCode, WrongLine
from gateway.flow.standing import Standing, Token, Why
from gateway.flow.stored_facts import loaded
from gateway.testing import DAWN, fake_keys
from tests.edge import stories
from tests.edge.test_transcript import commands
from tests.practice import TEMPLATES

MAIL = Path(__file__).parents[2] / "templates/mail"
PAGE = Path(__file__).parents[2] / "templates/portal/senders/page.html"
KINDS = sorted(
    {(one["notice"], one["audience"]) for one in json.loads((MAIL / "samples.json").read_text())}
    | {(Notice.DIGEST.value, "sender")}
)
ALWAYS = {
    *("practice", "instead_of", "to_postmaster", "to_name", "to", "speaks_for", "reply_to"),
    *("audience", "language", "subject"),
}
"""What each mail is told besides its facts."""
BY_MAIL_ALONE = {
    *(ResultCode.STATUS, ResultCode.LIST, ResultCode.DIRECTORY, ResultCode.PATIENTS, ResultCode.READ),
    *(ResultCode.READ_NOT_TOLD, ResultCode.HELP, ResultCode.MANY, ResultCode.UNKNOWN, ResultCode.UNKNOWN_ROW),
    *(
        ResultCode.UNREAD,
        ResultCode.NOT_YOURS,
        ResultCode.NOT_ANY_MORE,
        ResultCode.WHICH_PERSON,
        ResultCode.WHICH_SENDER,
    ),
    *(ResultCode.DELEGATES, ResultCode.DELEGATED, ResultCode.UNDELEGATED, ResultCode.NO_DELEGATE),
    *(ResultCode.NO_SUCH_DELEGATE, ResultCode.FIXED_DELEGATE, ResultCode.ONLY_ONESELF),
    *(ResultCode.TOO_MANY_DELEGATES, ResultCode.TAKEN_AS_SECURE, ResultCode.SENT_PLAIN, ResultCode.NOT_PLAIN),
    *(ResultCode.DISCARDED, ResultCode.NOTHING_ASKED, ResultCode.NOTHING_TO_CONFIRM, ResultCode.MOVE_WHERE),
}
"""What no button of a sender's page can bring about."""


def names(*kinds: type) -> set[str]:
    return {one.name for kind in kinds for one in fields(kind)}


def asked_for(name: str) -> set[str]:
    environment = TEMPLATES._environment("en", "txt", ours=True)
    tree = environment.parse((MAIL / name).read_text())
    return meta.find_undeclared_variables(tree) - set(environment.globals) - set(own_names(tree)) - {"_trans"}


def own_names(tree: nodes.Template) -> Iterator[str]:
    """What a template itself names, for its blocks too: what it imports, sets, and its macros."""
    yield from (one.target for one in tree.find_all(nodes.Import))
    yield from (one.name for one in tree.find_all(nodes.Macro))
    for one in tree.find_all(nodes.FromImport):
        yield from (name if isinstance(name, str) else name[1] for name in one.names)
    for assigned in tree.find_all((nodes.Assign, nodes.AssignBlock)):
        several = assigned.target.items if isinstance(assigned.target, nodes.Tuple) else [assigned.target]
        yield from (one.name for one in several)


@pytest.mark.parametrize(("notice", "audience"), KINDS)
def test_a_mails_template_asks_for_nothing_but_its_facts(notice, audience):
    kind = kind_of(Notice(notice), Audience(audience))
    others = {one.value for one in Audience} - {audience}
    both = names(kind) | {name for other in others for name in names(kind_of(Notice(notice), Audience(other)))}
    assert asked_for(f"{notice}.j2") <= both | ALWAYS


def test_of_people_and_results_templates_ask_for_what_they_have():
    people = names(Standing, ReceiptRow, OwnedStanding)
    for file in MAIL.glob("*.j2"):
        assert set(re.findall(r"\bperson\.(\w+)", file.read_text())) <= people, file.name
    results = (MAIL / "results.j2").read_text()
    assert set(re.findall(r"\br\.(\w+)", results)) <= names(Result)
    assert set(re.findall(r"\bone\.(\w+)", results)) <= names(Reading, WrongLine)


def test_each_result_has_a_title_and_words():
    macros = set(re.findall(r"{% macro ([a-z]\w*)\(r\)", (MAIL / "results.j2").read_text()))
    assert macros == {code.value for code in ResultCode}
    titles = TEMPLATES._environment("en", "txt", ours=True).get_template("mail/results.j2").module.titles
    assert {code.value for code in ResultCode} <= set(titles)


def test_each_reason_has_words():
    doubts = TEMPLATES._environment("en", "txt", ours=True).get_template("mail/words.j2").module.doubts
    assert set(doubts) == {why.value for why in Why} - {Why.UNPROVED.value}


def test_a_senders_page_has_words_for_what_its_buttons_do():
    said = set(re.findall(r'said\.code == "(\w+)"', PAGE.read_text()))
    assert said == {code.value for code in set(ResultCode) - BY_MAIL_ALONE}


# ---------------------------------------------------------------------------------------------------- older ones


def queued(**stored) -> Delivery:
    """A delivery as some version has queued it."""
    keys = fake_keys()
    made = QueuedNotice(
        notice=Notice.REMINDER,
        audience=Audience.INVITEE,
        facts=Invite(
            inviters=("Dr Ada",),
            relationship="patient",
            until="2026-03-31",
            last_day=False,
            has_account=False,
            replaces=False,
            invite=Token(Purpose.INVITE, 7, 2),
        ),
        reply=Token(Purpose.ANSWER, 7),
    )
    plain = json.loads(stored_facts.as_json({"version": 1, **{name: getattr(made, name) for name in notices._FIELDS}}))
    sealed = keys.seal(json.dumps(plain | stored).encode(), "letter|pat@home.example")
    return Delivery(kind=DeliveryKind.NOTICE, recipient="pat@home.example", facts=sealed, created_at=DAWN, due_at=DAWN)


def test_what_was_queued_comes_back_as_it_was():
    found = notices.unseal(fake_keys(), queued())
    assert (found.notice, found.reply) == (Notice.REMINDER, Token(Purpose.ANSWER, 7))
    assert isinstance(found.facts, Invite)
    assert found.facts.invite == Token(Purpose.INVITE, 7, 2)
    again = replace(queued(), facts=notices.seal(fake_keys(), found, "pat@home.example"))
    assert notices.unseal(fake_keys(), again) == found


@pytest.mark.parametrize(("notice", "audience"), KINDS)
@given(data=st.data())
def test_facts_of_every_kind_come_back_as_they_were(notice, audience, data):
    kind = kind_of(Notice(notice), Audience(audience))
    whole = data.draw(st.from_type(kind))
    assert loaded(kind, json.loads(stored_facts.as_json(whole))) == whole


async def test_all_that_the_stories_queue_comes_back_and_reads_as_it_was(monkeypatch):
    seen: list[tuple[QueuedNotice, Delivery]] = []
    seal = notices.seal

    def seen_and_sealed(keys, made, recipient):
        sealed = seal(keys, made, recipient)
        kind = DeliveryKind.REPORT if isinstance(made.facts, facts.NonDelivery) else DeliveryKind.NOTICE
        row = Delivery(kind=kind, notice=made.notice, recipient=recipient, facts=sealed, created_at=DAWN, due_at=DAWN)
        seen.append((made, row))
        return sealed

    monkeypatch.setattr(notices, "seal", seen_and_sealed)
    await stories.told()
    await commands()
    assert {made.notice for made, _ in seen} >= set(Notice) - {Notice.REPLY, Notice.READ}
    for made, row in seen:
        found = notices.unseal(fake_keys(), row)
        assert found == made
        assert stored_facts.for_template(fake_keys(), found.facts) == stored_facts.for_template(fake_keys(), made.facts)


def test_facts_of_an_older_gateway_get_what_they_lack_and_lose_what_is_gone():
    older = {"person": {"who": "Pat", "nickname": "P"}, "colour": "red"}
    assert loaded(AboutPerson, older) == AboutPerson(person=Standing(who="Pat"))
    assert notices.unseal(fake_keys(), queued(mood="good")).notice is Notice.REMINDER


def test_facts_that_lack_what_has_no_default_are_an_error():
    with pytest.raises(ValueError, match="inviters"):
        loaded(Invite, {"relationship": "patient"})


def test_what_a_newer_gateway_has_queued_is_left_to_it():
    with pytest.raises(ValueError, match="newer"):
        notices.unseal(fake_keys(), queued(version=2))
