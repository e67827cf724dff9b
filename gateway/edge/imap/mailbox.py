"""The bot's mailbox, for sites that do not route the bot's address to the listener.

Each mail that has not been seen is taken in as if it had been handed in, and marked only after the commit. A crash in
between finds it unmarked and takes it in again, which does nothing: mail is known by what it says, so that neither a
repeated fetch nor a changed UIDVALIDITY runs a command twice.

No mail keeps the others waiting. Tries are counted before they begin, in the database, so that a mail which ends the
process counts as well; what could not be taken in after three is set aside. What fails comes last at the next look.
"""

import asyncio
import secrets
from dataclasses import replace

import structlog

from gateway.edge.accept import accept_mail, fault_of, log_refusal, log_taken, new_queue_id, outcomes
from gateway.edge.imap.session import MailboxError, Server, Session
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.metrics import Figures
from gateway.edge.run.ticker import Turn
from gateway.edge.traces import UNTRACED, Traces
from gateway.errors import DirectoryDown, Refused, StoreBusy, StoreFull, TryAgain, Unreadable
from gateway.flow.context import Desk
from gateway.flow.inbound import fetched
from gateway.flow.inbound.mail_receiver import MailReceiver, SealedForms
from gateway.flow.inbound.understand import IncomingMail
from gateway.mail.headers import received
from gateway.ports import ContentStore

log = structlog.get_logger()

BACK_OFF = (1, 2, 5, 15, 30, 60)
"""Seconds before a connection is tried again."""


class MailboxReader:
    """Takes in what comes into the mailbox, until cancelled."""

    def __init__(
        self,
        server: Server | None,
        desk: Desk,
        content: ContentStore,
        figures: Figures,
        traffic: Traffic | None = None,
        traces: Traces = UNTRACED,
        turn: Turn | None = None,
    ) -> None:
        self._turn = turn or Turn(desk, alone=True)
        self._traffic = traffic or Traffic()
        self._traces = traces
        self._server = server
        self._changed = asyncio.Event()
        self._desk = desk
        self._content = content
        self._figures = figures
        self._tried: set[str] = set()
        """Mails whose last try has failed."""

    def follow(self, server: Server | None) -> None:
        """Read another mailbox, or the same by other means, when what is under way is taken in; None reads none."""
        self._server = server
        self._changed.set()

    async def run(self) -> None:
        failures = 0
        while True:
            self._changed.clear()
            if self._server is None:
                await self._changed.wait()
                continue
            if not await self._is_ours():
                await asyncio.sleep(Turn.RENEW)
                continue
            session = Session(self._server, afresh=failures > 0)
            try:
                await session.open()
                self._figures.mailbox_connected.set(1)
                is_first = True
                while not self._changed.is_set() and await self._is_ours():
                    taken = await self.take_all(session)
                    failures = 0
                    await self._wait(session, briefly=is_first or taken > 0)
                    is_first = False
                continue
            except MailboxError as error:
                log.warning("the mailbox cannot be read; trying again", error=str(error))
            except (StoreBusy, StoreFull, DirectoryDown) as error:
                log.warning(
                    "a mail in the mailbox cannot be taken in now; trying again", error=str(error) or error.smtp_reply
                )
            except Exception:  # whatever a server says, it must not end the reading of mail
                log.exception("the mailbox cannot be read; trying again")
            finally:
                self._figures.mailbox_connected.set(0)
                await asyncio.shield(session.close())
            if not self._changed.is_set():
                await asyncio.sleep(BACK_OFF[min(failures, len(BACK_OFF) - 1)] * (1 + secrets.randbelow(500) / 1000))
                failures += 1

    async def _is_ours(self) -> bool:
        """Whether it is this process that reads; one at a time does. A database that cannot be written says no."""
        try:
            ours = await self._turn.is_ours()
        except TryAgain:
            ours = False
        self._figures.mailbox_reader.set(ours)
        return ours

    async def _wait(self, session: Session, *, briefly: bool) -> None:
        """Until something may have come, or other settings have, or it is another's turn. Raises MailboxError."""
        ends = (session.wait(briefly=briefly), self._changed.wait(), self._turn.is_lost())
        waits = [asyncio.ensure_future(one) for one in ends]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done():
                await waits[0]
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def take_all(self, session: Session) -> int:
        """Take in every mail that nobody has looked at; how many. Raises MailboxError, StoreBusy, StoreFull."""
        with self._traces.span("mailbox poll") as span:
            found = sorted(await session.unseen(), key=lambda uid: session.name(uid) in self._tried)
            span.tell(mails=len(found))
            for uid in found:  # what has failed before comes last
                await self._handle(session, uid)
        return len(found)

    async def _handle(self, session: Session, uid: str) -> None:
        """One mail: whatever is wrong with it, the next one has its turn. Raises as `take_all`."""
        name = session.name(uid)
        if await session.size(uid) > session.server.largest:
            await self._set_aside(session, uid, "is too large")
            return
        if not await self._desk.do(fetched.begin_try, name):
            await self._set_aside(session, uid, f"could not be taken in {fetched.TRIES} times")
            return
        self._tried.add(name)
        try:
            is_ours = await self._take(session.server, await session.octets(uid))
        except (StoreBusy, StoreFull, DirectoryDown):
            await self._desk.do(fetched.forget_try, name)  # that says nothing of the mail
            raise
        except MailboxError:
            raise
        except Exception as error:
            log.warning("a mail in the mailbox cannot be taken in", uid=uid, fault=fault_of(error))
            return
        await (session.put_away(uid) if is_ours else session.mark(uid))
        self._tried.discard(name)

    async def _set_aside(self, session: Session, uid: str, why: str) -> None:
        await session.set_aside(uid)
        self._tried.discard(session.name(uid))
        self._figures.mailbox_set_aside.inc()
        log.warning(f"a mail in the mailbox {why}; it is left there, flagged", uid=uid)

    async def _take(self, server: Server, raw: bytes) -> bool:
        """Whether it was one of ours. Raises StoreBusy, StoreFull, and whatever a mistake of ours raises."""
        receiver = await asyncio.to_thread(self._read, server, raw)
        if receiver is None:
            return False
        try:
            with self._traces.span("accept", receiver.queue_id, begins=True, way="mailbox", size=len(raw)) as span:
                incoming, forms = await asyncio.to_thread(_finished, receiver)
                verdicts = await accept_mail(self._desk.at("mailbox"), incoming, forms)
                span.tell(outcome=outcomes(verdicts))
        except BaseException as error:
            receiver.abandon()
            if isinstance(error, Refused) and not isinstance(error, Unreadable):
                log_refusal(error, queue_id=receiver.queue_id)  # it will never be taken: it is done with
                return True
            raise
        self._figures.mailbox_mails.inc()
        self._traffic.came_in()
        log_taken(incoming, verdicts)
        return True

    def _read(self, server: Server, raw: bytes) -> MailReceiver | None:
        """A mail for one of our own addresses, as if it had been handed in."""
        submission = fetched.submission(self._desk.site, raw, server.authserv_id)
        if submission is None:
            return None
        submission = replace(submission, queue_id=new_queue_id())
        trace = self._trace(server, submission.queue_id)
        receiver = MailReceiver(self._desk.site, self._desk.keys, self._content, submission, trace)
        receiver.feed(raw)
        return receiver

    def _trace(self, server: Server, queue_id: str) -> str:
        site = self._desk.site
        return received(
            helo="mailbox",
            peer=server.host,
            by=site.domain,
            protocol="IMAP",
            id=queue_id,
            at=self._desk.clock.now(),
        )


def _finished(receiver: MailReceiver) -> tuple[IncomingMail, SealedForms]:
    taken = receiver.finish()
    receiver.sync()
    return taken
