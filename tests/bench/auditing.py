"""How fast the audit is written, sealed, verified and exported, and its memory: `python -m tests.bench.auditing`."""

import io
import resource
import sys
import tempfile
import time
from pathlib import Path

from gateway.admin.access import do, opened
from gateway.admin.audit_check import Walk
from gateway.admin.audit_rows import Format, written
from gateway.config.toml_file import load
from gateway.domain.acts import Act
from gateway.flow.context import Context
from gateway.flow.upkeep import chain
from gateway.setup import Answers, set_up

AT_ONCE = 20_000


class Nowhere(io.RawIOBase):
    def write(self, octets, /):
        return len(octets)


def happen(ctx: Context) -> None:
    for number in range(AT_ONCE):
        ctx.audit("pat@home.example", Act.VIEWED, f"copy {number}")


def seal(ctx: Context) -> None:
    while chain.seal(ctx):
        pass


def timed(what: str, rows: int, work) -> None:
    started = time.perf_counter()
    work()
    took = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:10} {rows} rows in {took:.1f} s: {rows / took:,.0f} a second; at most {memory:.0f} MiB so far")


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "gateway"
        set_up(folder, Answers("secure.x.example", "X", "x.example", "127.0.0.1:1", "https://x.example"))
        settings = load(folder / "gateway.toml")
        timed("written", rows, lambda: [do(settings, happen) for _ in range(rows // AT_ONCE)])
        timed("sealed", rows, lambda: do(settings, seal))
        with opened(settings) as many:
            timed("verified", rows, lambda: print(list(Walk(many).findings())))
            for how in Format:
                timed(how.value, rows, lambda how=how: list(written(many, Nowhere(), how, 0)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
