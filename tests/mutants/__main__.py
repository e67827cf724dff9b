"""Does the suite notice when the code is broken? Each change of `changes.toml` breaks it on purpose, in a copy aside.

    python -m tests.mutants                       every change, against the whole suite for as long as nothing fails
    python -m tests.mutants --as-far-as hint      only against the tests that the change's hint names
    python -m tests.mutants --together            the hints first; what they do not catch, in one run of the whole suite
    python -m tests.mutants --only "a word"       the changes with this in their name or their file
    python -m tests.mutants --json FILE           also what was seen, as data
    python -m tests.mutants --json FILE --go-on   only those that are not caught according to FILE

A change is *caught* by the first test that fails on it, passes on an unchanged copy, and fails on it a second time. It
has *survived* if the whole suite passes. It is *not seen* if what was tried passes, but not all was tried; *doubtful*
if a test failed that fails without it as well, or not a second time; *stale* if its text does not occur exactly once
in its file. What takes too long is caught too, if the same tests end in time on an unchanged copy.

The hint of a change is folders of tests and an expression for pytest's -k; where the suite has been put in another
order, a hint that leads nowhere costs only time. `--together` spares hours: what no hint catches is put into one copy,
and each test that fails there is tried on each of the changes alone. Standard library only; wants the virtual
environment of `tests/run.py`, and its peers for the tests that are marked `peer`.
"""

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.mutants.copies import ROOT, Copy, Ran, copied, make_sure_that_copies_are_tested

LIST = Path(__file__).with_name("changes.toml")
FAR = ("hint", "quick", "all")
"""How far to go: the hint, all that needs no peers, everything."""
ONE_TEST = 300.0
"""Seconds for one test by itself."""
MOST_DOUBTS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One way to break the code: `find` occurs once in `file`, and becomes `replace`."""

    name: str
    file: str
    find: str
    replace: str
    near: tuple[str, ...]
    """The folders of the tests that are likely to catch it."""
    words: str = ""
    """For -k, where a folder has many tests."""
    peer: bool = False
    """Whether only tests with real servers, processes or a browser are likely to."""

    def put(self, copy: Copy) -> None:
        copy.replace(self.file, self.find, self.replace)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one change; `tried` is the last stage that was run."""

    name: str
    file: str
    verdict: str
    by: str = ""
    tried: str = ""
    seconds: float = 0.0


# ----------------------------------------------------------------------------------------------------------- one change


def stages(change: Change, far: str) -> list[tuple[str, list[str]]]:
    """What is run, in order: its name, and the arguments of pytest."""
    hint = [*(folder for folder in change.near if (ROOT / folder).exists())] or ["tests"]
    words = ["-k", change.words] if change.words else []
    found = [("hint", [*hint, *words, *([] if change.peer else ["-m", "not peer"])])]
    if far != "hint":
        found += [("near", [*hint, "-m", "not peer"])] if words or change.peer else []
        found += [("quick", ["tests", "-m", "not peer"])]
    return [*found, ("all", ["tests", "-m", "peer"])] if far == "all" else found


def judge(change: Change, unchanged: Copy, far: str, seconds: float) -> Seen:
    """Try one change until something fails on it; `seconds` for each stage."""
    if (ROOT / change.file).read_text("utf-8").count(change.find) != 1:
        return Seen(change.name, change.file, "stale")
    tried, doubt = "", ""
    with copied() as copy:
        change.put(copy)
        for tried, arguments in stages(change, far):
            left_out: list[str] = []
            while len(left_out) <= MOST_DOUBTS:
                ran = copy.pytest(["-x", *arguments, *(f"--deselect={test}" for test in left_out)], seconds)
                if ran.passed:
                    break
                by, sure = _is_sure(ran, arguments, copy, unchanged, seconds)
                if sure:
                    return Seen(change.name, change.file, "caught", by, tried)
                doubt = by
                left_out.append(by)
    if doubt:
        return Seen(change.name, change.file, "doubtful", doubt, tried)
    return Seen(change.name, change.file, "survived" if tried == "all" else "not seen", "", tried)


def _is_sure(ran: Ran, arguments: Sequence[str], copy: Copy, unchanged: Copy, seconds: float) -> tuple[str, bool]:
    """Who failed, and whether the change is why: not without it, and with it once more."""
    if ran.too_long:
        return "time", unchanged.pytest(arguments, seconds).passed
    if not ran.failed:
        return "the suite, which does not start", unchanged.pytest([*arguments, "--collect-only"], seconds).code == 0
    test = ran.failed[0]
    return test, unchanged.pytest([test], ONE_TEST).code == 0 and not copy.pytest([test], ONE_TEST).passed


# ------------------------------------------------------------------------------------------------------------- together


def judge_together(changes: Sequence[Change], unchanged: Copy, seconds: float) -> dict[str, Seen]:
    """Put all of these into one copy, run everything, and try each test that fails on each of them alone.

    One might hide another; a suite that is green on all of them at once is green on each.
    """
    with copied() as copy:
        for change in changes:
            change.put(copy)
        ran = [copy.pytest(["tests", "-m", marker], seconds) for marker in ("not peer", "peer")]
    failed = [test for one in ran for test in one.failed if unchanged.pytest([test], ONE_TEST).code == 0]
    ended = not any(one.too_long or not (one.passed or one.failed) for one in ran)
    seen: dict[str, Seen] = {}
    for change in changes:
        with copied() as copy:
            change.put(copy)
            tests = (test for test in failed if not copy.pytest([test], ONE_TEST).passed)
            by = next(tests, "")
        verdict = "caught" if by else "survived" if ended else "not seen"
        seen[change.name] = Seen(change.name, change.file, verdict, by, "together")
    return seen


# ---------------------------------------------------------------------------------------------------------------- main


def main() -> int:
    options = arguments()
    every = read()
    chosen = [one for one in every if options.only in one.name or options.only in one.file]
    make_sure_that_copies_are_tested()
    seen = caught_before(options.json) if options.go_on else {}

    def tell(one: Seen) -> None:
        seen[one.name] = one
        print(line(one), flush=True)
        if options.json:
            told = [asdict(seen[change.name]) for change in every if change.name in seen]
            options.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")

    with copied() as unchanged:
        try_each([one for one in chosen if one.name not in seen], unchanged, options, tell)
        left = [one for one in chosen if seen[one.name].verdict == "not seen"]
        if options.together and left:
            for one in judge_together(left, unchanged, options.patience).values():
                tell(one)
    verdicts = [seen[one.name].verdict for one in chosen]
    print(", ".join(f"{verdicts.count(word)} {word}" for word in sorted(set(verdicts))), f"of {len(chosen)}")
    return 0 if set(verdicts) <= {"caught"} else 1


def try_each(
    changes: Sequence[Change], unchanged: Copy, options: argparse.Namespace, tell: Callable[[Seen], None]
) -> None:
    for change in changes:
        start = time.monotonic()
        became = judge(change, unchanged, "hint" if options.together else options.as_far_as, options.patience)
        tell(replace(became, seconds=round(time.monotonic() - start, 1)))


def caught_before(file: Path) -> dict[str, Seen]:
    """What an earlier run has caught, by name."""
    return {one["name"]: Seen(**one) for one in json.loads(file.read_text("utf-8")) if one["verdict"] == "caught"}


def line(seen: Seen) -> str:
    end = f"by {seen.by} ({seen.tried})" if seen.by else f"({seen.tried})" if seen.tried else ""
    return f"{seen.verdict:9} {seen.seconds:6.1f} s  {seen.file}: {seen.name} {end}".rstrip()


def read() -> list[Change]:
    """The list, whose names are all different."""
    found = [Change(**one | {"near": tuple(one["near"])}) for one in tomllib.loads(LIST.read_text("utf-8"))["change"]]
    assert len({one.name for one in found}) == len(found), "two changes have one name"
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break the code on purpose, and see whether a test notices.")
    parser.add_argument("--only", default="", metavar="NAME", help="only changes with this in their name or file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen there, change by change")
    parser.add_argument("--go-on", action="store_true", help="believe FILE about what was caught, and try the rest")
    parser.add_argument("--as-far-as", choices=FAR, default="all", help="how much of the suite each is tried against")
    parser.add_argument("--together", action="store_true", help="what the hints do not catch, in one run of everything")
    parser.add_argument("--patience", type=float, default=3600, help="seconds for each of the runs (default 3600)")
    options = parser.parse_args()
    if options.go_on and not options.json:
        parser.error("--go-on wants --json FILE")
    return options


if __name__ == "__main__":
    sys.exit(main())
