"""What the service manager is told: systemd's notification protocol (sd_notify(3)), where it has asked for that."""

import contextlib
import os
import socket


def notify(*facts: str) -> None:
    """Tell it, for example "READY=1", or "STATUS=waiting for the disk". Nobody is told where nobody has asked."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto("\n".join(facts).encode(), address)
