"""How long many holds take to be backed up, verified and restored: `python -m tests.bench.restore [HOLDS]`.

One hold in ten has its content in a file. Each step is the command, as an administrator types it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.address import address
from gateway.domain.model import Invitation, Message, Sender
from gateway.domain.vocabulary import CopyState, State
from gateway.flow import copies
from gateway.flow.context import Context
from gateway.ports import Sealed
from gateway.prepare import keys_of
from gateway.setup import Answers, set_up
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.runner import write_once

HOLDS = 10_000
SMALL, LARGE = 12_000, 200_000
"""Octets of a mail in the database, and of one in a file."""
AT_A_TIME = 500


def main() -> None:
    holds = int(sys.argv[1]) if len(sys.argv) > 1 else HOLDS
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as place:
        measure(Path(place), holds)


def measure(place: Path, holds: int) -> dict[str, float]:
    """Fill a gateway, then time each step; the seconds that each took."""
    settings = made(place / "gateway")
    fill(settings, holds)
    config, backups, key = place / "gateway/gateway.toml", place / "backups", place / "gateway.recovery"
    (place / "gateway/gateway.recovery").rename(key)
    took: dict[str, float] = {}
    steps = {
        "backup": ("backup", backups, "--config", config),
        "backup, a second one": ("backup", backups, "--config", config),
        "verify": ("backup", backups, "--config", config, "--verify", "--recovery-key", key),
        "restore, each hold opened": (
            *("restore", backups, "--config", place / "new", "--recovery-key", key),
            *("--ledger", place / "gateway/gateway.ledger"),
        ),
    }
    for name, words in steps.items():
        start = time.perf_counter()
        command = [sys.executable, "-m", "gateway", *map(str, words), "--json"]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        took[name] = time.perf_counter() - start
        assert holds in (said.get("holds"), said.get("holds_opened")), said
        print(f"{name:28} {took[name]:6.1f} s", flush=True)
    size = sum(file.stat().st_size for file in backups.rglob("*") if file.is_file())
    print(f"{'backups':28} {size / 1e6:6.0f} MB, two snapshots of {holds} holds")
    return took


def made(folder: Path, *, recovery_key: bool = True) -> Settings:
    own = "secure.riverside.example"
    set_up(folder, Answers(own, "Riverside", "riverside.example", "127.0.0.1:1", f"https://{own}", recovery_key))
    return load(folder / "gateway.toml")


def fill(settings: Settings, holds: int) -> None:
    """Hold so many messages, each for an invitee of its own."""
    keys, now, content = keys_of(settings), datetime.now(UTC), SpooledContent(settings.spool_path)
    database, site = open_database(settings.database_path), settings.policy()
    for start in range(0, holds, AT_A_TIME):
        numbers = range(start, min(start + AT_A_TIME, holds))
        sealed = [content.put(os.urandom(SMALL if number % 10 else LARGE)) for number in numbers]

        def hold(tx, numbers=numbers, sealed=sealed):
            ctx = Context(tx, site, keys, now)
            for number, one in zip(numbers, sealed, strict=True):
                _hold(ctx, number, one)

        write_once(database, hold)


def _hold(ctx: Context, number: int, sealed: Sealed) -> None:
    practice, to = ctx.site.practices[0].id, address(f"p{number}@home.example")
    sender = ctx.tx.one(Sender, address="ada@riverside.example") or ctx.tx.add(
        Sender(practice_id=practice, address="ada@riverside.example", typed="ada@riverside.example")
    )
    copies.add_content(ctx, sealed)
    message = ctx.tx.add(
        Message(
            practice_id=practice,
            sender_id=sender.id,
            header_id=f"<{number}@riverside.example>",
            subject=ctx.keys.seal_under(sealed.data_key, b"Results"),
            content_id=sealed.content_id,
            size=sealed.size,
            received_at=ctx.now,
        )
    )
    invitation = ctx.tx.add(
        Invitation(
            practice_id=practice,
            address=to.key,
            typed=to.typed,
            state=State.AWAITING,
            schedule_start=ctx.today,
            created_at=ctx.now,
            changed_at=ctx.now,
        )
    )
    copies.add_copy(ctx, copies.Taken(message, sealed.data_key), to, CopyState.HELD, invitation_id=invitation.id)


if __name__ == "__main__":
    main()
