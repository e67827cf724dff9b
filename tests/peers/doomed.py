"""A command of the gateway that kills itself at the nth call of one of its functions; without a hook in the gateway.

    python -m tests.peers.doomed WHEN NTH FUNCTION keys rotate --config …

WHEN is `before` the call or `after` it; FUNCTION is a dotted name, as in `gateway.admin.access.Access.do`.
"""

import itertools
import os
import signal
import sys
from functools import wraps
from pkgutil import resolve_name
from typing import Any

from gateway.cli.entry import main


def _doom(when: str, nth: int, name: str) -> None:
    owner_name, _, own = name.rpartition(".")
    owner: Any = resolve_name(owner_name)
    function, calls = getattr(owner, own), itertools.count(1)

    @wraps(function)
    def doomed(*args: Any, **kwargs: Any) -> Any:
        its_turn = next(calls) == nth
        if its_turn and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if its_turn:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, own, doomed)


if __name__ == "__main__":
    _doom(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    del sys.argv[1:4]
    main()
