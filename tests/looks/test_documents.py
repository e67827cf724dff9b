"""What every page owes its readers, as far as its document tells: in each of its states, without scripts.

Each state is come to by links and forms alone, by a browser that runs no script: whatever the portal offers can be done
so.
"""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.domain.words import LANGUAGES
from gateway.portal.app import PAGES
from tests.browser import Browser
from tests.looks.scenes import SCENES, walked

every_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
MOST_BYTES, MOST_REQUESTS = 60_000, 2
NOT_PAGES = {"/healthz", "/static/{name}", "/messages/{copy_id:int}/original"} | {
    "/messages/{copy_id:int}/attachments/{trail:trail}"
}
FIELDS = "input:not([type=hidden]):not([aria-hidden=true]), select, textarea"


def test_every_page_has_a_scene():
    shown = {page.path for page in PAGES if "GET" in page.methods} - NOT_PAGES
    assert shown <= {scene.path for scene in SCENES}


def test_no_two_scenes_have_one_name():
    assert len({scene.name for scene in SCENES}) == len(SCENES)


@every_scene
async def test_a_document_is_small_and_speaks_for_itself(scene):
    browser = await walked(scene)
    assert browser.status == scene.status
    await _is_light(browser)
    _is_in_order(browser.page)
    await _is_said_in_every_language(browser)


async def _is_light(browser: Browser) -> None:
    """The page and its style sheet, and little of both; a file that is looked at is as large as it is."""
    parts = {one.attributes["href"] for one in browser.page.css("link[rel=stylesheet]")}
    parts |= {one.attributes["src"] for one in browser.page.css("[src]")}
    looked_at = {one.attributes["src"] for one in browser.page.css(".sheet img, audio.sound")}
    parts -= looked_at
    fetched = [part for part in parts if not part.startswith("data:")]
    assert 1 + len(fetched) <= MOST_REQUESTS
    weights = [len((await browser.client.get(part)).content) for part in fetched]
    own = len(browser.response.content) - sum(map(len, looked_at))
    assert own + sum(weights) < MOST_BYTES


def _is_in_order(page: LexborHTMLParser) -> None:
    """A title, a language, headings that step down one by one, and a name for each field, button and link."""
    assert page.css_first("title").text().strip()
    assert page.css_first("html").attributes["lang"] == "en"
    levels = [int(one.tag[1]) for one in page.css("h1, h2, h3, h4")]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip([0, *levels], levels, strict=False)), levels
    assert len(page.css("main")) == 1
    labelled = {one.attributes.get("for") for one in page.css("label")}
    for field in page.css(FIELDS):
        wrapped = field.parent is not None and field.parent.tag == "label"
        assert wrapped or field.attributes.get("id") in labelled or field.attributes.get("aria-label"), field.html
    for one in page.css("button, a[href]"):
        assert one.text().strip() or one.attributes.get("aria-label"), one.html
    ids = [one.attributes["id"] for one in page.css("[id]")]
    assert len(ids) == len(set(ids))


async def _is_said_in_every_language(browser: Browser) -> None:
    """One click away from each page; an apology has no such buttons."""
    offered = {_language(one) for one in browser.page.css("footer button[lang]")}
    assert offered in (set(), set(LANGUAGES) - {"en"}, set(LANGUAGES))
    if offered:
        await browser.press("Deutsch")
        assert browser.page.css_first("html").attributes["lang"] == "de"
        assert not re.search(r"%\(\w+\)s", browser.text)


def _language(button: LexborNode) -> str | None:
    return button.attributes["lang"]
