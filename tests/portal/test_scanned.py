"""Scanners of mail follow each link and press each button that they meet: nothing changes, and nothing counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.acts import Act
from gateway.domain.address import address
from gateway.domain.model import TABLES, Audit, Delivery, Fingerprint, Invitation
from gateway.domain.model_records import TryWindow
from gateway.domain.vocabulary import Notice, Purpose
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import attempts, new_address
from gateway.flow.counting import _turn
from gateway.testing import DAWN
from tests.browser import URL
from tests.edge.stories import bounced, lives
from tests.edge.test_render import WRITTEN
from tests.portal.scanning import Scanner
from tests.practice import ADA, OMAR, PAT, PATIENT_TAG, SITE, TEMPLATES, World

MANAGED = replace(SITE, practices=tuple(replace(one, managers=("ada@riverside.example",)) for one in SITE.practices))


def a_world():
    """Ada is a manager."""
    return World(TEMPLATES, MANAGED)


def links(world):
    """The web links of all mails of a story, each once."""
    hrefs = [href for mail in world.mails for href in mail.html.hrefs]
    return [href for href in dict.fromkeys(hrefs) if href.startswith(URL)]


async def in_the_middle():
    """Nothing is over: every kind of invitation waits, with all that can be done about it."""
    world = a_world()
    await world.write(ADA, PAT)
    await world.write(ADA, "Uma <uma@home.example>", tag=PATIENT_TAG)
    await world.write(ADA, OMAR, tag="secure colleague")
    await world.write(ADA, "Cleo <cleo@riverside.example>", tag="secure clinician")
    await world.say("LIST", token=await world.sender_token())
    return world


async def tried_twice():
    world = a_world()
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.try_birthdate(times=2)
    return world


async def a_reader():
    """Somebody has registered and has a message; their sender can take it back."""
    world = a_world()
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept()
    await world.write(ADA, PAT)
    await world.say("PATIENTS", token=await world.sender_token())
    return world


async def moving():
    """Pat has forgotten her password, and her account is about to move to another address."""
    world = a_world()
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    account = await world.accept()
    await world.desk.do(accounts.ask_reset, account.address)
    await world.desk.do(new_address.ask, account, address("patricia@home.example"))
    await world.collect()
    return world


async def expired():
    world = a_world()
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.days(31)
    await world.collect()
    return world


async def links_too_old():
    world = await in_the_middle()
    world.clock.advance(days=9)
    return world


def apart_from_the_audit(rows):
    """Whoever looks at an answer, or tries a password, is in the audit, were it a scanner: what may be so is said. That
    a password was tried counts for a quarter of an hour.
    """
    told = [one for one in rows[Audit] if one.action not in (Act.VIEWED_ANSWER, Act.SIGN_IN_FAILED)]
    what = (Act.SIGN_IN_FAILED, f"{Act.SIGN_IN_FAILED}|192.0.2.77")
    days = [(DAWN + timedelta(days=number)).date() for number in range(100)]
    turns = range(attempts.MOST_OF_PLACE)
    counted = {_turn(f"{one}|{day}", turn) for one in what for day in days for turn in turns}
    return rows | {
        Audit: told,
        TryWindow: [],
        Fingerprint: [one for one in rows[Fingerprint] if one.fingerprint not in counted],
    }


STORIES = [in_the_middle, tried_twice, a_reader, moving, expired, bounced, links_too_old]


@pytest.mark.parametrize("fill", ["", "x", "1"])
@pytest.mark.parametrize("begin", STORIES, ids=lambda one: one.__name__)
async def test_a_scanner_changes_nothing(begin, fill):
    world = await begin()
    before, scanner = await world.everything(), Scanner(world.app, URL, fill)
    for link in links(world):
        await scanner.follow(link)
    assert scanner.pressed
    before, after = apart_from_the_audit(before), apart_from_the_audit(await world.everything())
    for table in TABLES:
        assert after[table] == before[table], (table, scanner.pressed)


async def test_a_scanner_changes_nothing_by_any_mail_that_there_is():
    told = set()
    for world in await lives():
        before, scanner = await world.everything(), Scanner(world.app, URL)
        for link in links(world):
            await scanner.follow(link)
        told |= {(mail.notice, mail.audience) for mail in world.mails}
        assert apart_from_the_audit(await world.everything()) == apart_from_the_audit(before), scanner.pressed
    assert told == WRITTEN


async def test_the_scanner_meets_every_form_that_a_mail_leads_to():
    """It would be no test if it did not get that far."""
    pressed = set()
    for world in [*[await begin() for begin in STORIES], *await lives()]:
        scanner = Scanner(world.app, URL)
        for link in links(world):
            await scanner.follow(link)
        pressed |= {(f"/{path.split('/')[1]}", words) for path, words, _ in scanner.pressed}

    def met(path, words):
        return any(path == there and said.startswith(words) for there, said in pressed)

    for path, words in [
        *[("/invite", words) for words in ("Start", "Continue", "Back")],
        *[("/sender", words) for words in ("Remind", "Cancel my message", "Invite", "Save", "Invite again")],
        *[("/sender", words) for words in ("Move my message", "Take back", "Continue", "Download everybody")],
        *[("/address", "Continue"), ("/reset", "Send me the link"), ("/reset", "Save"), ("/sign-in", "Sign in")],
    ]:
        assert met(path, words), (path, words, sorted(pressed))


async def test_what_a_scanner_must_not_reach_is_there_for_who_chooses():
    """The same form with a choice made does what it says."""
    world = await in_the_middle()
    app = world.app
    page = next(link for link in links(world) if "/sender/" in link)

    class Chooses(Scanner):
        async def _press(self, client, here, form, button):
            yes = form.css_first("input[name=sure][value=yes]")
            if yes is not None:
                yes.attrs["checked"] = "checked"
            return await super()._press(client, here, form, button)

    before = await world.everything()
    await Chooses(app, URL).follow(page)
    assert await world.everything() != before
    assert await world.store.read(lambda tx: tx.find(Delivery, notice=Notice.CANCELLED))


async def test_nor_does_it_by_asking_for_a_new_link_where_one_could_be_sent():
    """Of each invitation, whatever has become of it."""
    for world in await lives():
        before, scanner = await world.everything(), Scanner(world.app, URL)
        for one in before[Invitation]:
            token = world.keys.token(Purpose.INVITE, one.id, one.generation)
            await scanner.follow(f"{URL}/invite/{token}?again")
        assert apart_from_the_audit(await world.everything()) == apart_from_the_audit(before), scanner.pressed
