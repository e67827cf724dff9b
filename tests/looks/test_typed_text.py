"""The ways in which typed text used to be lost, in a real browser: each time the words are there again."""

from contextlib import contextmanager

import pytest

from gateway.domain.model import Message
from gateway.domain.model_drafts import Draft
from tests.browser import PASSWORD
from tests.practice import PATIENT
from tests.served_portal import served_portal

pytestmark = pytest.mark.peer

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

    def sign_in(self):
        self.page.locator("[name=email]").fill("pat@home.example")
        self.page.locator("[name=password]").fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Sign in", exact=True).click()

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


def test_files_that_are_too_large_are_not_sent_and_the_words_stay(chromium):
    with reading(chromium, world={}) as reader:
        reader.type_in()
        file = {"name": "scan.bin", "mimeType": "application/octet-stream", "buffer": b"x" * 90_000}
        reader.page.locator("input[type=file]").set_input_files(file)
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
        file = {"name": "scan.bin", "mimeType": "application/octet-stream", "buffer": b"x" * 150_000}
        reader.page.locator("input[type=file]").set_input_files(file)
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
        assert portal.run(portal.world.invitation(invitation)).strikes == 1
