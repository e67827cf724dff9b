"""A browser without a person, such as scanners of mail have: it follows each link and presses each button."""

import re

import pytest

from gateway.domain.address import address
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import new_address
from tests.browser import URL
from tests.practice import ADA, OMAR, PAT, PATIENT_TAG, TEMPLATES, World
from tests.served_portal import served_portal

DEEP = 2
"""How many buttons it presses one after another."""
BUTTONS = "button:not([type=button]):not(footer button):not([data-passkey] button)"
"""All but those that choose a language, or ask for a device that it does not have."""


async def _told(world: World) -> list[str]:
    """Who waits, who has a message and moves; the links of all mails of it."""
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    account = await world.accept()
    await world.write(ADA, PAT)
    await world.desk.do(accounts.ask_reset, account.address)
    await world.desk.do(new_address.ask, account, address("patricia@home.example"))
    await world.write(ADA, "Uma <uma@home.example>", tag=PATIENT_TAG)
    await world.write(ADA, OMAR)
    await world.say("PATIENTS", token=await world.sender_token())
    hrefs = [href for mail in world.mails for href in mail.html.hrefs if href.startswith("http")]
    return list(dict.fromkeys(hrefs))


class Presser:
    """Presses each button of a page, and each of the page that comes of it, from the same start each time."""

    def __init__(self, page, seen: set[str]) -> None:
        self.page, self.pressed, self._seen = page, set(), seen

    def press_all(self, link: str, way: tuple[int, ...] = ()) -> None:
        """Press what is at the end of this way, unless such a page was met before."""
        buttons = self._walk(link, way)
        here = re.sub(r"\s+", " ", self.page.locator("main").inner_text())
        if len(way) == DEEP or here in self._seen:
            return
        self._seen.add(here)
        for number in range(buttons):
            self.press_all(link, (*way, number))

    def _walk(self, link: str, way: tuple[int, ...]) -> int:
        """Go this way; how many buttons there are at its end."""
        self.page.goto(link)
        for number in way:
            button = self.page.locator(BUTTONS).nth(number)
            self.pressed.add(re.sub(r"\s+", " ", button.text_content().strip()))
            with self.page.expect_navigation():
                button.evaluate("one => one.click()")  # within what is folded up, too
        return self.page.locator(BUTTONS).count()


@pytest.mark.peer
def test_a_browser_that_presses_every_button_changes_nothing(chromium):
    with served_portal(renderer=TEMPLATES) as portal:
        links = [link.replace(URL, portal.url) for link in portal.run(_told(portal.world))]
        before, pressed, seen = portal.run(portal.world.everything()), set(), set()
        for link in links:
            with chromium.new_context() as context:
                presser = Presser(context.new_page(), seen)
                presser.press_all(link)
                pressed |= presser.pressed
        assert portal.run(portal.world.everything()) == before, sorted(pressed)
    said = " | ".join(sorted(pressed))
    for words in ("Start", "Continue", "Remind", "Cancel my message", "Move my message", "Save", "Invite"):
        assert words in said, said
