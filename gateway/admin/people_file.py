"""A people list as a CSV file, as spreadsheets write it: read to its end, with all its errors, before anything is done.

UTF-8 with or without its mark, UTF-16 with one, or Windows' own letters (cp1252); commas, semicolons or tabs. The first
line names the columns, in any order; without such a line they are address, name, role, practice.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.address import address
from gateway.domain.site import Site
from gateway.domain.vocabulary import Role
from gateway.errors import BadAddress
from gateway.flow.administration.people_list import Wanted

COLUMNS = ("address", "name", "role", "practice")
_CALLED = {
    **dict.fromkeys(("address", "email", "e-mail", "mail", "email address", "e-mail address"), "address"),
    **dict.fromkeys(("name", "full name", "display name", "displayname"), "name"),
    **dict.fromkeys(("role", "function"), "role"),
    **dict.fromkeys(("practice", "practice id", "clinic"), "practice"),
}
"""What the columns may be called."""
LONGEST_NAME = 200
LARGEST = 100_000_000
"""Octets of a file that is read."""
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the start of a cell."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in the file, where, and what to write."""

    line: int
    column: str
    says: str

    @property
    def told(self) -> str:
        return f"line {self.line}, {self.column}: {self.says}"


@dataclass(slots=True)
class PeopleFile:
    """What a file says. With faults nothing of it is to be done."""

    rows: list[Wanted] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read(file: Path, site: Site, practice_id: str = "") -> PeopleFile:
    """Read a file; rows that name no practice are of this one. Raises OSError."""
    if file.stat().st_size > LARGEST:
        return PeopleFile(faults=[Fault(1, "file", f"larger than {LARGEST:,} octets; split it")])
    return parsed(decoded(file.read_bytes()), site, practice_id)


def decoded(octets: bytes) -> str:
    """The text of a file. Octets that are no UTF-8 are read as Windows' own letters."""
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return octets.decode("utf-16", "replace")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def parsed(text: str, site: Site, practice_id: str = "") -> PeopleFile:
    """The rows of a file, and everything that is wrong with it."""
    found = PeopleFile()
    names: Sequence[str] = ()
    seen: dict[tuple[str, str], int] = {}
    for line, cells in _lines(text, found):
        if not names:
            names = _names(cells)
            if names:
                continue
            names = COLUMNS
        row = _row(dict(zip(names, cells, strict=False)), line, site, practice_id, found.faults)
        if row is None:
            continue
        if row.key in seen:
            says = f"stands in line {seen[row.key]} already; leave one of them out"
            found.faults.append(Fault(line, "address", says))
        seen.setdefault(row.key, line)
        found.rows.append(row)
    if not found.rows and not found.faults:
        found.faults.append(Fault(1, "file", "nobody is in it; write a line with address, name, role, practice"))
    return found


def _lines(text: str, found: PeopleFile) -> Iterator[tuple[int, list[str]]]:
    """The lines that say something, each with the number that an editor shows."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    start = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) and not (start == 1 and len(cells) <= 2 and stripped[0].lower().startswith("sep=")):
                yield start, stripped
            start = reader.line_num + 1
    except csv.Error as error:
        found.faults.append(Fault(reader.line_num, "file", f"cannot be read from here on ({error})"))


def _delimiter(text: str) -> str:
    """What parts the cells of the first line into the most; of a line that Excel begins with, what it says."""
    first = text.partition("\n")[0]
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[4]
    return max(",;\t", key=first.count)


def _names(cells: Sequence[str]) -> Sequence[str]:
    """The columns' names, if that is what this line has."""
    called = [_CALLED.get(" ".join(cell.casefold().split()), "") for cell in cells]
    return called if "address" in called else ()


def _row(cells: dict[str, str], line: int, site: Site, practice_id: str, faults: list[Fault]) -> Wanted | None:
    before = len(faults)
    practice = _practice(cells.get("practice", ""), site, practice_id, line, faults)
    role = _role(cells.get("role", ""), line, faults)
    name = _bare(cells.get("name", ""))
    if len(name) > LONGEST_NAME or not all(map(str.isprintable, name)):
        faults.append(Fault(line, "name", f"write at most {LONGEST_NAME} letters, in one line"))
    try:
        who = address(_bare(cells.get("address", "")))
    except BadAddress:
        faults.append(Fault(line, "address", f"{cells.get('address', '')[:80]!r} is no mail address; write one"))
        return None
    if who.domain == site.domain:
        faults.append(Fault(line, "address", "is the gateway's own; write the person's"))
    return Wanted(practice, who.key, who.typed, name, role, line) if len(faults) == before else None


def _practice(said: str, site: Site, otherwise: str, line: int, faults: list[Fault]) -> str:
    """By its id or its name."""
    found = next((one.id for one in site.practices if said.casefold() in (one.id.casefold(), one.name.casefold())), "")
    only = site.practices[0].id if len(site.practices) == 1 else ""
    practice_id = found if said else otherwise or only
    if not practice_id:
        known = ", ".join(one.id for one in site.practices[:20])
        what = f"there is no practice {said[:80]!r}" if said else "is missing"
        faults.append(Fault(line, "practice", f"{what}; write one of {known}"))
    return practice_id


def _role(said: str, line: int, faults: list[Fault]) -> Role | None:
    """Without a role the sender is asked, as of anybody."""
    if not said:
        return None
    try:
        return Role(said.casefold())
    except ValueError:
        faults.append(Fault(line, "role", f'{said[:80]!r} is no role; write "clinician" or "staff", or nothing'))
        return None


# -------------------------------------------------------------------------------------------------------------- written


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as a file for spreadsheets (RFC 4180), in which no cell runs as a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RISKY) else cell


def _bare(cell: str) -> str:
    """A cell as it was before `_safe`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell
