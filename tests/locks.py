"""The lock files: each package that is installed, its version, and the SHA-256 of every file that may be taken for it.

    python -m tests.locks              writes all three anew; versions stay where pyproject.toml allows them
    python -m tests.locks --upgrade    takes the newest versions

They hold for every Python and platform that pyproject.toml allows, each line with the condition under which it is
needed. Needs uv (`pip install uv`) and the network.
"""

import re
import subprocess
import sys
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gateway.demo.checkout import BUILDS, ROOT, RUNS, TESTS

MADE_OF = {
    RUNS: ("pyproject.toml", "--extra", "postgresql", "--extra", "s3"),
    BUILDS: ("--group", "build", "--constraint", RUNS),
    TESTS: ("pyproject.toml", "--group", "test", "--constraint", RUNS, "--constraint", BUILDS),
}
"""What each lock holds; a later one takes the versions of those before it. What we ship can serve from PostgreSQL, with
an object store beside it."""

OWN_COMMAND = "python -m tests.locks"


@dataclass(frozen=True)
class Pin:
    """One line of a lock: a package at one version, and the digests of its files."""

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        [only] = self.requirement.specifier
        return only.version if only.operator == "==" else ""

    @property
    def is_needed_here(self) -> bool:
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def pins(lock: str) -> list[Pin]:
    """The lines of a lock, which may go on after a backslash."""
    text = re.sub(r"\\\n|(?m:^ *#.*$)", "", (ROOT / lock).read_text("utf-8"))
    return [_pin(line) for line in text.splitlines() if line.strip()]


def _pin(line: str) -> Pin:
    hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line))
    return Pin(Requirement(line.partition("--hash")[0].strip()), hashes)


def main() -> int:
    for lock, sources in MADE_OF.items():
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11"]
        command += ["--custom-compile-command", OWN_COMMAND, "--output-file", lock, *sources, *sys.argv[1:]]
        if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
