"""The log names nobody: not by an address, whatever a mail server answers; by a digest where the site wants that."""

import re

import pytest

from gateway.edge.run import log_names
from gateway.edge.run.log_names import without_addresses
from gateway.testing import fake_keys
from tests.peers.process import wait_for

pytestmark = pytest.mark.peer
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
ADA, PAT, OMAR = "ada@riverside.example", "pat@home.example", "omar@hillside.example"


def story(served, hop):
    """A stranger's mail with details, and ordinary mail that the next hop refuses, naming its reader."""
    refused = f"550 5.1.1 <{OMAR}>: no such user"
    hop.script = lambda step, said, _: refused if step == "RCPT" and OMAR in said else ""
    served.start()
    served.send(ADA, PAT, "[secure patient 1980-02-03] Your results", "All is well.")
    served.send(ADA, OMAR, "Lunch?", "At noon?")
    wait_for(lambda: served.rows("SELECT 1 FROM delivery WHERE state = 'failed'"))
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE state = 'sent'")[0][0] >= 2)
    served.end()
    return (served.folder / "log").read_text()


def test_no_line_has_an_address_and_one_persons_mails_can_be_followed(served, hop):
    served.settings["LOG__HASH_ADDRESSES"] = "true"
    log = story(served, hop)
    assert not ADDRESS.search(log)
    for word in ("home.example", "hillside.example", "1980", "results", "Lunch", "All is well"):
        assert word not in log
    taken = re.findall(r"'(p-[0-9a-f]{10}): not registered'", log)
    assert len(set(taken)) == 1
    invited = re.search(rf"notice=invitation .*to={taken[0]}", log)
    assert invited
    found = served.command("trace", taken[0])
    assert (found.returncode, found.stdout.count(PAT)) == (0, 1)
    assert served.command("trace", "p-0000000000").returncode == 1


def test_without_the_setting_a_line_names_domains_alone(served, hop):
    log = story(served, hop)
    assert not ADDRESS.search(log)
    assert "home.example: not registered" in log


@pytest.mark.parametrize("hashed", [True, False])
def test_what_others_say_loses_its_addresses(hashed):
    log_names.hash_addresses(fake_keys() if hashed else None)
    try:
        event = {
            "event": "not sent",
            "error": "550 5.1.1 <Pat.O'Neil+x@home.example>: no such user; ask postmaster@mx.home.example",
            "recipients": ["pat@home.example: refused"],
            "count": 3,
        }
        said = without_addresses(None, "info", event)
    finally:
        log_names.hash_addresses(None)
    assert not ADDRESS.search(str(said))
    assert said["count"] == 3
    assert ("home.example" in said["error"]) is not hashed
