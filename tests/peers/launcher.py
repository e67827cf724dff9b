"""The gateway's command line, killed at a named point of one use case; for tests, and without a hook in the gateway.

    python -m tests.peers.launcher WHEN USE_CASE FLAG serve --config …

WHEN is `before` the transaction begins, `within` it (all is written, nothing committed), or `after` the commit (and
before anybody hears of it). USE_CASE is how the dotted name of the function begins, as in
`gateway.flow.outbound.deliver.record`. The process kills itself with SIGKILL if it can remove the file FLAG: once for
each time that a test makes it.
"""

import functools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from gateway.cli.entry import main
from gateway.flow.context import Desk


def _kill_at(when: str, name: str, flag: Path) -> None:
    for way in ("do", "do_at_length"):
        setattr(Desk, way, _watched(getattr(Desk, way), when, name, flag))


def _watched(do: Any, when: str, name: str, flag: Path) -> Any:
    def reached(point: str, use_case: Any) -> None:
        if point == when and f"{use_case.__module__}.{use_case.__qualname__}".startswith(name):
            _die_once(flag)

    async def watched(desk: Desk, use_case: Any, *args: Any, **kwargs: Any) -> Any:
        @functools.wraps(use_case)
        def within(*inner: Any, **named: Any) -> Any:
            result = use_case(*inner, **named)
            if result != []:  # a claim that found nothing to claim is no step
                reached("within", use_case)
            return result

        reached("before", use_case)
        result = await do(desk, within, *args, **kwargs)
        if result != []:
            reached("after", use_case)
        return result

    return watched


def _die_once(flag: Path) -> None:
    try:
        flag.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _kill_at(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    del sys.argv[1:4]
    main()
