"""A visitor who does what the page says, in a real browser, with the words that stand on the buttons."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.peer
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def demo() -> Iterator[str]:
    """The address of the demo's page."""
    words = [sys.executable, "-m", "gateway", "demo", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield next(found[0] for line in process.stdout if (found := re.search(r"http://localhost:\d+/", line)))
        finally:
            process.send_signal(signal.SIGINT)


@pytest.fixture
def page(chromium, demo) -> Iterator[Page]:
    with chromium.new_context() as context:
        page = context.new_page()
        context.set_default_timeout(10_000)
        page.goto(demo)
        yield page


def hinted(page: Page, number: int) -> str:
    """The words that the hint names in this place."""
    return page.locator(".next b").nth(number).inner_text()


def come_to(page: Page, step: str) -> None:
    expect(page.locator(".steps .done", has_text=step)).to_be_visible(timeout=10_000)


def opened(page: Page, who: str):
    """The newest mail of somebody, opened, as a frame."""
    page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{who}")).click()
    page.locator(".list a:not(.write)").first.click()
    return page.frame_locator("article iframe")


def portal_of(page: Page, press) -> Page:
    with page.context.expect_page() as new:
        press()
    return new.value


def test_the_hints_lead_through_the_story_by_the_words_on_the_buttons(page):
    page.get_by_role("button", name=hinted(page, 0), exact=True).click()
    come_to(page, "held")
    expect(page.locator(".said")).to_have_text("Sent to pat@home.example.")
    assert page.get_by_label("Text").input_value() == ""
    question, asked, send = opened(page, "Dr Ada"), hinted(page, 0), hinted(page, 1)
    question.get_by_role("link", name=asked, exact=True).click()
    body = page.get_by_label("Text")
    expect(body).to_have_value(re.compile("PATIENT "))
    body.fill(body.input_value().replace("PATIENT ", "PATIENT 1980-02-03", 1))
    page.get_by_role("button", name=send, exact=True).click()
    come_to(page, "invited")
    read = hinted(page, 0)
    portal = portal_of(page, opened(page, "Pat").get_by_role("link", name=read, exact=True).click)
    register(portal)
    portal.get_by_role("link", name="Your results").click()
    come_to(page, "read")
    portal.get_by_role("link", name=hinted(page, 0), exact=True).first.click()
    portal.get_by_role("textbox").last.fill("Thank you.")
    portal.get_by_role("button", name="Send", exact=True).click()
    come_to(page, "answered")
    page.get_by_role("navigation").get_by_role("link", name=re.compile("^Dr Ada")).click()
    page.get_by_role("link", name="Write a mail").click()
    page.get_by_label("To").fill("bot@secure.riverside.example")
    page.get_by_label("Text").fill("LIST")
    everybody, practice = hinted(page, 0), hinted(page, 1)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".said")).to_be_visible()
    pages = portal_of(page, opened(page, "Dr Ada").get_by_role("link", name=everybody).click)
    pages.get_by_role("link", name=practice, exact=True).click()
    assert int(re.search(r"Of (\d+) people", pages.locator("main").inner_text())[1]) > 10


def register(portal: Page) -> None:
    """From the invitation to the inbox."""
    portal.wait_for_load_state()
    while "/inbox" not in portal.url:
        for name, value in (
            ("day", "3"),
            ("month", "2"),
            ("year", "1980"),
            ("name", "Pat"),
            ("password", "a teapot full of violets"),
        ):
            field = portal.locator(f"main [name={name}]")
            if field.count():
                field.fill(value)
        with portal.expect_navigation():
            portal.get_by_role("button", name=re.compile("^(Start|Continue|Finish)")).click()


def test_an_opened_mail_is_shown_whole_and_on_a_phone_above_the_list(page):
    page.get_by_role("button", name="Send", exact=True).click()
    come_to(page, "held")
    frame = opened(page, "Dr Ada")
    last = frame.get_by_role("link", name="Answer on a page instead")
    expect(last).to_be_visible()
    shown = page.locator("article iframe")
    inner = frame.locator("html").evaluate("one => one.scrollHeight")
    assert shown.bounding_box()["height"] >= inner
    page.set_viewport_size(PHONE)
    page.reload()
    assert shown.bounding_box()["y"] < page.locator(".list").bounding_box()["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
