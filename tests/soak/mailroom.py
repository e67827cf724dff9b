"""What has reached the world beyond the gateway, mail by mail, as the sink there has taken it."""

import contextlib
import email
import re
from collections import defaultdict
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from tests.peers.hop import Handed, Hop
from tests.soak.ledger import Arrival

NUMBERED = re.compile(r"by (front|hop)\.riverside\.example \(Postfix\) with E?SMTP\w* id (\w+)")
LINK = re.compile(rb"https?://[^\s\"<>]+/invite/\w+")
REPORT = "report"
"""The mark of a report of ours that a mail could not be delivered: it is no notice."""


class Mailroom:
    """Reads what the sink took, and finds it again by its kind and its recipient."""

    def __init__(self, sink: Hop) -> None:
        self.arrivals: list[Arrival] = []
        self._sink = sink
        self._read = 0
        self._octets: dict[tuple[str, str], list[bytes]] = defaultdict(list)

    def look(self) -> None:
        """Read what is new."""
        taken = self._sink.messages()[self._read :]
        self._read += len(taken)
        for one in taken:
            self._enter(one)

    def newest(self, mark: str, to: str) -> Message:
        """The newest mail of a kind to somebody. Raises LookupError where none has come yet."""
        self.look()
        if not self._octets[mark, to]:
            raise LookupError(f"no {mark} has come to {to} yet")
        return email.message_from_bytes(self._octets[mark, to][-1])

    def link(self, to: str) -> str:
        """The link of the newest invitation or reminder to somebody. Raises LookupError."""
        self.look()
        octets = (self._octets["reminder", to] or self._octets["invitation", to])[-1:]
        found = LINK.search(octets[0]) if octets else None
        if not found:
            raise LookupError(f"no link has come to {to} yet")
        return found[0].decode()

    def first_date(self, mark: str, to: str) -> datetime | None:
        """When, by the gateway's clock, the first mail of a kind was written to somebody."""
        dates = [one.date for one in self.arrivals if (one.mark, one.to) == (mark, to) and one.date]
        return min(dates, default=None)

    def _enter(self, handed: Handed) -> None:
        head = email.message_from_bytes(handed.octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        is_report = head.get_content_type() == "multipart/report"
        mark = str(head["X-Gateway-Notice"] or (REPORT if is_report else head["Message-ID"]))
        numbers = dict(NUMBERED.findall(" ".join(str(head.get_all("Received", [])).split())))
        date = None
        with contextlib.suppress(TypeError, ValueError):
            date = parsedate_to_datetime(head["Date"])
        for to in handed.recipients:
            name = str(head["Message-ID"])
            queued, behind = numbers.get("front", ""), numbers.get("hop", "")
            self.arrivals.append(Arrival(mark, to, name, handed.at, date, behind, queued))
            if mark != name:
                self._octets[mark, to].append(handed.octets)
