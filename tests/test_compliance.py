"""What the page on rules says is there: files, tests, and a reason for whatever is not kept."""

from dataclasses import replace

import pytest

from tests.compliance import ROOT, Rule, faults, page, sources

RULES = [rule for source in sources() for rule in source.rules]
GOOD = Rule(
    "Art. 1", "be good", "met", kept=("docs/index.md",), tests=("tests/test_compliance.py::test_a_good_rule_passes",)
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.cite)
def test_what_a_rule_names_is_there(rule):
    assert list(faults(rule)) == []


def test_a_good_rule_passes():
    assert list(faults(GOOD)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": "nearly"},
        {"because": "it is met all the same"},
        {"status": "partly"},
        {"status": "not met"},
        {"kept": ()},
        {"tests": ()},
        {"kept": ("docs/nowhere.md",)},
        {"tests": ("tests/test_compliance.py::test_nothing",)},
        {"tests": ("tests/nowhere.py::test_a_good_rule_passes",)},
        {"tests": ("tests/test_compliance.py::page",)},
    ],
)
def test_a_rule_that_says_too_little_or_what_is_not_there_is_found(change):
    assert list(faults(replace(GOOD, **change)))


def test_each_rule_is_named_once_in_its_source():
    for source in sources():
        cites = [rule.cite for rule in source.rules]
        assert len(cites) == len(set(cites))


@pytest.mark.parametrize(
    "subject",
    ["164.312", "90 FR 898", "72 hours", "multi-factor", "Art. 15", "Art. 17", "Art. 32", "DCB1596", "NTA 7516"],
)
def test_the_page_speaks_of_what_is_asked_about(subject):
    assert subject in page()


def test_the_page_is_what_its_source_says():
    assert (ROOT / "docs/compliance.md").read_text("utf-8") == page(), "run python -m tests.generated"
