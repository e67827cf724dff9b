"""Starting, awaiting and ending other programs."""

import socket
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02


def wait_for(condition: Callable[[], T], seconds: float = 10) -> T:
    """Ask until the answer is true, and return it; an AssertionError shows the last answer."""
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds} s; last seen: {seen!r}")
        time.sleep(POLL_SECONDS)
    return seen


def wait_until_listening(process: subprocess.Popen[bytes], port: int, seconds: float = 20) -> None:
    """Wait until the process answers on its port, or fail as soon as it has ended."""

    def is_up() -> bool:
        assert process.poll() is None, f"{process.args!r} ended with code {process.returncode}"
        return listens(port)

    wait_for(is_up, seconds)


def listens(port: int) -> bool:
    """Whether anybody does, on the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """Ask a process to end, then make it."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
