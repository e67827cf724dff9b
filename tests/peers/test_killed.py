"""`kill -9` at any instant: whoever heard 250 can rely on it.

The suite kills at 20 random instants under load. The full form, of 200 instants or as many as one likes:

    KILLS=200 python -m pytest tests/peers/test_killed.py -k random --timeout 3600

and `SEED=…` repeats the instants of a run that failed (the load stays a matter of the machine).
"""

import os
import random
import signal
import smtplib
import time

import pytest

from gateway.demo.browser import Browser
from tests.peers.ledger import ADA, REGISTERED, Load, Mail, books, drained, lost
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(random.SystemRandom().randrange(10**6))))
MOST = 12
"""At most so many mails are told 250 between two kills; and at least one, so that each kill falls into real work."""
ACCEPT = "gateway.flow.receive.accept"
CLAIM, RECORD = "gateway.flow.outbound.deliver.claim", "gateway.flow.outbound.deliver.record"
BIRTHDATE = {"day": "3", "month": "2", "year": "1980"}


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port)
    yield gateway
    gateway.end(signal.SIGKILL)


def doomed(served: Served, when: str, use_case: str) -> None:
    """Start the gateway so that it kills itself once at this point, when `arm` has been called."""
    served.through = ("tests.peers.launcher", when, use_case, str(served.folder / "kill"))
    served.start()


def arm(served: Served) -> None:
    (served.folder / "kill").touch()


def revive(served: Served) -> None:
    """Wait until it has killed itself, and start it as usual."""
    assert served.ended() == -signal.SIGKILL
    served.through = ("gateway",)
    served.start()


def hand_in(served: Served, mail: Mail) -> bool:
    """Offer a mail once; whether the client was told 250."""
    try:
        with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20) as client:
            client.sendmail(ADA, [mail.recipient], mail.octets)
    except (smtplib.SMTPServerDisconnected, ConnectionError):
        return False
    return True


# ---------------------------------------------------------------------------------------------------- at any instant


@pytest.mark.timeout(120 + 20 * KILLS)
def test_nothing_is_lost_at_random_instants(served, hop):
    chance = random.Random(SEED)  # noqa: S311 - instants, not secrets
    served.start()
    served.enrol(REGISTERED)
    with Load(served.smtp_port) as load:
        for _ in range(KILLS):
            enough = len(load.ledger.told) + chance.randint(1, MOST)
            wait_for(lambda enough=enough: len(load.ledger.told) >= enough, 60)
            time.sleep(chance.uniform(0, 0.1))
            served.kill()
    wait_for(lambda: drained(served), 60 + KILLS)

    ledger, found = load.ledger, books(served, hop)
    assert lost(ledger, found) == [], f"SEED={SEED}"
    told = {kind: {key for key, mail in ledger.told.items() if mail.kind == kind} for kind in ("pass", "held", "inbox")}
    assert told["pass"] <= found.delivered.keys()
    secure = told["held"] | told["inbox"]
    assert {key: found.copies[key] for key in secure} == dict.fromkeys(secure, 1)  # however often it was offered
    assert {key: len(found.announced.get(key, ())) for key in told["held"]} == dict.fromkeys(told["held"], 1)
    more = {key: times for key, times in found.delivered.items() if times > 1 + ledger.unheard[key] + KILLS}
    assert more == {}
    assert sum(found.delivered.values()) - len(found.delivered) <= 20 * KILLS + ledger.unheard.total()


# ------------------------------------------------------------------------------------------------- at a named point


@pytest.mark.parametrize(("when", "kept"), [("within", 0), ("after", 1)])
def test_killed_before_the_answer_the_client_tries_again(served, hop, when, kept):
    """Before the commit nothing is kept; after it, all is: a second offer of secure mail is known as the same."""
    doomed(served, when, ACCEPT)
    passing, secure = Mail(2), Mail(1)
    arm(served)
    assert not hand_in(served, secure)
    revive(served)
    assert len(served.rows("SELECT * FROM message")) == kept
    assert hand_in(served, secure)
    assert hand_in(served, passing)
    wait_for(lambda: drained(served))

    found = books(served, hop)
    assert found.copies == {secure.id: 1}
    assert len(found.announced[secure.id]) == 1
    assert found.delivered == {passing.id: 1}


def test_killed_right_after_the_answer_all_of_it_is_there(served, hop):
    served.start()
    served.enrol(REGISTERED)
    mails = [Mail(number) for number in range(1, 11)]  # of every kind, small and large
    for mail in mails:
        with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20) as client:
            client.sendmail(ADA, [mail.recipient], mail.octets)
            if mail.number % 5 == 0:
                os.kill(served.pid, signal.SIGKILL)  # the 250 was read an instant ago
        if mail.number % 5 == 0:
            served.kill()
    wait_for(lambda: drained(served))

    found = books(served, hop)
    assert lost(load_of(mails), found) == []
    assert all(found.copies[mail.id] == 1 for mail in mails if mail.kind != "pass")


def load_of(mails):
    ledger = Load(0, senders=0).ledger
    ledger.told.update({mail.id: mail for mail in mails})
    return ledger


@pytest.mark.parametrize(
    ("when", "use_case", "most"),
    [("after", CLAIM, 1), ("before", RECORD, 2), ("within", RECORD, 2), ("after", RECORD, 1)],
)
def test_killed_while_sending_it_is_sent_again_as_the_same_mail(served, hop, when, use_case, most):
    """Only between the hop's 250 and our record of it may a mail go twice, and then under the same Message-ID."""
    doomed(served, when, use_case)
    wait_for(lambda: drained(served))
    passing, secure = Mail(2), Mail(1)
    for number, mail in enumerate((passing, secure), 1):
        if number == 2:
            served.end(signal.SIGKILL)
            doomed(served, when, use_case)
        arm(served)
        hand_in(served, mail)
        revive(served)
        wait_for(lambda: drained(served))

    found = books(served, hop)
    assert found.delivered.keys() == {passing.id}
    assert 1 <= found.delivered[passing.id] <= most
    receipts = [handed for handed in hop.messages() if handed.message["X-Gateway-Notice"] == "receipt"]
    assert 1 <= len(receipts) <= most
    assert len({receipt.message["Message-ID"] for receipt in receipts}) == 1
    assert len({receipt.octets for receipt in receipts}) == 1


def test_a_reminder_whose_record_was_lost_goes_again_as_the_same_mail(served, hop):
    doomed(served, "before", RECORD)
    mail = Mailboxes(hop)
    served.send(ADA, "pat@home.example", "[secure patient 1980-02-03] Results", "Fine.")
    mail.next("invitation", "pat@home.example")
    wait_for(lambda: drained(served))
    arm(served)
    served.turn(days=3)
    revive(served)
    wait_for(lambda: drained(served))

    reminders = [handed for handed in hop.messages() if handed.message["X-Gateway-Notice"] == "reminder"]
    assert len(reminders) == 2  # the hop took it, then the gateway died, then it was sent again
    assert reminders[0].octets == reminders[1].octets


# --------------------------------------------------------------------------------------------------------- a release


REGISTER = "gateway.portal.invite.registering._register"
SENDERS = [f"dr{number}@riverside.example" for number in range(4)]


@pytest.mark.parametrize(
    ("when", "use_case", "registered"),
    [("within", REGISTER, False), ("after", REGISTER, True), ("after", CLAIM, True), ("before", RECORD, True)],
)
def test_killed_in_a_release_the_rest_is_released_after_the_restart(served, hop, when, use_case, registered):
    """Four senders wait for Pat: she registers, and all their mail is in her inbox and each of them is told."""
    served.start()
    mail = Mailboxes(hop)
    for sender in SENDERS:
        served.send(sender, "pat@home.example", "[secure patient 1980-02-03] Results", f"From {sender}.")
    invitation = mail.next("invitation", "pat@home.example")
    wait_for(lambda: drained(served))
    served.end(signal.SIGKILL)
    doomed(served, when, use_case)
    arm(served)
    register(mail.link(invitation))
    revive(served)
    assert bool(served.rows("SELECT * FROM account")) == registered
    if not registered:
        register(mail.link(invitation))
    wait_for(lambda: drained(served))

    assert served.rows("SELECT state, count(*) FROM copy GROUP BY state") == [("inbox", len(SENDERS))]
    told = {sender: [] for sender in SENDERS}
    for handed in hop.messages():
        if handed.message["X-Gateway-Notice"] == "accepted":
            told[handed.recipients[0]].append(handed.message["Message-ID"])
    for sender, ids in told.items():
        assert len(set(ids)) == 1, sender
        assert len(ids) <= (2 if use_case == RECORD else 1), sender


def register(link: str) -> None:
    """From the link to the account, as far as the gateway lives to answer."""
    browser = Browser()
    try:
        browser.open(link)
        for _ in range(4):
            browser.send(name="Pat", password="a teapot full of violets", **BIRTHDATE)
    except (OSError, LookupError):
        return
