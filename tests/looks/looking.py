"""Chromium, and what it can say of a page."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.peers import fetch
from tests.peers.conftest import BROWSER_OPTIONS

LARGE_TEXT = "document.documentElement.style.setProperty('font-size', '200%', 'important')"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect()
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
  const within = box.bottom > 0 && box.top < innerHeight
  return {number: [...document.querySelectorAll('*')].indexOf(one), what: one.outerHTML.slice(0, 120),
    seen: one.tagName === 'IFRAME' || ((outlined || style.boxShadow !== 'none') && within)}
}"""
"""The element that has the focus: its place in the document, its markup, and whether that can be seen."""
REACHABLE = """() => {
  const all = [...document.querySelectorAll('*')]
  const first = one => one.type !== 'radio' || one === document.querySelector(`input[name="${one.name}"]`)
  return all.filter(one => one.matches('a[href], button, input:not([type=hidden]), select, textarea, summary'))
    .filter(one => !one.disabled && one.tabIndex >= 0 && first(one) && one.checkVisibility())
    .map(one => all.indexOf(one))
}"""
"""The places of the links, buttons and fields, in the document's order; of a group of radio buttons, the first."""


WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
WIDTHS = (320, 768, 1280)
"""In pixels: a small phone, a tablet, a desk."""
SCHEMES = ("light", "dark")
_AXE = Axe()


def is_good_to_everybody(page: Page, schemes: Sequence[str] = SCHEMES, what: str = "") -> None:
    """axe finds nothing against WCAG 2.2 AA at any width in these schemes, and nothing is wider than the screen."""
    page.evaluate(_AXE.axe_script)
    for width, scheme in product(WIDTHS, schemes):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        found = AxeResults(page.evaluate("options => axe.run(options)", WCAG))
        assert not found.response["violations"], f"{what} {width} {scheme}: {found.generate_report()}"
        assert page.evaluate(OVERFLOW) <= 0, (what, width)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, headless."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=fetch.browser(), args=[*sandbox, *BROWSER_OPTIONS])
        yield browser
        browser.close()
