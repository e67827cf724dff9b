"""The documents: links lead somewhere, files that are named are there, and what is listed is complete."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from gateway.domain.decide import Reason
from tests.generated import GENERATED

ROOT = Path(__file__).resolve().parent.parent
LONGEST_MAP = 110
"""Lines of `gateway/README.md`: two screens."""
MOST_WORDS = 60
"""Words of the glossary."""
LONGEST_UNRELEASED = 18
"""Months between a dependency's last release and the newest one of all, after which the page says why it stays."""
MONTH = re.compile(r"\(20\d\d-(0[1-9]|1[0-2])\)$")


@cache
def documents() -> tuple[Path, ...]:
    """All pages in Markdown that belong to the checkout."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return tuple(ROOT / name for name in listed if (ROOT / name).is_file())


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead, without those to other sites."""
    found = re.findall(r"\]\(([^()\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def dead_links(page: Path, text: str) -> list[str]:
    """Links to files that are not there, or to parts that a page lacks."""
    return [link for link in links(text) if not _leads_somewhere(page, text, link)]


def _leads_somewhere(page: Path, text: str, link: str) -> bool:
    path, _, part = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists() or not part:
        return target.exists()
    return part in anchors(target.read_text("utf-8") if path else text)


def anchors(text: str) -> set[str]:
    """The parts of a page that a link can lead to, both at a forge and on the site: their rules are not the same."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", head.lower()).strip() for head in heads]
    return {re.sub(r"\s", "-", head) for head in plain if not re.search(r"[\s-]{2}", head)}


def other_sites(text: str) -> list[str]:
    """The links of a page to other sites."""
    return re.findall(r"\]\(((?:https?:|www\.|//)[^()\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL))


def files_named(text: str) -> set[str]:
    """Paths of files that a page names: with a folder, and an ending that ours have."""
    return set(
        re.findall(r"(?<![\w/.…<>-])((?:\.\./)?(?:[\w-]+/)+[\w.-]+\.(?:py|toml|j2|html|sql|md|json|eml))\b", text)
    )


def missing_files(text: str) -> set[str]:
    """Files that a page names, from the top, from `gateway/` or from `templates/`, and that are not there."""
    bases = ("", "gateway", "templates")
    return {name for name in files_named(text) if not any((ROOT / base / name).exists() for base in bases)}


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_to_is_there(page: Path) -> None:
    text = page.read_text("utf-8")

    assert not dead_links(page, text)
    assert page.name == "CHANGELOG.md" or not missing_files(text)  # it tells of the past


def test_other_sites_are_named_in_one_way() -> None:
    named = {link for page in documents() for link in other_sites(page.read_text("utf-8"))}
    bare = [re.sub(r"^https://(www\.)?|/$", "", link) for link in named]

    assert named
    assert not [link for link in named if not re.match(r"https://[\w-]+(\.[\w-]+)+(/|$)", link)]
    assert len(bare) == len(set(bare)), sorted(named)


@pytest.mark.parametrize(
    "text",
    ["[a](nowhere.md)", "![a](docs/nowhere.png)", "[a](nowhere/#part)", "[a](README.md#nowhere)", "# B\n\n[a](#a)"],
)
def test_a_dead_link_is_found(text: str) -> None:
    assert dead_links(ROOT / "README.md", text)


@pytest.mark.parametrize(
    "text", ["[a](docs/keys.md#rotate)", "# A b\n\n[a](#a-b)", "[a](https://example.com/x)", "`[a](b)`"]
)
def test_a_good_link_is_none(text: str) -> None:
    assert not dead_links(ROOT / "README.md", text)


@pytest.mark.parametrize("text", ["`gateway/flow/nowhere.py`", "see edge/nowhere/x.py.", "(tests/nowhere.toml)"])
def test_a_missing_file_is_found(text: str) -> None:
    assert missing_files(text)


@pytest.mark.parametrize("path", sorted(path for path in GENERATED if path.startswith("docs/")))
def test_what_is_generated_is_what_its_source_says(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == GENERATED[path](), "run python -m tests.generated"


def test_the_tests_that_a_page_names_are_there() -> None:
    own = (file for file in (ROOT / "tests").rglob("test_*.py") if ".peers" not in file.parts)
    tests = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in own}
    pages = "".join(page.read_text("utf-8") for page in documents())
    named = set(re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", pages))

    assert {bool(file) for file, _ in named} == {True, False}
    assert not {
        (file, name)
        for file, name in named
        if f"def {name}(" not in (tests.get(file, "") if file else "".join(tests.values()))
    }


def test_each_decision_has_its_month() -> None:
    text = (ROOT / "docs/decisions.md").read_text("utf-8")
    decisions = [
        " ".join(one.split()) for one in re.split(r"^\* |^## .*$", text, flags=re.MULTILINE)[1:] if one.strip()
    ]

    assert not [one for one in decisions if not MONTH.search(one)]


def table(title: str, page: str) -> dict[str, str]:
    """The rows of the table under a title of a page: the first cell of each, and the rest."""
    section = re.split(r"^## ", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE)
    [own] = [one for one in section if one.startswith(f"{title}\n")]
    return dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", own, re.MULTILINE)[1:])


def test_each_dependency_has_its_reason() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = whole["dependency-groups"]
    extras = [one for extra in whole["project"]["optional-dependencies"].values() for one in extra]
    tests = [one for one in (*groups["build"], *groups["test"]) if one not in extras]  # which are tried as well
    wanted = {"To run": [*whole["project"]["dependencies"], *extras], "To test": tests}
    for title, needed in wanted.items():
        names = {re.split(r"[<>=;\[ ]", one, maxsplit=1)[0] for one in needed if isinstance(one, str)}
        assert {name for row in table(title, "docs/dependencies.md") for name in row.split(", ")} == names


def test_each_dependency_says_when_it_was_released_and_why_one_seldom_released_stays() -> None:
    months = {}
    for names, rest in table("To run", "docs/dependencies.md").items():
        found = re.findall(r"\((20\d\d)-(0[1-9]|1[0-2])\)", rest.rpartition(" | ")[2])
        months |= dict(zip(names.split(", "), (int(year) * 12 + int(month) for year, month in found), strict=True))

    old = {name for name, month in months.items() if month <= max(months.values()) - LONGEST_UNRELEASED}
    assert table("Seldom released", "docs/dependencies.md").keys() == old


def test_each_standard_in_the_code_stands_in_its_list() -> None:
    code = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "gateway").rglob("*.toml")]
    named = {number for file in code for number in re.findall(r"RFC (\d+)", file.read_text("utf-8"))}
    listed = (ROOT / "docs/standards.md").read_text("utf-8")

    assert not {number for number in named if not re.search(rf"\b{number}\b", _ranges_spelt_out(listed))}


def _ranges_spelt_out(text: str) -> str:
    return re.sub(r"(\d{4}) to (\d{4})", lambda m: " ".join(map(str, range(int(m[1]), int(m[2]) + 1))), text)


def test_the_log_page_knows_each_reason_and_each_event() -> None:
    page = (ROOT / "docs/follow-one-mail.md").read_text("utf-8")
    code = "".join(file.read_text("utf-8") for file in (ROOT / "gateway").rglob("*.py"))
    events = set(re.findall(r'event="([^"]+)"|event=(\w+)', page))

    assert not {reason for reason in Reason if f"| {reason} |" not in page}
    assert events
    assert not {quoted or plain for quoted, plain in events if f'"{quoted or plain}"' not in code}


def test_the_map_fits_on_two_screens() -> None:
    assert len((ROOT / "gateway/README.md").read_text("utf-8").splitlines()) <= LONGEST_MAP


def test_the_glossary_is_short_and_in_order() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (ROOT / "docs/glossary.md").read_text("utf-8"), re.MULTILINE)

    assert 0 < len(words) <= MOST_WORDS
    assert words == sorted(set(words), key=str.casefold)
