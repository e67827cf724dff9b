"""Ports that are kept: nobody else is given them while a program that was told its port starts, or starts again."""

import socket
import weakref


def reserve(owner: object) -> int:
    """A free TCP port of the loopback address, which is kept for as long as its owner lives.

    A socket stays bound to it and never listens: the system gives the port to nobody who asks for any, and a program
    that names it may listen there, as often as it is started, since all servers set SO_REUSEADDR.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    weakref.finalize(owner, held.close)
    return int(held.getsockname()[1])
