"""Mails that people and programs have written: each has its page, no character is lost, each file is as it was."""

from pathlib import Path

import pytest

from tests.mail import corpora
from tests.peers.fetch import MAILS
from tests.practice import World

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("peers")]

OURS = Path(__file__).parents[1] / "mail"
AN_INBOX = 50
KNOWN = {"groupwise_03.txt": ["1 files differ"]}
"""Its files were taken out by who gave it to the package: what stands there is called base64 and is none."""


@pytest.mark.parametrize("package", [*MAILS, "ours"])
async def test_each_is_shown_as_it_was_written(package):
    every = list(corpora.mails(corpora.folder_of(package) if package in MAILS else OURS))
    found = {}
    for at in range(0, len(every), AN_INBOX):
        world = World()
        account, browser = await world.registered(), await world.browser().sign_in()
        for place, raw in every[at : at + AN_INBOX]:
            copy = await world.written(account, raw)
            await browser.go(f"/messages/{copy.id}")
            seen = [] if browser.response.status_code == 200 else [f"page {browser.response.status_code}"]
            found[Path(place).name] = [*seen, *corpora.faults(raw)]
    assert every
    assert {name: wrong for name, wrong in found.items() if KNOWN.get(name, []) != wrong} == {}
