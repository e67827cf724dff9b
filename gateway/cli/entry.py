"""The entry point. The commands are imported while signals are answered already: that takes a second."""

import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """The entry point: `gateway`."""
    if sys.argv[1:2] == ["serve"]:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it listens there is nothing to reload
    heard = signal.getsignal(signal.SIGINT)
    if heard is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from gateway.cli.app import app  # noqa: PLC0415 - what comes meanwhile is answered already

    signal.signal(signal.SIGINT, heard)
    try:
        app()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            print("interrupted", file=sys.stderr)
        raise


def _end(*_: object) -> NoReturn:
    """Nothing was begun yet that would have to be tidied up."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)
