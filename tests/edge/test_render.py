"""Every notice, rendered from the facts that the real flows queue."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from gateway.domain.vocabulary import Audience, Notice
from gateway.edge.render import Templates, mailto, reflowed
from tests.edge.stories import accepted, bounced, lives, locked
from tests.practice import ADA, CLEO, OMAR, PAT, PATIENT_TAG, SITE, TEMPLATES, World, mail
from tests.reading import Links, all_decent, buttons

WRITTEN = {
    (Notice.RECEIPT, Audience.SENDER),
    (Notice.DIGEST, Audience.SENDER),
    (Notice.NEAR_MISS, Audience.SENDER),
    (Notice.OBSERVED, Audience.SENDER),
    (Notice.ATTENTION, Audience.SENDER),
    (Notice.AUDIT_HEAD, Audience.SENDER),
    (Notice.DETAILS_AGAIN, Audience.SENDER),
    (Notice.CONFIRM, Audience.SENDER),
    (Notice.TRANSCRIPT, Audience.SENDER),
    (Notice.LOCKED, Audience.SENDER),
    (Notice.LOCKED, Audience.INVITEE),
    (Notice.ANSWERED, Audience.SENDER),
    (Notice.NOBODY_READS, Audience.INVITEE),
    (Notice.UNHEARD, Audience.SENDER),
    (Notice.EXPIRED, Audience.SENDER),
    (Notice.LAPSED, Audience.SENDER),
    (Notice.ASKED_AGAIN, Audience.SENDER),
    (Notice.CANCELLED, Audience.SENDER),
    (Notice.UNDELIVERABLE, Audience.SENDER),
    (Notice.ACCEPTED, Audience.SENDER),
    (Notice.INVITATION, Audience.INVITEE),
    (Notice.REMINDER, Audience.INVITEE),
    (Notice.SENDER_LINK, Audience.SENDER),
    (Notice.NEW_MESSAGE, Audience.ACCOUNT),
    (Notice.PASSWORD_RESET, Audience.ACCOUNT),
    (Notice.ACCOUNT_CHANGED, Audience.ACCOUNT),
    (Notice.RETURNED, Audience.SENDER),
    (Notice.CLOSING, Audience.INVITEE),
    (Notice.CLOSING, Audience.ACCOUNT),
    (Notice.NEW_ADDRESS, Audience.ACCOUNT),
    (Notice.ADDRESS_CHANGED, Audience.ACCOUNT),
    (Notice.UNDELIVERABLE, Audience.ACCOUNT),
}


@pytest.fixture
def world() -> World:
    return World(TEMPLATES)


# ------------------------------------------------------------------------------------------------- kinds and audiences


async def test_every_notice_renders_for_every_audience_it_has() -> None:
    mails = [mail for world in await lives() for mail in all_decent(world.mails)]
    assert {(mail.notice, mail.audience) for mail in mails} == WRITTEN


async def test_a_notice_leaves_as_both_of_its_forms(world: World) -> None:
    await world.write(ADA, PAT)
    sent = message_from_bytes(world.octets[0], policy=policy.default)
    assert sent["Subject"] == world.mails[0].rendered.subject
    forms = {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in sent.iter_parts()}
    assert forms["text/plain"].strip() == world.mails[0].rendered.text.strip()
    assert forms["text/html"].strip() == world.mails[0].rendered.html.strip()


def test_every_notice_that_flows_queue_is_known_here() -> None:
    elsewhere = {Notice.REPLY, Notice.READ}  # whose form a standard has
    assert {notice for notice, _ in WRITTEN} == set(Notice) - elsewhere


# ------------------------------------------------------------------------------------------------------------ receipts


async def test_the_receipt_asks_who_a_stranger_is(world: World) -> None:
    await world.write(ADA, PAT)
    (mail,) = all_decent(world.mails)
    token = mail.facts["people"][0]["token"]
    assert mail.rendered.subject == "Who is Pat to you? Your secure mail is waiting"
    bot = f"bot+{token}@{SITE.domain}"
    assert buttons(mail) == [(bot, line) for line in ("PATIENT ", "CLINICIAN", "STAFF", "COLLEAGUE", "CANCEL")]
    assert "after 1 and 3 days" in mail.rendered.text
    assert "by Monday 9 March 2026" in mail.html.text
    assert f"{SITE.portal_url}/sender/{mail.facts['people'][0]['page']}" in mail.html.hrefs


async def test_a_colleague_here_is_only_asked_for_a_role(world: World) -> None:
    await world.write(ADA, CLEO)
    (mail,) = all_decent(world.mails)
    assert [line for _, line in buttons(mail)] == ["CLINICIAN", "STAFF", "CANCEL"]
    assert "date of birth" not in mail.rendered.text


async def test_one_receipt_tells_of_every_recipient(world: World) -> None:
    await world.write(ADA, PAT, OMAR, "x@hospital.example")
    (mail,) = all_decent(world.mails)
    tokens = [person["token"] for person in mail.facts["people"][:2]]
    assert {address for address, _ in buttons(mail)} == {f"bot+{token}@{SITE.domain}" for token in tokens}
    assert "  pat@home.example PATIENT 1957-08-24" in mail.rendered.text
    assert "  omar@hillside.example COLLEAGUE" in mail.rendered.text
    assert "Their own mail system is secure" in mail.html.text
    assert f"{SITE.portal_url}/sender/{mail.facts['sender_page']}" in mail.html.hrefs


@pytest.mark.parametrize(
    ("tag", "to", "says"),
    [
        ("secure patient 03/04/1980", [PAT], "could mean two dates"),
        ("secure patient 1980-02-30", [PAT], "no such date of birth"),
        ("secure patient 2199-02-03", [PAT], "lies in the future"),
        ("secure patient 1899-02-03", [PAT], "before 1900"),
        ("secure patient soon", [PAT], "could not read the date of birth"),
        ("secure patient", [PAT], "date of birth is missing"),
        (PATIENT_TAG, [PAT, OMAR], "your mail went to several"),
        ("secure clinician", [PAT], "does not belong to it"),
    ],
)
async def test_the_receipt_says_why_details_were_not_taken(world: World, tag: str, to: list[str], says: str) -> None:
    await world.write(ADA, *to, tag=tag)
    all_decent(world.mails)
    receipt = world.last(Notice.RECEIPT)
    assert says in " ".join(receipt.rendered.text.split())
    assert says in receipt.html.text


async def test_a_resting_invitation_says_how_to_wake_it() -> None:
    for world, verbs in ((await locked(), ["PATIENT "]), (await bounced(), ["MOVE ", "INVITE"])):
        await world.write(CLEO, PAT)
        all_decent(world.mails)
        receipt = world.last(Notice.RECEIPT)
        assert [line for _, line in buttons(receipt)] == [*verbs, "CANCEL"]
        assert "until Wednesday 1 April 2026" in receipt.html.text


async def test_a_joined_invitation_is_said_to_beone(world: World) -> None:
    await world.write(ADA, PAT)
    await world.write(CLEO, PAT)
    assert "An earlier mail waits for them already." in world.mails[-1].html.text
    assert "If we have no answer by Monday 9 March 2026" in " ".join(world.mails[-1].rendered.text.split())
    await world.say("PATIENT 1980-02-03", token=world.mails[0].facts["people"][0]["token"])
    await world.write(CLEO, PAT)
    assert "They have been invited already (patient)" in world.last(Notice.RECEIPT).html.text
    all_decent(world.mails)


# --------------------------------------------------------------------------------------------------------- invitations


@pytest.mark.parametrize(
    ("tag", "to", "asks"),
    [
        (PATIENT_TAG, PAT, "We ask for your date of birth."),
        ("secure staff", CLEO, "confirm that you work at Riverside Family Practice."),
        ("secure colleague", OMAR, "the name, phone number and address of your practice."),
    ],
)
async def test_an_invitation_says_what_will_be_asked(world: World, tag: str, to: str, asks: str) -> None:
    await world.write(ADA, to, tag=tag)
    mail = world.last(Notice.INVITATION)
    assert asks in mail.html.text
    assert "until the end of Wednesday 1 April 2026" in mail.html.text
    assert set(mail.html.hrefs) == {f"{SITE.portal_url}/invite/{mail.facts['invite']}"}
    all_decent(world.mails)


async def test_only_the_last_reminder_says_that_it_is_the_last_day(world: World) -> None:
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.days(30)
    await world.collect()
    reminders = [mail for mail in all_decent(world.mails) if mail.notice is Notice.REMINDER]
    assert ["is the last day" in mail.html.text for mail in reminders] == [False, False, True]


async def test_who_has_an_account_is_told_to_sign_in(world: World) -> None:
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept()
    facts = world.last(Notice.INVITATION).facts | {"has_account": True}
    rendered = world.renderer.mail(Notice.INVITATION, Audience.INVITEE, "en", facts)
    assert "You sign in with the account that you have." in rendered.text
    assert "You choose a password" not in rendered.text


# ------------------------------------------------------------------------------------------------------------- hostile

HOSTILE = (
    "Eve\r\nBcc: all@evil.example",
    "Eve\u2028Bcc: all@evil.example",
    "\u202eevE\u2066",
    "{{7*7}}{% include 'x' %}",
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("notice", [Notice.RECEIPT, Notice.INVITATION, Notice.ACCEPTED])
async def test_hostile_names_are_inert(name: str, notice: Notice) -> None:
    world = await accepted()
    mail = world.last(notice)
    facts = hostile(mail.facts, name) | {"to_name": name, "practice": name}
    rendered = world.renderer.mail(notice, mail.audience, "en", facts)
    assert rendered.subject.isprintable()
    for form in (rendered.text, rendered.html):
        assert not re.search("^ *Bcc:", form, re.MULTILINE)
        assert not re.search("[\u2028\u202e\u2066\r]", form)
        assert "49" not in re.sub(r"\S+/\S+|bot\S+|#\w+", "", form)
    plain, dressed = Links(mail.rendered.html), Links(rendered.html)
    assert [tag for tag, _ in dressed.tags] == [tag for tag, _ in plain.tags]
    assert dressed.hrefs == plain.hrefs


def hostile(value: Any, name: str) -> Any:
    """The facts with every name of a person replaced."""
    match value:
        case dict():
            return {k: name if k in ("name", "who") else hostile(item, name) for k, item in value.items()}
        case ["Dr Ada"]:
            return [name]
        case list():
            return [hostile(item, name) for item in value]
        case _:
            return value


# --------------------------------------------------------------------------------------- overrides, filters, functions


async def test_an_override_wins_and_the_rest_falls_back(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "footer.j2").write_text("Riverside <IT>: call 5005.")
    world = World(Templates(SITE, tmp_path))
    await world.write(ADA, PAT)
    (mail,) = all_decent(world.mails)
    assert mail.rendered.text.endswith("Riverside <IT>: call 5005.\n")
    assert "Who are they to you?" in mail.rendered.text


def test_a_missing_fact_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        Templates(SITE).mail(Notice.NEW_MESSAGE, Audience.ACCOUNT, "en", {"to_name": "Pat"})


def test_pages_are_escaped_and_know_the_site(tmp_path: Path) -> None:
    (tmp_path / "portal").mkdir()
    page = '<html lang="{{ lang }}">{{ name }} {{ at | moment }} {{ size | size }} {{ site.name }}'
    (tmp_path / "portal" / "probe.html").write_text(page)
    at = datetime(2026, 7, 3, 13, 5, tzinfo=UTC)
    html = Templates(SITE, tmp_path).page("probe", "en", {"name": "<b>", "at": at, "size": 1_234_567})
    assert html == '<html lang="en">&lt;b&gt; 3 July 2026, 14:05 1.2 MB Riverside Secure Mail'


def test_a_mailto_link_types_the_line() -> None:
    assert mailto("bot+ab@s.example", "PATIENT ") == "mailto:bot+ab@s.example?subject=PATIENT&body=PATIENT%20"


def test_plain_text_is_filled_but_links_and_indents_stay() -> None:
    link = "https://secure.riverside.example/" + "x" * 80
    text = reflowed(f"\n\nOne\ntwo {'word ' * 20}\n\n\n\n  {link}\n  next\n")
    assert text.startswith("One two word")
    assert f"\n\n  {link}\n  next\n" in text
    assert "\n\n\n" not in text


async def test_a_question_names_whom_the_mail_is_for(world: World) -> None:
    await world.receive(mail(subject="[secured] Results"))
    await world.collect()
    asked = world.last(Notice.NEAR_MISS)
    assert "We are holding your mail to pat@home.example;" in asked.html.text
