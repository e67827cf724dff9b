"""A picture of every scene and of every kind of mail: `python -m tests.looks.screenshots DIR [--only name]`."""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.looks.looking import chromium
from tests.looks.scenes import SCENES, Scene
from tests.looks.stage import staged
from tests.looks.test_mails import one_of_each

WIDTHS = (320, 1280)
SCHEMES = ("light", "dark")


def main() -> None:
    """Write them all, or those whose name has the word after --only in it."""
    parser = argparse.ArgumentParser(description="Write a picture of every page in every state.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="only names with this in them")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for scene in SCENES:
            if options.only in scene.name:
                _picture(browser, scene, options.folder)
        _mail_pictures(browser, options.only, options.folder)


def _mail_pictures(browser: Browser, only: str, folder: Path) -> None:
    with staged() as stage:
        mails = stage.run(one_of_each())
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        for name, html in mails.items():
            if only in name:
                page.set_content(html)
                _looks(page, name, folder)


def _picture(browser: Browser, scene: Scene, folder: Path) -> None:
    with staged() as stage, browser.new_context() as context:
        page = context.new_page()
        scene.prepare(stage, page)
        _looks(page, scene.name, folder)


def _looks(page: Page, name: str, folder: Path) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    main()
