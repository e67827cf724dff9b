"""One connection to the bot's mailbox over IMAP (RFC 9051, RFC 3501).

aioimaplib's IDLE can hang past its own timeout after a BYE, so nothing is awaited without an end of our own, and after
any doubt there is a fresh connection.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import aioimaplib

from gateway.edge.imap.oauth import TokenError, Tokens

GRACE = 10.0
"""Seconds that an answer may take, beyond what was asked for."""
SOON = 5.0
"""Seconds after which a mailbox in which something happened is looked into again. What a server announces while another
command runs is not told again in IDLE, and would be noticed at its end only."""
_VALIDITY = re.compile(rb"UIDVALIDITY (\d+)")


class MailboxError(Exception):
    """The mailbox cannot be used; the text says why, in a line for an administrator."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whose mailbox it is, and how it is reached. `tls` None: in clear, only to loopback or a trusted network."""

    host: str
    port: int
    username: str
    password: str
    folder: str = "INBOX"
    tokens: Tokens | None = None
    """Where access tokens come from, instead of a password (XOAUTH2)."""
    done_folder: str = ""
    """Where mail goes that was taken in; empty: it stays, marked as seen."""
    tls: ssl.SSLContext | None = None
    largest: int = 50_000_000
    authserv_id: str = ""
    idle: float = 240.0
    """Seconds of one IDLE: well under the 29 minutes of RFC 2177, so that a dead connection is soon noticed."""
    poll: float = 60.0
    """Seconds between two looks at a server without IDLE."""


class Session:
    """One connection, signed in, with its folder open."""

    def __init__(self, server: Server, *, afresh: bool = False) -> None:
        """`afresh`: the last sign-in failed, so that a token is not used again."""
        self.server = server
        self._afresh = afresh
        self._client: Any = None
        self._lost = asyncio.Event()
        self._validity = ""
        self._patience: asyncio.Timeout | None = None
        """Of whoever waits for an answer."""

    async def open(self) -> None:
        """Raises MailboxError."""
        one = self.server
        where = f"{one.host}:{one.port}"
        self._client = aioimaplib.IMAP4(
            host=one.host, port=one.port, timeout=GRACE, conn_lost_cb=self._is_lost, ssl_context=one.tls
        )
        try:
            await _within(GRACE, self._client._client_task)  # where a connection that failed says so
            await _within(GRACE, self._client.wait_hello_from_server())
        except ssl.SSLCertVerificationError as error:
            raise MailboxError(f"the certificate of {where} is not valid: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise MailboxError(f"{where} does not speak TLS: {error.reason or error}") from error
        except TimeoutError as error:
            raise MailboxError(f"{where} does not answer") from error
        except OSError as error:
            raise MailboxError(f"{where} cannot be reached: {error.strerror or error}") from error
        await self._sign_in(one)
        lines = await self._must(self._client.select(_quoted(one.folder)), f"the folder {one.folder} cannot be opened")
        found = _VALIDITY.search(b" ".join(map(bytes, lines)))
        self._validity = found[1].decode() if found else ""

    async def _sign_in(self, one: Server) -> None:
        cannot = f"{one.username} cannot sign in"
        if one.tokens is None:
            await self._must(self._client.login(one.username, one.password), cannot)
            return
        try:
            token = await one.tokens.token(fresh=self._afresh)
        except TokenError as error:
            raise MailboxError(str(error)) from error
        await self._must(self._client.xoauth2(one.username, token), cannot)

    @property
    def can_idle(self) -> bool:
        return bool(self._client.has_capability("IDLE"))

    async def unseen(self) -> list[str]:
        """The UIDs of the mails that nobody has looked at. Raises MailboxError."""
        lines = await self._must(self._client.uid_search("UNSEEN UNDELETED"), "the folder cannot be searched")
        return lines[0].decode().split() if lines and lines[0] else []

    async def size(self, uid: str) -> int:
        """Octets. Raises MailboxError."""
        lines = await self._must(self._client.uid("fetch", uid, "(RFC822.SIZE)"), "a mail's size cannot be had")
        digits = b" ".join(lines).partition(b"RFC822.SIZE ")[2].split(b")")[0].split(b" ")[0]
        return int(digits) if digits.isdigit() else 0

    async def octets(self, uid: str) -> bytes:
        """The whole mail, left unmarked. Raises MailboxError."""
        lines = await self._must(self._client.uid("fetch", uid, "(BODY.PEEK[])"), "a mail cannot be fetched")
        return bytes(next((line for line in lines if isinstance(line, bytearray)), b""))

    def name(self, uid: str) -> str:
        """What tells a mail from all others that this mailbox has ever had (RFC 3501 §2.3.1.1)."""
        one = self.server
        return f"{one.host}|{one.username}|{one.folder}|{self._validity}|{uid}"

    async def mark(self, uid: str, *, flags: str = r"(\Seen)") -> None:
        """Raises MailboxError."""
        await self._must(self._client.uid("store", uid, "+FLAGS", flags), "a mail cannot be marked")

    async def put_away(self, uid: str) -> None:
        """Mark a mail as seen; move it, where there is a folder for that (RFC 6851, or as best as can be).

        Raises MailboxError.
        """
        await self.mark(uid)
        folder = self.server.done_folder
        if not folder:
            return
        cannot = f"mail cannot be moved to {folder}"
        if self._client.has_capability("MOVE"):
            await self._must(self._client.uid("move", uid, _quoted(folder)), cannot)
            return
        await self._must(self._client.uid("copy", uid, _quoted(folder)), cannot)
        await self.mark(uid, flags=r"(\Deleted)")
        if self._client.has_capability("UIDPLUS"):
            await self._must(self._client.uid("expunge", uid), cannot)

    async def set_aside(self, uid: str) -> None:
        """Leave a mail where it is, flagged for people to see, and do not find it again. Raises MailboxError."""
        await self.mark(uid, flags=r"(\Seen \Flagged)")

    async def wait(self, *, briefly: bool = False) -> None:
        """Wait until something may have come. Raises MailboxError."""
        if not self.can_idle:
            await asyncio.sleep(self.server.poll)
            await self._must(self._client.noop(), "it does not answer")
            return
        span = min(SOON, self.server.idle) if briefly else self.server.idle
        try:
            idle = await _within(GRACE, self._client.idle_start(timeout=span + GRACE))
            try:
                await self._push_or_end(span)
            except asyncio.CancelledError:
                with contextlib.suppress(Exception):
                    self._client.idle_done()  # RFC 2177 §3: the goodbye that follows would not be heard within IDLE
                raise
            self._client.idle_done()
            await self._heard(GRACE, idle)
        except Exception as error:
            raise MailboxError(f"waiting for mail failed: {type(error).__name__} {error}".rstrip()) from error

    async def _push_or_end(self, span: float) -> None:
        """Until the server says something, the connection is lost, or the span is over."""
        ends = [asyncio.ensure_future(self._client.wait_server_push()), asyncio.ensure_future(self._lost.wait())]
        try:
            await asyncio.wait(ends, timeout=span, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._lost.is_set():
            raise MailboxError("the server has closed the connection")

    async def close(self) -> None:
        """Say goodbye if that is heard; let the connection go."""
        if self._client is None:
            return
        with contextlib.suppress(Exception):
            await _within(2, self._client.logout())
        with contextlib.suppress(Exception):
            self._client.protocol.transport.abort()

    def _is_lost(self, _: Exception | None) -> None:
        """Nobody waits for an answer that cannot come: the library would let them."""
        self._lost.set()
        if self._patience and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def _heard(self, seconds: float, asked: Awaitable[Any]) -> Any:
        """As `_within`; raises ConnectionError as soon as the connection is lost."""
        try:
            async with asyncio.timeout(None) as self._patience:
                if self._lost.is_set():
                    self._is_lost(None)
                return await _within(seconds, asked)
        except TimeoutError as error:
            if self._lost.is_set():
                raise ConnectionResetError("the server has closed the connection") from error
            raise
        finally:
            self._patience = None

    async def _must(self, asked: Any, otherwise: str) -> list[Any]:
        try:
            reply = await self._heard(GRACE * 6, asked)
        except Exception as error:  # the library raises a dozen kinds: each is a reason to begin afresh
            raise MailboxError(f"{otherwise}: {type(error).__name__} {error}".rstrip()) from error
        if reply.result != "OK":
            said = b" ".join(bytes(line) for line in reply.lines).decode("utf-8", "replace")
            raise MailboxError(f"{otherwise}: {said[:200]}")
        return list(reply.lines)


async def _within(seconds: float, asked: Awaitable[Any]) -> Any:
    """What `asked` gives. Raises TimeoutError, and CancelledError even where the library swallowed it.

    Up to Python 3.11, the `wait_for` with which aioimaplib waits for everything loses a cancellation that comes in the
    very turn in which the reply does; the mailbox would read on for ever. The task still knows.
    """
    task = asyncio.current_task()
    try:
        async with asyncio.timeout(seconds):
            return await asked
    finally:
        if task is not None and task.cancelling():
            raise asyncio.CancelledError


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
