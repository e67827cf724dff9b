"""The next hop as it may be: down for a day, refusing, hanging up, silent. Nothing is lost, nothing goes twice.

Each case has a recipient of its own, and the hop's script goes by the addresses it is told; so one gateway meets all
of them at once, whatever it pools, pipelines or sends together.
"""

import re
import signal
import smtplib
import threading
from collections import Counter
from email.message import EmailMessage

import pytest

from tests.peers.hop import CLOSE, CLOSE_TAKEN, Hop
from tests.peers.ledger import ADA, drained
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

STEPS = ("MAIL", "RCPT", "DATA", "dot")
WAITING = "SELECT count(*) FROM delivery WHERE state = 'queued' AND (due_at <= ? OR attempts = 0)"
STATE = "SELECT state FROM delivery WHERE kind = 'pass' AND recipient = ? ORDER BY id"


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port, NEXT_HOP__TLS="none")
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


def send(served: Served, *recipients: str, sender: str = ADA) -> None:
    """One mail that passes; its Message-ID begins with the first recipient's local part."""
    name = recipients[0].partition("@")[0]
    octets = f"From: <{ADA}>\r\nSubject: passes\r\nMessage-ID: <{name}@riverside.example>\r\n\r\nHello.\r\n".encode()
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=30) as client:
        assert client.sendmail(sender, recipients, octets) == {}


def tried(served: Served) -> None:
    """Wait until everything that is due has been tried."""
    now = int(served.now.timestamp() * 1e6)
    wait_for(lambda: served.rows(WAITING, now) == [(0,)], 30)


def state(served: Served, recipient: str) -> str:
    [(found,)] = served.rows(STATE, recipient)
    return found


def until_sent(served: Served, hours: int = 48) -> None:
    """Turn the clock on until the outbox is empty."""
    for _ in range(hours // 6):
        if drained(served):
            return
        served.turn(hours=6)
        tried(served)
    assert drained(served)


def reports(hop: Hop) -> list[EmailMessage]:
    """The non-delivery reports that were handed to the hop (RFC 3464); their envelope's sender is empty."""
    found = [handed for handed in hop.messages() if handed.message.get_content_type() == "multipart/report"]
    assert all(handed.mail_from == "" for handed in found)
    return [handed.message for handed in found]


def written_to(hop, *, reports: bool = True) -> Counter:
    """How often each recipient was written to; the postmaster hears besides of what needs a person, such as a hop."""
    found = (to for one in hop.messages() if reports or one.mail_from for to in one.recipients)
    return Counter(to for to in found if to != "postmaster@riverside.example")


def reported(hop: Hop) -> Counter[str]:
    """For whom there was a report, and how often."""
    named = re.compile(rb"^Final-Recipient: rfc822; ?(\S+)", re.MULTILINE)
    return Counter(who.decode() for report in reports(hop) for who in named.findall(report.as_bytes()))


# ----------------------------------------------------------------------------------------------- refusals, each step


def by_name(step: str, said: str, session) -> str:
    """Refuse at the step, and by the code, that an address names: `rcpt-451@…`, or at MAIL its sender's."""
    names = {"MAIL": [session.mail_from], "RCPT": [said], "DATA": session.recipients, "dot": session.recipients}
    for name in names.get(step, ()):
        if found := re.search(rf"{step.lower()}-(\d)(\d\d)@", name):
            return f"{found[1]}{found[2]} {found[1]}.3.0 No, by the script"
    return ""


@pytest.mark.parametrize("offers", [("PIPELINING", "8BITMIME"), ()], ids=["pipelining", "plain"])
def test_4xx_is_tried_again_and_5xx_is_reported_at_each_step(served, hop, offers):
    hop.offers, hop.script = offers, by_name
    for code in (451, 452, 421, 550, 554):
        for step in STEPS:
            name = f"{step.lower()}-{code}"
            sender = f"{name}@riverside.example" if step == "MAIL" else ADA
            send(served, f"{name}@home.example", sender=sender)
    for number in range(4):
        send(served, f"well{number}@home.example")
    tried(served)
    for step in STEPS:
        for code in (451, 452, 421):
            assert state(served, f"{step.lower()}-{code}@home.example") == "queued"
        for code in (550, 554):
            assert state(served, f"{step.lower()}-{code}@home.example") == "failed"
    assert hop.messages(), "the others flow"

    hop.script = lambda *_: ""
    until_sent(served)
    names = [f"{step.lower()}-{code}" for step in STEPS for code in (451, 452, 421)] + [f"well{n}" for n in range(4)]
    assert written_to(hop, reports=False) == dict.fromkeys((f"{name}@home.example" for name in names), 1)
    refused = [f"{step.lower()}-{code}@home.example" for step in STEPS for code in (550, 554)]
    assert reported(hop) == dict.fromkeys(refused, 1)


def test_a_hop_that_refuses_the_session_costs_no_mail(served, hop):
    """Be it by 5xx: a refused greeting says nothing of the mail, so the mail waits (nor could a report leave there)."""
    everyone = []
    for step in ("banner", "EHLO"):
        for code in ("421", "451", "500", "554"):
            refused = (step, "HELO") if step == "EHLO" else (step,)
            hop.script = lambda at, *_, refused=refused, code=code: f"{code} Not now" if at in refused else ""
            hop.hang_up()
            everyone.append(f"{step.lower()}-{code}@home.example")
            send(served, everyone[-1])
            tried(served)
    assert hop.messages() == []
    assert {to: state(served, to) for to in everyone} == dict.fromkeys(everyone, "queued")
    hop.script = lambda *_: ""
    until_sent(served)
    assert written_to(hop) == dict.fromkeys(everyone, 1)


def test_a_hop_without_ehlo_is_greeted_by_helo(served, hop):
    """RFC 5321 §3.2."""
    hop.script = lambda at, *_: "502 5.5.1 What?" if at == "EHLO" else ""
    send(served, "pat@home.example")
    wait_for(lambda: drained(served))
    assert hop.recipients() == ["pat@home.example"]


def test_recipients_of_one_mail_fare_each_on_their_own(served, hop):
    hop.script = by_name
    everyone = ["well1", "rcpt-550", "rcpt-451", "well2", "rcpt-452", "rcpt-554"]
    send(served, *(f"{name}@home.example" for name in everyone))
    tried(served)
    well = [f"well{number}@home.example" for number in (1, 2)]
    passed = [to for handed in hop.messages() if handed.mail_from for to in handed.recipients]
    assert sorted(passed) == well
    assert [state(served, f"{name}@home.example") for name in everyone] == [
        *("sent", "failed", "queued", "sent", "queued", "failed")
    ]
    hop.script = lambda *_: ""
    until_sent(served)
    assert written_to(hop, reports=False) == dict.fromkeys([*well, "rcpt-451@home.example", "rcpt-452@home.example"], 1)
    assert reported(hop) == {"rcpt-550@home.example": 1, "rcpt-554@home.example": 1}


def test_the_dot_is_refused_for_all_who_share_the_transaction(served, hop):
    hop.script = lambda at, *_: "451 4.3.0 Later" if at == "dot" else ""
    send(served, "pat@home.example", "tim@home.example")
    tried(served)
    assert [state(served, to) for to in ("pat@home.example", "tim@home.example")] == ["queued", "queued"]
    hop.script = lambda *_: ""
    until_sent(served)
    assert sorted(hop.recipients()) == ["pat@home.example", "tim@home.example"]


# --------------------------------------------------------------------------------------------- sessions that end badly


@pytest.mark.parametrize("how", [CLOSE, "421 4.3.2 Shutting down"], ids=["closed", "421"])
def test_a_session_that_ends_in_the_middle(served, hop, how):
    """At each step in turn every second session ends there; all mail still arrives, each once."""
    lock, everyone = threading.Lock(), []
    for step in ("banner", "EHLO", *STEPS):
        reached = Counter()

        def script(at: str, *_: object, step=step, reached=reached) -> str:
            with lock:
                reached[at] += 1
                return how if at == step and reached[at] % 2 else ""

        hop.script = script
        hop.hang_up()
        some = [f"{step.lower()}{number}@home.example" for number in range(5)]
        for to in some:
            send(served, to)
        tried(served)
        assert reached[step], step
        everyone += some
    hop.script = lambda *_: ""
    until_sent(served)
    assert written_to(hop) == dict.fromkeys(everyone, 1)


def test_closed_after_the_dot_is_the_one_case_of_a_duplicate_and_it_is_the_same_mail(served, hop):
    done = []

    def script(at: str, _: str, session) -> str:
        if at == "dot" and "pat@home.example" in session.recipients and not done:
            done.append(at)
            return CLOSE_TAKEN
        return ""

    hop.script = script
    send(served, "pat@home.example")
    send(served, "tim@home.example")
    tried(served)
    until_sent(served)
    assert written_to(hop) == {"pat@home.example": 2, "tim@home.example": 1}
    twice = [handed for handed in hop.messages() if handed.recipients == ("pat@home.example",)]
    assert twice[0].octets == twice[1].octets


def test_a_hop_that_is_silent_after_the_dot_holds_up_nobody_else(served, hop):
    go_on = threading.Event()

    def script(at: str, _: str, session) -> str:
        if at == "dot" and "slow@home.example" in session.recipients:
            go_on.wait(60)
        return ""

    hop.script = script
    send(served, "slow@home.example")
    others = [f"p{number}@home.example" for number in range(20)]
    for to in others:
        send(served, to)
    wait_for(lambda: sorted(hop.recipients()) == sorted(others), 20)
    go_on.set()
    wait_for(lambda: drained(served), 20)
    assert written_to(hop) == dict.fromkeys(["slow@home.example", *others], 1)


# ------------------------------------------------------------------------------------------------------ down for a day

MAILS = 24
LEAST_WAIT = 60
"""Seconds by the gateway's clock; RFC 5321 §4.5.4.1 asks for half an hour in general, and allows cleverer schemes."""
MOST_SESSIONS = 20


def test_down_for_a_day_then_up_everything_arrives_once(served, hop):
    hop.stop()
    everyone = [f"p{number}@home.example" for number in range(MAILS)]
    for to in everyone:
        send(served, to)
    asked = "SELECT id, attempts, due_at FROM delivery WHERE kind = 'pass' ORDER BY id"
    waits: list[float] = []
    for minutes in (0, 10, 20, 60, 120, 240, 480, 510):  # a day in all
        served.turn(minutes=minutes)
        tried(served)
        now = served.now.timestamp()
        rows = served.rows(asked)
        waits.append(min(due / 1e6 - now for _, _, due in rows))
        assert waits[-1] > 0
    assert waits[0] >= LEAST_WAIT
    assert max(waits) > 20 * waits[0], "the waits grow"
    assert all(attempts <= 12 for _, attempts, _ in rows)
    assert len({due for _, _, due in rows}) > MAILS / 4, "what failed together does not come back together"
    assert served.rows("SELECT DISTINCT state FROM delivery WHERE kind = 'pass'") == [("queued",)]

    hop.start()
    until_sent(served)
    assert written_to(hop) == dict.fromkeys(everyone, 1)
    assert hop.most_at_once <= MOST_SESSIONS
    assert hop.sessions <= MAILS + MOST_SESSIONS
