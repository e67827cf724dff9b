"""A picture of every scene and of every kind of mail: `python -m tests.looks.screenshots DIR [--only name]`."""

import argparse
import asyncio
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.looks.looking import SCHEMES, WIDTHS, chromium, show
from tests.looks.scenes import SCENES, walked
from tests.looks.test_mails import one_of_each
from tests.served_portal import looping


def main() -> None:
    """Write them all, or those whose name has the word after --only in it."""
    parser = argparse.ArgumentParser(description="Write a picture of every page in every state.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="only names with this in them")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    mails = asyncio.run(one_of_each())
    with chromium() as browser:
        _page_pictures(browser, options.only, options.folder)
        _mail_pictures(browser, mails, options.only, options.folder)


def _page_pictures(browser: Browser, only: str, folder: Path) -> None:
    with looping() as loop, browser.new_context() as context:
        page = context.new_page()
        for scene in SCENES:
            if only in scene.name:
                show(page, loop.run(walked(scene)), loop)
                _looks(page, scene.name, folder)


def _mail_pictures(browser: Browser, mails: dict[str, str], only: str, folder: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        for name, html in mails.items():
            if only in name:
                page.set_content(html)
                _looks(page, name, folder)


def _looks(page: Page, name: str, folder: Path) -> None:
    for width, scheme in product((WIDTHS[0], WIDTHS[-1]), SCHEMES):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    main()
