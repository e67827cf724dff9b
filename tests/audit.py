"""What is known against the packages that the gateway runs with: `python -m tests.audit`, with pip-audit.

    0  every package of requirements.lock was looked up, and nothing is known against any
    1  something is known: each line names package, weakness and the version that ends it
    3  not checked: there is no pip-audit (`pip install pip-audit`), no network, or no data on some package

pip-audit alone ends with 0 where it could look nothing up. The test command does not run this: what is known changes
without a change here. What follows goes to pip-audit, such as `--vulnerability-service osv`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence

from gateway.demo.checkout import ROOT, RUNS

CLEAN, KNOWN, NOT_CHECKED = 0, 1, 3
COMMAND = ("pip-audit", "--requirement", RUNS, "--disable-pip", "--format", "json", "--progress-spinner", "off")


def main(arguments: Sequence[str]) -> int:
    try:
        done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        print("not checked: there is no pip-audit here (pip install pip-audit)")
        return NOT_CHECKED
    code, lines = judged(done.stdout)
    print("\n".join(lines or done.stderr.splitlines()[-1:]))
    return code


def judged(said: str) -> tuple[int, list[str]]:
    """The exit code for what pip-audit has written as JSON, and the lines that explain it."""
    try:
        packages = json.loads(said)["dependencies"]
    except ValueError:
        return NOT_CHECKED, ["not checked: pip-audit gave no answer"]
    known = [f"{one['name']} {one['version']}: {_weakness(weak)}" for one in packages for weak in one.get("vulns", [])]
    skipped = [f"not checked: {one['skip_reason']}" for one in packages if "skip_reason" in one]
    if known:
        return KNOWN, known + skipped
    if skipped or not packages:
        return NOT_CHECKED, [*skipped, f"not checked: {len(skipped)} of {len(packages)} packages"]
    return CLEAN, [f"nothing is known against {len(packages)} packages"]


def _weakness(weak: dict) -> str:
    return f"{weak['id']}, ended by {', '.join(weak['fix_versions']) or 'no version yet'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
