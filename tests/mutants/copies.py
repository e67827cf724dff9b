"""Copies of the checkout in which code is broken and tests are run, and nothing of which is left."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path("tests/.peers")
PYTEST = ("-m", "pytest", "-q", "-p", "randomly", "-p", "no:cacheprovider", "--tb=no", "-rfE")
NOTHING_CHOSEN = 5
"""pytest's exit code where no test was chosen."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?::\w+(?:\[.*?\])?|\S+)(?= - |$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of pytest ended; `failed` are the tests, or the files, that did."""

    code: int
    failed: tuple[str, ...] = ()
    too_long: bool = False

    @property
    def passed(self) -> bool:
        return self.code in (0, NOTHING_CHOSEN)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the checkout, with a thin virtual environment that finds the copy first, then the checkout's packages.

    PYTHONPATH would not do: some tests start `gateway` with an environment of their own.
    """

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / ".venv/bin/python")

    def pytest(self, arguments: Sequence[str], seconds: float) -> Ran:
        """Run pytest in the copy; whatever it has started ends with it."""
        base = ("--basetemp", str(self.folder.parent / "t"))
        code, said = run([self.python, *PYTEST, *base, *arguments], self.folder, seconds)
        failed = tuple(dict.fromkeys(_FAILED.findall(said)))
        return Ran(1, failed, too_long=True) if code is None else Ran(code, failed)

    def replace(self, file: str, find: str, by: str) -> None:
        path = self.folder / file
        path.write_text(path.read_text("utf-8").replace(find, by), "utf-8")


@contextmanager
def copied() -> Iterator[Copy]:
    """A fresh copy: nothing of an earlier change is left in it, not even compiled."""
    with tempfile.TemporaryDirectory(prefix="m-", ignore_cleanup_errors=True) as temporary:  # short: sockets lie in it
        folder = Path(temporary) / "c"
        listed = _output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        _environment(folder)
        _output("git", "init", "-q", str(folder))  # some tests ask git what belongs to the checkout
        if (ROOT / PEERS).exists():
            (folder / PEERS).symlink_to(ROOT / PEERS)
            (folder / ".git/info/exclude").write_text(f"/{PEERS}\n")
        yield Copy(folder)


def _environment(folder: Path) -> None:
    environment = folder / ".venv"
    _output(sys.executable, "-m", "venv", "--without-pip", str(environment))
    packages = Path("lib") / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # Plain lines: the checkout's own .pth files, which lead to the checkout's `gateway`, are not read.
    lines = (folder, Path(sys.prefix) / packages)
    (environment / packages / "copy.pth").write_text("".join(f"{line}\n" for line in lines))
    script = environment / "bin/gateway"
    script.write_text(f"#!{environment}/bin/python\nimport sys\nfrom gateway.cli.entry import main\nsys.exit(main())\n")
    script.chmod(0o755)


def run(command: Sequence[str], folder: Path, seconds: float) -> tuple[int | None, str]:
    """Exit code, None for one that took too long, and what was said; its group of processes is ended."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return code, said.read()


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def make_sure_that_copies_are_tested() -> None:
    """A copy whose `gateway` is broken must break even what is started elsewhere, with a bare environment."""
    with copied() as copy:
        code, said = run([copy.python, "-c", "import gateway; print(gateway.__file__)"], Path("/"), 60)
        assert code == 0, said
        assert str(copy.folder) in said, said
        (copy.folder / "gateway/__init__.py").write_text("raise SystemExit('this is the broken copy')\n")
        command = [copy.folder / ".venv/bin/gateway", "--help"]
        done = subprocess.run(command, cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
        assert b"this is the broken copy" in done.stderr, done
