"""The registration stories, through forms only, as an outsider would go through them."""

import asyncio
import base64
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from gateway.domain.model import Account, Copy, Delivery, Invitation, Session
from gateway.domain.vocabulary import CopyState, Notice, State
from gateway.flow.accounts import registration
from gateway.flow.invitations import invite
from gateway.portal.invite import registration_state
from tests.browser import PASSWORD, URL
from tests.practice import COLLEAGUE_ELSEWHERE, COLLEAGUE_HERE, PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
BIRTHDATE = {"day": "3", "month": "2", "year": "1980"}
WRONG = {"day": "4", "month": "2", "year": "1980"}


async def finish(browser, name="Pat"):
    await browser.press("Continue", name=name, password=PASSWORD)
    await browser.press("Finish")


@both_stores
async def test_a_patient_registers_with_the_birthdate_and_reads_the_mail(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    assert browser.heading == "Dr Ada has a private message for you"
    assert "Riverside Family Practice" in browser.text
    assert "Wednesday 1 April 2026" in browser.text
    assert "30 days left" in browser.text

    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password=PASSWORD)
    assert "You told us, and it is right." in browser.text
    await browser.press("Finish")

    assert (browser.path, browser.heading) == ("/inbox", "Inbox")
    assert "unread" in browser.text
    await browser.go(browser.page.css_first(".lines a").attributes["href"])
    assert browser.heading == "Your results"
    assert "All is well." in browser.text
    assert (await world.invitation(invitation)).state is State.ACCEPTED
    assert [row.notice for row in await world.rows(Delivery, notice=Notice.ACCEPTED)] == [Notice.ACCEPTED]


@both_stores
async def test_a_colleague_here_confirms_the_organisation(world, browser):
    invitation = await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    await browser.go(world.link(invitation))
    await browser.press("Start")
    assert "Do you work at Riverside Family Practice?" in browser.text
    await browser.press("Continue")
    assert "Choose Yes or No." in browser.text
    await browser.press("Continue", organisation="yes")
    await finish(browser, "Cleo")
    assert browser.heading == "Inbox"


async def test_a_colleague_here_who_works_elsewhere_changes_nothing(world, browser):
    invitation = await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    await browser.go(world.link(invitation))
    await browser.press("Start")
    before = await world.everything()
    await browser.press("Continue", organisation="no")
    assert browser.heading == "You don’t work at Riverside Family Practice"
    assert await world.everything() == before
    await browser.press("Back to the question")
    await browser.press("Continue", organisation="yes")
    assert browser.heading == "Your name and a password"


@both_stores
async def test_a_colleague_elsewhere_gives_the_practice_and_may_change_it(world, browser):
    invitation = await world.invited(COLLEAGUE_ELSEWHERE, to="omar@hillside.example")
    practice = {"practice_name": "Hillside", "practice_phone": "020 7946 0000", "practice_address": "1 High Street"}
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", practice_name="Hillside")
    assert "Type its number." in browser.text
    await browser.press("Continue", **practice)
    await browser.press("Continue", name="Dr Omar", password=PASSWORD)
    await browser.press("Change your practice")
    assert browser.page.css_first("#practice_name").attributes["value"] == "Hillside"
    await browser.press("Continue", practice_name="Hillside Surgery")
    await browser.press("Continue")  # name and password are kept
    await browser.press("Finish")
    assert browser.heading == "Inbox"
    (account,) = await world.rows(Account)
    assert (account.name, account.practice_name, account.practice_address) == (
        "Dr Omar",
        "Hillside Surgery",
        "1 High Street",
    )


@both_stores
async def test_three_wrong_birthdates_lock_and_nothing_is_told(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **WRONG)
    assert "You can try 2 more times." in browser.text
    assert browser.page.css_first("#day").attributes["value"] == "4"
    await browser.press("Continue", **WRONG)
    assert "You can try one more time." in browser.text
    await browser.press("Continue", **WRONG)
    assert browser.heading == "This invitation is closed"
    assert (await world.invitation(invitation)).state is State.LOCKED
    await browser.go(world.link(invitation))
    assert browser.status == 404
    assert {copy.state for copy in await world.rows(Copy)} == {CopyState.HELD}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"day": "30", "month": "2", "year": "1980"}, "There is no such date."),
        ({"day": "3", "month": "2", "year": "80"}, "four digits"),
        ({"day": "3", "month": "2", "year": "2080"}, "in the future"),
        ({"day": "3", "month": "", "year": "1980"}, "Fill in the day, the month and the year."),
        ({"day": "３", "month": "2", "year": "1980"}, "in numbers"),
        ({"day": "1" * 5000, "month": "2", "year": "1980"}, "too long"),
    ],
)
async def test_a_date_that_cannot_be_one_is_no_try(world, browser, typed, said):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **typed)
    assert said in browser.text
    assert (await world.invitation(invitation)).wrong_birthdates == 0


async def test_going_back_keeps_what_was_typed(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Back", **WRONG)
    assert "has a private message for you" in browser.heading
    await browser.press("Start")
    assert browser.page.css_first("#day").attributes["value"] == "4"
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Back", name="Patricia")
    assert browser.page.css_first("#day").attributes["value"] == "3"
    await browser.press("Continue", **BIRTHDATE)
    assert browser.page.css_first("#name").attributes["value"] == "Patricia"


async def test_a_birthdate_that_was_changed_after_it_was_right_is_checked_again(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Back")
    await browser.press("Back", go="password", **WRONG)
    assert browser.heading == "Show that it is you"


@both_stores
async def test_of_many_tries_at_once_three_count(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    form = browser.page.css_first("main form")
    hidden = {one.attributes["name"]: one.attributes["value"] for one in form.css("input[type=hidden]")}
    here = world.link(invitation)
    tries = [browser.client.post(here, data=hidden | WRONG, follow_redirects=False) for _ in range(20)]
    answers = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert (answers.count(303), answers.count(422), answers.count(404)) == (2, 1, 17)
    late = await browser.client.post(world.link(invitation), data=hidden | BIRTHDATE)
    assert late.status_code == 404


async def test_steps_cannot_be_skipped(world):
    invitation = await world.invited(PATIENT)
    for step in ("password", "check"):
        browser = await world.browser().go(world.link(invitation))
        await browser.press("Start", step=step, name="Mallory", password=PASSWORD)
        assert browser.heading == "Show that it is you"
    assert not await world.rows(Account)


async def test_what_was_proved_for_one_link_proves_nothing_for_another(world, browser):
    pats = await world.invited(PATIENT)
    omars = await world.invited(COLLEAGUE_ELSEWHERE, to="omar@hillside.example")
    await browser.go(world.link(omars))
    await browser.press("Start")
    await browser.press("Continue", practice_name="H", practice_phone="1", practice_address="1")
    moved(browser, world, omars, pats)
    await browser.go(world.link(pats))
    await browser.press("Start", step="password", name="Mallory", password=PASSWORD)
    assert browser.heading == "Show that it is you"
    await browser.go(f"{world.link(pats)}?step=password")
    assert browser.heading == "Show that it is you"


async def test_nothing_that_was_typed_can_be_read_in_the_page_or_in_a_cookie(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password=PASSWORD)
    assert PASSWORD not in browser.response.text
    assert "argon2" not in browser.response.text
    assert "1980" not in browser.response.text
    kept = base64.urlsafe_b64decode(state_of(browser, invitation))
    for typed in (b"1980", b"argon2", PASSWORD.encode(), b"proof"):
        assert typed not in kept


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "too short"),
        ("password1", "easy to guess"),
        ("pat@home.example", "easy to guess"),
        ("x" * 257, "too long"),
        ("", "too short"),
    ],
)
async def test_a_weak_password_is_sent_back_with_the_reason(world, browser, password, said):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password=password)
    assert browser.status == 422
    assert said in browser.text
    assert not browser.page.css_first("#password").attributes.get("value")


async def test_details_that_were_corrected_meanwhile_kill_the_link(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password=PASSWORD)
    corrected = await world.invited(COLLEAGUE_ELSEWHERE)
    await browser.press("Finish")
    assert (browser.status, browser.heading) == (404, "This link does not work any more")
    assert not await world.rows(Account)
    await browser.go(world.link(corrected))
    assert "You began already" not in browser.text


async def test_finishing_twice_makes_one_account(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password=PASSWORD)
    last_page = browser.response
    await browser.press("Finish")
    browser.response = last_page
    await browser.press("Finish")
    assert browser.path == "/inbox"
    assert len(await world.rows(Account)) == 1


@both_stores
async def test_a_link_scanner_changes_nothing(world):
    invitation = await world.invited(PATIENT)
    before = await world.everything()
    for _ in range(25):
        scanner = world.browser().client
        await scanner.get(world.link(invitation))
        await scanner.head(world.link(invitation))
    assert await world.everything() == before
    assert before[Invitation][0].state is State.INVITED


@both_stores
async def test_dead_links_are_all_alike(world, browser):
    locked = await world.invited(PATIENT, to="one@home.example")
    cancelled = await world.invited(PATIENT, to="two@home.example")
    replaced = await world.invited(PATIENT, to="three@home.example")
    used = await world.invited(COLLEAGUE_ELSEWHERE, to="four@home.example")
    old_link = world.link(replaced)

    def end(ctx):
        row = ctx.tx.get(Invitation, locked.id)
        ctx.tx.put(replace(row, state=State.LOCKED))
        invite.transition(ctx, ctx.tx.get(Invitation, cancelled.id), invite.Event.CANCEL)
        ctx.tx.put(replace(ctx.tx.get(Invitation, replaced.id), generation=2))
        registration.register(ctx, world.link(used)[8:], registration.Proof(practice_name="H"), "Omar", "x")

    await world.desk.do(end)
    links = [world.link(locked), world.link(cancelled), old_link, world.link(used)]
    made_up = ["/invite/x", "/invite/" + old_link[8:-1] + "a", "/invite/iaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/sender/x"]
    huge = "/invite/ia" + "7" * 12 + "a" + "a" * 26
    answers = [await browser.client.get(link) for link in [*links, *made_up, huge]]
    answers += [await browser.client.post(links[0], data={"step": "verify", **BIRTHDATE})]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({frozenset(answer.headers.items()) for answer in answers}) == 1
    await browser.go(links[0])
    assert "Sign in" in browser.text
    assert "Ask for a new invitation" in browser.text


async def test_somebody_with_an_account_answers_inside_it(world, browser):
    await world.registered()
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    assert "You have an account already" in browser.text
    await browser.go(browser.page.css_first("main a.button").attributes["href"])
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.heading == "A question from Riverside Family Practice"
    await browser.press("Continue", **WRONG)
    assert "You can try 2 more times." in browser.text
    await browser.press("Continue", **BIRTHDATE)
    assert browser.heading == "Inbox"
    assert "Your results" in browser.text


async def test_a_question_that_locks_leaves_the_account_as_it_was(world, browser):
    await world.registered()
    invitation = await world.invited(PATIENT)
    await browser.sign_in()
    assert "Answer the question from Riverside Family Practice" in browser.text
    await browser.go(f"/questions/{invitation.id}")
    for _ in range(3):
        await browser.press("Continue", **WRONG)
    assert browser.heading == "This question is closed"
    await browser.go(f"/questions/{invitation.id}")
    assert browser.status == 404
    await browser.go("/inbox")
    assert browser.status == 200
    assert "question" not in browser.text


async def test_registering_signs_in_once(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await finish(browser)
    assert len(await world.rows(Session)) == 1


# --------------------------------------------------------------------------------------------------- sealed form states


def named(invitation):
    return f"__Host-{registration_state.cookie(invitation.id)}"


def state_of(browser, invitation):
    return browser.client.cookies[named(invitation)]


def give(browser, invitation, state):
    """Put a state into the browser, as its owner can."""
    browser.client.cookies.delete(named(invitation)) if named(invitation) in browser.client.cookies else None
    browser.client.cookies.set(named(invitation), state, domain=urlsplit(URL).hostname, path="/")


def moved(browser, world, one, other):
    """What was registration_state for one invitation, as if it had been for the other."""
    give(browser, other, state_of(browser, one))


def held_in(world, browser, invitation, relationship):
    """What a state holds, for who has the keys."""
    token = world.link(invitation).removeprefix("/invite/")
    return registration_state.unseal(
        world.keys, registration_state.Place(token, relationship), state_of(browser, invitation)
    )


async def test_a_state_sealed_before_a_correction_is_worth_nothing_after_it(world, browser):
    before = await world.invited(COLLEAGUE_ELSEWHERE)
    await browser.go(world.link(before))
    await browser.press("Start", **BIRTHDATE)
    await browser.press("Continue", practice_name="H", practice_phone="1", practice_address="1", **BIRTHDATE)
    await browser.press("Continue", name="Mallory", password=PASSWORD, **BIRTHDATE)
    state = state_of(browser, before)
    after = await world.invited(PATIENT)
    for link in (world.link(before), world.link(after)):
        await browser.go(world.link(after))
        csrf = browser.page.css_first("input[name=csrf_token]").attributes["value"]
        for step in ("check", "password", "verify", "welcome", "stranger", "nothing"):
            give(browser, after, state)
            answer = await browser.client.post(link, data={"step": step, "csrf_token": csrf})
            assert "Is this right?" not in answer.text
            give(browser, after, state)
            assert "Is this right?" not in (await browser.client.get(f"{link}?step={step}")).text
    assert not await world.rows(Account)
    assert (await world.invitation(after)).wrong_birthdates == 0


async def test_a_state_that_was_altered_is_worth_nothing(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    assert browser.heading == "Your name and a password"
    right = state_of(browser, invitation)
    for state in (right[:-8] + "AAAAAAA=", right[4:], "x", "%e9", ""):
        stranger = world.browser()
        give(stranger, invitation, state)
        await stranger.go(f"{world.link(invitation)}?step=password")
        assert stranger.heading == "Show that it is you"


async def test_a_state_that_is_right_leads_no_further_than_its_step(world, browser):
    """Who has shown who they are has still no account without a name and a password."""
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", step="check", name="Mallory", password=PASSWORD)
    assert browser.heading == "Your name and a password"
    await browser.go(f"{world.link(invitation)}?step=check")
    assert browser.heading == "Your name and a password"
    assert not await world.rows(Account)


@pytest.mark.parametrize(
    ("details", "to", "proof", "asked"),
    [
        (PATIENT, "pat@home.example", BIRTHDATE, {"day", "month", "year"}),
        (COLLEAGUE_HERE, "cleo@riverside.example", {"organisation": "yes"}, {"organisation"}),
        (
            COLLEAGUE_ELSEWHERE,
            "omar@hillside.example",
            {"practice_name": "H", "practice_phone": "1", "practice_address": "1"},
            {"practice_name", "practice_phone", "practice_address"},
        ),
    ],
)
async def test_a_state_holds_nothing_that_was_not_asked(world, browser, details, to, proof, asked):
    everything = BIRTHDATE | {
        "organisation": "yes",
        "practice_name": "H",
        "practice_phone": "1",
        "practice_address": "1",
    }
    invitation = await world.invited(details, to=to)
    await browser.go(world.link(invitation))
    await browser.press("Start", **everything, name="Mallory")
    early = held_in(world, browser, invitation, details.relationship)
    assert (early.proof, early.name) == ({}, "")
    await browser.press("Back", **(everything | proof), name="Mallory")
    back = held_in(world, browser, invitation, details.relationship)
    assert (set(back.proof), back.name, back.verified) == (asked, "", False)
    await browser.press("Start")
    await browser.press("Continue", **(everything | proof), name="Mallory")
    proved = held_in(world, browser, invitation, details.relationship)
    assert (set(proved.proof), proved.name, proved.verified) == (asked, "", True)


async def test_the_date_that_was_found_right_is_the_one_that_is_kept(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    hidden = {one.attributes["name"]: one.attributes["value"] for one in browser.page.css("main input[type=hidden]")}
    twice = {name: [value, "9"] for name, value in BIRTHDATE.items()}
    answer = await browser.client.post(world.link(invitation), data=hidden | twice)
    browser.response = answer
    proved = held_in(world, browser, invitation, PATIENT.relationship)
    assert proved.proof == BIRTHDATE


async def test_one_state_a_guess_sealed_beforehand_tries_nothing(world):
    """The link's holder goes as far as they can under one relationship, again and again, and waits for another."""
    before = await world.invited(COLLEAGUE_ELSEWHERE)
    last_pages = []
    for day in range(1, 6):
        browser = await world.browser().go(world.link(before))
        guess = BIRTHDATE | {"day": str(day)}
        await browser.press("Start", **guess)
        await browser.press("Continue", practice_name="H", practice_phone="1", practice_address="1", **guess)
        await browser.press("Continue", name="Mallory", password=PASSWORD, **guess)
        last_pages.append((browser, browser.response))
    after = await world.invited(PATIENT)
    for browser, last_page in last_pages:
        browser.response = last_page
        await browser.press("Finish")
        assert browser.status == 404
        browser.response = last_page
        await browser.press("Finish", go="verify")
        assert browser.status == 404
    assert not await world.rows(Account)
    assert (await world.invitation(after)).wrong_birthdates == 0


# ------------------------------------------------------------------------------------------------- back and again


async def test_each_step_leads_to_a_page_that_can_be_asked_for_again(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    steps = (
        ("Start", {}, "Show that it is you"),
        ("Continue", WRONG, "Show that it is you"),
        ("Continue", BIRTHDATE, "Your name and a password"),
        ("Continue", {"name": "Pat", "password": PASSWORD}, "Is this right?"),
    )
    for button, typed, heading in steps:
        await browser.press(button, **typed)
        assert browser.heading == heading
        [turned] = browser.response.history
        assert turned.status_code == 303
        before = await world.everything()
        for _ in range(5):
            await browser.go(str(browser.response.url))
            assert browser.heading == heading
        assert await world.everything() == before
    assert (await world.invitation(invitation)).wrong_birthdates == 1


async def test_a_step_that_is_not_reached_yet_leads_to_the_one_that_is(world, browser):
    invitation = await world.invited(PATIENT)
    for step in ("password", "check", "stranger", "x"):
        await browser.go(f"{world.link(invitation)}?step={step}")
        assert browser.heading in ("Show that it is you", "Dr Ada has a private message for you")


async def test_a_used_link_leads_its_owner_on_and_is_dead_to_others(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await finish(browser)
    for step in ("", "?step=check", "?step=verify"):
        await browser.go(world.link(invitation) + step)
        assert (browser.path, browser.status) == ("/inbox", 200)
    await browser.press("Sign out")
    await browser.go(world.link(invitation))
    assert (browser.path, browser.status) == ("/sign-in", 200)
    stranger = await world.browser().go(world.link(invitation))
    assert stranger.status == 404
    await world.registered("uma@home.example", "Uma")
    uma = await world.browser().sign_in("uma@home.example")
    await uma.go(world.link(invitation))
    assert uma.status == 404


async def test_finishing_twice_signs_in_though_the_first_answer_is_lost(world, browser):
    """As a double click has it: the browser waits for the second answer alone."""
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password=PASSWORD)
    last_page, cookies = browser.response, dict(browser.client.cookies)
    await browser.press("Finish")
    browser.forget()
    browser.client.cookies.update({name: value for name, value in cookies.items() if "session" not in name})
    browser.response = last_page
    await browser.press("Finish")
    assert (browser.path, browser.status) == ("/inbox", 200)
    assert len(await world.rows(Account)) == 1


async def test_two_invitations_at_once_lose_nothing_of_each_other(world, browser):
    practice = {"practice_name": "Hillside", "practice_phone": "020 7946 0000", "practice_address": "1 High Street"}
    one = await world.invited(PATIENT)
    other = await world.invited(COLLEAGUE_ELSEWHERE, to="omar@hillside.example")
    pages = {}
    for invitation, proof in ((one, BIRTHDATE), (other, practice)):
        await browser.go(world.link(invitation))
        await browser.press("Start")
        await browser.press("Continue", **proof)
        pages[invitation.id] = browser.response
    for invitation, asked in ((one, "day"), (other, "practice_name")):
        await browser.go(f"{world.link(invitation)}?step=password")
        assert browser.heading == "Your name and a password"
        await browser.press("Back")
        assert browser.page.css_first(f"#{asked}").attributes["value"]
    browser.response = pages[one.id]
    await finish(browser)
    assert browser.heading == "Inbox"


async def test_long_details_in_any_script_are_kept(world, browser):
    details = {"practice_name": 200, "practice_phone": 50, "practice_address": 500}
    typed = {name: "".join(chr(0x4E00 + 7919 * at % 20000) for at in range(most)) for name, most in details.items()}
    invitation = await world.invited(COLLEAGUE_ELSEWHERE)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **typed)
    await finish(browser, typed["practice_name"][:100])
    assert browser.heading == "Inbox"


async def test_a_name_that_came_too_late_is_there_when_it_is_asked_again(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    browser.client.cookies.delete(named(invitation))  # an hour goes by
    await browser.press("Continue", name="Patricia", password=PASSWORD)
    assert browser.heading == "Show that it is you"
    await browser.press("Continue", **BIRTHDATE)
    assert browser.page.css_first("#name").attributes["value"] == "Patricia"


# ------------------------------------------------------------------------------------------- a question in the account


async def test_a_wrong_answer_that_is_loaded_again_is_one_try(world, browser):
    await world.registered()
    invitation = await world.invited(PATIENT)
    await browser.sign_in()
    await browser.go(f"/questions/{invitation.id}")
    await browser.press("Continue", **WRONG)
    assert [answer.status_code for answer in browser.response.history] == [303]
    for _ in range(3):
        assert "You can try 2 more times." in browser.text
        assert browser.page.css_first("#day").attributes["value"] == "4"
        await browser.go(str(browser.response.url))
    assert (await world.invitation(invitation)).wrong_birthdates == 1


async def test_who_says_that_they_work_elsewhere_can_load_that_again(world, browser):
    await world.registered("cleo@riverside.example", "Cleo")
    invitation = await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example")
    await browser.sign_in("cleo@riverside.example")
    await browser.go(f"/questions/{invitation.id}")
    await browser.press("Continue", organisation="no")
    assert [answer.status_code for answer in browser.response.history] == [303]
    await browser.go(str(browser.response.url))
    assert browser.heading == "You don’t work at Riverside Family Practice"


async def test_what_one_account_has_typed_is_not_shown_to_another(world, browser):
    """Two people of one browser."""
    await world.registered()
    await world.registered("uma@home.example", "Uma")
    pats, umas = await world.invited(PATIENT), await world.invited(PATIENT, to="uma@home.example")
    await browser.sign_in()
    await browser.go(f"/questions/{pats.id}")
    await browser.press("Continue", **WRONG)
    uma = await world.browser().sign_in("uma@home.example")
    give(uma, umas, state_of(browser, pats))
    await uma.go(f"/questions/{umas.id}")
    assert not uma.page.css_first("#day").attributes["value"]
