"""Where packages come from: what locks hold, what is installed by digest, what is listed; and that a wheel repeats."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.sbom import LICENCES, Incomplete, bill
from gateway.demo.checkout import BUILDS, ROOT, RUNS, TESTS
from tests import audit
from tests.locks import MADE_OF, Pin, pins

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SITE = Path(sysconfig.get_path("purelib"))


def asked_for(lock: str) -> list[Requirement]:
    """What pyproject.toml wants of a lock; a group of packages may include another."""
    groups = PROJECT["dependency-groups"]
    build = groups["build"]
    tests = [one for one in groups["test"] if isinstance(one, str)]
    extras = PROJECT["project"]["optional-dependencies"]
    own = [*PROJECT["project"]["dependencies"], *extras["postgresql"], *extras["s3"]]
    return [Requirement(one) for one in {RUNS: own, BUILDS: build, TESTS: [*own, *build, *tests]}[lock]]


def unmet(wanted: list[Requirement], locked: list[Pin]) -> list[str]:
    """Requirements for which a lock has no line, or one of another version."""
    versions = {name: [pin.version for pin in locked if pin.name == name] for name in {pin.name for pin in locked}}
    return [
        str(one)
        for one in wanted
        if not (found := versions.get(canonicalize_name(one.name), []))
        or not all(one.specifier.contains(version) for version in found)
    ]


@pytest.mark.parametrize("lock", MADE_OF)
def test_a_lock_holds_what_is_asked_for_at_one_version_with_digests(lock: str) -> None:
    locked = pins(lock)

    assert not unmet(asked_for(lock), locked)
    assert not [pin for pin in locked if not pin.hashes or not pin.version]
    needed_here = [pin.name for pin in locked if pin.is_needed_here]
    assert len(set(needed_here)) == len(needed_here)


def test_what_a_lock_lacks_is_found() -> None:
    locked = pins(RUNS)

    wanted = [Requirement("peewee>=99"), Requirement("no-such-package"), Requirement("Jinja2>=3")]
    assert unmet(wanted, locked) == ["peewee>=99", "no-such-package"]


def test_the_locks_agree_and_that_of_the_tests_holds_the_others() -> None:
    tests = {(pin.name, pin.version): pin.hashes for pin in pins(TESTS)}

    for pin in [*pins(RUNS), *pins(BUILDS)]:
        assert tests[pin.name, pin.version] == pin.hashes


@pytest.mark.parametrize("file", ["config/debian/build", "config/container/Containerfile"])
def test_what_is_shipped_is_installed_by_digest(file: str) -> None:
    lines = (ROOT / file).read_text("utf-8").replace("\\\n", " ").splitlines()
    installs = [line for line in lines if re.search(r"\binstall\b.*(--requirement|--no-deps)", line)]

    assert len(installs) == 3
    by_digest = [line for line in installs if "--require-hashes" in line]
    assert [line for line in installs if line not in by_digest and "--no-index" not in line] == []
    assert [lock for line in by_digest for lock in MADE_OF if lock in line] == [BUILDS, RUNS]


def test_the_page_on_installing_makes_versions_without_digests_of_the_lock() -> None:
    page = (ROOT / "docs/install.md").read_text("utf-8")
    [command] = re.findall(r"^(sed .* requirements\.lock) > dist/versions\.txt$", page, re.MULTILINE)
    said = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    lines = [line for line in said.splitlines() if not line.lstrip().startswith("#")]
    assert [str(Requirement(line)) for line in lines] == [str(pin.requirement) for pin in pins(RUNS)]


# ------------------------------------------------------------------------------------------ the bill of materials


def report() -> dict:
    """What pip would report of installing requirements.lock here; it lists the file that it took of each package."""
    return {
        "install": [
            {"metadata": {"name": pin.name}, "download_info": {"archive_info": {"hashes": {"sha256": min(pin.hashes)}}}}
            for pin in pins(RUNS)
            if pin.is_needed_here
        ]
    }


@pytest.fixture(scope="module")
def listed() -> str:
    return bill(SITE, report())


def test_the_bill_of_materials_is_cyclonedx(listed: str) -> None:
    judge = JsonStrictValidator(SchemaVersion.V1_6)

    assert judge.validate_str(listed) is None
    assert judge.validate_str(listed.replace('"SHA-256"', '"SHA-255"', 1)) is not None


def test_the_bill_of_materials_has_each_package_of_the_lock_with_all_that_is_asked_of_it(listed: str) -> None:
    found = {one["name"]: one for one in json.loads(listed)["components"]}
    locked = {pin.name: pin for pin in pins(RUNS) if pin.is_needed_here}

    assert found.keys() == locked.keys()
    for name, one in found.items():
        assert one["version"] == locked[name].version
        assert one["purl"] == f"pkg:pypi/{name}@{one['version']}"
        assert [digest["content"] for digest in one["hashes"]] == [min(locked[name].hashes)]
        [licence] = one["licenses"]
        assert licence.get("expression") or licence["license"]["id"]


def test_the_bill_of_materials_says_of_what_and_who_needs_whom(listed: str) -> None:
    whole = json.loads(listed)
    needs = {one["ref"]: one.get("dependsOn", []) for one in whole["dependencies"]}

    assert whole["metadata"]["component"]["version"] == PROJECT["project"]["version"]
    own = {canonicalize_name(one.name) for one in asked_for(RUNS) if not one.marker or one.marker.evaluate()}
    assert set(needs["secure-mail-gateway"]) == own
    assert "pydantic-core" in needs["pydantic"]


def test_the_bill_of_materials_has_no_chance_and_no_clock(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bill(SITE, report()) == listed
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert json.loads(bill(SITE, report()))["metadata"]["timestamp"].startswith("2026-01-01T00:00:00")


def test_a_gap_in_the_bill_of_materials_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_digest = report()
    del without_digest["install"][0]["download_info"]["archive_info"]
    with pytest.raises(Incomplete, match="no SHA-256"):
        bill(SITE, without_digest)
    with pytest.raises(Incomplete, match="not in"):
        bill(tmp_path, report())
    monkeypatch.delitem(LICENCES, "peewee")
    with pytest.raises(Incomplete, match="peewee"):
        bill(SITE, report())


def test_no_licence_is_named_of_a_package_that_is_not_there() -> None:
    assert LICENCES.keys() <= {pin.name for pin in pins(RUNS)}


# ------------------------------------------------------------------------------------------------- what is known


def said(*packages: dict) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


GOOD = {"name": "rich", "version": "15.0.0", "vulns": []}
BAD = {"name": "h11", "version": "0.14.0", "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"]}]}
UNKNOWN = {"name": "nh3", "skip_reason": "Dependency not found on PyPI and could not be audited: nh3 (0.3.8)"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said(GOOD), audit.CLEAN),
        (said(GOOD, BAD), audit.KNOWN),
        (said(BAD, UNKNOWN), audit.KNOWN),
        (said(GOOD, UNKNOWN), audit.NOT_CHECKED),
        (said(), audit.NOT_CHECKED),
        ("", audit.NOT_CHECKED),
    ],
)
def test_a_package_that_nobody_could_look_up_is_not_called_clean(answer: str, code: int) -> None:
    assert audit.judged(answer)[0] == code


def test_what_is_known_is_named_with_what_ends_it() -> None:
    assert audit.judged(said(BAD))[1] == ["h11 0.14.0: PYSEC-2025-1, ended by 0.16.0"]


def test_without_pip_audit_nothing_was_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert audit.main([]) == audit.NOT_CHECKED


# ------------------------------------------------------------------------------------------------- the wheel


def wheel(source: Path, out: Path, umask: int) -> str:
    """The digest of the wheel that is built from a folder."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(source)]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, check=True, capture_output=True, umask=umask, env=environment)
    [file] = out.glob("*.whl")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.peer
def test_a_wheel_built_elsewhere_at_another_time_by_somebody_else_is_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy)  # copy() gives each file the time of now
    for folder in ("gateway", "templates"):
        shutil.copytree(ROOT / folder, copy / folder, copy_function=shutil.copy)
    for file in copy.rglob("*.py"):
        file.chmod(0o600)

    assert wheel(ROOT, tmp_path / "one", 0o022) == wheel(copy, tmp_path / "two", 0o077)
