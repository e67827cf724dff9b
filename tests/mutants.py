"""Does the suite notice when the code is broken? Each change of `mutants.toml` breaks it on purpose, in a copy aside.

    python -m tests.mutants                       every change, against the whole suite for as long as nothing fails
    python -m tests.mutants --as-far-as hint      only against the tests that the change's hint names
    python -m tests.mutants --only "a word"       the changes with this in their name or their file
    python -m tests.mutants --json FILE           also what was seen, as data

A change is *caught* by the first test that fails on it, passes on an unchanged copy, and fails on it a second time. It
has *survived* if the whole suite passes. It is *not seen* if what was tried passes, but not all was tried; *doubtful*
if a test failed that fails without it as well, or not a second time; *stale* if its text does not occur exactly once
in its file. What takes too long is caught too, if the same tests end in time on an unchanged copy.

The hint of a change is folders of tests and an expression for pytest's -k; where the suite has been put in another
order, a hint that leads nowhere costs only time. Standard library only; wants the virtual environment of
`tests/run.py`, and its peers for the tests that are marked `peer`.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".toml")
PEERS = Path("tests/.peers")
PYTEST = ("-m", "pytest", "-x", "-q", "-p", "randomly", "-p", "no:cacheprovider", "--tb=no", "-rfE")
NOTHING_CHOSEN = 5
"""pytest's exit code where no test was chosen."""
FAR = ("hint", "quick", "all")
"""How far to go: the hint, all that needs no peers, everything."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?::\w+(?:\[.*?\])?|\S+)(?= - |$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """One way to break the code: `find` occurs once in `file`, and becomes `replace`."""

    name: str
    file: str
    find: str
    replace: str
    near: tuple[str, ...]
    """The folders of the tests that are likely to catch it."""
    words: str = ""
    """For -k, where a folder has many tests."""
    peer: bool = False
    """Whether only tests with real servers, processes or a browser are likely to."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of pytest ended; `test` is the first that failed."""

    code: int
    test: str = ""
    too_long: bool = False

    @property
    def passed(self) -> bool:
        return self.code in (0, NOTHING_CHOSEN)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one change."""

    name: str
    file: str
    verdict: str
    by: str = ""
    tried: str = ""
    """The last stage that was run."""
    seconds: float = 0.0


# ---------------------------------------------------------------------------------------------------------- the copies


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
        if code is None:
            return Ran(1, too_long=True)
        failed = _FAILED.search(said)
        return Ran(code, failed[1] if failed else "")

    def put(self, change: Change) -> None:
        file = self.folder / change.file
        file.write_text(file.read_text("utf-8").replace(change.find, change.replace), "utf-8")


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
    script.write_text(f"#!{environment}/bin/python\nimport sys\nfrom gateway.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)


def run(command: Sequence[str], folder: Path, seconds: float) -> tuple[int | None, str]:
    """Exit code, None for one that took too long, and what was said; the whole session of processes is ended."""
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
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_session(process)
        said.seek(0)
        return code, said.read()


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it has left running in its own group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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


# ----------------------------------------------------------------------------------------------------------- one change


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one stage, and for one test by itself."""

    stage: float
    test: float = 300.0


def stages(change: Change, far: str) -> list[tuple[str, list[str]]]:
    """What is run, in order: its name, and the arguments of pytest."""
    hint = [*(folder for folder in change.near if (ROOT / folder).exists())] or ["tests"]
    words = ["-k", change.words] if change.words else []
    found = [("hint", [*hint, *words, "-m", "peer" if change.peer else "not peer"])]
    if far != "hint":
        found += [("near", [*hint, "-m", "not peer"])] if words or change.peer else []
        found += [("quick", ["tests", "-m", "not peer"])]
    return [*found, ("all", ["tests", "-m", "peer"])] if far == "all" else found


def judge(change: Change, unchanged: Copy, far: str, limits: Limits) -> Seen:
    """Try one change until something fails on it."""
    if (ROOT / change.file).read_text("utf-8").count(change.find) != 1:
        return Seen(change.name, change.file, "stale")
    tried, doubts = "", ""
    with copied() as copy:
        copy.put(change)
        for tried, arguments in stages(change, far):
            left_out: list[str] = []
            while True:
                ran = copy.pytest([*arguments, *(f"--deselect={test}" for test in left_out)], limits.stage)
                if ran.passed:
                    break
                by, sure = _is_sure(ran, arguments, copy, unchanged, limits)
                if sure:
                    return Seen(change.name, change.file, "caught", by, tried)
                doubts = by
                if not ran.test or len(left_out) == 3:
                    break
                left_out.append(ran.test)
    if doubts:
        return Seen(change.name, change.file, "doubtful", doubts, tried)
    return Seen(change.name, change.file, "survived" if tried == "all" else "not seen", "", tried)


def _is_sure(ran: Ran, arguments: Sequence[str], copy: Copy, unchanged: Copy, limits: Limits) -> tuple[str, bool]:
    """Who failed, and whether the change is why: not without it, and with it once more."""
    if ran.too_long:
        return "time", unchanged.pytest(arguments, limits.stage).passed
    if not ran.test:
        collect = [*arguments, "--collect-only"]
        return "the suite, which does not start", unchanged.pytest(collect, limits.stage).code == 0
    without = unchanged.pytest([ran.test], limits.test)
    again = copy.pytest([ran.test], limits.test)
    return ran.test, without.code == 0 and not again.passed


# ---------------------------------------------------------------------------------------------------------------- main


def main() -> int:
    options = arguments()
    changes = [one for one in read() if options.only in one.name or options.only in one.file]
    make_sure_that_copies_are_tested()
    seen: list[Seen] = []
    with copied() as unchanged:
        for change in changes:
            start = time.monotonic()
            became = judge(change, unchanged, options.as_far_as, Limits(options.patience))
            seen.append(Seen(*list(asdict(became).values())[:-1], seconds=round(time.monotonic() - start, 1)))
            print(line(seen[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps([asdict(one) for one in seen], indent=1, ensure_ascii=False) + "\n")
    verdicts = [one.verdict for one in seen]
    print(", ".join(f"{verdicts.count(word)} {word}" for word in sorted(set(verdicts))), f"of {len(seen)}")
    return 0 if set(verdicts) <= {"caught"} else 1


def line(seen: Seen) -> str:
    end = f"by {seen.by} ({seen.tried})" if seen.by else f"({seen.tried})" if seen.tried else ""
    return f"{seen.verdict:9} {seen.seconds:6.1f} s  {seen.file}: {seen.name} {end}".rstrip()


def read() -> list[Change]:
    """The list, whose names are all different."""
    found = [Change(**one | {"near": tuple(one["near"])}) for one in tomllib.loads(LIST.read_text("utf-8"))["change"]]
    assert len({one.name for one in found}) == len(found), "two changes have one name"
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break the code on purpose, and see whether a test notices.")
    parser.add_argument("--only", default="", metavar="NAME", help="only changes with this in their name or file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen there, change by change")
    parser.add_argument(
        "--as-far-as", choices=FAR, default="all", help="how much of the suite a change is tried against"
    )
    parser.add_argument("--patience", type=float, default=1800, help="seconds for each of the runs (default 1800)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
