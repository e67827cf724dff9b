"""Python programs that start at once: a process that has imported the gateway forks each of them.

What a program imports costs a second of computing at each start, and some tests start a gateway twenty times. A forked
one is a process of its own in every other way: its id, its signals, its environment, its end. What a fork shares with
others is not counted as memory of its own, so memory is measured in a gateway that was started by its command. So is
what many passwords cost: here each is hashed with next to no work.

    python -m tests.peers.preloaded FD

serves requests on the socket FD until it is closed.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO

from argon2 import PasswordHasher

HASHERS = ("gateway.portal.passwords", "gateway.edge.smtp.sign_in")
"""The modules that hash passwords."""
ROOT = Path(__file__).resolve().parents[2]
MOST = 1 << 17
"""Octets of a request."""


class Started:
    """A program that was forked; as much of a `subprocess.Popen` as is needed of it."""

    def __init__(self, link: socket.socket, stdout: IO[str]) -> None:
        self._link = link
        self.stdout = stdout
        self.pid = int(self._link.recv(100))

    def send_signal(self, how: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, how)

    def wait(self, seconds: float) -> int:
        """Its exit code, negative where a signal has ended it. Raises TimeoutError."""
        self._link.settimeout(seconds)
        code = int(self._link.recv(100))
        self._link.close()
        return code


def start(module: str, words: Sequence[str], environment: dict[str, str], log: IO[str]) -> Started:
    """Start `python -m MODULE WORDS…`; its errors go to the log."""
    request = {"module": module, "words": list(words), "environment": environment}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reading, writing = os.pipe()
    with theirs, contextlib.closing(os.fdopen(writing, "w")) as stdout:
        files = [theirs.fileno(), stdout.fileno(), log.fileno()]
        socket.send_fds(_forker(os.getpid()), [json.dumps(request).encode()], files)
    return Started(ours, os.fdopen(reading))


def run(module: str, words: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE WORDS…` to its end, as `subprocess.run` does."""
    with tempfile.TemporaryFile("w+") as errors:
        program = start(module, words, environment, errors)
        with program.stdout as stdout:
            said = stdout.read()
        code = program.wait(60)
        errors.seek(0)
        return subprocess.CompletedProcess([module, *words], code, said, errors.read())


def cheap_hasher() -> PasswordHasher:
    """The same argon2id, with next to no work: what the real work is has a test of its own."""
    return PasswordHasher(1, 8, 1)


@cache
def _forker(_: int) -> socket.socket:
    """The way to the process that forks, which ends with this one; each process has its own."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "tests.peers.preloaded", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        ).returncode = 0  # nobody waits for it: it ends when our socket is closed
    atexit.register(ours.close)
    return ours


# ------------------------------------------------------------------------------------------------ the one that forks


def _preload() -> None:
    """Import what a gateway imports, and compile its templates."""
    for module in ("gateway.cli.app", "gateway.setup", "uvloop", "tests.peers.served"):
        import_module(module)
    from gateway.edge.render import Templates
    from tests.practice import SITE

    for module in HASHERS:
        import_module(module).PasswordHasher = cheap_hasher
    templates = Templates(SITE)
    templates.compile_mails()
    templates.compile_pages()
    gc.collect()
    gc.freeze()


def _serve(control: socket.socket) -> str:
    """Fork for each request; in a fork, which is the program from now on, returns the module's name."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        octets, files, _, _ = socket.recv_fds(control, MOST, 3)
        if not octets:
            sys.exit()
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _keep(json.loads(octets), *files)
        for file in files:
            os.close(file)


def _keep(request: dict, link: int, stdout: int, stderr: int) -> str:
    """Fork the program; tell its id, await its end and tell its code. Whoever asked is gone: end it."""
    pid = os.fork()
    if pid == 0:
        os.close(link)
        return _become(request, stdout, stderr)
    os.close(stdout)
    os.close(stderr)
    asked = socket.socket(fileno=link)
    asked.send(str(pid).encode())
    readable, _, _ = select.select([os.pidfd_open(pid), asked], [], [])
    if asked in readable:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(request: dict, stdout: int, stderr: int) -> str:
    for file, number in ((stdout, 1), (stderr, 2)):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["words"]
    return request["module"]


if __name__ == "__main__":
    _preload()
    runpy.run_module(_serve(socket.socket(fileno=int(sys.argv[1]))), run_name="__main__", alter_sys=True)
