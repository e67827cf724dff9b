"""Log lines on their way to standard error, which must never hold up mail: not by a disk that is full, nor by a pipe
that nobody empties.

Lines are written a few times a second by a thread of their own; what is serious is written at once. More lines than
`MOST` cannot wait: the oldest are dropped, and their number is said.
"""

import atexit
import contextlib
import io
import logging
import os
import sys
import threading
from collections import deque
from typing import TextIO

import structlog

from gateway.edge.run.log_names import without_addresses

MOST = 20_000
EVERY = 0.2


class Lines:
    """What structlog writes to."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: deque[str] = deque(maxlen=MOST)
        self._dropped = 0
        self._serious = threading.Event()
        self._thread = threading.Thread()
        atexit.register(self.flush)
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        """In a fork: what waits is the parent's to write, and so may be the lock within the event, for ever."""
        self._waiting.clear()
        self._serious = threading.Event()

    def debug(self, line: str) -> None:
        """Write soon."""
        self._dropped += len(self._waiting) == MOST
        self._waiting.append(line)
        if not self._thread.is_alive():  # the first line, or the first after a fork
            self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
            self._thread.start()

    def warning(self, line: str) -> None:
        """Write at once."""
        self.debug(line)
        self._serious.set()

    info = msg = debug
    error = critical = exception = fatal = warn = failure = warning

    def flush(self) -> None:
        """Write what waits; a file that cannot be written to loses it."""
        lines: list[str] = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._waiting.popleft())
        if self._dropped:
            lines.append(f'level=warning event="log lines were dropped" count={self._dropped}')
            self._dropped = 0
        if lines:
            with contextlib.suppress(OSError, ValueError):
                self._file.write("\n".join(lines) + "\n")
                self._file.flush()

    def _write_on(self) -> None:
        while True:
            self._serious.wait(EVERY)
            self._serious.clear()
            self.flush()


_lines: list[Lines] = []


def flush() -> None:
    """Write what waits, in a process that ends without the interpreter's own clearing up."""
    for lines in _lines:
        lines.flush()


def log_to_stderr(level: int) -> None:
    """Log from this level on, a line an event."""
    unbuffered = io.FileIO(sys.stderr.fileno(), "w", closefd=False)  # a buffer's lock may be held when we fork
    lines = Lines(io.TextIOWrapper(unbuffered, "utf-8", "backslashreplace", write_through=True))
    _lines.append(lines)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            without_addresses,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=lambda *_: lines,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of each connection that it tries in vain; we say it once
