"""Every notice, rendered from the facts that the real flows queue."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from gateway.domain.commands import Verb
from gateway.domain.model import (
    Account,
    Audience,
    Copy,
    Delivery,
    DeliveryKind,
    Notice,
    Practice,
    Purpose,
    Sender,
    Site,
)
from gateway.edge.render import Templates, day, mailto, reflowed
from gateway.flow import answer, deliver, notices, receive, register, release, remind, understand, verbs
from gateway.flow.context import Desk
from gateway.ports import Outcome, Rendered
from gateway.testing import FakeClock, MemoryContent, MemoryStore, fake_keys

SITE = Site(
    name="Riverside Secure Mail",
    domain="secure.riverside.example",
    portal_url="https://secure.riverside.example",
    zone=ZoneInfo("Europe/London"),
    practices=(
        Practice("riverside", "Riverside Family Practice", ("riverside.example",)),
        Practice("hillside", "Hillside Clinic", ("hillside.example",)),
    ),
    relay_domains=frozenset({"hospital.example"}),
)
ADA, CLEO, PAT, OMAR = (
    "Dr Ada <ada@riverside.example>",
    "Cleo <cleo@riverside.example>",
    "Pat <pat@home.example>",
    "Dr Omar <omar@hillside.example>",
)
BORN, WRONG = date(1980, 2, 3), date(1981, 4, 5)
SECRET = "haemoglobin"
WRITTEN = {
    (Notice.RECEIPT, Audience.SENDER),
    (Notice.DETAILS_AGAIN, Audience.SENDER),
    (Notice.CONFIRM, Audience.SENDER),
    (Notice.TRANSCRIPT, Audience.SENDER),
    (Notice.LOCKED, Audience.SENDER),
    (Notice.EXPIRED, Audience.SENDER),
    (Notice.LAPSED, Audience.SENDER),
    (Notice.CANCELLED, Audience.SENDER),
    (Notice.UNDELIVERABLE, Audience.SENDER),
    (Notice.ACCEPTED, Audience.SENDER),
    (Notice.INVITATION, Audience.INVITEE),
    (Notice.REMINDER, Audience.INVITEE),
    (Notice.NEW_MESSAGE, Audience.ACCOUNT),
    (Notice.UNDELIVERABLE, Audience.ACCOUNT),
}
CODES = {
    *("invited", "corrected", "reinvited", "already_invited", "accepted_already", "reminded", "cancelled"),
    *("cancelled_already", "too_late", "details_needed", "details_stand", "doubt", "used_up", "invite_again"),
    *("not_possible", "not_found", "which_person", "nothing_to_confirm", "status", "list", "directory"),
    *("patients", "help", "unknown"),
}


class Links(HTMLParser):
    """The links, the words and the elements of an HTML mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


class Mail:
    """A notice as it was queued and as it reads."""

    def __init__(self, letter: notices.Letter, facts: dict[str, Any], rendered: Rendered) -> None:
        self.letter, self.facts, self.rendered = letter, facts, rendered
        self.kind = (letter.notice, letter.audience)
        self.html = Links(rendered.html)

    def __repr__(self) -> str:
        return f"Mail({self.rendered.subject!r})"


class Story:
    """A gateway without edges: mail goes in, days pass, notices come out rendered."""

    def __init__(self, templates: Templates | None = None) -> None:
        self.clock, self.keys, self.content = FakeClock(), fake_keys(), MemoryContent()
        self.store = MemoryStore()
        self.desk = Desk(self.store, SITE, self.keys, self.clock)
        self.templates = templates or Templates(SITE)
        self.mails: list[Mail] = []
        self._mails_written = 0

    async def write(self, author: str, *to: str, tag: str = "secure", body: str = SECRET, trusted: bool = True) -> None:
        """A mail is handed in; secure unless the tag is empty."""
        self._mails_written += 1
        subject = f"Subject: [{tag}] {SECRET}\r\n" if tag else ""
        octets = (
            f"From: {author}\r\nTo: {', '.join(to)}\r\n{subject}Message-ID: <{self._mails_written}@riverside.example>"
            f"\r\n\r\n{body}\r\n"
        ).encode()
        recipients = tuple(re.sub(r".*<|>", "", one) for one in to)
        submission = understand.Submission(octets, "ada@riverside.example", recipients, trusted)
        draft = understand.understand(SITE, submission)
        exits = receive.Exits(
            self.content.put(octets) if draft.needs_clear else None,
            self.content.put(octets) if draft.needs_secure else None,
        )
        await self.desk.do(receive.accept, draft, exits)
        await self.collect()

    async def say(self, body: str, *, author: str = ADA, token: str = "", **more: Any) -> Mail:
        """A command; the first notice that it brings."""
        count = len(self.mails)
        local = f"bot+{token}" if token else "bot"
        await self.write(author, f"{local}@{SITE.domain}", tag="", body=body, **more)
        return self.mails[count]

    async def sender_token(self) -> str:
        return self.keys.token(Purpose.SENDER, (await self._one(Sender)).id)

    async def pass_days(self, days: int) -> None:
        for _ in range(days):
            self.clock.advance(days=1)
            await self.desk.do(remind.run_due, 100)
            await self.collect()

    async def try_birthdate(self, born: date = WRONG, times: int = 1) -> None:
        for _ in range(times):
            await self.desk.do(register.check, self.link(), register.Proof(birthdate=born))
        await self.collect()

    async def accept(self, born: date = BORN) -> Account:
        account = await self.desk.do(register.register, self.link(), register.Proof(birthdate=born), "Pat", "hash")
        assert account
        await self.collect()
        return account

    def link(self) -> str:
        return next(mail.facts["invite"] for mail in reversed(self.mails) if "invite" in mail.facts)

    async def bounce(self, kind: DeliveryKind, notice: Notice | None = None) -> None:
        row = await self._one(Delivery, kind=kind, notice=notice)
        await self.desk.do(deliver.record, row, Outcome(550, "5.1.1 no such user"), b"")
        await self.collect()

    async def collect(self) -> None:
        """Render what was queued since the last time."""
        rows = await self.store.read(lambda tx: tx.find(Delivery, kind=DeliveryKind.NOTICE))
        self.mails += [self._render(row) for row in rows[len(self.mails) :]]

    def _render(self, row: Delivery) -> Mail:
        letter = notices.unseal(self.keys, row)
        token = notices.resolve(self.keys, {"$token": letter.reply}) if letter.reply else ""
        facts = {
            **notices.resolve(self.keys, letter.facts),
            "to_name": letter.to_name,
            "to": row.recipient,
            "speaks_for": letter.speaks_for,
            "reply_to": f"bot+{token}@{SITE.domain}" if token else "",
        }
        return Mail(letter, facts, self.templates.mail(letter.notice, letter.audience, letter.language, facts))

    async def _one(self, table: type, **where: Any) -> Any:
        found = await self.store.read(lambda tx: tx.one(table, **where))
        assert found
        return found

    def last(self, notice: Notice) -> Mail:
        return next(mail for mail in reversed(self.mails) if mail.letter.notice is notice)


def links_agree(mail: Mail) -> None:
    """Every web link of one form stands in the other, and for every button a line to type."""
    web = {href for href in mail.html.hrefs if href.startswith("https:")}
    assert web == set(re.findall(r"^  (https:\S+)$", mail.rendered.text, re.MULTILINE))
    for href in mail.html.hrefs:
        if href.startswith("mailto:"):
            line = parse_qs(urlsplit(href).query)["body"][0]
            assert re.search(rf"^  (\S+@\S+ )?{re.escape(line)}", mail.rendered.text, re.MULTILINE)


def is_decent(mail: Mail) -> None:
    """What every notice owes its readers."""
    whole = "\n".join((mail.rendered.subject, mail.rendered.text, mail.rendered.html))
    assert SECRET not in whole
    assert not re.search(r"1980|1981", whole)  # no birthdate, right or wrong
    assert mail.rendered.subject == mail.rendered.subject.strip() != ""
    assert "\n" not in mail.rendered.subject
    assert "$token" not in whole
    assert ("html", {"lang": "en"}) in mail.html.tags
    assert not {"img", "script", "form", "link", "iframe"} & {tag for tag, _ in mail.html.tags}
    layout = [attrs for tag, attrs in mail.html.tags if tag == "table" and "cellpadding" in attrs]
    assert all(attrs["role"] == "presentation" for attrs in layout)
    assert "\n\n\n" not in mail.rendered.text
    for line in mail.rendered.text.splitlines():
        assert len(line) <= 78 or " " not in line.strip(), line
    links_agree(mail)


def check(story: Story) -> list[Mail]:
    for mail in story.mails:
        is_decent(mail)
    return story.mails


@pytest.fixture
def story() -> Story:
    return Story()


PATIENT_TAG = "secure patient 1980-02-03"

# ------------------------------------------------------------------------------------------------- kinds and audiences


async def lives() -> list[Story]:
    """Stories that between them bring about every notice."""
    asked, invited, elsewhere = Story(), Story(), Story()
    await asked.write(ADA, PAT)
    await asked.pass_days(8)
    await invited.write(ADA, PAT, tag=PATIENT_TAG)
    await invited.pass_days(31)
    await elsewhere.write(ADA, PAT, tag="secure clinician")
    await elsewhere.say("CANCEL", token=(await elsewhere.sender_token()))
    return [asked, invited, elsewhere, await locked(), await accepted(), await cancelled_by_page(), await bounced()]


async def locked() -> Story:
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.try_birthdate(times=3)
    return story


async def accepted() -> Story:
    """Pat registers; a later mail goes to the inbox; one to a secure domain, and Pat's answer, fail."""
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    account = await story.accept()
    await story.write(ADA, PAT)
    await story.write(ADA, "x@hospital.example")
    await story.bounce(DeliveryKind.RELAY)
    copy = await story._one(Copy, account_id=account.id)
    written = release.Written(story.content.put(b"an answer"), "Re", "<answer@secure.riverside.example>")
    await story.desk.do(release.reply, account, copy.id, written)
    await story.bounce(DeliveryKind.REPLY, Notice.REPLY)
    return story


async def cancelled_by_page() -> Story:
    story = Story()
    await story.write(ADA, PAT)
    await story.desk.do(answer.by_page, story.mails[0].facts["people"][0]["token"], "CANCEL")
    await story.collect()
    return story


async def bounced() -> Story:
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.bounce(DeliveryKind.NOTICE, Notice.INVITATION)
    return story


async def test_every_notice_renders_for_every_audience_it_has() -> None:
    mails = [mail for story in await lives() for mail in check(story)]
    assert {mail.kind for mail in mails} == WRITTEN


def test_every_notice_that_flows_queue_is_known_here() -> None:
    elsewhere = {Notice.REPLY, Notice.PASSWORD_RESET}
    assert {notice for notice, _ in WRITTEN} == set(Notice) - elsewhere


# ------------------------------------------------------------------------------------------------------------ receipts


def buttons(mail: Mail) -> list[tuple[str, str]]:
    """Each button: the address it writes to, and the line that it types."""
    links = [urlsplit(href) for href in mail.html.hrefs if href.startswith("mailto:")]
    return [(unquote(link.path), parse_qs(link.query)["body"][0]) for link in links]


async def test_the_receipt_asks_who_a_stranger_is(story: Story) -> None:
    await story.write(ADA, PAT)
    (mail,) = check(story)
    token = mail.facts["people"][0]["token"]
    assert mail.rendered.subject == "Who is Pat to you? Your secure mail is waiting"
    bot = f"bot+{token}@{SITE.domain}"
    assert buttons(mail) == [(bot, line) for line in ("PATIENT ", "CLINICIAN", "STAFF", "COLLEAGUE", "CANCEL")]
    assert "after 1 and 3 days" in mail.rendered.text
    assert "by Monday 9 March 2026" in mail.html.text
    assert f"{SITE.portal_url}/sender/{token}" in mail.html.hrefs


async def test_a_colleague_here_is_only_asked_for_a_role(story: Story) -> None:
    await story.write(ADA, CLEO)
    (mail,) = check(story)
    assert [line for _, line in buttons(mail)] == ["CLINICIAN", "STAFF", "CANCEL"]
    assert "date of birth" not in mail.rendered.text


async def test_one_receipt_tells_of_every_recipient(story: Story) -> None:
    await story.write(ADA, PAT, OMAR, "x@hospital.example")
    (mail,) = check(story)
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
        ("secure clinician", [PAT], "not one of the practice's own"),
    ],
)
async def test_the_receipt_says_why_details_were_not_taken(story: Story, tag: str, to: list[str], says: str) -> None:
    await story.write(ADA, *to, tag=tag)
    check(story)
    receipt = story.last(Notice.RECEIPT)
    assert says in " ".join(receipt.rendered.text.split())
    assert says in receipt.html.text


async def test_a_resting_invitation_says_how_to_wake_it() -> None:
    for story, verb in ((await locked(), "PATIENT "), (await bounced(), "INVITE")):
        await story.write(CLEO, PAT)
        check(story)
        receipt = story.last(Notice.RECEIPT)
        assert [line for _, line in buttons(receipt)] == [verb, "CANCEL"]
        assert "until Wednesday 1 April 2026" in receipt.html.text


async def test_a_joined_invitation_is_said_to_be_one(story: Story) -> None:
    await story.write(ADA, PAT)
    await story.write(CLEO, PAT)
    assert "An earlier mail waits for them already." in story.mails[-1].html.text
    assert "seven days after the first mail" in " ".join(story.mails[-1].rendered.text.split())
    await story.say("PATIENT 1980-02-03", token=story.mails[0].facts["people"][0]["token"])
    await story.write(CLEO, PAT)
    assert "They have been invited already (patient)" in story.last(Notice.RECEIPT).html.text
    check(story)


# --------------------------------------------------------------------------------------------------------- transcripts


def codes_in_flow() -> set[str]:
    """Every result code that flow/verbs.py can give."""
    tree = ast.parse(Path(verbs.__file__).read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                found |= {s for k, v in pairs if isinstance(k, ast.Constant) and k.value == "code" for s in words(v)}
            case ast.Call(func=ast.Name(id="_result"), args=[_, code, *_]):
                found |= words(code)
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                found |= words(value)
    return found


def words(node: ast.expr) -> set[str]:
    """The strings that an expression may come to: conditions and the keys of look-ups left aside."""
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return words(body) | words(orelse)
        case ast.Call(func=ast.Attribute(value=ast.Dict(values=values)), args=args):
            return {text for value in [*values, *args] for text in words(value)}
        case _:
            return set()


def test_every_code_of_the_flow_is_known_here() -> None:
    assert codes_in_flow() == CODES


async def commands() -> list[Story]:
    """Stories in which every verb meets every state that answers differently."""
    return [
        await talk_about_strangers(),
        await talk_about_invited(),
        await talk_about_ended(),
        await talk_about_locked(),
        await talk_about_doubts(),
    ]


async def talk_about_strangers() -> Story:
    story = Story()
    token = ""
    await story.write(ADA, PAT, OMAR)
    token = story.mails[0].facts["reply_to"][4:].partition("@")[0]
    for line in (
        *("STATUS", "LIST", "DIRECTORY", "PATIENTS", "HELP", "REMIND", "Dear bot, please do it", "YES"),
        *("pat@home.example STATUS", "pat@home.example REMIND", "pat@home.example PATIENT 03/04/1980"),
        *("cleo@riverside.example STATUS", "INVITE cleo@riverside.example STAFF", f"INVITE x@{SITE.domain}", "INVITE"),
        "pat@home.example PATIENT 1980-02-03\nomar@hillside.example COLLEAGUE\nLIST\nPATIENTS\nDIRECTORY",
    ):
        await story.say(line, token=token)
    await story.say("", token=token)
    await story.say("STATUS", token=await story.sender_token())
    return story


async def talk_about_invited() -> Story:
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.write(CLEO, PAT)
    token = story.mails[1].facts["reply_to"][4:].partition("@")[0]
    for line in ("STATUS", "REMIND", "INVITE", "PATIENT 1980-02-04", "PATIENT 1980-02-30", "PATIENT 1980-02-03"):
        await story.say(line, token=token)
    cleo = story.last(Notice.RECEIPT).facts["people"][0]["token"]
    for line in ("PATIENT 1981-04-05", "CANCEL", "CANCEL", "STATUS"):
        await story.say(line, token=cleo, author=CLEO)
    await story.accept()
    for line in ("STATUS", "REMIND", "CANCEL", "INVITE pat@home.example", "INVITE"):
        await story.say(line, token=token)
    return story


async def talk_about_ended() -> Story:
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    token = story.last(Notice.RECEIPT).facts["people"][0]["token"]
    await story.pass_days(31)
    for line in ("STATUS", "REMIND", "INVITE", "CANCEL", "STATUS", "PATIENT 1980-02-03"):
        await story.say(line, token=token)
    return story


async def talk_about_locked() -> Story:
    story = await locked()
    token = story.last(Notice.RECEIPT).facts["people"][0]["token"]
    for line in ("STATUS", "REMIND", "INVITE", "PATIENT 1980-02-03"):
        await story.say(line, token=token)
    for _ in range(2):
        await story.try_birthdate(times=3)
        await story.say("PATIENT 1980-02-03", token=token)
    return story


async def talk_about_doubts() -> Story:
    story = await bounced()
    token = story.last(Notice.RECEIPT).facts["people"][0]["token"]
    await story.say("STAFF", token=token)
    await story.say("YES", token=token)
    await story.say("STATUS", token=token)
    await story.say("pat@home.example CANCEL")
    return story


def answers(stories: list[Story]) -> Iterator[tuple[dict[str, Any], Mail]]:
    for story in stories:
        for mail in check(story):
            yield from ((result, mail) for result in mail.facts.get("results", ()))


async def test_every_result_is_worded() -> None:
    told = list(answers(await commands()))
    assert {result["code"] for result, _ in told} == CODES
    for result, mail in told:
        assert result["line"] in mail.html.text
        assert result["line"] in " ".join(mail.rendered.text.split())


async def test_what_can_be_changed_has_its_button() -> None:
    told = list(answers(await commands()))
    wanted = {
        "invited": {"REMIND", "CANCEL"},
        "reminded": {"CANCEL"},
        "already_invited": {"REMIND", "CANCEL"},
        "used_up": {"CANCEL"},
    }
    alone = [(result["code"], mail) for result, mail in told if len(mail.facts["results"]) == 1]
    for code, mail in alone:
        if code in wanted:
            assert {line for _, line in buttons(mail)} == wanted[code]
            assert f"bot+{mail.facts['results'][0]['person']['token']}@" in buttons(mail)[0][0]
    assert wanted.keys() <= {code for code, _ in alone} | {"invited"}


async def test_those_who_have_not_accepted_carry_a_triangle_and_words(story: Story) -> None:
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.say("INVITE omar@hillside.example COLLEAGUE", token=await story.sender_token())
    mail = await story.say("PATIENTS", token=await story.sender_token())
    assert "▲! not accepted yet: invited" in mail.html.text
    assert "▲! not accepted yet: invited" in mail.rendered.text
    heads = [attrs for tag, attrs in mail.html.tags if tag == "th"]
    assert [attrs["scope"] for attrs in heads] == ["col"] * 5 + ["row"]
    await story.accept()
    mail = await story.say("PATIENTS", token=await story.sender_token())
    assert "not accepted yet" not in mail.html.text + mail.rendered.text


async def test_help_explains_every_verb(story: Story) -> None:
    await story.write(ADA, PAT)
    mail = await story.say("HELP", token=await story.sender_token())
    assert all(re.search(rf"\b{verb}\b", mail.rendered.text) and verb in mail.html.text for verb in Verb)


async def test_yes_answers_the_question_itself(story: Story) -> None:
    await story.write(ADA, PAT)
    mail = await story.say("pat@home.example CANCEL")
    assert mail.kind == (Notice.CONFIRM, Audience.SENDER)
    assert "pat@home.example CANCEL" in mail.rendered.text
    assert buttons(mail) == [(mail.facts["reply_to"], "YES")]


# --------------------------------------------------------------------------------------------------------- invitations


@pytest.mark.parametrize(
    ("tag", "to", "asks"),
    [
        (PATIENT_TAG, PAT, "We ask for your date of birth."),
        ("secure staff", CLEO, "confirm that you work at Riverside Family Practice."),
        ("secure colleague", OMAR, "the name, phone number and address of your practice."),
    ],
)
async def test_an_invitation_says_what_will_be_asked(story: Story, tag: str, to: str, asks: str) -> None:
    await story.write(ADA, to, tag=tag)
    mail = story.last(Notice.INVITATION)
    assert asks in mail.html.text
    assert "until the end of Wednesday 1 April 2026" in mail.html.text
    assert set(mail.html.hrefs) == {f"{SITE.portal_url}/invite/{mail.facts['invite']}"}
    check(story)


async def test_only_the_last_reminder_says_that_it_is_the_last_day(story: Story) -> None:
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.pass_days(30)
    reminders = [mail for mail in check(story) if mail.letter.notice is Notice.REMINDER]
    assert ["is the last day" in mail.html.text for mail in reminders] == [False, False, True]


async def test_who_has_an_account_is_told_to_sign_in(story: Story) -> None:
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.accept()
    facts = story.last(Notice.INVITATION).facts | {"has_account": True}
    rendered = story.templates.mail(Notice.INVITATION, Audience.INVITEE, "en", facts)
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
    story = await accepted()
    mail = story.last(notice)
    facts = hostile(mail.facts, name) | {"to_name": name, "practice": name}
    rendered = story.templates.mail(notice, mail.letter.audience, "en", facts)
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
    story = Story(Templates(SITE, tmp_path))
    await story.write(ADA, PAT)
    (mail,) = check(story)
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


def test_a_day_is_written_out() -> None:
    assert day("2026-12-03") == day(date(2026, 12, 3)) == "Thursday 3 December 2026"


def test_a_mailto_link_types_the_line() -> None:
    assert mailto("bot+ab@s.example", "PATIENT ") == "mailto:bot+ab@s.example?subject=PATIENT&body=PATIENT%20"


def test_plain_text_is_filled_but_links_and_indents_stay() -> None:
    link = "https://secure.riverside.example/" + "x" * 80
    text = reflowed(f"\n\nOne\ntwo {'word ' * 20}\n\n\n\n  {link}\n  next\n")
    assert text.startswith("One two word")
    assert f"\n\n  {link}\n  next\n" in text
    assert "\n\n\n" not in text
