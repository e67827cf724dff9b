"""Passkeys in a real browser, with the authenticator that it brings for tests."""

import contextlib

import pytest

from gateway.domain.model import Passkey, Session
from tests.browser import PASSWORD
from tests.served_portal import served_portal

pytestmark = pytest.mark.peer


@pytest.fixture
def portal():
    with served_portal("localhost") as portal:
        portal.run(portal.world.registered())
        yield portal


def rows(portal, table):
    return portal.run(portal.world.rows(table))


@contextlib.contextmanager
def a_person(chromium, *, verifies=True):
    """A browser with an authenticator, whose owner is always there."""
    context = chromium.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options = {**kind, "hasUserVerification": verifies, "isUserVerified": verifies, "automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()


def sign_in(page, url):
    page.goto(f"{url}/sign-in")
    page.fill("[name=email]", "pat@home.example")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button:text-is('Sign in')")


def add(page, url):
    sign_in(page, url)
    page.goto(f"{url}/profile/passkeys/add")
    page.fill("[name=name]", "My phone")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Make the passkey")
    page.wait_for_url("**/profile/security?done=passkey_added")


def test_a_passkey_is_the_second_step_and_then_the_only_one(portal, chromium):
    with a_person(chromium) as page:
        add(page, portal.url)
        assert page.inner_text("main li strong") == "My phone"
        page.click("text=Sign out")
        sign_in(page, portal.url)
        assert page.inner_text("h1") == "One more step"
        page.click("text=Use my passkey")
        page.wait_for_url("**/inbox")
        page.click("text=Sign out")
        page.click("text=Sign in with a passkey")
        page.wait_for_url("**/inbox")
        assert rows(portal, Passkey)[0].used_at
        page.goto(f"{portal.url}/profile/security")
        page.click("main >> text=Remove")
        page.fill("[name=password]", PASSWORD)
        page.click("text=Remove the passkey")
        assert "Use your passkey" in page.inner_text("main")
        assert rows(portal, Passkey)
        page.fill("[name=password]", PASSWORD)
        page.click("text=Use my passkey")
        page.wait_for_selector("text=Your passkey has been used")
        page.click("text=Remove the passkey")
        page.wait_for_url("**/profile/security?done=passkey_removed")
        assert not rows(portal, Passkey)


def test_a_passkey_of_nobodys_lets_nobody_in(portal, chromium):
    with a_person(chromium) as page:
        add(page, portal.url)
        portal.run(portal.world.store.write(lambda tx: tx.remove(Passkey, id=1)))
        page.click("text=Sign out")
        page.click("text=Sign in with a passkey")
        page.wait_for_selector("text=This passkey is not known here")
        assert not rows(portal, Session)


def test_without_showing_oneself_to_it_a_passkey_is_no_password(portal, chromium):
    with a_person(chromium, verifies=False) as page:
        add(page, portal.url)
        page.click("text=Sign out")
        page.click("text=Sign in with a passkey")
        page.wait_for_selector("text=That did not work")
        assert not rows(portal, Session)


def test_a_browser_that_asks_for_less_than_it_was_told_to_lets_nobody_in(portal, chromium):
    """Whoever holds a device without its owner may change what the page asks of it, but not what is then signed."""

    def ask_for_less(route):
        told = route.fetch()
        assert "required" in told.text()
        route.fulfill(response=told, body=told.text().replace("required", "discouraged"))

    with a_person(chromium) as page:
        add(page, portal.url)
        page.click("text=Sign out")
        page.route("**/sign-in/options", ask_for_less)
        page.click("text=Sign in with a passkey")
        page.wait_for_selector("text=This passkey is not known here")
        assert not rows(portal, Session)
