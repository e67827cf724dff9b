"""Records as a zone file has them."""

from dataclasses import dataclass

STRING = 255
"""Octets of one string of a TXT record (RFC 1035 §3.3)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record to publish; `value` is that of a TXT record without its quotes."""

    name: str
    type: str
    value: str

    @property
    def line(self) -> str:
        """As it can be pasted into a zone file."""
        value = _strings(self.value) if self.type == "TXT" else self.value
        return f"{self.name}.  IN  {self.type}  {value}"


def _strings(value: str) -> str:
    parts = [value[at : at + STRING] for at in range(0, len(value), STRING)]
    quoted = " ".join(f'"{part}"' for part in parts)
    return f"( {quoted} )" if len(parts) > 1 else quoted
