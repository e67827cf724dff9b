"""What the gateway is accounted for by: the audit, row by row, and the ledger beside the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.admin import drills
from gateway.admin.audit_check import Walk, What
from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient
from gateway.admin.ledger import astray, compared, ledger_of
from gateway.errors import StoreBusy, StoreDamaged
from gateway.flow.context import Context
from gateway.ports import Keys
from gateway.store.connections import as_store_errors
from gateway.store.damaged import last_number, missing_triggers

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Looks:
    """Looks at the audit of whom is examined, through the connection that changes nothing."""

    patient: Patient

    @property
    def keys(self) -> Keys:
        return self.patient.ctx.keys

    def ask(self, look: Callable[[Context], R]) -> R:
        with as_store_errors():
            return look(self.patient.ctx)

    @property
    def leaves_gaps(self) -> bool:
        return False

    def missing_triggers(self) -> list[str]:
        with as_store_errors():
            return missing_triggers(self.patient.opened)

    def last_number(self, table: str) -> int:
        with as_store_errors():
            return last_number(self.patient.opened, table)


def audit(patient: Patient) -> Iterator[Finding]:
    """Whether the audit is as it was written, as `gateway audit verify` looks at it."""
    if not patient.opens_sealed or {"audit", "audit_batch"} & patient.unsound:
        return
    walk = Walk(_Looks(patient))
    try:
        for found in walk.findings():
            if found.what is not What.UNGUARDED:  # structure.py tells of triggers
                remedy = "gateway audit verify tells more; compare with heads that were kept elsewhere (audit.heads_to)"
                yield Finding(Harm.DAMAGE, "audit", found.says, f"audit {found.first}", remedy=remedy)
    except (StoreBusy, StoreDamaged) as error:
        yield Finding(Harm.DAMAGE, "audit", f"the audit could not be looked at to its end: {error}")


def ledger(patient: Patient) -> Iterator[Finding]:
    """Whether the ledger tells of all that this database has told it."""
    if not patient.opens_sealed or {"meta", "ledger_entry"} & patient.unsound or patient.keys is None:
        return
    if drills.said(patient.tx):
        return
    file = ledger_of(patient.settings, patient.keys)
    copies: list[tuple[Path, str]] = []
    try:
        fault = compared(patient.tx, file)
        copies = astray(file)
    except OSError as error:
        fault = f"it cannot be read ({error.strerror})"
    for copy, what in copies:
        yield Finding(Harm.DAMAGE, "ledger", what, str(copy))
    if fault:
        what = f"the ledger {file.file}: {fault}. A backup that is restored may bring back what was destroyed"
        remedy = "put a copy of it in its place (ledger.copies); else the next start begins anew behind the gap"
        yield Finding(Harm.DAMAGE, "ledger", what, str(file.file), remedy=remedy)
