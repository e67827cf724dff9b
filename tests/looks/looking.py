"""Chromium, and what it can say of a page."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

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
LOOKS = ((320, "light"), (320, "dark"), (768, "light"), (1280, "dark"))
"""Widths in pixels, and colour schemes."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, headless."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=fetch.browser(), args=[*sandbox, *BROWSER_OPTIONS])
        yield browser
        browser.close()
