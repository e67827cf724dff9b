"""A mail server of plain sockets and threads, outside of whatever is killed, that answers as a test's script says."""

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.peers.ports import reserve
from tests.peers.smtp_sink import Taken

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 0")
END = b"\r\n.\r\n"
CLOSE, CLOSE_TAKEN = "close", "close, but the mail was taken"
"""What a script may say in place of a reply: hang up; hang up after a dot whose mail was taken."""
USUAL = {
    "banner": "220 hop.riverside.example ESMTP",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 Go on",
    "dot": "250 2.0.0 Taken",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "HELO": "250 hop.riverside.example",
}


@dataclass(frozen=True, slots=True)
class Handed(Taken):
    """One transaction that the hop has taken: in which session, and when by this process's monotonic clock."""

    session: int = 0
    at: float = 0.0
    size: int = 0
    digest: str = ""


@dataclass(slots=True)
class Session:
    """One connection, as its script sees it: `mail_from` and `recipients` of the transaction that is open."""

    number: int
    socket: socket.socket
    buffer: bytearray = field(default_factory=bytearray)
    mail_from: str = ""
    recipients: list[str] = field(default_factory=list)
    begun: bool = False
    """Whether MAIL was accepted."""
    taken: int = 0

    def line(self) -> bytes:
        """The next command; b"" at the end of the connection."""
        while b"\n" not in self.buffer:
            if not self.more():
                return b""
        end = self.buffer.index(b"\n") + 1
        line = bytes(self.buffer[:end])
        del self.buffer[:end]
        return line

    def more(self) -> bool:
        chunk = self.socket.recv(1 << 18)
        self.buffer += chunk
        return bool(chunk)

    def say(self, reply: str) -> None:
        self.socket.sendall(reply.encode() + b"\r\n")


Script = Callable[[str, str, Session], str]
"""(step, what the client said, session) -> a reply, CLOSE, CLOSE_TAKEN, or "" for the usual answer. The steps are
`banner`, each command's verb, and `dot`. It runs in the session's own thread: it may wait."""


class Hop:
    """Listens while it is up; keeps its port and what it took. Commands may be pipelined (RFC 2920).

    `keep=False` keeps sizes and digests in place of octets.
    """

    def __init__(self, script: Script = lambda *_: "", *, offers: tuple[str, ...] = OFFERS, keep: bool = True) -> None:
        self.port = reserve(self)
        self.script = script
        self.offers = offers
        self.sessions = 0
        self.most_at_once = 0
        self._keep = keep
        self._handed: list[Handed] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and hang up on those who are there."""
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()
            self._listener = None
        self.hang_up()

    def hang_up(self) -> None:
        """End every session at once."""
        with self._lock:
            opened = list(self._open)
        for one in opened:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def messages(self) -> list[Handed]:
        """What was taken, oldest first."""
        with self._lock:
            return list(self._handed)

    def recipients(self) -> list[str]:
        """Whom mail was taken for, once for each time."""
        return [recipient for handed in self.messages() for recipient in handed.recipients]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.sessions += 1
                self._open.add(client)
                self.most_at_once = max(self.most_at_once, len(self._open))
                session = Session(self.sessions, client)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: Session) -> None:
        with session.socket, contextlib.suppress(OSError):
            session.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            going = self._answer("banner", "", session)
            while going and (line := session.line()):
                going = self._command(line.decode("utf-8", "replace").rstrip("\r\n"), session)
        with self._lock:
            self._open.discard(session.socket)

    def _command(self, said: str, session: Session) -> bool:
        verb = said[:4].upper()
        if verb == "MAIL":
            session.mail_from, session.recipients = _path(said), []
        if verb == "RCPT" and not session.begun:
            session.say("503 5.5.1 Say MAIL first")  # as it was refused, in a pipeline
            return True
        if verb == "DATA" and not session.recipients:
            session.say("554 5.5.1 No valid recipients")  # RFC 2920 §3.1
            return True
        if verb == "QUIT":
            session.say("221 2.0.0 Bye")
            return False
        return self._answer(verb, said, session)

    def _answer(self, step: str, said: str, session: Session) -> bool:
        """Say what the script says; whether the session goes on."""
        reply = self.script(step, said, session) or self._usual(step)
        if reply == CLOSE:
            return False
        session.say(reply)
        if step == "MAIL":
            session.begun = reply[0] == "2"
        if step == "RCPT" and reply[0] == "2":
            session.recipients.append(_path(said))
        if step in ("RSET", "EHLO", "HELO"):
            session.mail_from, session.recipients = "", []
        if step == "DATA" and reply[0] == "3":
            return self._data(session)
        return not reply.startswith("421")  # RFC 5321 §3.8: it closes the channel

    def _usual(self, step: str) -> str:
        if step == "EHLO":
            lines = ["hop.riverside.example", *self.offers]
            return "\r\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)
        return USUAL.get(step, "502 5.5.1 Not here")

    def _data(self, session: Session) -> bool:
        content = self._content(session)
        reply = self.script("dot", "", session) or USUAL["dot"]
        if reply == CLOSE_TAKEN or reply.startswith("2"):
            self._take(session, content)
        session.mail_from, session.recipients = "", []
        if reply in (CLOSE, CLOSE_TAKEN):
            return False
        session.say(reply)
        return not reply.startswith("421")

    def _content(self, session: Session) -> bytearray:
        """Up to the one true end of data. Only `keep` is told from the rest: the octets of others are let go."""
        content, looked = bytearray(b"\r\n"), 0
        while True:
            content += session.buffer
            session.buffer.clear()
            end = content.find(END, looked)
            if end >= 0:
                session.buffer += content[end + len(END) :]
                del content[end + 2 :]
                del content[:2]
                return content
            looked = max(len(content) - len(END) + 1, 0)
            if not session.more():
                raise ConnectionError("hung up within the data")

    def _take(self, session: Session, content: bytearray) -> None:
        octets = bytes((b"\r\n" + content).replace(b"\r\n..", b"\r\n."))[2:]
        handed = Handed(
            mail_from=session.mail_from,
            recipients=tuple(session.recipients),
            octets=octets if self._keep else octets[:4096],
            session=session.number,
            at=time.monotonic(),
            size=len(octets),
            digest=hashlib.sha256(octets).hexdigest(),
        )
        session.taken += 1
        with self._lock:
            self._handed.append(handed)


def _path(said: str) -> str:
    return said[said.find("<") + 1 : said.find(">")]
