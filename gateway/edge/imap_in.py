"""The bot's mailbox, for sites that do not route the bot's address to the listener.

Each mail that has not been seen is taken in as if it had been handed in, and marked only after the commit. A crash in
between finds it unmarked and takes it in again, which does nothing: mail is known by what it says, so that neither a
repeated fetch nor a changed UIDVALIDITY runs a command twice.

No mail keeps the others waiting. Tries are counted before they begin, in the database, so that a mail which ends the
process counts as well; what could not be taken in after three is set aside. What fails comes last at the next look.
"""

import asyncio
import secrets

import structlog

from gateway.edge.imap_session import MailboxError, Server, Session
from gateway.edge.intake import accepted, fault_of, log_refusal
from gateway.edge.metrics import Figures
from gateway.errors import Refused, StoreBusy, StoreFull, Unreadable
from gateway.flow import fetched
from gateway.flow.context import Desk
from gateway.flow.take_in import Exits, Taking
from gateway.flow.understand import Draft
from gateway.mail.headers import received
from gateway.ports import ContentStore

log = structlog.get_logger()

BACK_OFF = (1, 2, 5, 15, 30, 60)
"""Seconds before a connection is tried again."""


class Mailbox:
    """Takes in what comes into the mailbox, until cancelled."""

    def __init__(self, server: Server, desk: Desk, content: ContentStore, figures: Figures) -> None:
        self._server = server
        self._desk = desk
        self._content = content
        self._figures = figures
        self._tried: set[str] = set()
        """Mails whose last try has failed."""

    async def run(self) -> None:
        failures = 0
        while True:
            session = Session(self._server, afresh=failures > 0)
            try:
                await session.open()
                self._figures.mailbox_connected.set(1)
                is_first = True
                while True:
                    taken = await self.take_all(session)
                    failures = 0
                    await session.wait(briefly=is_first or taken > 0)
                    is_first = False
            except MailboxError as error:
                log.warning("the mailbox cannot be read; trying again", error=str(error))
            except (StoreBusy, StoreFull) as error:
                log.warning("the store has no room or no time for the mailbox; trying again", error=str(error))
            except Exception:  # whatever a server says, it must not end the reading of mail
                log.exception("the mailbox cannot be read; trying again")
            finally:
                self._figures.mailbox_connected.set(0)
                await asyncio.shield(session.close())
            await asyncio.sleep(BACK_OFF[min(failures, len(BACK_OFF) - 1)] * (1 + secrets.randbelow(500) / 1000))
            failures += 1

    async def take_all(self, session: Session) -> int:
        """Take in every mail that nobody has looked at; how many. Raises MailboxError, StoreBusy, StoreFull."""
        found = sorted(await session.unseen(), key=lambda uid: session.name(uid) in self._tried)
        for uid in found:  # what has failed before comes last
            await self._handle(session, uid)
        return len(found)

    async def _handle(self, session: Session, uid: str) -> None:
        """One mail: whatever is wrong with it, the next one has its turn. Raises as `take_all`."""
        name = session.name(uid)
        if await session.size(uid) > self._server.largest:
            await self._set_aside(session, uid, "is too large")
            return
        if not await self._desk.do(fetched.begin_try, name):
            await self._set_aside(session, uid, f"could not be taken in {fetched.TRIES} times")
            return
        self._tried.add(name)
        try:
            is_ours = await self._take(await session.octets(uid))
        except (StoreBusy, StoreFull):
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

    async def _take(self, raw: bytes) -> bool:
        """Whether it was one of ours. Raises StoreBusy, StoreFull, and whatever a mistake of ours raises."""
        taking = await asyncio.to_thread(self._read, raw)
        if taking is None:
            return False
        try:
            draft, exits = await asyncio.to_thread(_finished, taking)
            await accepted(self._desk, draft, exits)
        except BaseException as error:
            taking.abandon()
            if isinstance(error, Refused) and not isinstance(error, Unreadable):
                log_refusal(error)  # it will never be taken: it is done with
                return True
            raise
        self._figures.mailbox_mails.inc()
        return True

    def _read(self, raw: bytes) -> Taking | None:
        """A mail for one of our own addresses, as if it had been handed in."""
        submission = fetched.submission(self._desk.site, raw, self._server.authserv_id)
        if submission is None:
            return None
        taking = Taking(self._desk.site, self._desk.keys, self._content, submission, self._trace())
        taking.feed(raw)
        return taking

    def _trace(self) -> str:
        site = self._desk.site
        return received(
            helo="mailbox",
            peer=self._server.host,
            by=site.domain,
            protocol="IMAP",
            id=secrets.token_hex(6),
            at=self._desk.clock.now(),
        )


def _finished(taking: Taking) -> tuple[Draft, Exits]:
    taken = taking.finish()
    taking.sync()
    return taken
