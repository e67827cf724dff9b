import base64
from dataclasses import replace

import pytest

from gateway.domain.model import Sender
from gateway.testing import FakeSignIn
from tests.practice import HILLSIDE, PATIENT, RIVERSIDE, World

ADA = "ada@riverside.example"


@pytest.fixture
def sign_in(world: World) -> FakeSignIn:
    world.sign_ins["riverside"] = FakeSignIn(ADA)
    world.remake()
    return world.sign_ins["riverside"]


async def test_a_clinician_comes_from_the_practices_sign_in_to_whom_they_wait_for(world, sign_in):
    await world.invited(PATIENT)
    browser = await world.browser().go("/staff/riverside")
    assert browser.path.startswith("/sender/")
    assert "pat@home.example" in browser.text


async def test_a_manager_who_has_never_written_sees_the_practice(world, sign_in):
    managed = replace(RIVERSIDE, managers=("max@riverside.example",))
    world.desk = replace(world.desk, site=replace(world.desk.site, practices=(managed, HILLSIDE)))
    world.remake()
    sign_in.address = "Max@Riverside.example"
    browser = await world.browser().go("/staff/riverside")
    assert (await browser.go(f"{browser.path}?show=practice")).status == 200


@pytest.mark.parametrize(
    "address", ["eve@elsewhere.example", "omar@hillside.example", "no address", "a@b@riverside.example"]
)
async def test_a_practice_vouches_for_nobody_but_its_own(world, sign_in, address):
    sign_in.address = address
    browser = await world.browser().go("/staff/riverside")
    assert (browser.status, browser.path) == (403, "/staff/riverside/back")
    assert not await world.rows(Sender)


@pytest.mark.parametrize("answer", ["?state=s&code=c", "?state=&code=c", "", "?state=other&code=c"])
async def test_an_answer_that_this_browser_has_not_asked_for_opens_nothing(world, sign_in, answer):
    browser = world.browser()
    assert (await browser.go(f"/staff/riverside/back{answer}")).status == 400
    browser.client.follow_redirects = False
    await browser.go("/staff/riverside")
    browser.client.follow_redirects = True
    if answer != "?state=s&code=c":
        assert (await browser.go(f"/staff/riverside/back{answer}")).status == 400


@pytest.mark.parametrize("cookie", ["nonsense", "e30=", "W10=", "eyJzdGF0ZSI6MX0=", "é"])
async def test_a_cookie_that_is_not_ours_is_like_none(world, sign_in, cookie):
    answer = await world.browser().go(
        "/staff/riverside/back?state=s&code=c", headers={"cookie": f"__Host-asked={cookie}".encode()}
    )
    assert answer.status == 400


async def test_an_answer_for_one_practice_opens_nothing_at_another(world, sign_in):
    world.sign_ins["hillside"] = FakeSignIn("omar@hillside.example")
    world.remake()
    browser = world.browser()
    browser.client.follow_redirects = False
    await browser.go("/staff/riverside")
    answer = await browser.go("/staff/hillside/back?state=s&code=c")
    assert answer.status == 400
    assert not await world.rows(Sender)


async def test_what_the_browser_keeps_for_the_answer_cannot_be_read_or_made(world, sign_in):
    browser = world.browser()
    browser.client.follow_redirects = False
    await browser.go("/staff/riverside")
    kept = base64.urlsafe_b64decode(browser.client.cookies["__Host-asked"])
    assert b"code_verifier" not in kept
    made = base64.urlsafe_b64encode(b'{"state": "s", "nonce": "n", "code_verifier": "v"}').decode()
    stranger = await world.browser().go(
        "/staff/riverside/back?state=s&code=c", headers={"cookie": f"__Host-asked={made}"}
    )
    assert stranger.status == 400


async def test_what_was_asked_is_good_once(world, sign_in):
    browser = await world.browser().go("/staff/riverside")
    assert (await browser.go("/staff/riverside/back?state=s&code=c")).status == 400


async def test_a_sign_in_that_was_declined_or_fails_says_so(world, sign_in):
    browser = world.browser()
    browser.client.follow_redirects = False
    await browser.go("/staff/riverside")
    assert (await browser.go("/staff/riverside/back?state=s&error=access_denied")).status == 502
    await browser.go("/staff/riverside")
    assert (await browser.go("/staff/riverside/back?state=s&code=wrong")).status == 502
    sign_in.address = ""
    assert (await browser.go("/staff/riverside")).status == 502


async def test_without_such_a_practice_there_is_no_such_page(world):
    browser = world.browser()
    for path in ("/staff", "/staff/riverside", "/staff/riverside/back"):
        assert (await browser.go(path)).status == 404
    assert "I work at a practice" not in (await browser.go("/sign-in")).text


async def test_the_way_there_stands_where_people_look_for_it(world, sign_in):
    browser = await world.browser().go("/sign-in")
    assert "I work at a practice" in browser.text
    assert RIVERSIDE.name in (await browser.go("/staff")).text
    assert HILLSIDE.name not in browser.text


async def test_who_asks_again_and_again_without_signing_in_is_slowed_down(world, sign_in):
    browser = world.browser()
    browser.client.follow_redirects = False
    answers = [(await browser.go("/staff/riverside")).status for _ in range(51)]
    assert answers == [303] * 50 + [429]
    assert (await world.browser(host="192.0.2.2").go("/staff/riverside")).status == 200


async def test_a_whole_practice_may_sign_in_from_one_address(world, sign_in):
    for _ in range(55):
        assert (await world.browser().go("/staff/riverside")).path.startswith("/sender/")
