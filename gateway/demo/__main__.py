"""`python3 -m gateway.demo`: the demo from a checkout in which nothing is installed yet. Standard library only."""

import os
import sys

from gateway.demo import checkout

if __name__ == "__main__":
    try:
        checkout.make(checkout.RUNS)
    except checkout.Missing as problem:
        sys.exit(str(problem))
    gateway = str(checkout.VENV / "bin/gateway")
    os.execv(gateway, [gateway, "demo", *sys.argv[1:]])  # noqa: S606 - in this process's place: Ctrl+C reaches it
