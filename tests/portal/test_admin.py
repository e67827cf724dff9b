"""The administrator's pages: who comes in, what they see, what they never see, and that each act is in the audit."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.model import Delivery
from gateway.domain.model_records import AdminSession, Audit
from gateway.domain.needs import NeedKind
from gateway.domain.vocabulary import DeliveryKind, DeliveryState, Purpose
from gateway.flow.administration import admin_session
from gateway.flow.outbound import heartbeat
from gateway.flow.upkeep import hours, key_use, retention, troubles
from gateway.flow.upkeep.troubles import Seen
from gateway.portal.admin.app import PAGES
from gateway.testing import FakeSignIn
from tests.portal.admin_pages import URL, AdminPages
from tests.portal.test_door import FOREIGN, POLICY, named
from tests.practice import ADA, PAT, PATIENT, PATIENT_TAG, SITE, World, mail
from tests.reading import SECRET

CALLS = [(page, method) for page in PAGES for method in page.methods]
WAYS_IN = {"/admin/sign-in", "/admin/enter/{token}", "/admin/go", "/admin/back", "/admin/static/{name}"}


def path_of(page):
    return re.sub(r"\{[^}]*\}", "1", page.path)


@pytest.fixture
async def pages(world):
    """A mail that waits with a reason, one that is set aside, a stranger who is invited."""
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    now = world.clock.now()
    row = Delivery(kind=DeliveryKind.PASS, recipient="omar@hillside.example", created_at=now, due_at=now)
    row = replace(row, attempts=3, last_reply="451 4.7.1 come again", mail_from="ada@riverside.example")
    await world.store.write(lambda tx: (tx.add(row), tx.add(replace(row, state=DeliveryState.QUARANTINED))))
    return AdminPages(world)


async def acts(world):
    return [(one.action, one.actor, one.place) for one in await world.rows(Audit) if one.actor != "gateway"]


# ---------------------------------------------------------------------------------------------------------- coming in


async def test_a_link_lets_in_once(pages):
    link = await pages.link()
    first = await pages.browser().go(link)
    assert "root" in first.text
    await pages.browser().go(link)  # to look at it, as a chat's preview does, uses nothing up
    await first.press("Sign in")
    assert (first.path, first.status) == ("/admin", 200)
    assert (await pages.browser().go(link)).status == 404


async def test_a_link_is_good_for_ten_minutes_and_a_made_up_one_never(pages):
    link = await pages.link()
    browser = await pages.browser().go(link)
    pages.world.clock.advance(minutes=11)
    await browser.press("Sign in")
    assert browser.status == 404
    assert (await pages.browser().go("/admin/enter/no-such-token")).status == 404
    other = pages.world.keys.token(Purpose.RESET, 1, 1)
    assert (await pages.browser().go(f"/admin/enter/{other}")).status == 404


async def test_the_session_is_short_bound_to_this_host_and_ends_by_itself(pages):
    browser = await pages.signed_in()
    cookie = next(one for one in browser.client.cookies.jar if one.name == "__Host-admin-session")
    assert cookie.secure
    for _ in range(3):
        pages.world.clock.advance(minutes=10)
        assert (await browser.go("/admin/queue")).path == "/admin/queue"
    pages.world.clock.advance(minutes=16)
    assert (await browser.go("/admin/queue")).path == "/admin/sign-in"


async def test_no_session_outlives_four_hours(pages):
    browser = await pages.signed_in()
    for _ in range(23):
        pages.world.clock.advance(minutes=10)
        await browser.go("/admin")
    assert browser.path == "/admin"
    pages.world.clock.advance(minutes=11)
    assert (await browser.go("/admin")).path == "/admin/sign-in"


async def test_signing_out_ends_the_session(pages):
    browser = await pages.signed_in()
    cookies = dict(browser.client.cookies)
    await browser.press("Sign out")
    stolen = pages.browser()
    stolen.client.cookies.update(cookies)
    assert (await stolen.go("/admin")).path == "/admin/sign-in"
    assert await pages.world.rows(AdminSession) == []


async def test_links_and_sessions_that_have_ended_are_forgotten(pages):
    await pages.link()
    await pages.signed_in()
    pages.world.clock.advance(hours=5)
    await pages.world.desk.do(retention.forget)
    assert await pages.world.rows(AdminSession) == []


async def test_the_sites_own_sign_in_lets_in_those_who_are_named_alone(world):
    browser = AdminPages(world, FakeSignIn("IT@riverside.example")).browser()
    await browser.go("/admin/sign-in")
    await browser.follow("Sign in with")
    assert browser.path == "/admin"
    pages = AdminPages(world, FakeSignIn("eve@riverside.example"))
    stranger = await pages.browser().go("/admin/go")
    assert stranger.status == 403
    assert (await stranger.go("/admin")).path == "/admin/sign-in"
    assert [row[0] for row in await acts(world)] == ["signed in as administrator", "refused as administrator"]


async def test_an_answer_that_was_not_asked_for_lets_nobody_in(world):
    pages = AdminPages(world, FakeSignIn("it@riverside.example"))
    assert (await pages.browser().go("/admin/back?state=s&code=c")).status == 400
    assert await world.rows(AdminSession) == []
    assert (await AdminPages(world).browser().go("/admin/go")).status == 404


async def test_a_provider_that_does_not_answer_is_said(world):
    assert (await AdminPages(world, FakeSignIn("")).browser().go("/admin/go")).status == 502


# ----------------------------------------------------------------------------------------------------- who is let in


@pytest.mark.parametrize(("page", "method"), CALLS, ids=named)
async def test_a_stranger_is_turned_away_everywhere(pages, page, method):
    answer = await pages.browser().client.request(method, path_of(page), follow_redirects=False)
    if page.path not in WAYS_IN:
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sign-in")
    else:
        assert answer.status_code == {"POST": 403}.get(method, 200 if page.path == "/admin/sign-in" else 404)


async def test_a_patients_session_is_worth_nothing_here_nor_the_other_way_round(pages):
    await pages.world.registered()
    patient = await pages.world.browser().sign_in()
    cookie = patient.client.cookies["__Host-session"]
    browser = pages.browser()
    browser.client.cookies.update({"__Host-session": cookie, "__Host-admin-session": cookie})
    assert (await browser.go("/admin")).path == "/admin/sign-in"
    admin = (await pages.signed_in()).client.cookies["__Host-admin-session"]
    other = pages.world.browser()
    other.client.cookies.update({"__Host-session": admin, "__Host-admin-session": admin})
    assert (await other.go("/inbox")).path == "/sign-in"
    assert (await other.go("/admin")).status == 404


@pytest.mark.parametrize(("page", "method"), CALLS, ids=named)
async def test_every_answer_bears_the_security_headers(pages, page, method):
    browser = await pages.signed_in()
    headers = (await browser.client.request(method, path_of(page), follow_redirects=False)).headers
    assert set(headers["content-security-policy"].split("; ")) >= POLICY
    assert headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" in headers


@pytest.mark.parametrize("header", FOREIGN)
async def test_a_form_of_another_sites_does_nothing(pages, header):
    browser = await pages.signed_in()
    token = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    header = {name: value.replace("secure.riverside", "gateway-admin.riverside") for name, value in header.items()}
    fields = {"csrf_token": token, "act": "hold"}
    before = await pages.world.rows(Delivery)
    answer = await browser.client.post(f"{URL}/admin/queue/2", data=fields, headers=header)
    assert answer.status_code == 403
    assert await pages.world.rows(Delivery) == before


@pytest.mark.parametrize("token", [None, "", "x"])
@pytest.mark.parametrize("page", [page for page in PAGES if "POST" in page.methods], ids=named)
async def test_a_form_without_its_token_does_nothing(pages, page, token):
    browser = await pages.signed_in()
    before = await pages.world.everything()
    path = path_of(page).replace("/enter/1", (await pages.link()).removeprefix("/admin"))
    after_link = await pages.world.everything()
    answer = await browser.client.post(path, data={"act": "hold"} | ({} if token is None else {"csrf_token": token}))
    assert answer.status_code == 403
    assert await pages.world.everything() == after_link != before


async def test_a_get_changes_nothing_but_that_somebody_is_still_there(pages):
    browser = await pages.signed_in()
    before = await pages.world.everything()
    for page in PAGES:
        if "GET" in page.methods and page.path not in {*WAYS_IN, "/admin/observed.csv"}:
            assert (await browser.go(path_of(page))).status == 200, page.path
    assert await pages.world.everything() == before


# ------------------------------------------------------------------------------------------------------------ looking


async def test_the_first_page_says_what_needs_a_person_and_how_mail_flows(pages):
    await pages.world.desk.do(troubles.note, [Seen(NeedKind.HOP_DOWN, "next_hop (mail:25), connection refused")])
    await pages.world.desk.do(hours.add, 7, 5)
    pages.world.clock.advance(hours=2)
    browser = await pages.signed_in()
    assert browser.heading == "What needs you"
    for words in (
        "This mail server cannot be reached: next_hop (mail:25), connection refused",
        "Mails were set aside because they could not be prepared, or came back from their sender: 1",
        "gateway queue list --set-aside --config FILE",
        "7 mails taken in",
        "451 4.7.1 come again",
        "cannot be reached since",
    ):
        assert words in browser.text
    assert browser.page.css_first("svg.chart rect")


async def test_the_first_page_lists_the_nodes_where_there_are_any(pages):
    desk = pages.world.desk
    await desk.do(heartbeat.beat, "one worker 0")
    await desk.do(key_use.serves, "one worker 0")
    pages.world.clock.advance(minutes=2)
    await desk.do(heartbeat.beat, "two worker 0")
    await desk.do(troubles.note, [Seen(NeedKind.HOP_DOWN, "next_hop (mail:25)")], "two")
    browser = await pages.signed_in()
    [nodes] = [table for table in browser.page.css("table") if table.css_first("caption").text() == "Nodes that serve"]
    one, two = (line.text(separator=" ", strip=True) for line in nodes.css("tbody tr"))
    assert one.startswith("one not heard from since")
    assert one.endswith(" 1 a")
    assert two == "two running 1"
    assert "cannot be reached from two since" in browser.text


async def test_all_is_well_is_said_so(world):
    browser = await AdminPages(world).signed_in()
    assert browser.heading == "All is well"
    assert "Nodes that serve" not in browser.text


async def test_what_is_stuck_is_shown_with_its_reason_and_can_be_tried_again(pages):
    browser = await (await pages.signed_in()).go("/admin/queue?state=set-aside")
    assert "451 4.7.1 come again" in browser.text
    await browser.press("Try again")
    assert "It is tried again at once." in browser.text
    number = int(browser.path.rpartition("/")[2])
    row = await pages.world.one(Delivery, id=number)
    assert (row.state, row.attempts) == (DeliveryState.QUEUED, 0)
    await browser.press("Pause it")
    assert (await pages.world.one(Delivery, id=number)).state is DeliveryState.PAUSED
    await browser.press("Let it go on")
    assert (await pages.world.one(Delivery, id=number)).state is DeliveryState.QUEUED
    said = [row for row in await acts(pages.world) if row[0] in {"retried", "paused", "resumed"}]
    assert said == [
        (act, "administrator", "administrator's page, root, 192.0.2.1") for act in ("retried", "paused", "resumed")
    ]
    assert "administrator's page, root, 192.0.2.1" in browser.text


async def test_a_mail_that_has_left_meanwhile_is_not_tried_again(pages):
    browser = await (await pages.signed_in()).go("/admin/queue?state=waits")
    row = (await pages.world.rows(Delivery, state=DeliveryState.QUEUED))[0]
    await pages.world.store.write(lambda tx: tx.put(replace(row, state=DeliveryState.SENT)))
    await browser.press("Try again")
    assert "nothing was done" in browser.text
    assert (await pages.world.one(Delivery, id=row.id)).state is DeliveryState.SENT


async def test_a_long_queue_comes_in_pages(world):
    now = world.clock.now()
    row = Delivery(kind=DeliveryKind.PASS, recipient="p@x.example", created_at=now, due_at=now)
    await world.store.write(lambda tx: [tx.add(row) for _ in range(150)])
    browser = await (await AdminPages(world).signed_in()).go("/admin/queue")
    first = len(browser.page.css("tbody tr"))
    await browser.follow("More")
    assert (first, len(browser.page.css("tbody tr"))) == (100, 50)
    for odd in ("after=-1", "after=x", f"after={2**80}", "state=none", "after=٣"):
        assert (await browser.go(f"/admin/queue?{odd}")).status == 200
    assert (await browser.go(f"/admin/queue/{2**70}")).status == 404


async def test_what_ends_within_a_week_is_listed(pages):
    browser = await (await pages.signed_in()).go("/admin/expiring")
    assert "pat@home.example" not in browser.text
    pages.world.clock.advance(days=25)
    pages.certificates["smtp.tls_cert"] = pages.world.clock.now() + timedelta(days=3)
    browser = await (await pages.signed_in()).go("/admin/expiring")
    assert "pat@home.example" in browser.text
    assert "smtp.tls_cert" in browser.text


async def test_a_mail_is_found_by_its_id_and_a_person_by_their_address(pages):
    await pages.world.receive(mail("zoe@home.example", "[secure patient 1980-02-03] Results"), queue_id="0123456789ab")
    browser = await (await pages.signed_in()).go("/admin/find")
    await browser.press("Find", asked="0123456789ab")
    assert "taken in" in browser.text
    assert "zoe@home.example" in browser.text
    await browser.go("/admin/find")
    await browser.press("Find", asked="zoe@home.example")
    assert "invited" in browser.text
    await browser.press("0123456789ab")
    assert "taken in" in browser.text
    found = [one.subject for one in await pages.world.rows(Audit, action="looked up")]
    assert found == ["mail 0123456789ab", "person zoe@home.example", "mail 0123456789ab"]


async def test_what_nobody_knows_is_said_so_and_is_not_kept(pages):
    browser = await (await pages.signed_in()).go("/admin/find")
    for asked in ("", "what is this", "x" * 5000, "<script>", "99999999999999999999999"):
        await browser.press("Find", asked=asked)
        assert browser.status == 200
    assert {one.subject for one in await pages.world.rows(Audit, action="looked up")} == {"nothing"}


async def test_the_settings_are_shown_with_where_each_comes_from(pages):
    browser = await (await pages.signed_in()).go("/admin/settings")
    assert "smtp.listen 127.0.0.1:2525 default" in browser.text
    assert "keys.command (secret) environment" in browser.text


async def test_what_was_observed_is_a_page_and_a_file():
    world = World(site=replace(SITE, observes=True))
    await world.receive(mail())
    pages = AdminPages(world)
    browser = await pages.signed_in()
    await browser.follow("Observed")
    assert "pat@home.example" in browser.text
    await browser.follow("Save all")
    assert browser.response.headers["content-type"].startswith("text/csv")
    assert "pat@home.example,hold" in browser.response.text
    assert [one.subject for one in await world.rows(Audit, action="looked up")] == ["1 observations"]


async def test_no_page_shows_what_anybody_wrote(pages):
    """Neither content, nor a subject, nor a birthdate: the fixture's mail holds all three."""
    await pages.world.invited(PATIENT, to="uma@home.example")
    browser = await pages.signed_in()
    shown = []
    for path in ("/admin", "/admin/queue", "/admin/queue/1", "/admin/expiring", "/admin/settings", "/admin/find"):
        shown.append((await browser.go(path)).response.text)
    for asked in ("pat@home.example", "1", "2"):
        await browser.go("/admin/find")
        await browser.press("Find", asked=asked)
        shown.append(browser.response.text)
    everything = " ".join(shown)
    assert "pat@home.example" in everything
    for word in (SECRET, "1980", "Your results", "All is well.</p>\n<p>See"):
        assert word not in everything


async def test_a_link_is_in_the_audit_with_who_made_it(pages):
    await pages.signed_in()
    made, used = [row for row in await acts(pages.world) if "administrator" in row[0]]
    assert made == ("made an administrator's link", "administrator", "command line, root")
    assert used[:2] == ("signed in as administrator", "administrator")
    assert used[2].endswith("192.0.2.1")


async def test_a_busy_database_is_said_without_a_trace(pages, monkeypatch):
    browser = await pages.signed_in()
    monkeypatch.setattr(admin_session, "find", lambda *_: 1 / 0)
    await browser.go("/admin")
    assert (browser.status, browser.heading) == (500, "Something went wrong: the log says what")
