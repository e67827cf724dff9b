"""`gateway serve` as processes: one by itself, or several that share a machine, a database and a listening socket.

One socket is bound for all of them rather than one each (SO_REUSEPORT): whoever is idle takes the next client, a
worker that dies takes no waiting client with it, and a second gateway on the same port is refused. The portal is the
first worker's alone, so that tries to sign in are counted in one place and the memory that passwords cost is spent
once. Timed work is done by whichever worker holds the lease.
"""

import asyncio
import gc
import resource
import socket
import sys
from collections.abc import Callable, Sequence

from gateway.app import Gateway
from gateway.config import Settings
from gateway.edge.clock import the_clock
from gateway.edge.family import STOPPING, Family
from gateway.edge.notify import notify
from gateway.edge.patience import patiently
from gateway.prepare import Prepared, prepare

SWITCH_SECONDS = 0.0005
"""How long the event loop may keep Python's lock from a thread that comes back from the disk; Python's own 5 ms held up
each mail several times."""
LISTENERS = {"smtp": "smtp", "portal": "portal", "metrics": "metrics0"}
"""What the line that says that we are ready names, and the socket behind each."""


def serve(settings: Settings, parts: Sequence[str], workers: int) -> int:
    """Run until SIGTERM; the exit code. Raises ConfigError, WrongKey, OSError."""
    clock = the_clock()
    prepared = patiently(lambda: prepare(settings, clock, parts, workers))
    _raise_descriptor_limit()
    sys.setswitchinterval(SWITCH_SECONDS)
    if workers == 1:
        gateway = Gateway(settings, clock, tuple(parts), prepared)
        asyncio.run(_serve(gateway, lambda: _say_ready(prepared)))
        return 0

    def work(number: int, link: socket.socket) -> int:
        own = tuple(part for part in parts if part != "portal" or number == 0)
        gateway = Gateway(settings, clock, own, prepared, worker=number, alone=False)
        asyncio.run(_serve(gateway, lambda: link.send(b"r"), link))
        return 0

    gc.freeze()  # pages that the collector does not touch stay shared
    return Family(workers, work, lambda: _say_ready(prepared)).run()


def _raise_descriptor_limit() -> None:
    """As many as this process may have: each session takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(gateway: Gateway, ready: Callable[[], object], parent: socket.socket | None = None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop.set)
    if parent:
        loop.add_reader(parent, _orphaned, parent, stop)
    await gateway.start()
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it again and again cost a tenth of the time of each mail
    ready()
    await stop.wait()
    await gateway.stop()


def _orphaned(parent: socket.socket, stop: asyncio.Event) -> None:
    """The parent says nothing: that there is something to read means that it has ended."""
    asyncio.get_running_loop().remove_reader(parent)
    stop.set()


def _say_ready(prepared: Prepared) -> None:
    where = " ".join(f"{part}={prepared.where(name)}" for part, name in LISTENERS.items() if name in prepared.sockets)
    print(f"gateway ready {where}", flush=True)
    notify("READY=1", f"STATUS=listens: {where}")
