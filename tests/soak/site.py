"""A gateway among real servers: Postfix in front, Postfix behind, Dovecot beside, and what happens to each.

    clients -> Postfix (front) -> gateway serve -> Postfix (hop) -> our sink, which is the world
                                    |      ^            |
                         Dovecot (the bot's mailbox)    bounces

The clients, the sink and the ledger live in this process, outside of whatever is killed.
"""

import contextlib
import re
import signal
import smtplib
import time
from pathlib import Path

from tests.peers.disks import MIB, LimitedFiles, SmallDisk
from tests.peers.dovecot import PASSWORD, USER, Dovecot
from tests.peers.hop import Hop, Session
from tests.peers.postfix import Postfix
from tests.peers.process import wait_for
from tests.peers.served import Served
from tests.soak.calendar import ZONE, Look, Rules
from tests.soak.ledger import Ledger
from tests.soak.mailroom import Mailroom

QUICK = {
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "3s",
    "queue_run_delay": "1s",
    "enable_long_queue_ids": "yes",
    "smtp_destination_concurrency_failed_cohort_limit": "0",
}
"""A mail server that tries again each second: its clock is the real one."""
DEFERS = {"smtpd_delay_reject": "no", "smtpd_client_restrictions": "defer"}
"""A hop that answers 450 to whatever it is asked."""
GONE, REFUSED = "gone.example", "refused.example"
"""Domains whose mail the world refuses (it comes back as a bounce), and whose mail the hop itself refuses."""
DISK = 512 * MIB
RETRY_HOURS, PATIENCE = 0.25, 12
"""At the end: how far the clock is turned when something still waits, and how often that is seen with patience."""
SENT = re.compile(r" event=sent delivery=(\d+) .* state=sent ")
UNHEARD = re.compile(r" (\w+): .*(?:sending end of data|sending message body|more than once)")


NEXT_ONE = (
    b"From: Nobody <nobody@elsewhere.example>\r\nTo: bot@secure.riverside.example\r\nSubject: hello\r\n\r\nHello\r\n"
)


class Site:
    """All that runs; `start` it, and `close` it in any case."""

    def __init__(self, folder: Path, rules: Rules, ledger: Ledger, *, by_command: bool) -> None:
        self.ledger = ledger
        self.rules = rules
        self.looks: list[Look] = []
        self.is_up = False
        self.is_writable = True
        self.sink = Hop(_world)
        self.mailroom = Mailroom(self.sink)
        self.dovecot = Dovecot()
        self.disk: SmallDisk | None = None
        self.served = Served(folder / "gateway", 0, **self._settings(folder))
        self.served.by_command = by_command
        smtp = self.served.smtp_port
        back = f"inline:{{ {{ secure.riverside.example = smtp:[127.0.0.1]:{smtp} }} }}"
        refuses = f"check_recipient_access inline:{{ {{ {REFUSED} = REJECT }} }}"
        self.front = Postfix(smtp, myhostname="front.riverside.example", **QUICK)
        self.behind = Postfix(self.sink.port, transport_maps=back, smtpd_recipient_restrictions=refuses, **QUICK)
        self.served.settings["NEXT_HOP__ADDRESS"] = f"127.0.0.1:{self.behind.port}"
        self._closing = contextlib.ExitStack()

    def _settings(self, folder: Path) -> dict[str, str]:
        mailbox = {"HOST": "127.0.0.1", "PORT": str(self.dovecot.port), "USERNAME": USER, "TLS": "none"}
        mailbox |= {"PASSWORD_FILE": str(folder / "password"), "AUTHSERV_ID": "mx.riverside.example"}
        (folder / "password").write_text(PASSWORD)
        settings = {f"MAILBOX__{name}": value for name, value in mailbox.items()}
        return settings | {"SITE__TIMEZONE": ZONE.key, "NEXT_HOP__TLS": "none"} | self.rules.settings()

    def start(self) -> None:
        """Start everything; what has been started is ended by `close`, whatever happens."""
        with contextlib.suppress(OSError):
            self._mount()
        for server, end in (
            (self.sink, self.sink.stop),
            (self.dovecot, self.dovecot.close),
            (self.behind, self.behind.close),
            (self.front, self.front.close),
        ):
            self._closing.callback(end)
            server.start()
        self._closing.callback(self.served.end)
        self.rise()

    def _mount(self) -> None:
        """Keep the database on a small disk. Raises OSError where none may be mounted."""
        self.disk = SmallDisk(self.served.folder / "disk", DISK)
        self._closing.callback(self.disk.close)
        self.served.database = self.disk.folder / "gateway.db"
        self.served.settings["DATABASE__URL"] = f"sqlite:///{self.served.database}"

    def close(self) -> None:
        self._closing.close()

    # ------------------------------------------------------------------------------------------------- the gateway

    def rise(self) -> None:
        """Start the gateway."""
        self.served.start()
        self.is_up = True
        self.looked()

    def fall(self) -> None:
        """End it as an administrator does."""
        self.is_up = False
        if code := self.served.end():
            self.ledger.notes.append(f"the gateway ended with code {code} when it was asked to end")

    def kill(self) -> None:
        """kill -9, and up again."""
        self.ledger.kills.append(time.monotonic())
        self.is_up = False
        if (code := self.served.end(signal.SIGKILL)) != -signal.SIGKILL:
            self.ledger.notes.append(f"the gateway had ended by itself, with code {code}")
        self.rise()

    def follow(self, rules: Rules) -> None:
        """New settings, by a restart."""
        self.fall()
        self.rules = rules
        self.served.settings |= rules.settings()
        self.rise()

    def turn(self, hours: float) -> None:
        """Turn the clock."""
        self.served.turn(hours=hours)
        self.looked()

    def looked(self) -> None:
        if self.is_up and self.is_writable:
            self.looks.append(Look(self.served.now, self.rules))

    def fill_disk(self) -> None:
        self.is_writable = False
        (self.disk or LimitedFiles(self.served)).fill()

    def empty_disk(self) -> None:
        (self.disk or LimitedFiles(self.served)).empty()
        self.is_writable = True
        self.looked()  # what was due meanwhile is done as soon as there is room
        self.catch_up()

    # ----------------------------------------------------------------------------------------------------- the rest

    def hop_goes_down(self) -> None:
        self.ledger.cuts.append(time.monotonic())
        self.behind.stop()

    def hop_defers(self) -> None:
        self.hop_goes_down()
        self.behind.start(**DEFERS)

    def hop_is_back(self) -> None:
        self.hop_goes_down()
        self.behind.start()

    def offer(self, port: int, octets: bytes, name: str, author: str, *to: str) -> bool:
        """Hand a mail in once; whether the client was told 250."""
        begun = False
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                client.ehlo()
                if client.mail(author)[0] != 250 or any(client.rcpt(one)[0] != 250 for one in to):
                    return False
                begun = True
                return client.data(octets)[0] == 250
        except (OSError, smtplib.SMTPException):
            if begun:
                self.ledger.unheard.add(name)
            return False

    @property
    def disk_is(self) -> str:
        return f"a disk of {DISK // MIB} MiB that fills" if self.disk else "files that may not grow for a full disk"

    def errors(self) -> list[str]:
        """What the gateway has logged as errors, or said beside its log."""
        said = (self.served.folder / "log").read_text().splitlines()
        return [line for line in said if "level=error" in line or "level=critical" in line or "Traceback" in line]

    def unended(self) -> list[tuple]:
        """Invitations that have come to no end."""
        ended = "SELECT address, state FROM invitation WHERE state NOT IN ('accepted', 'cancelled', 'lapsed')"
        return self.served.rows(ended)

    def settle(self) -> None:
        """Wait until what clients have handed in has been taken: what is under way then is not caught by a step."""
        try:
            wait_for(lambda: not self.front.waiting(), 150)
        except AssertionError:
            raise AssertionError(self._where()) from None
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until the gateway has done what is due, if it can; one that does not is noted."""
        if self.is_up and self.is_writable:
            try:
                self.served.catch_up()
            except (AssertionError, OSError) as late:
                self.ledger.notes.append(f"timed work is not done at {self.served.now}: {late}")

    def drain(self) -> None:
        """Wait until nothing waits any more, in whosever queue; what still does is noted.

        The clock goes on meanwhile: what was not taken at once, as happens on a busy machine, is tried again later.
        """
        # A mail that came just before the gateway began to wait is seen with the next one, or after some minutes.
        self.dovecot.put(NEXT_ONE)
        for _ in range(PATIENCE):
            try:
                wait_for(lambda: self._is_drained() and self._is_drained(), 20)
            except AssertionError:
                self.turn(RETRY_HOURS)
            else:
                break
        else:
            self.ledger.notes.append(f"mail still waits at the end: {self._where()}")
        self.mailroom.look()
        self.ledger.recorded.update(SENT.findall((self.served.folder / "log").read_text()))
        self.ledger.unheard |= set(UNHEARD.findall(self.front.log()))

    def _where(self) -> str:
        """What waits in whose queue, and what each has last said."""
        asked = "SELECT due_at, lease_until, attempts, last_reply FROM delivery WHERE state = 'queued' LIMIT 3"
        queues = f"front {self.front.waiting()}, hop {self.behind.waiting()}, mailbox {self.dovecot.unseen()}"
        logs = ((self.served.folder / "log").read_text(), self.behind.log(), self.front.log())
        said = [line for log in logs for line in log.splitlines()[-5:]]
        return "\n".join([queues, f"at {self.served.now}: {self.served.rows(asked)}", *said])

    def _is_drained(self) -> bool:
        """In the order in which mail goes, so that none slips past from one queue to the next."""
        queued = "SELECT count(*) FROM delivery WHERE state = 'queued'"
        return (
            self.dovecot.unseen() == 0
            and not self.front.waiting()
            and self.served.rows(queued) == [(0,)]
            and not self.behind.waiting()
        )


def _world(step: str, said: str, _: Session) -> str:
    return "550 5.1.1 No such user" if step == "RCPT" and f"@{GONE}>" in said.lower() else ""
