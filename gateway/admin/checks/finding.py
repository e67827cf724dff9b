"""What a check has found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: a fault makes a command end with 1, a warning does not."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: which key of the settings (or which subject), how it stands, and what to do or to write."""

    level: Level
    key: str
    said: str = ""
    do: str = ""

    @property
    def line(self) -> str:
        return f"{self.level:8} {': '.join(filter(None, (self.key, '; '.join(filter(None, (self.said, self.do))))))}"

    @property
    def row(self) -> dict[str, object]:
        """For programs."""
        return {"level": self.level.value.lower(), "key": self.key, "said": self.said, "do": self.do}


def ok(key: str, said: str = "") -> Finding:
    return Finding(Level.OK, key, said)


def warning(key: str, said: str, do: str = "") -> Finding:
    return Finding(Level.WARNING, key, said, do)


def fault(key: str, said: str, do: str = "") -> Finding:
    return Finding(Level.FAULT, key, said, do)


def of_error(text: str) -> list[Finding]:
    """The lines of an error that name their key themselves: "next_hop.tls: what is wrong; what to do"."""
    found = []
    for line in text.splitlines():
        key, colon, rest = line.partition(": ")
        said, _, do = rest.partition("; ")
        found.append(fault(key, said, do) if colon else fault("settings", line))
    return found
