"""Every row by itself: can it be read, does it contradict itself, do its small sealed values open."""

from collections.abc import Iterator
from typing import Any

from gateway.admin.doctor import sealed
from gateway.admin.doctor.contradictions import CONTRADICTIONS, is_address
from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient, Values
from gateway.admin.doctor.structure import REPAIR
from gateway.domain.model import TABLES, Content, Copy, Message
from gateway.store.damaged import Gap
from gateway.store.kinds import kind_fault
from gateway.store.models import table_name
from gateway.store.repository import NO_ROW

COUNTED_ELSEWHERE = (Message, Copy, Content)


def rows(patient: Patient) -> Iterator[Finding]:
    """Go through all tables, row by row."""
    for table in TABLES:
        name = table_name(table)
        for found in patient.raw(table):
            if isinstance(found, Gap):
                patient.unsound.add(name)
                yield _gap(name, found)
                continue
            number, values = found
            yield from _looked_at(patient, table, number, values)
            patient.step("rows", 1)


def _gap(name: str, gap: Gap) -> Finding:
    which = f"rows {gap.first} to {gap.last}, those that there were,"
    if gap.last <= gap.first:
        which = f"row {gap.first}" if gap.first == gap.last else "rows"
    what = f"{name}: {which} cannot be read: they lie on damaged pages"
    return Finding(Harm.LOST, "rows-lost", what, f"{name} {gap.first}-{gap.last}", remedy=REPAIR)


def _looked_at(patient: Patient, table: type, number: int, values: Values) -> Iterator[Finding]:
    name = table_name(table)
    fault = fault_of(patient, table, values)
    if fault:
        whose = tuple(str(one) for one in values if isinstance(one, str) and is_address(one))[:1]
        what = f"{name.replace('_', ' ')} {values[0]}{_of(whose)} is no row any more: {fault}"
        yield Finding(Harm.LOST, "row-unreadable", what, f"{name} {number}", whose, remedy=REPAIR)
        return
    row = _as_row(patient, table, values)
    if table not in COUNTED_ELSEWHERE:
        patient.whole[name] += 1
    for check in CONTRADICTIONS.get(table, ()):
        yield from check(patient, row)
    yield from sealed.values(patient, table, row)


def fault_of(patient: Patient, table: type, values: Values) -> str:
    """Why stored values are no row of the table; "" where they are one."""
    kind = kind_fault(table, values)
    return kind or ("" if _as_row(patient, table, values) else "a value is none that there is")


def _as_row(patient: Patient, table: type, values: Values) -> Any:
    try:
        return patient.repository[table].row(values)
    except NO_ROW:
        return None


def _of(whose: tuple[str, ...]) -> str:
    return f" (of {whose[0]})" if whose else ""
