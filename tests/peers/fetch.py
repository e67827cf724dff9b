"""Get the real peers of the tests: Postfix with its smtp-sink, Dovecot, Chromium and strace, from Debian's packages.

A machine's own mail server is never touched: the servers' packages, and the libraries that the machine lacks for
them, are unpacked into `tests/.peers/` and nothing of them is installed. Only the browser and strace (and, for people
who aren't root, `newuidmap`) are installed, and only by root; others are told the one line to type.

Standard library only, since the test command runs this before there is a virtual environment's worth of anything else.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / ".peers"
ROOT = HOME / "root"
SERVERS = ("postfix", "dovecot-core", "dovecot-imapd")
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable")
INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


class PeerMissing(RuntimeError):
    """A peer cannot be had here; the text says what to type."""


def fetch() -> None:
    """Make sure that every peer is there; quick when it is. Raises PeerMissing."""
    if not all(program(name).exists() for name in ("smtp-sink", "dovecot")):
        _need_apt()
        shutil.rmtree(ROOT, ignore_errors=True)
        _unpack([*SERVERS, *_missing_libraries()])
    if missing := _missing_packages():
        _need_apt()
        _install(missing)


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


def _missing_packages() -> list[str]:
    missing = [] if browser() else ["chromium", "fonts-dejavu-core"]
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        missing.append("libatomic1")  # for the program that Playwright drives the browser with
    if not shutil.which("strace"):
        missing.append("strace")  # shows what is synced to disk, and when
    if os.geteuid() != 0 and not shutil.which("newuidmap"):
        missing.append("uidmap")  # lets Postfix have its several users in a namespace of the developer's own
    return missing


def _need_apt() -> None:
    if not shutil.which("apt-get"):
        raise PeerMissing(
            "The peers come from Debian's packages and there is no apt-get here: run the tests in a Debian container."
        )


def _install(packages: list[str]) -> None:
    if os.geteuid() != 0:
        raise PeerMissing(f"Type this once, then try again:\n\n    sudo {' '.join([*INSTALL, *packages])}\n")
    _with_fresh_lists([*INSTALL, *packages], HOME.parent)


def _missing_libraries() -> list[str]:
    """The libraries that the servers need, directly or not, and that are not installed here."""
    depends = ["apt-cache", "depends", "--recurse", "--important", *SERVERS]
    wanted = {line for line in _with_fresh_lists(depends, HOME.parent).splitlines() if line.startswith("lib")}
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    known = dict(line.rsplit(" ", 1) for line in _run(query, HOME.parent).splitlines())
    return sorted(name for name in wanted if known.get(name.partition(":")[0]) != "installed")


def _unpack(packages: list[str]) -> None:
    """Unpack aside, then rename: a fetch that was broken off leaves nothing that looks whole."""
    HOME.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as aside:
        folder = Path(aside)
        _with_fresh_lists(["apt-get", "download", *packages], folder)
        for package in folder.glob("*.deb"):
            _run(["dpkg-deb", "--extract", package.name, "root"], folder)
        (folder / "root").rename(ROOT)


def _with_fresh_lists(command: list[str], folder: Path) -> str:
    """Run an apt command; if it fails, the package lists may be absent or old: refresh them and run it again."""
    try:
        return _run(command, folder)
    except PeerMissing:
        if os.geteuid() != 0:
            raise PeerMissing("Type this once, then try again:\n\n    sudo apt-get update\n") from None
        _run(["apt-get", "update"], folder)
        return _run(command, folder)


def _run(command: list[str], folder: Path) -> str:
    result = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise PeerMissing(f"{' '.join(command)}:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.stdout


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
