"""Each planted fault of `python -m tests.mutants` still finds its line: one that finds none is caught by nothing."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHANGES = tomllib.loads((ROOT / "tests/mutants/changes.toml").read_text("utf-8"))["change"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change["name"])
def test_a_planted_fault_stands_once_in_its_file(change: dict[str, str]) -> None:
    text = (ROOT / change["file"]).read_text("utf-8")

    assert text.count(change["find"]) == 1
    assert change["find"] != change["replace"]
