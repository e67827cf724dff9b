"""What the service manager is told: systemd's notification protocol (sd_notify(3)), where it has asked for that."""

import contextlib
import os
import socket
import time


def notify(*facts: str) -> None:
    """Tell it, for example "READY=1", or "STATUS=waiting for the disk". Nobody is told where nobody has asked."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto("\n".join(facts).encode(), address)


def notify_reloading() -> None:
    """Tell it that settings are read anew; READY=1 ends that."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def watchdog_seconds() -> float | None:
    """How often the service manager wants to hear that we live; None if it does not (sd_watchdog_enabled(3))."""
    microseconds, whose = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or (whose and whose != str(os.getpid())):
        return None
    return int(microseconds) / 1_000_000 / 3
