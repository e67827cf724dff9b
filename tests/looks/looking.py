"""Chromium, and what it can say of a page."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser import Browser as Walked
from tests.peers import fetch
from tests.served_portal import Loop

OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

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
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
"""All that axe says differently of a page in another scheme."""
WIDTHS = (320, 768, 1280)
"""In pixels: a small phone, a tablet, a desk."""
SCHEMES = ("light", "dark")
_AXE = Axe()


def faults(page: Page, *, everywhere: bool = True) -> list[str]:
    """What axe finds against WCAG 2.2 AA, and where something is wider than the screen.

    Axe is asked at every width, or at the smallest alone; in the dark scheme for the colours.
    """
    found = []
    page.evaluate(_AXE.axe_script)
    for width, scheme in product(WIDTHS, SCHEMES):
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate(OVERFLOW) > 0:
            found.append(f"{width}: wider than the screen")
        if everywhere or width == WIDTHS[0]:
            page.emulate_media(color_scheme=scheme)
            rules = WCAG if scheme == "light" else COLOURS
            said = AxeResults(page.evaluate("options => axe.run(options)", rules))
            if said.response["violations"]:
                found.append(f"{width} {scheme}: {said.generate_report()}")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, headless."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=fetch.browser(), args=[*sandbox, *OPTIONS])
        yield browser
        browser.close()


def show(page: Page, walked: Walked, loop: Loop, *, scripts: bool = True) -> None:
    """Show what a browser without a screen has come to; what the document asks for comes from the portal that it knows.

    Without scripts the document's own are taken out, so that axe can still look at it.
    """
    shown = walked.response
    document = shown.text if scripts else re.sub(r"<script.*?</script>", "", shown.text, flags=re.DOTALL)
    headers = {name: value for name, value in shown.headers.items() if name not in {"content-length", "set-cookie"}}
    if not scripts:
        headers.pop("content-security-policy")

    def answer(route: Route) -> None:
        if route.request.is_navigation_request() and route.request.frame == page.main_frame:
            route.fulfill(status=shown.status_code, headers=headers, body=document)
            return
        part = loop.run(walked.client.get(route.request.url))
        route.fulfill(status=part.status_code, headers=dict(part.headers), body=part.content)

    page.unroute_all()
    page.route("**/*", answer)
    page.goto(str(shown.url))
