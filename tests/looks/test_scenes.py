"""What every page owes its readers, in each of its states and in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Request

from gateway.portal.app import PAGES
from tests.looks.looking import FOCUSED, LARGE_TEXT, OVERFLOW, REACHABLE, WIDTHS, is_good_to_everybody
from tests.looks.scenes import SCENES, Scene
from tests.looks.stage import staged
from tests.looks.test_mails import one_of_each

every_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
MOST_BYTES, MOST_REQUESTS = 60_000, 2
NOT_PAGES = {"/healthz", "/readyz", "/static/{name}", "/messages/{copy_id:int}/original"} | {
    "/messages/{copy_id:int}/attachments/{index:int}"
}


class Watched:
    """A page with all that went over the wire for the last document, and all that the console said."""

    def __init__(self, page: Page) -> None:
        self.page, self.requests, self.complaints, self.status = page, [], [], 0
        page.on("request", self._asked)
        page.on("requestfinished", self._weighed)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        self.bytes = 0

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request() and request.redirected_from is None and request.frame.parent_frame is None:
            self.requests, self.bytes = [], 0
        if request.url.startswith("http") and request.frame.parent_frame is None:
            self.requests.append(request)

    def _weighed(self, request: Request) -> None:
        if request in self.requests:
            self.bytes += request.sizes()["responseBodySize"]
            if request.is_navigation_request():
                self.status = request.response().status

    def _said(self, message) -> None:
        refused = message.text.startswith("Failed to load resource: the server responded with a status of")
        if message.type in {"error", "warning"} and not refused:  # what the page is about, such as 404
            self.complaints.append(message.text)


@contextmanager
def looked_at(browser: Browser, scene: Scene, **options: object) -> Iterator[Watched]:
    with staged() as stage, browser.new_context(**options) as context:
        watched = Watched(context.new_page())
        scene.prepare(stage, watched.page)
        watched.page.wait_for_load_state("networkidle")
        yield watched


def test_every_page_has_a_scene():
    shown = {page.path for page in PAGES if "GET" in page.methods} - NOT_PAGES
    assert shown <= {scene.path for scene in SCENES}


def test_no_two_scenes_have_one_name():
    assert len({scene.name for scene in SCENES}) == len(SCENES)


@pytest.mark.peer
@every_scene
def test_a_page_can_be_read_and_used_by_everybody(browser, scene):
    with looked_at(browser, scene) as watched:
        page = watched.page
        assert watched.status == scene.status
        assert watched.bytes < MOST_BYTES
        assert len([one for one in watched.requests if one.redirected_to is None]) <= MOST_REQUESTS
        is_good_to_everybody(page)
        _is_reached_by_keyboard(page)
        page.evaluate(LARGE_TEXT)
        for width in (640, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(OVERFLOW) <= 0, width
        _fits_in_german(page)
        assert not watched.complaints


def _fits_in_german(page: Page) -> None:
    """The longest words of our languages on the smallest screen, one click away from each page."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    german = page.locator("footer button[lang=de]")
    if not german.count():  # an apology
        return
    german.click()
    page.wait_for_load_state("load")
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


@pytest.mark.peer
@every_scene
def test_a_page_works_without_scripts(browser, scene):
    """The same forms bring the same state: each scene is walked again, with JavaScript off."""
    with looked_at(browser, scene, java_script_enabled=False) as watched, browser.new_context() as context:
        assert watched.status == scene.status
        assert watched.page.locator("h1").count() >= 1  # a message may have its own
        is_good_to_everybody(_as_it_stands(watched.page, context.new_page()), ["light"])


def _as_it_stands(page: Page, other: Page) -> Page:
    """What a page shows with scripts off, in another one where axe can run; the document's own scripts are left out."""
    page.evaluate("document.querySelectorAll('script').forEach(one => one.remove())")
    document = page.content()
    other.route(page.url, lambda route: route.fulfill(body=document, content_type="text/html"))
    other.goto(page.url)
    return other


@pytest.mark.peer
def test_every_mail_can_be_read_by_everybody(browser):
    with staged() as stage:  # a loop elsewhere: this thread's is the browser's
        mails = stage.run(one_of_each())
    with browser.new_context() as context:
        page = context.new_page()
        for name, html in mails.items():
            page.set_content(html)
            is_good_to_everybody(page, what=name)
