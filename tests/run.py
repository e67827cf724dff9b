"""The one test command: `python3 tests/run.py`. It makes what it needs in the checkout and runs every check.

    python3 tests/run.py                 everything, as CI runs it
    python3 tests/run.py --quick         without real servers, browser, processes, measuring, site and wheel
    python3 tests/run.py -- -k birthdate what follows -- goes to pytest

Needs Python 3.11 or later. Preparation stops at its first fault; the checks all run, and the first fault's exit code is
the run's. Standard library only.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # nothing is installed yet

from gateway.demo import checkout
from tests.peers import fetch

PROCESSES = (os.cpu_count() or 1) + 1
"""One more than there are cores, since tests of real servers wait for a good part of their time."""
SIDE_BY_SIDE = f"-p randomly -p xdist --numprocesses {PROCESSES} --dist worksteal --durations 10".split()
"""In a random order, each file's tests together as far as possible: who is done takes from the others."""

LOADED_FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=[\"']?(?:https?:)?//[^>]*>")

Step = tuple[str, Callable[[], int]]


def main() -> int:
    options = arguments()
    for title, prepare in preparation(options.quick):
        if code := timed(title, prepare)[0]:
            return code
    results = [(title, *timed(title, check)) for title, check in checks(options.quick, options.pytest)]
    print("\n== Summary")
    for title, code, seconds in results:
        print(f"{'FAILED' if code else 'ok':6} {seconds:6.1f} s  {title}")
    return next((code for _, code, _ in results if code), 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Prepare the checkout and run every check.")
    parser.add_argument(
        "--quick", action="store_true", help="without real servers, browser, processes, measuring, site and wheel"
    )
    parser.add_argument("pytest", nargs="*", metavar="-- ARGS", help="arguments for pytest")
    return parser.parse_args()


def preparation(quick: bool) -> list[Step]:
    steps: list[Step] = [
        ("Debian's packages", lambda: prepared(lambda: checkout.install(packages(quick)))),
        ("Virtual environment", lambda: prepared(lambda: checkout.make(checkout.TESTS))),
    ]
    return steps if quick else [*steps, ("Real peers", lambda: prepared(fetch.fetch))]


def packages(quick: bool) -> list[str]:
    """All that is missing here, so that it is one line to type."""
    git = [] if shutil.which("git") else ["git"]  # tells what belongs to the checkout
    return [*checkout.packages(), *git, *([] if quick else fetch.packages())]


def prepared(prepare: Callable[[], None]) -> int:
    try:
        prepare()
    except checkout.Missing as problem:
        print(problem)
        return 2
    return 0


def checks(quick: bool, pytest_arguments: list[str]) -> list[Step]:
    chosen = ["-m", "not peer and not measured"] if quick else []
    steps: list[Step] = [
        ("Format", lambda: tool("ruff", "format", "--check")),
        ("Lint", lambda: tool("ruff", "check")),
        ("Types", lambda: tool("mypy")),
        ("Tests", lambda: tool("pytest", *SIDE_BY_SIDE, *chosen, *pytest_arguments)),
    ]
    whole: list[Step] = [
        ("Flows and portal once more, on PostgreSQL", on_postgres),
        ("Documents as a site", build_site),
        ("Wheel, installed elsewhere: gateway demo --check", try_wheel),
    ]
    return steps if quick else [*steps, *whole]


def on_postgres() -> int:
    """Whatever needs a store, and does not choose its own, runs on each of them."""
    return tool("pytest", *SIDE_BY_SIDE, "tests/flow", "tests/portal", also={"WORLD": "postgres"})


def build_site() -> int:
    """Build the documents' site, whose links must lead somewhere and whose pages may load nothing from elsewhere."""
    if code := tool("mkdocs", "build", "--strict", "--quiet", "--config-file", ".mkdocs.yml"):
        return code
    site = checkout.ROOT / ".site"
    foreign = [
        f"{page.relative_to(site)}: {loaded}"
        for page in sorted(site.rglob("*.html"))
        for loaded in LOADED_FROM_ELSEWHERE.findall(page.read_text("utf-8"))
    ]
    for line in foreign:
        print(line)
    return 1 if foreign else 0


def try_wheel() -> int:
    """Install the wheel elsewhere as the packages do, list what came with it, and walk the demo's story over there."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        there, report, listed = folder / "venv", folder / "report.json", folder / "sbom.json"
        elsewhere = ("--prefix", str(there), "--ignore-installed")
        install = (checkout.PYTHON, "-m", "pip", "--python", str(there / "bin/python"), "install", "--quiet")
        code = first_fault(
            [checkout.PYTHON, "-m", "build", "--no-isolation", "--wheel", "--outdir", temporary],
            [checkout.PYTHON, "-m", "venv", "--without-pip", str(there)],
            [checkout.PYTHON, *checkout.locked(checkout.RUNS), *elsewhere, "--report", str(report)],
            [*install, "--no-index", "--no-deps", "--find-links", temporary, "secure-mail-gateway"],
            [checkout.PYTHON, "config/sbom.py", str(there), str(report), str(listed)],
        )
        return code or run(str(there / "bin/gateway"), "demo", "--check", folder=folder)


def first_fault(*commands: Sequence[str]) -> int:
    """Run them in turn, as far as the first that fails; its exit code, or 0."""
    return next((code for code in (run(*command) for command in commands) if code), 0)


def tool(name: str, *arguments: str, also: Mapping[str, str] = MappingProxyType({})) -> int:
    return run(checkout.PYTHON, "-m", name, *arguments, also=also)


def run(*command: str, folder: Path = checkout.ROOT, also: Mapping[str, str] = MappingProxyType({})) -> int:
    """Run a command, with these variables as well; its exit code."""
    environment = checkout.ENVIRONMENT | {"NO_MKDOCS_2_WARNING": "1"} | also  # the first is a banner, each time
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False)
    return done.returncode


def timed(title: str, step: Callable[[], int]) -> tuple[int, float]:
    """Run one step under its heading; its exit code and the seconds it took."""
    print(f"\n== {title}", flush=True)
    start = time.monotonic()
    code = step()
    seconds = time.monotonic() - start
    print(f"-- {title}: {f'failed with code {code}' if code else 'ok'}, {seconds:.1f} s", flush=True)
    return code, seconds


if __name__ == "__main__":
    sys.exit(main())
