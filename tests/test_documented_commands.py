"""Each command that a document or the code speaks of is there, with its options, and could be typed as it stands."""

from pathlib import Path

import pytest

from tests import documented_commands as shown
from tests.test_docs import ROOT, documents

PAGES = [page for page in documents() if page.name != "CHANGELOG.md"]  # it tells of the past
CODE = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "config").glob("*.toml")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_says_to_type_can_be_typed(page: Path) -> None:
    text = page.read_text("utf-8")

    assert not list(filter(None, map(shown.fault_of_line, shown.in_blocks(text))))
    assert not list(filter(None, map(shown.fault_of_mention, shown.in_sentences(text))))


def test_what_the_code_says_to_type_is_there() -> None:
    said = [one for file in CODE for one in shown.in_sentences(file.read_text("utf-8"))]

    assert said
    assert not list(filter(None, map(shown.fault_of_mention, said)))


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("gateway status", ["gateway status"]),
        ("$ gateway queue list | less", ["gateway queue list"]),
        ("runuser -u gateway -- gateway init /etc/gateway", ["gateway init /etc/gateway"]),
        ("GATEWAY_CONFIG=x gateway status && gateway check", ["gateway status", "gateway check"]),
        ("/opt/gateway/.venv/bin/gateway keys list  # which there are", ["gateway keys list"]),
        ("systemctl stop gateway", []),
        ("gateway backup DIR \\\n  --keep 3", ["gateway backup DIR --keep 3"]),
    ],
)
def test_commands_are_found_among_others(line: str, commands: list[str]) -> None:
    assert list(shown.in_blocks(f"Words.\n\n```sh\n{line}\n```\n")) == commands


@pytest.mark.parametrize(
    "line",
    [
        "gateway nowhere",
        "gateway queue",
        "gateway queue nowhere",
        "gateway status --deeply",
        "gateway status more",
        "gateway backup",
        "gateway people hold pat@home.example",
        "gateway keys split --shares",
    ],
)
def test_a_line_that_cannot_be_typed_is_found(line: str) -> None:
    assert shown.fault_of_line(line)


@pytest.mark.parametrize("said", ["gateway nowhere", "gateway audit list|nowhere", "gateway check --deep"])
def test_a_mention_of_what_is_not_there_is_found(said: str) -> None:
    assert any(shown.fault_of_mention(one) for one in shown.in_sentences(f"Say `{said}`."))


@pytest.mark.parametrize("said", ["gateway queue", "gateway people show|export|erase", "gateway doctor --fix …"])
def test_a_good_mention_is_none(said: str) -> None:
    assert not any(shown.fault_of_mention(one) for one in shown.in_sentences(f"Say `{said}`."))
