"""Get the real peers of the tests: Postfix with its smtp-sink, Dovecot, OpenLDAP's slapd, PostgreSQL, Perl's
Mail::DKIM, promtool, the proxies Apache, Caddy, HAProxy and nginx, Chromium and strace, from Debian's packages, and the
mails that some packages bring as test data.

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
DIRECTORY_ROOT = HOME / "slapd"
DIRECTORY = ("slapd",)
POSTGRES_ROOT = HOME / "postgres"
DKIM_ROOT = HOME / "dkim"
DKIM = ("libmail-dkim-perl", "libnet-dns-perl")
PROMETHEUS_ROOT = HOME / "prometheus"
"""With promtool, which checks rules and tries them."""
PROXY_ROOT = HOME / "proxies"
PROXIES = ("apache2-bin", "caddy", "haproxy", "nginx")
MAIL_ROOT = HOME / "mails"
MAILS = {
    "fuzzyocr": "share/doc/fuzzyocr",
    "gir1.2-gmime-3.0": "share/doc/gir1.2-gmime-3.0",
    "golang-github-gatherstars-com-jwz-dev": "share/gocode",
    "libmime-explode-perl": "share/doc/libmime-explode-perl",
    "mailman3": "lib/python3/dist-packages/mailman",
    "pypy3-lib-testsuite": "lib/pypy3*/test/test_email/data",
    "python3-cryptography-vectors": "lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data/smime",
    "python3-dkim": "lib/python3/dist-packages/dkim/tests/data",
    "python3-flufl.bounce": "lib/python3/dist-packages/flufl/bounce/tests/data",
}
"""Debian's packages that bring mails, by the names of the files in all of them, and where in `usr` these lie."""
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable")


def fetch() -> None:
    """Make sure that every peer is there; quick when it is. Raises PeerMissing."""
    checkout.install(packages())
    if not all((ROOT / name).exists() for name in PROGRAMS):
        shutil.rmtree(ROOT, ignore_errors=True)
        _unpack([*SERVERS, *_missing_libraries(SERVERS)], ROOT)
    if not (DIRECTORY_ROOT / "usr/sbin/slapd").exists():
        shutil.rmtree(DIRECTORY_ROOT, ignore_errors=True)
        _unpack([*DIRECTORY, *_missing_libraries(DIRECTORY)], DIRECTORY_ROOT)
    if not POSTGRES_ROOT.exists():
        _unpack(_postgres_packages(), POSTGRES_ROOT)
    if not DKIM_ROOT.exists():
        _unpack(sorted({*DKIM, *_missing_libraries(DKIM)}), DKIM_ROOT)
    if not promtool().exists():
        shutil.rmtree(PROMETHEUS_ROOT, ignore_errors=True)
        _unpack(["prometheus"], PROMETHEUS_ROOT)
    if not (PROXY_ROOT / "usr/sbin/nginx").exists():
        shutil.rmtree(PROXY_ROOT, ignore_errors=True)
        _unpack([*PROXIES, *_missing_libraries(PROXIES)], PROXY_ROOT)
    if not MAIL_ROOT.exists():
        _unpack([*MAILS], MAIL_ROOT)


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


def postgres(name: str) -> Path:
    """Where a program of PostgreSQL's lies."""
    return next(POSTGRES_ROOT.glob(f"usr/lib/postgresql/*/bin/{name}"))


def promtool() -> Path:
    """Where promtool lies, be it there or not."""
    return PROMETHEUS_ROOT / "usr/bin/promtool"


def environment(root: Path = ROOT) -> dict[str, str]:
    """What unpacked programs need to find their libraries; nothing of the caller's environment but PATH."""
    folders = sorted({str(library.parent) for library in root.rglob("*.so*")})
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(folders)}


def browser() -> str | None:
    """The path of the machine's Chromium, or of a browser made from it."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _postgres_packages() -> list[str]:
    """The packages of the version that Debian's own `postgresql` stands for."""
    depends = checkout.apt(["apt-cache", "depends", "--important", "postgresql"])
    [server] = {line.split()[-1] for line in depends.splitlines() if "Depends: postgresql-" in line}
    client = server.replace("postgresql-", "postgresql-client-")
    return [server, client, *_missing_libraries((server, client))]


def _missing_libraries(servers: tuple[str, ...]) -> list[str]:
    """The libraries that the servers need, directly or not, and that are not installed here."""
    depends = ["apt-cache", "depends", "--recurse", "--important", *servers]
    wanted = {line for line in checkout.apt(depends).splitlines() if line.startswith("lib")}
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    known = dict(line.rsplit(" ", 1) for line in checkout.apt(query).splitlines())
    return sorted(name for name in wanted if known.get(name.partition(":")[0]) != "installed")


def _unpack(names: list[str], root: Path) -> None:
    """Unpack aside, then rename: a fetch that was broken off leaves nothing that looks whole."""
    HOME.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as aside:
        folder = Path(aside)
        checkout.apt(["apt-get", "download", *names], folder)
        for package in folder.glob("*.deb"):
            checkout.apt(["dpkg-deb", "--extract", package.name, "root"], folder)
        (folder / "root").rename(root)


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
