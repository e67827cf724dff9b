"""Heads of the audit's chain that were kept elsewhere: a file of lines as the gateway mails or writes them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError

_LINE = re.compile(r"(\d{4}-\d{2}-\d{2}T\S+) (\d{1,18}) (\d{1,18}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The head of one batch, as it was at that time; `row` is the batch's last."""

    at: str
    row: int
    head: bytes


def kept_heads(lines: Iterable[str]) -> Mapping[int, set[KeptHead]]:
    """The heads by their batches. Lines that say something else, such as the rest of a mail, are passed over."""
    heads: dict[int, set[KeptHead]] = defaultdict(set)
    for line in lines:
        if found := _LINE.search(line):
            heads[int(found[2])].add(KeptHead(found[1], int(found[3]), bytes.fromhex(found[4])))
    return heads


def read_heads(file: Path) -> Mapping[int, set[KeptHead]]:
    """The heads in a file. Raises ConfigError for one that holds none, OSError."""
    heads = kept_heads(file.read_text("utf-8", "replace").splitlines())
    if not heads:
        raise ConfigError(f"--head: {file} holds no line with a head of the audit")
    return heads
