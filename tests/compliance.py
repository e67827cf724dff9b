"""The page on which rules are kept, and where: made from `docs/compliance.toml`."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MET = ("met", "partly", "not met")
HEAD = """# Which rules are kept, and where

For whoever has to show it: each rule in short, how far the gateway keeps it, where that is, and the test that shows it.
*Partly* and *not met* say why. A rule that an organisation keeps, and no program can, is *not met* here: the software
does not do it for you. This page is no legal advice, and no certificate.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one source."""

    cite: str
    rule: str
    status: str
    because: str = ""
    kept: Sequence[str] = ()
    tests: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A law, a standard or a proposal."""

    title: str
    about: str
    rules: Sequence[Rule]


@cache
def sources() -> tuple[Source, ...]:
    read = tomllib.loads((ROOT / "docs/compliance.toml").read_text("utf-8"))["sources"]
    return tuple(_source(one) for one in read)


def _source(read: Mapping[str, Any]) -> Source:
    return Source(read["title"], read["about"], [Rule(**one) for one in read["rules"]])


def faults(rule: Rule) -> Iterator[str]:
    """What is wrong with what a rule says."""
    if rule.status not in MET:
        yield f"{rule.cite}: {rule.status!r} is no status"
    if (rule.status == "met") == bool(rule.because):
        yield f"{rule.cite}: what is met needs no reason, and the others need one"
    if rule.status != "not met" and not (rule.kept and rule.tests):
        yield f"{rule.cite}: it does not say where it is kept, or which test shows it"
    yield from (f"{rule.cite}: there is no {path}" for path in rule.kept if not (ROOT / path).exists())
    yield from (f"{rule.cite}: there is no test {test}" for test in rule.tests if not is_test(test))


def is_test(named: str) -> bool:
    """Whether there is such a file, with such a test in it."""
    path, _, name = named.partition("::")
    return (ROOT / path).is_file() and f"def {name}(" in (ROOT / path).read_text("utf-8") and name.startswith("test_")


def page() -> str:
    """The whole page."""
    counts = Counter(rule.status for source in sources() for rule in source.rules)
    told = ", ".join(f"{counts[status]} {status}" for status in MET)
    parts = [HEAD, f"Of {counts.total()} rules: {told}.", *map(_section, sources())]
    return "\n".join(parts) + "\n"


def _section(source: Source) -> str:
    rows = [f"| {one.cite} | {one.rule} | {_status(one)} | {_kept(one)} | {_tests(one)} |" for one in source.rules]
    table = ["| where | rule | | kept in | shown by |", "|---|---|---|---|---|", *rows]
    return "\n".join(["", f"## {source.title}", "", source.about, "", *table])


def _status(rule: Rule) -> str:
    return f"**{rule.status}**" + (f", because {rule.because}" if rule.because else "")


def _kept(rule: Rule) -> str:
    return "<br>".join(_place(path) for path in rule.kept)


def _place(path: str) -> str:
    in_docs = path.startswith("docs/") and path.endswith(".md")
    return f"[{path.removeprefix('docs/')}]({path.removeprefix('docs/')})" if in_docs else f"`{path}`"


def _tests(rule: Rule) -> str:
    return "<br>".join(f"`{test.partition('::')[2]}`" for test in rule.tests)
