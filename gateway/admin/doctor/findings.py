"""What the doctor says: findings, each with what it means and for whom."""

from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """How bad a finding is."""

    LOST = "lost"
    """somebody cannot read something any more, or something will not happen"""
    DAMAGE = "damage"
    """something is not as it should be, and nobody has lost anything by it yet"""
    NOTE = "note"
    """worth knowing; it is no damage"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: `kind` names it for programs, `what` says it in a sentence, `remedy` what to do.

    `whose` are the addresses of those whom it concerns, `message` the number of the message, `where` the file or row.
    `fixable`: `--fix` mends it, and destroys nothing by that.
    """

    harm: Harm
    kind: str
    what: str
    where: str = ""
    whose: tuple[str, ...] = ()
    message: int = 0
    remedy: str = ""
    fixable: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found, and how much of each kind is whole."""

    findings: tuple[Finding, ...]
    whole: dict[str, int]

    @property
    def is_damaged(self) -> bool:
        return any(one.harm is not Harm.NOTE for one in self.findings)

    @property
    def lost(self) -> dict[str, int]:
        """How many losses of each kind there are."""
        counts: dict[str, int] = {}
        for one in self.findings:
            if one.harm is Harm.LOST:
                counts[one.kind] = counts.get(one.kind, 0) + 1
        return counts
