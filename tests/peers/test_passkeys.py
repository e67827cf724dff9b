"""Passkeys in a real browser, with the authenticator that it brings for tests."""

import asyncio
import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import uvicorn

from gateway.domain.model import Passkey, Session
from gateway.edge.render import Templates
from gateway.portal.app import create_app
from gateway.testing import FakeRandom
from tests.browser import PASSWORD
from tests.practice import SITE, World

pytestmark = pytest.mark.peer


class Served:
    """A portal on localhost: the one name for which browsers allow passkeys without TLS."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._socket.getsockname()[1]}"
        self.world = World()
        self.world.desk = replace(self.world.desk, site=replace(SITE, portal_url=self.url))
        desk = self.world.desk
        self.world.app = create_app(desk, self.world.content, FakeRandom(), Templates(desk.site), self.url)
        self._server = uvicorn.Server(uvicorn.Config(self.world.app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[self._socket]))

    def __enter__(self) -> "Served":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def run(self, work):
        """In another thread: the browser's own loop runs in this one."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, work).result()

    def rows(self, table, **where):
        return self.run(self.world.rows(table, **where))


@pytest.fixture
def portal():
    with Served() as portal:
        portal.run(portal.world.registered())
        yield portal


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
        assert portal.rows(Passkey)[0].used_at
        page.goto(f"{portal.url}/profile/security")
        page.click("main >> text=Remove")
        page.fill("[name=password]", PASSWORD)
        page.click("text=Remove the passkey")
        assert not portal.rows(Passkey)


def test_a_passkey_of_nobodys_lets_nobody_in(portal, chromium):
    with a_person(chromium) as page:
        add(page, portal.url)
        portal.run(portal.world.store.write(lambda tx: tx.remove(Passkey, id=1)))
        page.click("text=Sign out")
        page.click("text=Sign in with a passkey")
        page.wait_for_selector("text=This passkey is not known here")
        assert not portal.rows(Session)


def test_without_showing_oneself_to_it_a_passkey_is_no_password(portal, chromium):
    with a_person(chromium, verifies=False) as page:
        add(page, portal.url)
        page.click("text=Sign out")
        page.click("text=Sign in with a passkey")
        page.wait_for_selector("text=That did not work")
        assert not portal.rows(Session)
