"""Who was told what: clients outside of the process that is killed, and the reckoning of what became of their mail."""

import contextlib
import itertools
import smtplib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.peers.hop import Hop
from tests.peers.served import Served

ADA = "ada@riverside.example"
REGISTERED = "regina@home.example"
LARGE = 100_000
"""Octets of the mails whose content lies in a file of its own."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the load. Every fourth goes to somebody registered, every fourth to a stranger; the rest passes."""

    number: int

    @property
    def kind(self) -> str:
        return ("pass", "held", "pass", "inbox")[self.number % 4]

    @property
    def recipient(self) -> str:
        return REGISTERED if self.kind == "inbox" else f"p{self.number}@home.example"

    @property
    def author(self) -> str:
        """Somebody else for each, so that each has a receipt of its own: those of a run share a digest."""
        return f"dr{self.number}@riverside.example"

    @property
    def id(self) -> str:
        return f"<{self.number}.load@riverside.example>"

    @property
    def octets(self) -> bytes:
        tag = "" if self.kind == "pass" else "[secure] "
        head = f"From: Dr X <{self.author}>\r\nTo: {self.recipient}\r\nSubject: {tag}number {self.number}\r\n"
        body = f"This is number {self.number}.\r\n" * (LARGE // 24 if self.number % 10 < 2 else 8)
        return f"{head}Message-ID: {self.id}\r\n\r\n{body}".encode()


@dataclass(slots=True)
class Ledger:
    """What the clients heard: `told` are the mails answered by 250, `unheard` counts offers whose answer was lost."""

    told: dict[str, Mail] = field(default_factory=dict)
    unheard: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)


class Load:
    """Senders in threads: each offers its mail until it is told 250, as a mail server does, then the next.

    Of several ports each takes the next one after a session that was cut off, as through a balancer.
    """

    def __init__(self, *ports: int, senders: int = 4, pause: float = 0.0) -> None:
        self.ledger = Ledger()
        self._ports = itertools.cycle(ports)
        self._pause = pause
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send_on) for _ in range(senders)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send_on(self) -> None:
        mail = self._next()
        while not self._stop.is_set():
            with (
                contextlib.suppress(OSError, smtplib.SMTPException),
                smtplib.SMTP("127.0.0.1", next(self._ports), local_hostname="load.example", timeout=30) as client,
            ):
                while not self._stop.is_set():
                    if self._offer(client, mail):
                        mail = self._next()
                    time.sleep(self._pause)
            self._stop.wait(0.02)

    def _next(self) -> Mail:
        with self._lock:
            return Mail(next(self._numbers))

    def _offer(self, client: smtplib.SMTP, mail: Mail) -> bool:
        """Whether it was told 250. Raises what smtplib does when the connection is gone."""
        client.ehlo_or_helo_if_needed()
        if client.mail(ADA)[0] != 250 or client.rcpt(mail.recipient)[0] != 250:
            client.rset()
            return False
        try:
            code, _ = client.data(mail.octets)
        except (OSError, smtplib.SMTPException):
            with self._lock:
                self.ledger.unheard[mail.id] += 1
            raise
        with self._lock:
            if code == 250:
                self.ledger.told[mail.id] = mail
            else:
                self.ledger.refused[code] += 1
        return code == 250


@dataclass(frozen=True, slots=True)
class Books:
    """What the sink and the database say, once the outbox is empty."""

    delivered: Counter[str]
    """how often each Message-ID that passes was taken by the hop"""
    queued: set[str]
    bounced: set[str]
    copies: Counter[str]
    """how many copies of each secure Message-ID are kept, with their content"""
    announced: dict[str, set[str]]
    """the Message-IDs of what was written to somebody about a secure mail, by its Message-ID"""


def drained(served: Served) -> bool:
    return served.rows("SELECT count(*) FROM delivery WHERE state = 'queued'") == [(0,)]


def books(served: Served, hop: Hop) -> Books:
    """Read them: the hop's side from memory, the gateway's from its database and folder."""
    delivered: Counter[str] = Counter()
    announced: dict[str, set[str]] = {}
    for handed in hop.messages():
        message = handed.message
        if message["X-Gateway-Notice"] is None:
            delivered[message["Message-ID"]] += 1
        elif answered := message["In-Reply-To"]:
            announced.setdefault(answered, set()).add(message["Message-ID"])
    by_state = {
        state: {f"<{to[1:].partition('@')[0]}.load@riverside.example>" for (to,) in served.rows(_PASSING, state)}
        for state in ("queued", "failed")
    }
    return Books(delivered, by_state["queued"], by_state["failed"], _copies(served), announced)


_PASSING = "SELECT recipient FROM delivery WHERE kind = 'pass' AND state = ?"
_COPIES = """
SELECT header_id, content.id, inline IS NOT NULL FROM copy JOIN message ON message.id = message_id
LEFT JOIN content ON content.id = content_id WHERE state IN ('held', 'inbox') AND copy.wrapped_key IS NOT NULL
"""


def _copies(served: Served) -> Counter[str]:
    """Copies whose content is there: in its row, or in a file."""
    elsewhere = served.contents()
    return Counter(header for header, content, inline in served.rows(_COPIES) if inline or content in elsewhere)


def lost(ledger: Ledger, found: Books) -> list[str]:
    """told 250 - (delivered + still queued + held + bounced): the Message-IDs that nobody can account for."""
    accounted = found.delivered.keys() | found.queued | found.bounced | found.copies.keys()
    return sorted(ledger.told.keys() - accounted)
