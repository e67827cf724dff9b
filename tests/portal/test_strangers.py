"""What is one person's is nobody else's: every page of an account whose address names a thing, asked for by another."""

import re

import pytest

from gateway.domain.model import Passkey
from gateway.domain.model_drafts import Draft
from gateway.portal.app import PAGES
from gateway.portal.door import Who
from tests.browser import PASSWORD, Browser
from tests.practice import PATIENT

NAMED = [
    (page.path, method)
    for page in PAGES
    for method in page.methods
    if page.who is Who.ACCOUNT and re.search(r"\{\w+:int\}", page.path)
]
FIELDS = {"body": "x", "subject": "x", "password": PASSWORD, "day": "3", "month": "2", "year": "1980", "save": ""}


@pytest.fixture
async def hers(world):
    """Everything that Pat has, by the name that it has in an address; Uma has nothing."""
    pat = await world.registered()
    await world.registered("uma@home.example", "Uma")
    copy = await world.written(pat)
    browser = await Browser(world.app).sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Send", body="An answer")
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Save as draft", body="Half a thought")
    row = Passkey(account_id=pat.id, credential=b"c", public_key=b"k", sign_count=0, name="", created_at=pat.created_at)
    passkey = await world.desk.do(lambda ctx: ctx.tx.add(row))
    [draft] = await world.rows(Draft)
    invitation = await world.invited(PATIENT)
    return {
        "copy_id": copy.id,
        "message_id": copy.message_id + 1,
        "draft_id": draft.id,
        "passkey_id": passkey.id,
        "invitation_id": invitation.id,
        "trail": 0,
    }


def test_every_thing_that_an_address_can_name_is_here():
    names = {name for path, _ in NAMED for name in re.findall(r"\{(\w+):(?:int|trail)\}", path)}
    assert names == {"copy_id", "message_id", "draft_id", "passkey_id", "invitation_id", "trail"}


@pytest.mark.parametrize(("path", "method"), NAMED)
async def test_anothers_is_not_there(world, hers, path, method):
    uma = await Browser(world.app).sign_in("uma@home.example")
    token = uma.page.css_first("input[name=csrf_token]").attributes["value"]
    for there in (hers, dict.fromkeys(hers, 999)):
        address = re.sub(r"\{(\w+):(?:int|trail)\}", lambda name, known=there: str(known[name[1]]), path)
        before = await world.everything()
        fields = {"data": {"csrf_token": token, **FIELDS}} if method == "POST" else {}
        answer = await uma.client.request(method, address, follow_redirects=False, **fields)
        assert answer.status_code == 404, there
        assert await world.everything() == before


@pytest.mark.parametrize("named", ["/compose?draft={draft_id}", "/inbox?q=results", "/inbox?show=sent", "/inbox"])
async def test_nor_does_a_list_or_a_question_show_it(world, hers, named):
    uma = await Browser(world.app).sign_in("uma@home.example")
    await uma.go(named.format(**hers))
    assert "Half a thought" not in uma.response.text
    assert "Your results" not in uma.text
