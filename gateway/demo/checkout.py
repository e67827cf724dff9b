"""A checkout's virtual environment, and the Debian packages that are needed before there can be one.

The demo's and the test command both begin here. Standard library only. Root gets what is missing; everybody else is
told the one line to type.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin/python")
RUNS, BUILDS, TESTS = "requirements.lock", "config/build.lock", "tests/test.lock"
"""The lock files: what the gateway needs to run, what builds it, and both with what the tests need."""
PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--no-build-isolation", "--use-pep517")
"""What has to be built is built by the tools of `BUILDS`: pip would fetch others, whose digests nobody knows."""
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}},
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}
_UPDATE = ("apt-get", "update")
_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


class Missing(RuntimeError):
    """Something cannot be had here; the text says what to do."""


def make(lock: str) -> None:
    """The virtual environment with what a lock names, and the gateway, run from the checkout. Raises Missing."""
    if not _runs(PYTHON, "-m", "pip", "--version"):
        install(packages())
        run(sys.executable, "-m", "venv", "--clear", str(VENV))
    run(PYTHON, *locked(BUILDS))
    run(PYTHON, *locked(lock))
    run(PYTHON, *PIP_INSTALL, "--no-deps", "--editable", ".")


def locked(lock: str) -> list[str]:
    """What Python is told, to install all that a lock names, and no file whose SHA-256 the lock does not have."""
    return [*PIP_INSTALL, "--require-hashes", "--requirement", str(ROOT / lock)]


def packages() -> list[str]:
    """Debian's packages that a virtual environment needs and that are missing; none elsewhere than on Debian."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it is what this Python may be
        raise Missing(f"Python 3.11 or later is needed, and {sys.executable} is {platform.python_version()}.")
    # Debian keeps the part of venv that brings pip in a package of its own.
    return ["python3-venv"] if importlib.util.find_spec("ensurepip") is None else []


def install(names: Sequence[str]) -> None:
    """Install Debian's packages as root. Raises Missing, with the line to type for everybody else."""
    if not names:
        return
    if not shutil.which("apt-get"):
        raise Missing(f"There is no apt-get here to install these packages of Debian's: {' '.join(names)}.")
    command = [*_INSTALL, *names]
    if os.geteuid() != 0:
        line = f"sudo {' '.join(_UPDATE)} && sudo {' '.join(command)}"
        raise Missing(f"Type this once, then try again:\n\n    {line}\n")
    apt(command)


def apt(command: Sequence[str], folder: Path = ROOT) -> str:
    """What an apt command says. If it fails, the package lists may be absent or old: they are refreshed for it."""
    try:
        return _output(command, folder)
    except Missing:
        if os.geteuid() != 0:
            raise Missing(f"Type this once, then try again:\n\n    sudo {' '.join(_UPDATE)}\n") from None
        _output(_UPDATE, folder)
        return _output(command, folder)


def run(*command: str) -> None:
    """Run one step of the preparation, in the checkout; it speaks for itself. Raises Missing."""
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode:
        raise Missing(f"This failed, for the reason above: {' '.join(command)}")


def _runs(*command: str) -> bool:
    try:
        return not subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode  # noqa: S603
    except OSError:
        return False


def _output(command: Sequence[str], folder: Path) -> str:
    environment = ENVIRONMENT | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Missing(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
