"""Processes that serve together: a parent that starts them, and starts again whichever dies.

A socket joins the parent to each child. A child says over it once that it is ready, and answers what it is asked; it
closes for the parent when the child has ended, for the child when the parent has, however either came to that. So
nobody is forgotten, and nobody outlives the parent by more than what is under way.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import structlog

from gateway.edge.run import logs
from gateway.edge.run.notify import notify, watchdog_seconds
from gateway.errors import ConfigError
from gateway.owner import open_owned

log = structlog.get_logger()

BACK_OFF = (0.1, 1.0, 5.0, 30.0)
"""Seconds before a child that has died is started again, the first time, the second time and so on."""
HEALTHY = 60.0
"""Seconds after which a child's death is counted as its first again."""
STOPPING = (signal.SIGTERM, signal.SIGINT)
READY = b"ready"
LONGEST = 65_536
"""Octets of one message between parent and child."""

Work = Callable[[int, socket.socket], int]
"""What a child does: given its number and its end of the socket, it serves, and returns its exit code."""


@dataclass(slots=True)
class _Child:
    number: int
    pid: int
    link: socket.socket
    since: float
    ready: bool = False


class Supervisor:
    """A parent and `count` children, numbered from 0. `on_ready` is called once, when all have said so, and `on_hangup`
    at each SIGHUP after that.

    Make it in a process that has neither threads nor an event loop: the children are forked.
    """

    def __init__(
        self,
        count: int,
        work: Work,
        on_ready: Callable[[], None],
        on_hangup: Callable[["Supervisor"], None] = lambda _: None,
    ) -> None:
        self._work = work
        self._on_ready = on_ready
        self._on_hangup = on_hangup
        self._hung_up = False
        self._asked = 0
        self._watched = watchdog_seconds()
        self._children: dict[int, _Child] = {}
        self._deaths = [0] * count
        self._to_begin = dict.fromkeys(range(count), 0.0)
        self._started = self._stopping = False
        self._code = 0
        self._woken, self._waker = socket.socketpair()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, which all children are told; the exit code: 1 if any ended badly by then.

        A child that dies before all were ready ends the start instead of being started again.
        """
        for number in STOPPING:
            signal.signal(number, lambda *_: self._stop())
        signal.signal(signal.SIGHUP, lambda *_: self._note_hangup())
        # A signal that comes just before we wait must end the waiting: its handler runs only when that is over.
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        while self._children or not self._stopping:
            self._begin_what_is_due()
            self._look()
            if self._watched:
                notify("WATCHDOG=1")
            if self._hung_up and self._started and not self._stopping:
                self._hung_up = False
                self._on_hangup(self)
        return self._code

    def ask(self, words: str, seconds: float, only: int | None = None) -> dict[int, str]:
        """Ask all children, or one; what each answers, "" for one that ends or says nothing in that time.

        Children answer with the number in front of the question, so that no late answer is taken for another.
        """
        self._asked += 1
        number, end = f"{self._asked} ".encode(), time.monotonic() + seconds
        waiting = {one.number: one for one in self._children.values() if only in (None, one.number)}
        answers = dict.fromkeys(waiting, "")
        for child in waiting.values():
            with contextlib.suppress(OSError):  # it has just ended: we hear of that below
                child.link.send(number + words.encode())
        while waiting and (left := end - time.monotonic()) > 0:
            links = {child.link: child for child in waiting.values()}
            for link in select.select([*links], [], [], left)[0]:
                said = self._hear(links[link])
                if said is None or said.startswith(number):
                    answers[links[link].number] = (said or b"").removeprefix(number).decode()
                    del waiting[links[link].number]
        return answers

    def _begin_what_is_due(self) -> None:
        now = time.monotonic()
        for number, at in list(self._to_begin.items()):
            if at <= now and not self._stopping:
                del self._to_begin[number]
                self._begin(number)

    def _begin(self, number: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A signal to stop must find the child in the list, and must not run this process's handler in the child.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._live(number, theirs)
        theirs.close()
        self._children[number] = _Child(number, pid, ours, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        if self._stopping:  # the signal came when it had been decided to begin, and before it could be in the list
            os.kill(pid, signal.SIGTERM)

    def _live(self, number: int, link: socket.socket) -> NoReturn:
        """Be the child. The parent's ends of its siblings' sockets are closed, or its own end would not be noticed."""
        code = 1
        try:
            for sibling in self._children.values():
                sibling.link.close()
            signal.set_wakeup_fd(-1)
            for stopping in STOPPING:
                signal.signal(stopping, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the parent hears it, and asks
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            code = self._work(number, link)
        except Exception:
            log.exception("a worker has failed", worker=number)
        finally:
            sys.stdout.flush()
            logs.flush()
            sys.stderr.flush()
            os._exit(code)  # what the parent's stack has left to do is the parent's

    def _look(self) -> None:
        """Wait for a word or the end of a child, or until one is to be begun."""
        children = {child.link: child for child in self._children.values()}
        readable, _, _ = select.select([self._woken, *children], [], [], self._patience())
        if self._woken in readable:
            self._woken.recv(100)
        for child in (children[link] for link in readable if link in children):
            self._hear(child)

    def _hear(self, child: _Child) -> bytes | None:
        """What a child says; None if it has ended."""
        try:
            said = child.link.recv(LONGEST)
        except ConnectionError:  # it has ended with something of ours unread
            said = b""
        if not said:
            self._bury(child)
            return None
        if said == READY:
            self._is_ready(child)
        return said

    def _patience(self) -> float | None:
        """Seconds until a child is to be begun, or the service manager is to hear of us; None if neither is."""
        if self._stopping or not self._to_begin:
            return self._watched
        begin = max(min(self._to_begin.values()) - time.monotonic(), 0)
        return min(begin, self._watched) if self._watched else begin

    def _is_ready(self, child: _Child) -> None:
        child.ready = True
        if not self._started and sum(one.ready for one in self._children.values()) == len(self._deaths):
            self._started = True
            self._on_ready()

    def _bury(self, child: _Child) -> None:
        del self._children[child.number]
        child.link.close()
        _, status = os.waitpid(child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if self._stopping:
            if code not in (0, -signal.SIGTERM):  # told to stop before it could listen to that, it had nothing to end
                self._code = 1
        elif not self._started:
            self._code = 1
            self._stop()
        else:
            self._begin_again(child, code)

    def _begin_again(self, child: _Child, code: int) -> None:
        now = time.monotonic()
        deaths = self._deaths[child.number] if now - child.since < HEALTHY else 0
        pause = BACK_OFF[min(deaths, len(BACK_OFF) - 1)]
        log.error("a worker has ended; it is started again", worker=child.number, code=code, seconds=pause)
        self._deaths[child.number] = deaths + 1
        self._to_begin[child.number] = now + pause

    def _note_hangup(self) -> None:
        self._hung_up = True

    def _stop(self) -> None:
        self._stopping = True
        for child in self._children.values():
            os.kill(child.pid, signal.SIGTERM)


def is_in_use(file: Path) -> bool:
    """Whether some process holds this file (`sole_use`); only looks."""
    try:
        with file.open() as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def sole_use(file: Path, patience: float = 10.0) -> IO[str]:
    """Hold a file for this process and all that it forks, until the last of them has ended or the file is closed.

    Waits some seconds for those who are about to end. Raises ConfigError.
    """
    held = os.fdopen(open_owned(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC), "w")
    end = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        if time.monotonic() > end:
            held.close()
            raise ConfigError(f"database.url: another gateway serves from here already; it holds {file}")
        time.sleep(0.05)
