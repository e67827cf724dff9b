"""`gateway serve` as processes: one by itself, or several that share a machine, a database and a listening socket.

One socket is bound for all of them rather than one each (SO_REUSEPORT): whoever is idle takes the next client, a
worker that dies takes no waiting client with it, and a second gateway on the same port is refused. The portal is the
first worker's alone, so that the memory that passwords cost is spent once. Timed work is done by whichever worker holds
the lease.
"""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence

import structlog

from gateway.app import Gateway
from gateway.config.settings import Settings
from gateway.edge.run.clock import the_clock
from gateway.edge.run.notify import notify, watchdog_seconds
from gateway.edge.run.patience import patiently
from gateway.edge.run.supervisor import LONGEST, READY, STOPPING, Supervisor
from gateway.prepare import Prepared, prepare
from gateway.reloading import Current, Worker, reload, reload_all

log = structlog.get_logger()

SWITCH_SECONDS = 0.0005
"""How long the event loop may keep Python's lock from a thread that comes back from the disk; Python's own 5 ms held up
each mail several times."""
LISTENERS = {"smtp": "smtp", "smtps": "smtps", "portal": "portal", "admin": "admin", "metrics": "metrics0"}
"""What the line that says that we are ready names, and the socket behind each."""


def serve(settings: Settings, read: Callable[[], Settings], parts: Sequence[str], workers: int) -> int:
    """Run until SIGTERM; the exit code. At SIGHUP settings are read anew. A second SIGTERM ends the draining.

    Raises ConfigError, WrongKey, OSError.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until we listen there is nothing to reload
    clock, current = the_clock(), Current(settings, read)
    prepared = patiently(lambda: prepare(settings, clock, parts, workers))
    _raise_descriptor_limit()
    sys.setswitchinterval(SWITCH_SECONDS)
    if workers == 1:
        gateway = Gateway(settings, clock, tuple(parts), prepared)
        asyncio.run(_serve(gateway, lambda: _say_ready(prepared), lambda _: _alone(gateway, current)))
        return 0

    def work(number: int, link: socket.socket) -> int:
        own = tuple(part for part in parts if part != "portal" or number == 0)
        gateway = Gateway(current.settings, clock, own, prepared, worker=number, alone=False)
        answers = Worker(gateway, current)
        asyncio.run(_serve(gateway, lambda: link.send(READY), lambda stop: _answer(link, answers, stop)))
        return 0

    gc.freeze()  # pages that the collector does not touch stay shared
    return Supervisor(workers, work, lambda: _say_ready(prepared), lambda parent: reload_all(parent, current)).run()


def _raise_descriptor_limit() -> None:
    """As many as this process may have: each session takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


Listening = Callable[[asyncio.Event], Coroutine[object, object, None]]
"""What a process does beside serving: it hears what it is told, and may set the event that ends it."""


async def _serve(gateway: Gateway, ready: Callable[[], object], listening: Listening) -> None:
    stop, at_once = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in STOPPING:
        loop.add_signal_handler(number, told)
    await gateway.start()
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it again and again cost a tenth of the time of each mail
    hears = asyncio.create_task(listening(stop))
    await asyncio.sleep(0)  # it listens before anybody is told that we do
    ready()
    await stop.wait()
    await gateway.drain(at_once)  # the service manager still hears that we live
    hears.cancel()
    await gateway.stop()


async def _alone(gateway: Gateway, current: Current) -> None:
    """Reload at each SIGHUP; those that come meanwhile are one more. The service manager hears that we live."""
    hung_up = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up.set)
    span = watchdog_seconds()
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hung_up.wait(), span)
        if span:
            notify("WATCHDOG=1")
        if hung_up.is_set():
            hung_up.clear()
            await reload(gateway, current)


async def _answer(link: socket.socket, worker: Worker, stop: asyncio.Event) -> None:
    """Answer what the parent asks; that it says nothing more means that it has ended, and so do we."""
    loop = asyncio.get_running_loop()
    link.setblocking(False)
    try:
        while asked := await loop.sock_recv(link, LONGEST):
            number, _, question = asked.decode().partition(" ")
            said = await worker.answer(question)
            await loop.sock_sendall(link, f"{number} {said}".encode()[:LONGEST])
    except ConnectionError:
        pass
    except Exception:
        log.exception("a worker cannot go by the new settings; it is started again with them")
    stop.set()


def _say_ready(prepared: Prepared) -> None:
    where = " ".join(f"{part}={prepared.where(name)}" for part, name in LISTENERS.items() if name in prepared.sockets)
    print(f"gateway ready {where}", flush=True)
    notify("READY=1", f"STATUS=listens: {where}")
