"""The recipe of `config/postfix.md`, word by word: a practice's Postfix before the gateway and behind it."""

import contextlib
import re
import smtplib
import threading
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.peers import recipes
from tests.peers.hop import Hop
from tests.peers.in_path import Practice, main_cf
from tests.peers.ledger import ADA, REGISTERED, drained
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

MAILS = 1000
SENDERS = 6
STOPS = 2
AT_ONCE = SENDERS + 20 + 20
"""Mails that may be on their way into Postfix or out of it at one moment."""
STUCK_SECONDS = 1.5
SECRET = "the-secret-of-number"
ARCHIVE = "archive@riverside.example"
OWN = {
    "always_bcc": ARCHIVE,
    "virtual_alias_maps": "inline:{ { team@riverside.example = one@riverside.example, two@riverside.example } }",
    "virtual_alias_domains": "",
    "mynetworks": "10.0.0.0/8",
    "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "2s",
    "queue_run_delay": "1s",
}
TRACE = re.compile(rb"\AReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)+")
OURS = b"by secure.riverside.example with "
REPORT = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n"
    "\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt was read.\r\n--b\r\n"
    "Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; ada@riverside.example\r\n"
    "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n"
)
KINDS = ("plain", "stranger", "eight-bit", "registered", "utf8", "refused", "report", "plain", "big", "undeliverable")
"""Each is a tenth of the mails. `refused` is ordinary mail that the world refuses; `undeliverable` is secure mail to
somebody whose invitation the world refuses."""
SECURE = ("stranger", "registered", "undeliverable")


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail of the thousand."""

    number: int

    @property
    def kind(self) -> str:
        return KINDS[self.number % len(KINDS)]

    @property
    def to(self) -> str:
        names = {"refused": "no", "undeliverable": "gone", "utf8": "zoë"}
        return REGISTERED if self.kind == "registered" else f"{names.get(self.kind, 'p')}{self.number}@home.example"

    @property
    def mail_from(self) -> str:
        return "" if self.kind == "report" else f"dr{self.number}@riverside.example"

    @property
    def id(self) -> str:
        return f"<{self.number}.path@riverside.example>"

    @property
    def octets(self) -> bytes:
        number, tag = self.number, "[secure patient 1980-02-03] " if self.kind in SECURE else ""
        head = (
            f"Received: from desk ([10.0.0.7])\r\n\tby old.riverside.example;\r\n\tMon, 2 Mar 2026 10:00:00 +0000\r\n"
            f"DATE:   Mon,  2 Mar 2026 10:00:00 +0000\r\nfrom: Dr X\r\n\t<dr{number}@riverside.example>\r\n"
            f"To: {self.to}\r\nSubject: {tag}{'Grüße' if self.kind == 'utf8' else 'no'}  {number} \r\n"
            f"Message-ID: {self.id}\r\nX-Empty:\r\n"
        )
        return f"{head}{self._body}".encode()

    @property
    def _body(self) -> str:
        if self.kind == "report":
            return REPORT
        text = {
            "eight-bit": "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\nÄrztin, naïve, 日本 \r\n",
            "big": "\r\n" + f"{'y' * 900}\r\n.\r\n..two dots\r\n" * 1200,
        }.get(self.kind, "\r\nHello \r\n\r\n\ttab\t\r\n.\r\n")
        return f"{text}{SECRET}-{self.number if self.kind in SECURE else 'none'}-\r\n\r\n"


class Senders:
    """People at their desks: each offers a mail until it is taken, and knows of which ones the answer was lost."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.waiting = [Sent(number) for number in range(MAILS, 0, -1)]
        self.unheard: set[str] = set()
        self.taken = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while self.waiting:
            with contextlib.suppress(OSError, smtplib.SMTPException), self.practice.client() as client:
                while one := self._next():
                    try:
                        self._offer(client, one)
                    except (OSError, smtplib.SMTPException):
                        with self._lock:
                            self.unheard.add(one.id)
                            self.waiting.append(one)
                        raise
            time.sleep(0.05)

    def _next(self) -> Sent | None:
        with self._lock:
            return self.waiting.pop() if self.waiting else None

    def _offer(self, client: smtplib.SMTP, one: Sent) -> None:
        options = ["SMTPUTF8"] if one.kind == "utf8" else []
        client.sendmail(one.mail_from, [one.to], one.octets, mail_options=options)
        with self._lock:
            self.taken += 1


@pytest.fixture
def practice(peers, tmp_path, hop):
    def world(step: str, said: str, _session) -> str:
        refuses = step == "RCPT" and re.search(r"<(no|gone)\d+@home\.example>", said)
        return "550 5.1.1 There is nobody of that name" if refuses else ""

    hop.script = world
    made = Practice(tmp_path, hop, OWN)
    made.start()
    yield made
    made.close()


def settled(practice: Practice) -> None:
    """Wait until nothing is under way, turning the gateway's clock where for seconds nothing has got on.

    Turned while there is work to do, it would bring days and what they bring, and never come to an end.
    """
    seen: tuple[object, float] = (None, 0.0)

    def is_quiet() -> bool:
        nonlocal seen
        if practice.postfix.waiting() == 0 and drained(practice.served):
            return True
        progress = practice.served.rows("SELECT count(*), sum(attempts), max(id) FROM delivery WHERE state = 'queued'")
        if progress != seen[0]:
            seen = progress, time.monotonic()
        elif time.monotonic() - seen[1] > STUCK_SECONDS:
            practice.served.turn(minutes=10)
            seen = None, 0.0
        return False

    wait_for(is_quiet, 400)


def untraced(octets: bytes) -> bytes:
    """Without the three lines of the way: Postfix, the gateway, Postfix."""
    for _ in range(3):
        octets, found = TRACE.subn(b"", octets)
        assert found
    return octets


def to_world(practice: Practice, *, not_to: str = ARCHIVE) -> Counter[tuple[str, str]]:
    """How often each Message-ID has reached each recipient out there."""
    return Counter(
        (one.message["Message-ID"], to) for one in practice.hop.messages() for to in one.recipients if to != not_to
    )


def test_a_thousand_mixed_mails_none_lost_none_looped(practice):
    """Postfix, before the gateway and behind it, is stopped and started in between, twice."""
    practice.served.enrol(REGISTERED)
    with Senders(practice) as senders:
        for part in range(1, STOPS + 1):
            wait_for(lambda: senders.taken >= MAILS * part // 3, 200)  # noqa: B023 - it is asked at once
            practice.postfix.stop()
            time.sleep(0.5)
            practice.start_postfix()
    settled(practice)

    everything = [Sent(number) for number in range(1, MAILS + 1)]
    handed = practice.hop.messages()
    reached = to_world(practice)
    ordinary = [one for one in everything if one.kind not in (*SECURE, "refused")]
    assert not [one for one in ordinary if not reached[one.id, one.to]], "lost"
    twice = {name for (name, to), count in reached.items() if count > 1 and name}
    # A server that is ended between a mail's last dot and its answer makes it come again: RFC 1047.
    assert len(twice) <= STOPS * AT_ONCE
    by_id = {one.id: one for one in ordinary}
    for mail in handed:
        one = by_id.get(mail.message["Message-ID"])
        if one and ARCHIVE not in mail.recipients:
            assert untraced(mail.octets) == one.octets, one
        assert mail.octets.count(OURS) <= 1, "it went round"
        assert not re.search(rb"the-secret-of-number-\d", mail.octets)
    secure = [one for one in everything if one.kind in SECURE]
    kept = {name for (name,) in practice.served.rows("SELECT header_id FROM message")}
    assert kept == {one.id for one in secure}

    archived = {one.message["Message-ID"] for one in handed if ARCHIVE in one.recipients}
    assert archived >= {one.id for one in everything if one.kind not in SECURE}
    returned = {to for one in handed if not one.mail_from for to in one.recipients}
    assert returned >= {one.mail_from for one in everything if one.kind == "refused"}
    states = dict(practice.served.rows("SELECT address, state FROM invitation"))
    assert Counter(states.values()) == {"invited": MAILS // 10, "undeliverable": MAILS // 10}


def test_aliases_and_the_archive_come_once(practice):
    one = Sent(10)
    with practice.client() as client:
        client.sendmail(one.mail_from, ["team@riverside.example", "far@home.example"], one.octets)
    settled(practice)
    everyone = Counter(to for mail in practice.hop.messages() for to in mail.recipients)
    assert everyone == dict.fromkeys(["one@riverside.example", "two@riverside.example", "far@home.example", ARCHIVE], 1)


def test_what_the_gateway_refuses_comes_back_to_its_author(practice):
    octets = Sent(1).octets.replace(b"riverside.example>", b"nowhere.example>", 1)
    with practice.client() as client:
        client.sendmail(ADA, ["p1@home.example"], octets)
    [report] = [mail for mail in wait_for(practice.hop.messages, 30) if ADA in mail.recipients]
    assert report.mail_from == ""
    assert "550 5.7.1 Secure mail refused" in report.octets.decode().replace("\r\n    ", " ")


def test_a_stranger_in_a_clinicians_name_commands_nothing(practice):
    """Through the same Postfix, at port 25: only who has signed in is believed."""
    bot = "bot@secure.riverside.example"
    said = f"From: Ada <{ADA}>\r\nTo: {bot}\r\nSubject: x\r\nMessage-ID: <%s@x.example>\r\n\r\nLIST\r\n"
    with practice.outside() as client:
        client.sendmail(ADA, [bot], said % "outside")
    with practice.client() as client:
        client.sendmail(ADA, [bot], said % "inside")
    settled(practice)
    answers = [one.message for one in practice.hop.messages() if one.message["X-Gateway-Notice"] == "transcript"]
    assert {one["In-Reply-To"] for one in answers} == {"<inside@x.example>"}


def test_addresses_that_are_made_up_are_refused_at_the_door(practice):
    """Taken in and returned, they would be bounces to whoever is named as their sender."""
    with practice.outside() as client:
        client.ehlo()
        client.mail("innocent@home.example")
        assert client.rcpt("sales@secure.riverside.example")[0] == 550
        assert client.rcpt("joe@home.example")[0] == 554
        for box in ("bot", "BOT+ab2c", "bounce+ab2c", "reply+ab2c", "postmaster"):
            assert client.rcpt(f"{box}@secure.riverside.example")[0] == 250


def test_as_the_smart_host_it_has_what_goes_outside_and_nothing_else(tmp_path, postfix, hop):
    files = recipes.files(recipes.section("postfix.md", "The gateway as Postfix's smart host"))
    toml = files["gateway.toml"].partition("[next_hop]")[0]  # the provider is the test's own hop, in clear
    served = Served(tmp_path / "gateway", hop.port, **recipes.settings(toml, NEXT_HOP__TLS="none"))
    served.start()
    at_home = Hop()
    at_home.start()
    try:
        relayhost = main_cf(files["main.cf"])["relayhost"].replace("2525", str(served.smtp_port))
        own = f"inline:{{ riverside.example=smtp:[127.0.0.1]:{at_home.port} }}"
        before = postfix(0, relayhost=relayhost, transport_maps=own)
        with smtplib.SMTP("127.0.0.1", before.port, timeout=60) as client:
            for to, octets in (("far@home.example", Sent(10).octets), ("p11@home.example", Sent(11).octets)):
                client.sendmail(ADA, [to, "bea@riverside.example"], octets)
        wait_for(lambda: len(at_home.messages()) == 2 and len(hop.messages()) == 3, 30)
        assert {to for one in at_home.messages() for to in one.recipients} == {"bea@riverside.example"}
        through = {to: one for one in hop.messages() for to in one.recipients}
        assert through.keys() == {"far@home.example", "p11@home.example", "dr11@riverside.example"}
        assert through["far@home.example"].octets.count(OURS) == 1
        assert through["p11@home.example"].message["X-Gateway-Notice"] == "invitation"
    finally:
        at_home.stop()
        served.end()
