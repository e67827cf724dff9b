"""Strangers who open and close sessions without end: `python -m tests.peers.flood PORT ADDRESS`.

A line is printed once it has begun; it ends with its input.
"""

import contextlib
import select
import socket
import sys

OPEN = 200
"""Sessions that are kept open, each until so many more have come."""


def main(port: int, address: str) -> None:
    held: list[socket.socket] = []
    print("begun", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        stranger = socket.socket()
        with contextlib.suppress(OSError):
            stranger.bind((address, 0))
            stranger.settimeout(5)
            stranger.connect(("127.0.0.1", port))
        held.append(stranger)
        if len(held) > OPEN:
            held.pop(0).close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
