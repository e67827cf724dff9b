"""The demo: the story without a person, and the page that a visitor sees."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import pyotp
import pytest

from gateway.demo import check, history, mail
from gateway.demo.clock import MovableClock
from gateway.demo.inbox_page import Before, create_app, steps
from gateway.demo.people import ADA, OMAR, PAT, TIMEZONE
from gateway.demo.stage import staged
from gateway.demo.story import Story
from gateway.flow.accounts import second_factor
from tests.practice import World

pytestmark = pytest.mark.peer

GATEWAY = str(Path(sys.executable).with_name("gateway"))


def test_the_whole_story_walks_by_itself_and_leaves_nothing_behind(tmp_path):
    done = subprocess.run(
        [GATEWAY, "demo", "--check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == len(check.STEPS)
    assert list(tmp_path.iterdir()) == []


async def test_a_step_that_fails_is_told_and_ends_the_walk(monkeypatch, capsys):
    async def broken(_story: Story) -> None:
        """Something that cannot be"""
        check.expect(False, "seen otherwise")

    async def never(_story: Story) -> None:
        raise AssertionError("the walk went on")

    monkeypatch.setattr(check, "STEPS", (broken, never))
    assert await check.run() == 1
    assert "FAILED  Something that cannot be" in capsys.readouterr().out


async def test_a_visitor_writes_answers_and_moves_the_clock():
    async with staged() as stage:
        app = httpx2.ASGITransport(await create_app(stage))
        async with httpx2.AsyncClient(transport=app, base_url="http://demo", follow_redirects=True) as visitor:
            page = (await visitor.get("/")).text
            assert "[secure] Your results" in page
            assert "✓" not in page
            first = {"as": ADA.address, "to": PAT.address, "subject": "[secure] <b>x</b>", "body": "{{7*7}}"}
            await visitor.post("/send", data=first)
            await asyncio.wait_for(stage.sink.arrival() if not stage.sink.count else asyncio.sleep(0), 10)
            page = (await visitor.get("/", params={"as": ADA.address, "mail": 1})).text
            assert page.count("✓") == 2
            to = re.search(r'name="to" value="(bot\+[^"]+)"', page)[1]
            answer = {"as": ADA.address, "to": to, "subject": "Re: x", "body": "PATIENT 1980-02-03", "answers": ""}
            await visitor.post("/send", data=answer)
            await stage.settle()
            assert (await stage.look(lambda tx: steps(tx, Before())))["invited"]
            before = stage.clock.now()
            await visitor.post("/clock", data={"days": "3", "as": PAT.address})
            assert (stage.clock.now() - before).days in (2, 3)
            page = (await visitor.get("/", params={"as": PAT.address})).text
            assert "reminder" in page.lower()
            refused = await visitor.post("/send", data=first | {"as": PAT.address})
            assert refused.status_code == 422
            assert "belongs to no practice" in refused.text


async def test_a_mails_html_is_framed_and_its_mailto_links_open_our_form():
    async with staged() as stage:
        story = Story(stage)
        await story.write(ADA, PAT, "[secure] x", "y")
        await story.next(ADA, "receipt")
        app = httpx2.ASGITransport(await create_app(stage))
        async with httpx2.AsyncClient(transport=app, base_url="http://demo") as visitor:
            frame = await visitor.get(f"/mail/{ADA.address}/1")
            assert 'href="mailto:' not in frame.text
            assert 'href="/?as=' in frame.text
            assert "default-src 'none'" in frame.headers["content-security-policy"]
            assert (await visitor.get(f"/mail/{PAT.address}/1")).status_code == 404


async def test_thirty_days_pass_one_by_one_and_bring_each_reminder():
    async with staged() as stage:
        story = Story(stage)
        await story.write(ADA, PAT, "[secure patient 1980-02-03] x", "y")
        await story.next(PAT, "invitation")
        await stage.move(30)
        kept = [mail.read(one.octets).notice for one in stage.sink.mails(PAT.address)]
        assert kept.count("reminder") == 3


async def test_codes_of_a_real_phone_are_taken_while_the_clock_is_moved():
    clock = MovableClock(ZoneInfo(TIMEZONE))
    clock.move(3)
    world = World(clock=clock)
    account = await world.registered()
    secret = pyotp.random_base32()
    assert await world.desk.do(second_factor.start_codes, account, secret, pyotp.TOTP(secret).now())


async def test_files_are_sent_and_history_leaves_the_mailboxes_empty():
    async with staged() as stage:
        await history.play(stage)
        assert stage.sink.count == 0
        app = httpx2.ASGITransport(await create_app(stage))
        async with httpx2.AsyncClient(transport=app, base_url="http://demo", follow_redirects=True) as visitor:
            assert "✓" not in (await visitor.get("/")).text
            draft = {"as": ADA.address, "to": OMAR.address, "subject": "Lunch?", "body": "At noon."}
            sent = await visitor.post("/send", data=draft, files={"files": ("menu.txt", b"soup", "text/plain")})
            assert "Sent to omar@hillside.example." in sent.text
            assert "At noon." not in sent.text
        [passed] = stage.sink.mails(OMAR.address)
        assert [file.filename for file in mail.read(passed.octets).files] == ["menu.txt"]
