"""A reload of the settings, at SIGHUP: all of it, in every process, or none of it.

What is new is read and judged first, with every file that it names, while all goes on as it was. Only when every
process could go by it, all of them do.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from gateway.adapters import refuse_expired
from gateway.app import Gateway
from gateway.config.changes import Change, Files, changes, files_of, without_restart
from gateway.config.settings import Settings
from gateway.edge.run.notify import notify, notify_reloading
from gateway.edge.run.supervisor import Supervisor
from gateway.errors import ConfigError, TryAgain
from gateway.flow.administration import reloads
from gateway.flow.context import Desk
from gateway.flow.invitations import due_steps
from gateway.prepare import check_practices, follows_calendar, note_calendar
from gateway.terms import Terms
from gateway.timed_work import AT_A_TIME

log = structlog.get_logger()

PATIENCE = 60.0
"""Seconds that a worker may take to judge new settings; with a site's own templates it compiles them."""
YES = "yes"


@dataclass(frozen=True, slots=True)
class News:
    """Settings that were read anew, and what differs from those that are gone by."""

    settings: Settings
    files: Files
    changes: Sequence[Change]

    @property
    def digest(self) -> str:
        """Whether two processes have read the same."""
        return hashlib.sha256(self.settings.model_dump_json().encode()).hexdigest()


class Current:
    """The settings that a process goes by, and how they are read anew."""

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        self.settings = settings
        self._files = files_of(settings)
        self._read = read

    def read(self) -> News:
        """Read them anew; what needs a restart stays as it is. Raises ConfigError."""
        settings = self._read()
        files = files_of(settings)
        found = changes(self.settings, settings, self._files, files)
        return News(without_restart(self.settings, settings), files, found)

    def take(self, news: News) -> None:
        """They are gone by from now on."""
        self.settings, self._files = news.settings, news.files


# ----------------------------------------------------------------------------------------------------- one by itself


async def reload(gateway: Gateway, current: Current) -> None:
    """Where one process serves by itself."""
    notify_reloading()
    try:
        news = await asyncio.to_thread(current.read)
        terms = await _judged(gateway, news)
    except ConfigError as error:
        await note_refused(gateway.desk, _tell_faults(str(error)))
    except Exception:  # a mistake of ours must not end what runs
        log.exception("the settings could not be reloaded: all stays as it was")
    else:
        gateway.take(terms)
        current.take(news)
        _tell(news.changes)
        await note_taken(gateway.desk, news.changes)
        await plan_anew(gateway.desk)
    finally:
        notify("READY=1")


async def _judged(gateway: Gateway, news: News) -> Terms:
    """What the new settings come to, and whether they are fit to take the place of the old. Raises ConfigError."""
    terms = await asyncio.to_thread(gateway.judge, news.settings)
    refuse_expired(news.settings, {change.key for change in news.changes}, gateway.clock.now())
    try:
        await gateway.desk.ask(lambda ctx: check_practices(ctx.tx, terms.site))
    except TryAgain as error:
        raise ConfigError(f"database.url: it cannot be read now ({error}); reload again") from error
    return terms


async def plan_anew(desk: Desk) -> None:
    """Where days or the zone have changed, due times follow; once for all workers.

    What the database keeps us from now is done at the next start.
    """
    try:
        if await desk.ask(follows_calendar):
            return
        done = 0
        while done := await desk.do(due_steps.follow_settings, done, AT_A_TIME):
            pass
        await desk.do(note_calendar)
    except TryAgain as error:
        log.warning("due times could not be planned anew; restart the gateway to have that done", error=str(error))


async def note_taken(desk: Desk, found: Sequence[Change]) -> None:
    """Have it in the audit; once for all workers."""
    waiting = [change.key for change in found if change.needs_restart]
    changed = [change.key for change in found if not change.needs_restart]
    await _note(desk.at(reloads.PLACE).do(reloads.taken, changed, waiting))


async def note_refused(desk: Desk, keys: Sequence[str]) -> None:
    """The same for a reload that was refused."""
    await _note(desk.at(reloads.PLACE).do(reloads.refused, keys))


async def _note(writing: Awaitable[None]) -> None:
    try:
        await writing
    except TryAgain as error:
        log.warning("the audit could not be told of the reload", error=str(error))


# ---------------------------------------------------------------------------------------------------- several workers


def reload_all(parent: Supervisor, current: Current) -> None:
    """Have all workers judge what is new, and then all of them go by it."""
    notify_reloading()
    try:
        news = current.read()
        answers = parent.ask(f"judge {news.digest}", PATIENCE)
        faults = [said or "a worker did not answer; try again" for said in answers.values() if said != YES]
        if faults:
            parent.ask("drop", PATIENCE)
            raise ConfigError("\n".join(dict.fromkeys("\n".join(faults).splitlines())))
    except ConfigError as error:
        parent.ask(" ".join(["refused", *_tell_faults(str(error))]), PATIENCE, only=0)
    else:
        current.take(news)  # whoever dies now is begun again with it
        parent.ask("take", PATIENCE)
        _tell(news.changes)
        parent.ask("plan", PATIENCE, only=0)
    finally:
        notify("READY=1")


class Worker:
    """A worker's side of it."""

    def __init__(self, gateway: Gateway, current: Current) -> None:
        self._gateway, self._current = gateway, current
        self._judged: tuple[News, Terms] | None = None

    async def answer(self, question: str) -> str:
        """What the parent hears. Raises where the worker cannot go by what all others do: it has to be begun again."""
        match question.split():
            case ["judge", digest]:
                return await self._judge(digest)
            case ["take"] if self._judged:
                news, terms = self._judged
                self._gateway.take(terms)
                self._current.take(news)
                if self._gateway.worker == 0:
                    await note_taken(self._gateway.desk, news.changes)
            case ["refused", *keys]:
                await note_refused(self._gateway.desk, keys)
            case ["plan"]:
                await plan_anew(self._gateway.desk)
        self._judged = None
        return YES

    async def _judge(self, digest: str) -> str:
        self._judged = None
        try:
            news = await asyncio.to_thread(self._current.read)
            if news.digest != digest:
                return "the settings file changed while it was read; reload again"
            self._judged = news, await _judged(self._gateway, news)
        except ConfigError as error:
            return str(error)
        except Exception as error:
            log.exception("a worker could not judge the new settings")
            return f"{type(error).__name__}; see the log"
        return YES


# --------------------------------------------------------------------------------------------------------------- words


def _tell(found: Sequence[Change]) -> None:
    for change in found:
        if change.needs_restart:
            log.warning("a setting needs a restart", key=change.key, old=change.old, new=change.new)
        else:
            log.info("a setting was changed", key=change.key, old=change.old, new=change.new)
    log.info("settings reloaded", changes=sum(not change.needs_restart for change in found))


def _tell_faults(faults: str) -> list[str]:
    """Log a line for each fault; the keys at fault."""
    lines = faults.splitlines()
    for line in lines:
        log.error("settings not reloaded, all stays as it was", fault=line)
    return reloads.at_fault(lines)[: reloads.MOST]
