"""What the bench makes of its figures, and that all of it runs."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import figures, report
from tests.bench.chart import chart
from tests.bench.figures import Row, Target
from tests.bench.load import SESSIONS, calibrated
from tests.bench.table import fill, table

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def rate(**rounds: list[float]) -> Row:
    return Row("accept", "4 KB <new>", "mails/s", Target(1.5, 2.5), rounds=rounds)


def memory(**rounds: list[float]) -> Row:
    return Row("memory", "idle", "MB", Target(100, 60, absolute=True), fewer=True, rounds=rounds)


def test_a_ratio_is_taken_within_its_round() -> None:
    row = rate(Postfix=[100, 10, 200], gateway=[200, 30, 200])

    assert row.ratios("gateway") == [2, 3, 1]


def test_the_table_shows_the_median_of_the_ratios_and_their_spread() -> None:
    text = table([rate(Postfix=[100, 10, 200], gateway=[200, 30, 200])])

    line = next(line for line in text.splitlines() if "gateway" in line)
    assert line == "| 4 KB <new> | gateway | 200 (30–200) mails/s | 2x (1–3) | 1.5x | 2.5x | yes |"


@pytest.mark.parametrize(("figure", "reached"), [(240, "no"), (300, "yes"), (500, "aim")])
def test_more_is_better(figure: float, reached: str) -> None:
    assert rate(Postfix=[200], gateway=[figure]).reached("gateway") == reached


@pytest.mark.parametrize(("figure", "reached"), [(101, "no"), (100, "yes"), (60, "aim")])
def test_less_is_better_of_memory_whatever_postfix_takes(figure: float, reached: str) -> None:
    assert memory(Postfix=[1], gateway=[figure]).reached("gateway") == reached


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def bars(svg: str, kind: str) -> list[ElementTree.Element]:
    """The bars of one contender, by the class of its colour; the legend's own square comes first."""
    return [bar for bar in drawn(svg).iter(f"{SVG}rect") if bar.get("class") == kind][1:]


def even(svg: str) -> float:
    [line] = [line for line in drawn(svg).iter(f"{SVG}line") if line.get("class") == "even"]
    return float(line.get("x1", ""))


def test_bars_to_the_right_are_better() -> None:
    faster, slower = rate(Postfix=[100], gateway=[200]), rate(Postfix=[100], gateway=[50])
    leaner = memory(Postfix=[400], gateway=[100])
    svg = chart([faster, slower, leaner])

    starts = [float(bar.get("x", "")) for bar in bars(svg, "mine")]
    assert [start >= even(svg) for start in starts] == [True, False, True]


def test_a_bar_stays_within_the_scale() -> None:
    svg = chart([rate(Postfix=[1], gateway=[1000]), rate(Postfix=[1000], gateway=[1])])

    width = float(drawn(svg).get("viewBox", "").split()[2])
    for bar in bars(svg, "mine"):
        assert 0 <= float(bar.get("x", "")) <= float(bar.get("x", "")) + float(bar.get("width", "")) <= width


def test_words_around_a_table_stay() -> None:
    text = "before\n<!-- bench: cpu -->\nold\n<!-- bench: end of cpu -->\nafter\n"

    assert fill(text, "cpu", "new") == text.replace("old", "new")


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        fill("nothing", "cpu", "new")


def test_the_docs_are_filled_and_rows_not_measured_again_are_kept(tmp_path: Path) -> None:
    (tmp_path / "benchmarks.md").write_text((report.DOCS / "benchmarks.md").read_text())
    report.write([rate(Postfix=[100], gateway=[200]), memory(Postfix=[400], gateway=[90])], "A machine.", tmp_path)
    report.write([rate(Postfix=[100], gateway=[400])], "The same machine.", tmp_path)

    page = (tmp_path / "benchmarks.md").read_text()
    assert "| 400 mails/s | 4x |" in page
    assert "| 200 mails/s |" not in page
    assert "| 90 MB | 0.225x |" in page
    assert "The same machine." in page
    assert len(figures.read(tmp_path / "benchmarks.json")) == 2


def test_of_a_part_that_is_measured_whole_nothing_old_remains() -> None:
    old, new = Row("scale", "near 10 rows", "rows/s"), Row("scale", "near 20 rows", "rows/s")

    assert figures.merged([old, rate()], [new]) == [rate(), new]


def test_a_run_is_as_long_as_it_was_asked_to_be() -> None:
    assert calibrated(lambda mails: mails / 100, first=60, seconds=4) == 400
    assert calibrated(lambda mails: mails * 100, first=50, seconds=4) == SESSIONS


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder on the disk that Postfix's users can look into, which they can't into pytest's."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.peer
def test_every_part_but_the_heavy_ones_runs(open_folder: Path) -> None:
    result = quick("--only", "limits,through,latency,scale", "--like", "4 KB", "--rows", "500", folder=open_folder)

    assert result.returncode == 0, result.stderr
    for line in ("4 KB through to the next hop | gateway", "p99 of the 250 | gateway", "reminding: ", "fsync"):
        assert line in result.stdout
    assert not list(open_folder.iterdir())


@pytest.mark.peer
def test_nothing_is_left_when_it_is_broken_off(open_folder: Path) -> None:
    broken_off = command("--only", "accept", folder=open_folder)
    with subprocess.Popen(broken_off, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as bench:
        assert bench.stderr
        assert next(line for line in bench.stderr if "Postfix: " in line)  # the first has had its turn: all are up
        assert len(at_work_in(open_folder)) > 3
        bench.terminate()
        bench.wait(60)

    assert bench.returncode == 143
    assert not at_work_in(open_folder)
    assert not list(open_folder.iterdir())


def quick(*options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*options, folder=folder), cwd=ROOT, capture_output=True, text=True, check=False)


def command(*options: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.bench", "--quick", "--rounds", "1", "--folder", str(folder), *options]


def at_work_in(folder: Path) -> list[str]:
    """The processes that print into the folder or were told of something in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            told = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            prints = str((process / "fd/1").readlink())
            if f"{folder}/" in told + prints:
                found.append(f"{process.name} {told}")
    return found
