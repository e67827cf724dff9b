"""The audit of a gateway that serves: who, what, when and from where; it only grows; an altered row is found (P8)."""

import json
import os
import signal
import sqlite3
from contextlib import closing

import httpx2
import pytest

from tests.browser import PASSWORD, Browser
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

ADA, PAT = "ada@riverside.example", "pat@home.example"
SECRETS = ("haemoglobin", "Results-of-Tuesday", "1980-02-03", PASSWORD)


class RealBrowser(Browser):
    """The browser of the tests, over a real connection."""

    def __post_init__(self) -> None:
        self.client = httpx2.AsyncClient(base_url=self.url, follow_redirects=True)


def audited(served):
    lines = served.command("audit", "list", "--json", "--oldest", "--limit", 500).stdout.splitlines()
    return [json.loads(line) for line in lines]


def did(served, action):
    return [(one["actor"], one["subject"], one["place"]) for one in audited(served) if one["action"] == action]


async def tell_the_story(served, hop):
    """A stranger gives a wrong birthdate, then the right one, and reads; who sent it asks and is answered."""
    mail = Mailboxes(hop)
    served.send(f"Dr Ada <{ADA}>", PAT, "[secure] Results-of-Tuesday", "Your haemoglobin is fine.")
    receipt = mail.next("receipt", ADA)
    served.send(ADA, receipt["Reply-To"], "Re: x", "PATIENT 1980-02-03")
    browser = RealBrowser(None, url=served.portal)
    await browser.go(mail.link(mail.next("invitation", PAT)))
    await browser.press("Start")
    await browser.press("Continue", day="4", month="2", year="1980")
    await browser.press("Continue", day="3", month="2", year="1980")
    await browser.press("Continue", name="Pat Example", password=PASSWORD)
    await browser.press("Finish")
    await browser.go("/messages/1")
    assert "haemoglobin" in browser.text
    await browser.client.aclose()


async def test_who_what_when_and_from_where_for_each_act(served, hop):
    served.start()
    await tell_the_story(served, hop)
    here = "127.0.0.1"
    assert did(served, "wrong birthdate") == [(PAT, "invitation 1", here)]
    [(who, what, where)] = did(served, "said PATIENT")
    assert (who, what, where.partition(", mail ")[0]) == (ADA, "invitation 1", here)  # and by which mail
    assert did(served, "released") == [("gateway", "copy 1", here)]
    assert did(served, "viewed") == [(PAT, "copy 1", here)]
    assert did(served, "signed in") == [(PAT, "account 1", here)]
    assert {one["at"][:10] for one in audited(served)} == {served.now.isoformat()[:10]}
    rows = str(served.rows("SELECT * FROM audit"))
    assert not any(secret in rows for secret in SECRETS)
    assert served.command("audit", "verify").returncode == 0  # beside the gateway that serves

    with closing(sqlite3.connect(served.database)) as database:
        for change in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="the audit only grows"):
                database.execute(change)
    assert served.end() == 0
    [(last,)] = served.rows("SELECT max(last_row) FROM audit_batch")
    sealed = [(number,) for number in range(1, last + 1)]
    assert served.rows("SELECT id FROM audit WHERE id <= ? ORDER BY id", last) == sealed
    assert last >= next(one["id"] for one in audited(served) if one["action"] == "verified the audit")


async def test_an_altered_row_is_found_whether_it_serves_or_not_and_the_head_is_kept_elsewhere(served, hop, tmp_path):
    served.settings["AUDIT__HEADS_TO"] = str(tmp_path / "heads")
    served.start()
    served.send(f"Dr Ada <{ADA}>", PAT, "[secure] Results-of-Tuesday", "Your haemoglobin is fine.")
    Mailboxes(hop).next("receipt", ADA)
    served.end(signal.SIGKILL)
    served.start()  # what a run that was killed has left open is sealed at the next start
    served.said("the head of the audit could not be kept elsewhere", times=0)
    served.turn(days=1)
    served.catch_up()
    assert served.end() == 0
    [(row,)] = served.rows("SELECT id FROM audit WHERE action = 'invitation opened'")
    assert served.command("audit", "verify", "--head", tmp_path / "heads").returncode == 0
    with closing(sqlite3.connect(served.database, isolation_level=None)) as database:
        [(guard,)] = database.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_is_not_altered'").fetchall()
        database.execute("DROP TRIGGER audit_is_not_altered")
        database.execute("UPDATE audit SET actor = 'nobody' WHERE id = ?", (row,))
        database.execute(guard)
    for serves in (False, True):
        if serves:
            served.start()
        told = served.command("audit", "verify")
        assert (told.returncode, told.stdout.splitlines()[0]) == (os.EX_DATAERR, f"row {row} was altered")
