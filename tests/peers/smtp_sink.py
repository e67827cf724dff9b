"""Postfix's smtp-sink: a plain server that writes down every mail that it is handed."""

import contextlib
import email
import os
import re
import subprocess
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache
from pathlib import Path

from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.process import end, wait_until_listening

OWN_HEADER = re.compile(rb"\A(.*?\n)Received: [^\n]*\n\t[^\n]*\n\t[^\n]*\n", re.DOTALL)
ENVELOPE = re.compile(r"^X-(Mail|Rcpt)-Args: <(.*?)>(?:\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail as the sink took it. `octets` have CRLF line ends and the dots of the wire undone."""

    mail_from: str
    recipients: tuple[str, ...]
    octets: bytes

    @property
    def message(self) -> EmailMessage:
        return _parsed(self.octets)


@lru_cache(4096)
def _parsed(octets: bytes) -> EmailMessage:
    """Remembered: who waits for a mail looks at all that have come, many times a second."""
    parsed = email.message_from_bytes(octets, policy=SMTP)
    assert isinstance(parsed, EmailMessage)
    return parsed


class SmtpSink:
    """One sink on a port of its own, which it keeps over `stop` and `start`.

    `options` are the program's own, such as `-r RCPT` (refuse for now) or `-f .` (refuse for good).
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = reserve(self)
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen. Root has to name a user, or the program refuses to run."""
        user = ("-u", "root") if os.geteuid() == 0 else ()
        where = ("-d", f"{self.folder}/mail.", f"127.0.0.1:{self.port}", "100")
        command = [str(fetch.program("smtp-sink")), *user, *self._options, *where]
        self._process = subprocess.Popen(command, env=fetch.environment())
        wait_until_listening(self._process, self.port)

    def stop(self) -> None:
        """Go down; what was taken stays."""
        if self._process:
            end(self._process)
            self._process = None

    def messages(self) -> list[Taken]:
        """What has been taken in full, oldest first."""
        files = sorted(self.folder.glob("mail.*"), key=lambda file: file.stat().st_mtime_ns)
        being_written = self._open_files()  # asked after the listing: what isn't open now is complete
        return [_taken(file.read_bytes()) for file in files if file not in being_written]

    def _open_files(self) -> set[Path]:
        if not self._process:
            return set()
        links = Path(f"/proc/{self._process.pid}/fd").iterdir()
        opened = set()
        for link in links:
            with contextlib.suppress(FileNotFoundError):  # closed while we were looking: complete by now
                opened.add(link.readlink())
        return opened


def _taken(dump: bytes) -> Taken:
    """Read a dump: the sink's own header fields, the mail with bare line feeds, an empty line."""
    header = OWN_HEADER.match(dump)
    assert header, dump[:500]
    envelope = ENVELOPE.findall(header[1].decode())
    return Taken(
        mail_from=next(address for kind, address in envelope if kind == "Mail"),
        recipients=tuple(address for kind, address in envelope if kind == "Rcpt"),
        octets=dump[header.end() :].removesuffix(b"\n").replace(b"\n", b"\r\n"),
    )
