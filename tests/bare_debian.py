"""The README's two commands in a bare Debian, as a container has it: `python3 tests/bare_debian.py`, as root.

    python3 tests/bare_debian.py                        as root, in Debian 12
    python3 tests/bare_debian.py --person               as somebody else, who types the one line that is asked for
    python3 tests/bare_debian.py --suite forky          another Debian, and with it another Python
    python3 tests/bare_debian.py -- -- tests/peers      what follows the first -- goes to the test command

Makes a minimal root with debootstrap, with Python and nothing else of what the commands need, clones this checkout's
last commit into it, and runs them there with the rights that a container's root has: no mounts, no namespaces. Mirrors,
proxies and pip's settings are this machine's own. Takes as long as all tests and more, so it is no part of them.
Standard library only.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # nothing need be installed here

from gateway.demo import checkout

RIGHTS = "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod setfcap"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
COPIED = ("resolv.conf", "hosts", "apt/apt.conf", "apt/apt.conf.d", "apt/auth.conf.d", "pip.conf", "xdg/pip")
KEPT = re.compile(r"PIP_\w+|\w+_proxy|\w*(CA_BUNDLE|CERT_FILE|CERT_DIR)\w*", re.IGNORECASE)
"""What the environment says on how the network is reached."""
MADE = "BARE_DEBIAN_ROOT"
MIRROR = "http://deb.debian.org/debian"
LAST_LINES = 60


def main() -> int:
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("Only root can make a root.")
    if MADE in os.environ:
        return tried(Root(Path(os.environ[MADE]), options.suite), options)
    if not shutil.which("debootstrap"):
        checkout.install(["debootstrap"])
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bare-debian-"))
    try:  # what is mounted is so for another process alone, and gone when the folder is removed
        again = ["unshare", "--mount", sys.executable, *sys.argv]
        return subprocess.run(again, env={**os.environ, MADE: str(folder / "root")}, check=False).returncode
    finally:
        if not options.folder:
            shutil.rmtree(folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the README's two commands in a bare Debian.")
    parser.add_argument("--suite", default="bookworm", help="which Debian")
    parser.add_argument("--person", action="store_true", help="as somebody who is not root")
    parser.add_argument("--folder", type=Path, help="where the root is made, kept, and found again")
    parser.add_argument("tests", nargs="*", metavar="-- ARGS", help="arguments for the test command")
    return parser.parse_args()


def tried(root: "Root", options: argparse.Namespace) -> int:
    """Run both commands; the first one's code that is not 0."""
    user = "pat" if options.person else "root"
    demo, test = commands((checkout.ROOT / "README.md").read_text())
    for command in (f"{demo} --check", " ".join([test, *options.tests])):
        code, said = root.run(command, user)
        if line := asked(said) if code and options.person else None:
            root.run(line.replace("sudo ", ""), "root")
            code, _ = root.run(command, user)
        if code:
            return code
    return 0


def commands(readme: str) -> tuple[str, str]:
    """The one that shows the demo, and the one that runs the tests: the first blocks of shell, of one line each."""
    demo, test = re.findall(r"^```sh\n(.+)\n```$", readme, re.MULTILINE)[:2]
    return demo, test


def asked(said: list[str]) -> str | None:
    """The one line that a command has asked for."""
    return next((line.strip() for line in said if line.strip().startswith("sudo ")), None)


class Root:
    """A root file system with a clone of this checkout in it, and its users' commands."""

    def __init__(self, path: Path, suite: str) -> None:
        self.path = path
        if not (path / "usr/bin/python3").exists():
            self._bootstrap(suite)
        self._mount()
        self._copy_network()
        outside("chroot", str(path), "apt-get", "update", "--quiet")
        outside("chroot", str(path), "apt-get", "install", "--yes", "--no-install-recommends", "python3")
        self._clone()

    def run(self, command: str, user: str) -> tuple[int, list[str]]:
        """Type a command in the checkout and show what it writes; its exit code, and its last lines."""
        print(f"\n{user}$ {command}", flush=True)
        home = "/root" if user == "root" else f"/home/{user}"
        rights = ",".join(["-all", *(f"+{right}" for right in RIGHTS.split())])
        bare = [
            "setpriv",
            f"--bounding-set={rights}",
            "--inh-caps=-all",
            "chroot",
            f"--userspec={user}:",
            str(self.path),
        ]
        environment = {"HOME": home, "USER": user, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **kept()}
        shell = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), "sh", "-c"]
        process = subprocess.Popen(
            [*bare, *shell, f"cd {home}/gateway && {command}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        said: deque[str] = deque(maxlen=LAST_LINES)
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            said.append(line)
        code = process.wait()
        print(f"-- code {code}", flush=True)
        return code, list(said)

    def _bootstrap(self, suite: str) -> None:
        where = outside("apt-get", "indextargets", "--format", "$(SITE)", "Label: Debian", "Component: main").split()
        outside("debootstrap", "--variant=minbase", suite, str(self.path), next(iter(where), MIRROR))
        outside("chroot", str(self.path), "useradd", "--create-home", "--shell", "/bin/sh", "pat")

    def _mount(self) -> None:
        outside("mount", "--types", "proc", "proc", str(self.path / "proc"))
        for name in DEVICES:
            device = self.path / "dev" / name
            device.touch()
            outside("mount", "--bind", f"/dev/{name}", str(device))
        (self.path / "dev/shm").mkdir(exist_ok=True)
        outside("mount", "--types", "tmpfs", "tmpfs", str(self.path / "dev/shm"))

    def _copy_network(self) -> None:
        """How this machine reaches the network's packages, as found."""
        for name in COPIED:
            self._copy(Path("/etc") / name)
        self._copy(Path.home() / ".config/pip")
        self._copy(
            Path("/usr/local/share/ca-certificates")
        )  # whom this machine believes, once the root has such a list
        named = " ".join([*kept().values(), *outside(sys.executable, "-m", "pip", "config", "list").splitlines()])
        for url, place in dict.fromkeys(re.findall(r"(?<![\w:/])(file://)?(/[\w./-]+)", named)):
            self._show(Path(place).parent if url else Path(place))  # the files of an index lie beside it

    def _show(self, place: Path) -> None:
        """A file or folder of this machine's, at the same place; folders may be large, and are not copied."""
        there = self.path / place.relative_to("/")
        if place.is_relative_to("/etc") or not place.is_dir():
            self._copy(place)
        else:
            there.mkdir(parents=True, exist_ok=True)
            outside("mount", "--bind", "--options", "ro", str(place), str(there))

    def _copy(self, place: Path) -> None:
        there = self.path / place.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            shutil.copytree(place, there, dirs_exist_ok=True, ignore_dangling_symlinks=True, copy_function=_replaced)
        elif place.exists():
            _replaced(place, there)

    def _clone(self) -> None:
        for home, user in (("root", "root"), ("home/pat", "pat")):
            there = self.path / home / "gateway"
            shutil.rmtree(there, ignore_errors=True)
            outside("git", "clone", "--quiet", "--no-hardlinks", str(checkout.ROOT), str(there))
            outside("chroot", str(self.path), "chown", "--recursive", f"{user}:", f"/{home}/gateway")


def _replaced(source: Path | str, there: Path | str) -> None:
    """Copy a file over what the root has there, be it a link to somewhere outside of it."""
    Path(there).unlink(missing_ok=True)
    shutil.copyfile(source, there)


def kept() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}


def outside(*command: str) -> str:
    """Run a command with all rights; what it says, and the end of everything if it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
