"""What every page owes its readers, as it is laid out: in each of its states and in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser import Browser
from tests.looks.looking import FOCUSED, LARGE_TEXT, OVERFLOW, REACHABLE, WIDTHS, faults, show
from tests.looks.scenes import SCENES, walked
from tests.looks.test_mails import one_of_each
from tests.served_portal import looping

pytestmark = pytest.mark.peer
every_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
FIRST = {scene.path: scene.name for scene in reversed(SCENES)}
"""For each page, the scene in which its layout is looked at everywhere; in the others its state is."""


@pytest.fixture(scope="module")
def loop():
    with looping() as loop:
        yield loop


@pytest.fixture(scope="module")
def page(chromium):
    """One page for all scenes: what is shown in it never comes from a server."""
    with chromium.new_context() as context:
        yield context.new_page()


@pytest.fixture
def complaints(page):
    """What the page's scripts and its console say is wrong."""
    said = []
    kept = {
        "pageerror": lambda error: said.append(str(error)),
        "console": lambda message: said.append(message.text) if _complains(message) else None,
    }
    for event, keep in kept.items():
        page.on(event, keep)
    yield said
    for event, keep in kept.items():
        page.remove_listener(event, keep)


def _complains(message) -> bool:
    refused = message.text.startswith("Failed to load resource: the server responded with a status of")
    return message.type in {"error", "warning"} and not refused  # what the page is about, such as 404


@every_scene
def test_a_page_can_be_read_and_used_by_everybody(page, loop, complaints, scene):
    browser = loop.run(walked(scene))
    show(page, browser, loop)
    assert faults(page, everywhere=FIRST[scene.path] == scene.name) == []
    _is_reached_by_keyboard(page)
    page.evaluate(LARGE_TEXT)
    for width in (640, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(OVERFLOW) <= 0, width
    assert not complaints
    if browser.page.css_first("footer button[lang=de]"):  # an apology has none
        _fits_in_german(page, browser, loop)


def _fits_in_german(page: Page, browser: Browser, loop) -> None:
    """The longest words of our languages on the smallest screen."""
    loop.run(browser.press("Deutsch"))
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    show(page, browser, loop)
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.evaluate(OVERFLOW) <= 0


def _is_reached_by_keyboard(page: Page) -> None:
    """Tab goes through all that can be used, in the document's order, and shows where it is."""
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    wanted, met = page.evaluate(REACHABLE), []
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["number"] in met:
            break
        if focused["number"] in wanted:
            assert focused["seen"], focused["what"]
            met.append(focused["number"])
    assert met == wanted


@pytest.mark.parametrize("scene", [one for one in SCENES if FIRST[one.path] == one.name], ids=lambda scene: scene.name)
def test_a_page_can_be_read_by_everybody_without_scripts(page, loop, scene):
    show(page, loop.run(walked(scene)), loop, scripts=False)
    assert faults(page, everywhere=False) == []


def test_every_mail_can_be_read_by_everybody(chromium, loop):
    mails = loop.run(one_of_each())
    with chromium.new_context() as context:
        page = context.new_page()
        for name, html in mails.items():
            page.set_content(html)
            assert faults(page, everywhere=False) == [], name
