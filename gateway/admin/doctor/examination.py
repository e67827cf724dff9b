"""The examination: all checks in their order, on one look at the gateway."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.admin.doctor import files, messages, records, rows, structure
from gateway.admin.doctor.findings import Finding, Harm, Report
from gateway.admin.doctor.patient import Patient
from gateway.config.settings import Settings
from gateway.edge.run.clock import the_clock
from gateway.edge.run.supervisor import is_in_use
from gateway.errors import ConfigError
from gateway.prepare import keys_of
from gateway.store.damaged import opened
from gateway.store.repository import NO_ROW


@dataclass(frozen=True, slots=True)
class Check:
    """One look; `inside`: at a database that opens."""

    look: Callable[[Patient], Iterator[Finding]]
    inside: bool = True


CHECKS: tuple[Check, ...] = (
    Check(files.keys, inside=False),
    Check(files.database_file, inside=False),
    Check(files.log, inside=False),
    Check(files.permissions, inside=False),
    Check(structure.schema),
    Check(structure.pages),
    Check(structure.references),
    Check(rows.rows),
    Check(messages.messages),
    Check(messages.contents),
    Check(messages.spool_files),
    Check(records.audit),
    Check(records.ledger),
)
"""In this order: later checks know from earlier ones which tables are damaged. A further check is a line here."""


def examine(settings: Settings, step: Callable[[str, int], None] = lambda _title, _more: None) -> Report:
    """Look at everything and change nothing; `step` hears of how much more was looked at."""
    with patient_of(settings, step) as patient:
        found = list(_all(patient))
    if not patient.served and is_in_use(settings.serving_path):
        what = "a gateway was started meanwhile: look again, since it may have changed what was looked at"
        found.append(Finding(Harm.NOTE, "started", what))
    return Report(tuple(found), dict(patient.whole))


def _all(patient: Patient) -> Iterator[Finding]:
    for check in CHECKS:
        if check.inside and patient.connection is None:
            continue
        try:
            yield from check.look(patient)
        except (sqlite3.DatabaseError, *NO_ROW) as error:
            what = f"{check.look.__name__.replace('_', ' ')} could not be looked at to the end: {error}"
            yield Finding(Harm.DAMAGE, "unfinished", what, remedy=structure.REPAIR)
    if patient.connection and not patient.opens_sealed:
        yield Finding(Harm.NOTE, "sealed-unseen", "what is sealed could not be looked at without the right keys")


@contextlib.contextmanager
def patient_of(settings: Settings, step: Callable[[str, int], None]) -> Iterator[Patient]:
    """The gateway of these settings, as far as it opens."""
    path = settings.database_path
    patient = Patient(settings=settings, now=the_clock().now(), served=is_in_use(settings.serving_path), step=step)
    try:
        patient.keys = keys_of(settings)
    except (ConfigError, OSError) as error:
        patient.unread_keys = str(error)
    with contextlib.ExitStack() as stack:
        if path.is_file() and path.stat().st_size:
            try:
                patient.connection = stack.enter_context(opened(path, served=patient.served))
            except sqlite3.DatabaseError as error:
                patient.unopened = str(error)
        yield patient
