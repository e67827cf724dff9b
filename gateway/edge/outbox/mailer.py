"""Outgoing mail: the port `Mailer` over SMTP, with sessions that are kept and used again."""

import asyncio
from collections.abc import Mapping

import aiosmtplib

from gateway.edge.outbox.hop_session import Hop, HopSession, open_session
from gateway.edge.outbox.probe import unfit
from gateway.ports import Mail, Outcome

IDLE = 20
"""Seconds for which a session is kept without mail; RFC 5321 §4.5.3.2.7 lets a hop hang up after 300."""
MOST_MAILS = 500
"""Mails in one session: a hop that spreads its load by connection gets the chance to."""


class SmtpMailer:
    """The port `Mailer`: as many sessions as there are mails under way, each used again while there is mail."""

    def __init__(self, hops: Mapping[str, Hop], hostname: str) -> None:
        self._hops = hops
        self._hostname = hostname
        self._idle: dict[str, list[tuple[HopSession, asyncio.TimerHandle]]] = {}

    async def send(self, hop: str, mail: Mail) -> tuple[Outcome, ...]:
        if session := self._kept(hop):
            outcomes = await self._use(hop, session, mail)
            if session.welcome or not session.wire.hung_up:
                return outcomes
            # The hop hung up because the session lay idle, or was old: it can have taken nothing, and is asked anew.
        session, trouble = await self._open(hop)
        return await self._use(hop, session, mail) if session else (trouble,) * len(mail.recipients)

    def close(self) -> None:
        """Take leave of every hop."""
        for sessions in self._idle.values():
            for session, timer in sessions:
                timer.cancel()
                session.wire.leave()
        self._idle.clear()

    async def _open(self, hop: str) -> tuple[HopSession | None, Outcome]:
        """A new session, or why there is none.

        A hop that refuses the session says nothing of the mail: even a 5yz greeting is tried again later.
        """
        if hop not in self._hops:
            return None, Outcome(0, f"no relay is configured for {hop}", reached=False)
        try:
            return await open_session(self._hops[hop], self._hostname), Outcome(220, "")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return None, Outcome(0, unfit(self._hops[hop], error).said, reached=False)

    async def _use(self, hop: str, session: HopSession, mail: Mail) -> tuple[Outcome, ...]:
        try:
            outcomes = await session.send(mail)
        except BaseException:
            session.wire.abort()
            raise
        if session.mails >= MOST_MAILS:
            session.wire.leave()
        elif not session.wire.lost:
            timer = asyncio.get_running_loop().call_later(IDLE, self._part, hop, session)
            self._idle.setdefault(hop, []).append((session, timer))
        return outcomes

    def _kept(self, hop: str) -> HopSession | None:
        """The session that was used last and has not been closed since."""
        kept = self._idle.get(hop, [])
        while kept:
            session, timer = kept.pop()
            timer.cancel()
            if session.wire.quiet:
                return session
            session.wire.abort()
        return None

    def _part(self, hop: str, session: HopSession) -> None:
        self._idle[hop] = [one for one in self._idle[hop] if one[0] is not session]
        session.wire.leave()
