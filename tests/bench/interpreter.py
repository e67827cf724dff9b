"""Which Python runs the programs that are measured."""

import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, run on this checkout and the packages of the virtual environment."""

    path: str
    version: str
    of_the_system: bool

    @classmethod
    def best(cls) -> "Interpreter":
        """The system's own, where it can run the same packages: it is what an administrator has, as Postfix is the
        system's own; else that of the virtual environment.
        """
        system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
        if not system.exists():
            return cls(sys.executable, platform.python_version(), of_the_system=False)
        said = subprocess.run([system, "--version"], check=True, capture_output=True, text=True).stdout
        return cls(str(system), said.split()[1], of_the_system=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """What its programs are started with."""
        packages = sysconfig.get_path("platlib")
        return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), packages))}

    def __str__(self) -> str:
        return f"Python {self.version} of the {'system' if self.of_the_system else 'virtual environment'}"
