"""Get the real peers of the tests: Postfix with its smtp-sink, Dovecot, Chromium and strace, from Debian's packages.

A machine's own mail server is never touched: the servers' packages, and the libraries that the machine lacks for
them, are unpacked into `tests/.peers/` and nothing of them is installed. Only the browser and strace are installed, and
only by root; others are told the one line to type.

Standard library only, since the test command runs this before there is a virtual environment's worth of anything else.
"""

import ctypes
import os
import shutil
import sys
import tempfile
from pathlib import Path

from gateway.demo import checkout
from gateway.demo.checkout import Missing as PeerMissing

HOME = Path(__file__).resolve().parent.parent / ".peers"
ROOT = HOME / "root"
SERVERS = ("postfix", "dovecot-core", "dovecot-imapd", "fakeroot", "libfakeroot")
PROGRAMS = ("usr/sbin/smtp-sink", "usr/sbin/dovecot", "usr/bin/faked-sysv")
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable")


def fetch() -> None:
    """Make sure that every peer is there; quick when it is. Raises PeerMissing."""
    checkout.install(packages())
    if not all((ROOT / name).exists() for name in PROGRAMS):
        shutil.rmtree(ROOT, ignore_errors=True)
        _unpack([*SERVERS, *_missing_libraries()])


def packages() -> list[str]:
    """Debian's packages that are missing here and must be installed."""
    missing = [] if browser() else ["chromium", "fonts-dejavu-core"]
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        missing.append("libatomic1")  # for the program that Playwright drives the browser with
    if not shutil.which("strace"):
        missing.append("strace")  # shows what is synced to disk, and when
    return missing


def program(name: str) -> Path:
    """Where an unpacked program of a server's lies, be it there or not."""
    return ROOT / "usr/sbin" / name


def environment() -> dict[str, str]:
    """What unpacked programs need to find their libraries; nothing of the caller's environment but PATH."""
    folders = sorted({str(library.parent) for library in ROOT.rglob("*.so*")})
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(folders)}


def browser() -> str | None:
    """The path of the machine's Chromium, or of a browser made from it."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _missing_libraries() -> list[str]:
    """The libraries that the servers need, directly or not, and that are not installed here."""
    depends = ["apt-cache", "depends", "--recurse", "--important", *SERVERS]
    wanted = {line for line in checkout.apt(depends).splitlines() if line.startswith("lib")}
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    known = dict(line.rsplit(" ", 1) for line in checkout.apt(query).splitlines())
    return sorted(name for name in wanted if known.get(name.partition(":")[0]) != "installed")


def _unpack(names: list[str]) -> None:
    """Unpack aside, then rename: a fetch that was broken off leaves nothing that looks whole."""
    HOME.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as aside:
        folder = Path(aside)
        checkout.apt(["apt-get", "download", *names], folder)
        for package in folder.glob("*.deb"):
            checkout.apt(["dpkg-deb", "--extract", package.name, "root"], folder)
        (folder / "root").rename(ROOT)


def main() -> int:
    """Fetch, and say where everything is."""
    try:
        fetch()
    except PeerMissing as problem:
        print(f"A peer of the tests is missing. {problem}", file=sys.stderr)
        return 2
    print(f"Postfix: {ROOT}\nBrowser: {browser()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
