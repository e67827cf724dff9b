"""What this machine itself can do: what no program on it can pass."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.bench.effort import Effort
from tests.bench.figures import Row

CHUNK = 256 * 1024
WHO = "this machine"


def measure(folder: Path, effort: Effort) -> list[Row]:
    """The disk's syncs and octets, and the cipher's octets, a second."""
    with (folder / "small").open("ab", buffering=0) as small, (folder / "large").open("ab", buffering=0) as large:
        octets, cipher = os.urandom(10_000_000), AESGCM(os.urandom(32))
        chunk, nonce = octets[:CHUNK], os.urandom(12)
        tries: list[tuple[str, str, float, Callable[[], object]]] = [
            ("append 4 KB and fsync", "times/s", 1, lambda: _append(small, octets[:4096])),
            ("append 10 MB and fsync", "MB/s", 10, lambda: _append(large, octets)),
            (
                "AES-256-GCM on one core, 256 KiB at a time",
                "MB/s",
                CHUNK / 1e6,
                lambda: cipher.encrypt(nonce, chunk, b""),
            ),
        ]
        rows = []
        for work, unit, each, once in tries:
            rates = [each * _rate(once, effort.seconds / 4) for _ in range(effort.rounds)]
            rows.append(Row("limits", work, unit, rounds={WHO: rates}))
            effort.say(f"limits: {work}: {max(rates):.0f} {unit}")
    return rows


def _append(file, octets: bytes) -> None:
    file.write(octets)
    os.fsync(file.fileno())


def _rate(once: Callable[[], object], seconds: float) -> float:
    """How many times a second it can be done."""
    count, began = 0, time.monotonic()
    while (took := time.monotonic() - began) < seconds or not count:
        once()
        count += 1
    return count / took
