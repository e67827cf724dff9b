"""From the invitation mail to the message, in few actions.

An action is a click on a link or a button; what is typed before it into the same form is part of it.
"""

import re

import pytest

from tests.browser import PASSWORD
from tests.looks.scenes import RIGHT
from tests.practice import ADA, PAT, PATIENT, PATIENT_TAG, TEMPLATES, World
from tests.served_portal import served_portal

MOST = 6


async def _invitation() -> str:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    return next(mail.rendered.html for mail in world.mails if "invite" in mail.facts)


@pytest.mark.peer
def test_a_new_patient_reads_the_message_in_few_actions(chromium):
    actions = []
    with served_portal() as portal, chromium.new_context() as context:
        page, mail = context.new_page(), portal.run(_invitation())
        invitation = portal.run(portal.world.invited(PATIENT))
        page.set_content(re.sub(r'https://[^"]*/invite/[^"<]*', portal.url + portal.world.link(invitation), mail))

        def click(name: str) -> None:
            actions.append(name)
            with page.expect_navigation():
                page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).first.click()

        def type_in(**typed: str) -> None:
            for name, value in typed.items():
                page.locator(f"[name={name}]").fill(value)

        click("Read my message")
        click("Start")
        type_in(**RIGHT)
        click("Continue")
        type_in(name="Pat", password=PASSWORD)
        click("Continue")
        click("Finish")
        click("Your results")
        assert "All is well." in page.locator("main").inner_text()
    assert len(actions) <= MOST, actions
