"""Which Python runs the programs that are measured."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_ASK = "import sysconfig; print('--enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or ''))"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, run on this checkout and the packages of the virtual environment."""

    path: str
    version: str
    profiled: bool
    """Whether it was built with profile-guided optimisation."""

    @classmethod
    def best(cls) -> "Interpreter":
        """The system's own, where it can run the same packages: it is what an administrator has, as Postfix is the
        system's own; else, or where it is the slower build, that of the virtual environment.
        """
        ours = _asked(sys.executable)
        minor = f"{sys.version_info.major}.{sys.version_info.minor}"
        systems = Path(f"/usr/bin/python{minor}")
        theirs = _asked(str(systems)) if systems.exists() else ours
        return theirs if theirs.profiled else ours

    @property
    def environment(self) -> Mapping[str, str]:
        """What its programs are started with."""
        packages = sysconfig.get_path("platlib")
        return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), packages))}

    def __str__(self) -> str:
        built = "with" if self.profiled else "without"
        return f"Python {self.version} ({self.path}, built {built} profile-guided optimisation)"


def _asked(path: str) -> Interpreter:
    said = subprocess.run(
        [path, "-c", f"import platform; print(platform.python_version()); {_ASK}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return Interpreter(path, said[0], said[1] == "True")
