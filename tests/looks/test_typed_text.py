"""The ways in which typed text used to be lost, in a real browser: each time the words are there again."""

from contextlib import contextmanager

import pytest

from gateway.domain.model import Account, Message
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.domain.vocabulary import CopyState
from gateway.flow import copies
from tests.browser import PASSWORD
from tests.peers.process import wait_for
from tests.practice import COLLEAGUE_ELSEWHERE, PATIENT
from tests.served_portal import served_portal

pytestmark = pytest.mark.peer

TWICE = """() => {
  const button = [...document.querySelectorAll("form[data-drafts] button")].find((one) => !one.hidden && !one.name)
  button.click()
  button.click()
}"""
WORDS = "Since Monday I have had a pain in my chest when I climb the stairs."


class Reader:
    """A registered person in a browser, with a message to answer."""

    def __init__(self, portal, context):
        self.portal, self.context = portal, context
        self.copy = portal.run(portal.world.written(portal.run(portal.world.registered())))
        self.answer = f"{portal.url}/messages/{self.copy.id}/reply"
        self.page = context.new_page()
        self.page.set_default_timeout(8_000)
        self.page.clock.install()
        self.page.goto(f"{portal.url}/sign-in")
        self.sign_in()
        self.page.goto(f"{portal.url}/messages/{self.copy.id}")

    def sign_in(self, email="pat@home.example", page=None):
        page = page or self.page
        page.locator("[name=email]").fill(email)
        page.locator("[name=password]").fill(PASSWORD)
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in", exact=True).click()

    def type_in(self, words=WORDS, page=None):
        page = page or self.page
        page.goto(self.answer)
        page.locator("[name=body]").fill(words)

    def saved(self, page=None):
        """Let the script save what was typed."""
        page = page or self.page
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.clock.run_for(5_000)
        page.wait_for_function("document.querySelector('[data-saved]').textContent")

    def choose(self, *sizes):
        files = [
            {"name": f"{size}.bin", "mimeType": "application/octet-stream", "buffer": b"x" * size} for size in sizes
        ]
        self.page.locator("input[type=file]").set_input_files(files)

    def press(self, name, page=None):
        with (page or self.page).expect_navigation():
            (page or self.page).get_by_role("button", name=name, exact=True).click()

    def body(self, page=None):
        return (page or self.page).locator("[name=body]").input_value()

    def rows(self, table):
        return self.portal.run(self.portal.world.rows(table))

    @property
    def sent(self):
        return [one for one in self.rows(Message) if one.account_id]


@contextmanager
def reading(chromium, **options):
    with served_portal(**options.pop("world", {})) as portal, chromium.new_context(**options) as context:
        yield Reader(portal, context)


def test_after_half_an_hour_without_a_click(chromium):
    with reading(chromium) as reader:
        reader.type_in()
        reader.saved()
        reader.portal.world.clock.advance(minutes=31)
        with reader.page.expect_navigation(url="**/sign-in**"):
            reader.page.clock.fast_forward("31:00")
        reader.sign_in()
        assert reader.page.url.startswith(reader.answer)
        assert reader.body() == WORDS


def test_two_minutes_before_it_the_page_asks_and_typing_counts_as_life(chromium):
    with reading(chromium) as reader:
        reader.type_in()
        reader.page.clock.fast_forward("28:30")
        assert reader.page.locator("#idle").is_visible()
        with reader.page.expect_response("**/stay"):
            reader.page.locator("[name=body]").evaluate("one => one.dispatchEvent(new Event('input', {bubbles: true}))")
        reader.page.wait_for_function("!document.getElementById('idle').open")
        reader.page.clock.fast_forward("10:00")
        assert "/sign-in" not in reader.page.url


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_form_that_is_sent_after_the_session_has_ended(chromium, scripts):
    with reading(chromium, java_script_enabled=scripts) as reader:
        reader.type_in()
        reader.portal.world.clock.advance(minutes=31)
        reader.press("Send")
        assert "/sign-in" in reader.page.url
        reader.sign_in()
        assert reader.body() == WORDS
        reader.press("Send")
        assert len(reader.sent) == 1
        assert reader.rows(Draft) == []


def test_what_saves_itself_after_signing_out_in_another_window(chromium):
    with reading(chromium) as reader:
        reader.type_in("")
        other = reader.context.new_page()
        other.goto(f"{reader.portal.url}/inbox")
        reader.press("Sign out", other)
        reader.page.locator("[name=body]").fill(WORDS)
        with reader.page.expect_navigation(url="**/sign-in**"):
            reader.page.clock.run_for(5_000)
        reader.sign_in()
        assert reader.body() == WORDS
        assert len(reader.rows(Draft)) == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_small_form_that_is_sent_after_the_session_has_ended(chromium, scripts):
    with reading(chromium, java_script_enabled=scripts) as reader:
        page = reader.page
        page.goto(f"{reader.portal.url}/profile/name")
        page.locator("[name=name]").fill("Patricia")
        reader.portal.world.clock.advance(minutes=31)
        reader.press("Save")
        assert "/sign-in" in page.url
        reader.sign_in()
        assert "Patricia" in page.locator("main").inner_text()
        assert [one.name for one in reader.rows(Account)] == ["Pat"]
        reader.press("Continue")
        page.reload()
        assert [one.name for one in reader.rows(Account)] == ["Patricia"]


def test_a_page_of_somebody_who_has_signed_out_since(chromium):
    with reading(chromium) as reader:
        reader.portal.run(reader.portal.world.registered("uma@home.example", "Uma"))
        reader.type_in()
        other = reader.context.new_page()
        other.goto(f"{reader.portal.url}/inbox")
        reader.press("Sign out", other)
        reader.sign_in("uma@home.example", other)
        reader.press("Send")
        assert "open for somebody else" in reader.page.locator("main").inner_text()
        assert reader.sent == []
        reader.press("Sign out")
        reader.sign_in()
        reader.page.goto(reader.answer)
        assert reader.body() == WORDS


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_answer_to_what_is_taken_back_meanwhile(chromium, scripts):
    with reading(chromium, java_script_enabled=scripts) as reader:
        reader.type_in()
        world = reader.portal.world
        reader.portal.run(world.written(reader.rows(Account)[0]))
        reader.portal.run(world.desk.do(copies.destroy, reader.copy, CopyState.RECALLED))
        reader.press("Send")
        assert "not kept any more" in reader.page.locator("main").inner_text()
        assert reader.body() == WORDS
        reader.page.locator("[name=to]").first.check()
        reader.press("Send")
        assert len(reader.sent) == 1


def test_a_file_waits_from_when_it_is_chosen_and_goes_with_the_message(chromium):
    with reading(chromium) as reader:
        reader.type_in()
        reader.choose(3_000)
        reader.page.locator("ul.files bdi", has_text="3000.bin").wait_for()
        reader.portal.world.clock.advance(minutes=31)
        with reader.page.expect_navigation(url="**/sign-in**"):
            reader.page.clock.fast_forward("31:00")
        reader.sign_in()
        assert reader.body() == WORDS
        assert reader.page.locator("ul.files bdi", has_text="3000.bin").is_visible()
        with reader.page.expect_navigation():
            reader.page.locator("[name=subject]").press("Enter")  # which takes no file out
        assert reader.sent[0].has_files
        assert reader.rows(DraftFile) == []


def test_send_waits_for_a_file_that_is_on_its_way_and_sends_once(chromium):
    with reading(chromium) as reader:
        reader.type_in()
        held = []

        def hold_back(route):
            held.append(route) if route.request.resource_type == "xhr" else route.continue_()

        reader.page.route("**/reply", hold_back)
        with reader.page.expect_request("**/reply"):
            reader.choose(60_000)
        reader.page.evaluate(TWICE)
        held[0].continue_()
        reader.page.get_by_text("Your answer is on its way").wait_for()
        assert [one.has_files for one in reader.sent] == [True]
        assert reader.rows(Draft) == []


def test_files_that_are_too_large_are_not_sent_and_the_words_stay(chromium):
    with reading(chromium, world={}) as reader:
        reader.type_in()
        reader.choose(40_000, 50_000)
        reader.page.get_by_role("button", name="Send", exact=True).click()
        assert reader.page.locator("[data-too-large]").is_visible()
        assert reader.body() == WORDS
        assert reader.sent == []
        reader.page.locator("input[type=file]").set_input_files([])
        assert reader.page.locator("[data-too-large]").is_hidden()
        reader.press("Send")
        assert len(reader.sent) == 1


def test_files_that_are_too_large_without_scripts(chromium):
    with reading(chromium, java_script_enabled=False) as reader:
        reader.type_in()
        reader.choose(150_000)
        reader.press("Send")
        assert reader.body() == WORDS
        assert "too large together" in reader.page.locator("main").inner_text()


def test_a_second_tab(chromium):
    with reading(chromium) as reader:
        reader.type_in()
        reader.saved()
        draft = reader.page.url
        second = reader.context.new_page()
        second.clock.install()
        second.goto(draft)
        assert reader.body(second) == WORDS
        second.locator("[name=body]").fill("Words of the second tab")
        reader.saved(second)
        reader.page.locator("[name=body]").fill("Words of the first tab")
        reader.saved()
        assert "another window" in reader.page.locator("[data-saved]").inner_text()
        found = set()
        for draft in reader.rows(Draft):
            reader.page.goto(f"{reader.answer}?draft={draft.id}")
            found.add(reader.body())
        assert found == {"Words of the first tab", "Words of the second tab"}


@pytest.mark.parametrize("in_time", [True, False], ids=["saved before", "at once"])
def test_back_and_forward(chromium, in_time):
    with reading(chromium) as reader:
        reader.type_in()
        if in_time:
            reader.saved()
        with reader.page.expect_response(lambda answer: not in_time or "/messages/" in answer.url):
            reader.page.go_back()
        reader.page.wait_for_load_state()
        wait_for(lambda: reader.rows(Draft))  # what a page sends as it goes is on its way for a moment
        reader.page.goto(reader.answer)
        assert reader.body() == WORDS


def test_send_is_pressed_once_though_the_page_is_loaded_again(chromium):
    with reading(chromium) as reader:
        reader.type_in()
        reader.press("Send")
        for _ in range(3):
            reader.page.reload()
        reader.page.go_back()
        reader.page.wait_for_load_state()
        assert len(reader.sent) == 1


def test_a_new_message_is_found_again_by_back(chromium):
    with reading(chromium) as reader:
        reader.page.goto(f"{reader.portal.url}/compose")
        reader.page.locator("[name=body]").fill(WORDS)
        reader.saved()
        reader.page.goto(f"{reader.portal.url}/inbox")
        reader.page.go_back()
        reader.page.wait_for_load_state()
        assert reader.body() == WORDS


def test_registering_goes_back_and_on_and_repeats_nothing(chromium):
    with served_portal() as portal, chromium.new_context() as context:
        invitation = portal.run(portal.world.invited(PATIENT))
        page = context.new_page()
        page.goto(portal.url + portal.world.link(invitation))

        def press(button, /, **typed):
            for field, value in typed.items():
                page.locator(f"[name={field}]").fill(value)
            with page.expect_navigation():
                page.get_by_role("button", name=button).first.click()

        press("Start")
        press("Continue", day="4", month="2", year="1980")
        for _ in range(3):
            page.reload()
        press("Continue", day="3", month="2", year="1980")
        page.reload()
        press("Continue", name="Pat Longworth", password=PASSWORD)
        page.go_back()
        page.wait_for_load_state()
        assert page.locator("[name=name]").input_value() == "Pat Longworth"
        page.go_forward()
        page.wait_for_load_state()
        press("Finish")
        page.go_back()
        page.wait_for_load_state()
        assert page.url.endswith("/inbox")
        page.goto(portal.url + portal.world.link(invitation))
        assert page.url.endswith("/inbox")
        assert portal.run(portal.world.invitation(invitation)).wrong_birthdates == 1


def test_two_registrations_in_two_tabs_do_not_mix(chromium):
    with served_portal() as portal, chromium.new_context() as context:
        patient = portal.run(portal.world.invited(PATIENT))
        colleague = portal.run(portal.world.invited(COLLEAGUE_ELSEWHERE, to="omar@hillside.example"))
        tabs = [(context.new_page(), one) for one in (patient, colleague)]

        def press(page, button, /, **typed):
            for field, value in typed.items():
                page.locator(f"[name={field}]").fill(value)
            with page.expect_navigation():
                page.get_by_role("button", name=button).first.click()

        for page, invitation in tabs:
            page.goto(portal.url + portal.world.link(invitation))
            press(page, "Start")
        press(tabs[0][0], "Continue", day="3", month="2", year="1980")
        press(tabs[1][0], "Continue", practice_name="Hillside", practice_phone="1", practice_address="High Street")
        for page, _ in tabs:
            page.reload()
            press(page, "Continue", name="A name", password=PASSWORD)
            assert page.locator("h1").inner_text() == "Is this right?"


def test_a_wrong_answer_to_a_question_that_is_loaded_again(chromium):
    with reading(chromium) as reader:
        page, world = reader.page, reader.portal.world
        invitation = reader.portal.run(world.invited(PATIENT))
        page.goto(f"{reader.portal.url}/questions/{invitation.id}")
        for field, value in {"day": "4", "month": "2", "year": "1980"}.items():
            page.locator(f"[name={field}]").fill(value)
        reader.press("Continue")
        for _ in range(3):
            page.reload()
            assert "You can try 2 more times" in page.locator("main").inner_text()
            assert page.locator("[name=day]").input_value() == "4"
        assert reader.portal.run(world.invitation(invitation)).wrong_birthdates == 1
