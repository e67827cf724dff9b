"""What scripts add to pages, in a real browser."""

import pytest

from tests.browser import PASSWORD
from tests.looks.looking import show
from tests.looks.scenes import SCENES, walked
from tests.served_portal import looping, served_portal

pytestmark = pytest.mark.peer


def test_a_password_can_be_looked_at_and_is_hidden_again(chromium):
    scene = next(one for one in SCENES if one.name == "sign-in")
    with looping() as loop, chromium.new_context() as context:
        page = context.new_page()
        show(page, loop.run(walked(scene)), loop)
        field = page.locator("[name=password]")
        field.fill(PASSWORD)
        assert field.get_attribute("type") == "password"
        page.get_by_role("button", name="Show password").click()
        assert field.get_attribute("type") == "text"
        page.get_by_role("button", name="Hide password").click()
        assert field.get_attribute("type") == "password"


def test_a_form_is_sent_once_however_often_its_button_is_pressed(chromium):
    sent = []
    with served_portal() as portal, chromium.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
        page.goto(f"{portal.url}/reset")
        page.locator("[name=email]").fill("pat@home.example")
        with page.expect_navigation():
            page.evaluate("""() => {
                const button = document.querySelector("main form button:not([type=button])")
                button.click()
                button.click()
            }""")
        page.wait_for_load_state("networkidle")
    assert len(sent) == 1
