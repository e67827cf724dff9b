"""`--repair FOLDER`: what is whole of a damaged gateway is saved into a new database beside it, never in place.

Rows are copied around what cannot be read; what hangs on a row that is lost gets one in its place where what is left
tells enough: a sender, an account, an invitation, a content whose file is there. The new database is then examined as
any other. An administrator puts it in the place of the damaged one.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.admin.access import place
from gateway.admin.doctor.examination import examine, patient_of
from gateway.admin.doctor.findings import Report
from gateway.admin.doctor.patient import Patient
from gateway.admin.doctor.rows import fault_of
from gateway.config.settings import Settings
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model import TABLES, Account, Content, Copy, Invitation, Message, Sender
from gateway.domain.vocabulary import State
from gateway.errors import BadPlace, ConfigError
from gateway.flow.context import Context
from gateway.flow.invitations import invite
from gateway.prepare import keys_of
from gateway.store.connections import open_database
from gateway.store.damaged import opened
from gateway.store.mending import copied, keep_numbers, new_database, unpoint, with_its_head
from gateway.store.models import table_name
from gateway.store.runner import write_once

Step = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of it: a line for each thing that was left behind or made anew, and the new gateway's examination."""

    left: tuple[str, ...]
    made: tuple[str, ...]
    report: Report


def repair(settings: Settings, folder: Path, step: Step = lambda _title, _more: None) -> Saved:
    """Save what is whole into this folder, new or empty. Raises ConfigError, WrongKey, StoreFull, OSError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadPlace(f"{folder} is there already; name a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved = settings.model_copy(
        update={"database": settings.database.model_copy(update={"url": f"sqlite:///{_new(settings, folder)}"})}
    )
    with patient_of(settings, step) as patient, _source(patient, folder) as source:
        with contextlib.closing(new_database(saved.database_path)) as target:
            left = [line for table in TABLES for line in _table(patient, source, target, table)]
            made = list(_made_anew(target, settings, patient.now))
            left += unpoint(target)
            keep_numbers(source, target)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left += _files(settings, saved, step)
    with contextlib.suppress(ConfigError):  # without its keys nothing can be audited
        _replanned_in(saved, patient.now)
    return Saved(tuple(left), tuple(made), examine(saved, step))


def _new(settings: Settings, folder: Path) -> Path:
    return folder.resolve() / settings.database_path.name


@contextlib.contextmanager
def _source(patient: Patient, folder: Path) -> Iterator[sqlite3.Connection]:
    """The damaged database; one whose first octets are damaged gets them back, in a copy."""
    if patient.connection:
        yield patient.connection
        return
    path = patient.settings.database_path
    if not path.is_file() or not path.stat().st_size:
        raise ConfigError(f"{path} is missing or empty: there is nothing to save; restore it from a backup")
    copy = with_its_head(path, folder / "headless")
    try:
        with opened(copy, served=False) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path}: nothing of it can be read ({error}); restore it from a backup") from error
    finally:
        copy.unlink()


def _table(patient: Patient, source: sqlite3.Connection, target: sqlite3.Connection, table: type) -> Iterator[str]:
    def fault(values: tuple[object, ...]) -> str:
        patient.step("rows saved", 1)
        return fault_of(patient, table, values)

    name = table_name(table)
    try:
        yield from copied(source, target, name, patient.fields(table), fault)
    except sqlite3.DatabaseError as error:
        if target.in_transaction:
            target.execute("COMMIT")
        yield f"{name}: what comes behind its damage ({error})"


# ---------------------------------------------------------------------------------------------------------- made anew


def _made_anew(target: sqlite3.Connection, settings: Settings, now: datetime) -> Iterator[str]:
    """Rows in the place of lost ones on which somebody's mail hangs."""
    patient = Patient(settings=settings, now=now, served=False, connection=target)
    with target:
        for message in _each(patient, Message):
            yield from _for_message(patient, message)
        for copy in _each(patient, Copy):
            yield from _for_copy(patient, copy)


def _for_message(patient: Patient, message: Message) -> Iterator[str]:
    if message.sender_id and patient.get(Sender, message.sender_id) is None:
        unknown = f"unknown-{message.sender_id}@invalid"
        _put(patient, Sender(id=message.sender_id, practice_id=message.practice_id, address=unknown, typed=unknown))
        yield f"sender {message.sender_id}, of whom only their messages are left: {unknown}"
    file = patient.settings.spool_path / message.content_id
    if patient.get(Content, message.content_id) is None and file.is_file():
        _put(patient, Content(id=message.content_id, size=message.size))
        yield f"the row of the content of message {message.id}, whose file is there"


def _for_copy(patient: Patient, copy: Copy) -> Iterator[str]:
    if copy.account_id and patient.get(Account, copy.account_id) is None:
        lost = Account(
            id=copy.account_id,
            address=copy.address,
            typed=copy.typed,
            name="",
            password_hash="",
            created_at=patient.now,
        )
        if not patient.find(Account, address=copy.address):
            _put(patient, lost)
            yield f"the account of {copy.typed}: they set a new password (Forgotten?), and a second factor, anew"
    message = patient.get(Message, copy.message_id)
    if copy.invitation_id and message and patient.get(Invitation, copy.invitation_id) is None:
        _put(patient, _asked_anew(patient, copy, message))
        yield f"invitation {copy.invitation_id} of {copy.typed}: its sender is asked again who that is"


def _asked_anew(patient: Patient, copy: Copy, message: Message) -> Invitation:
    """For whom mail is held, without what was known of them; over, where another one is open."""
    is_over = bool(patient.find(Invitation, address=copy.address, practice_id=message.practice_id))
    return Invitation(
        id=copy.invitation_id or 0,
        practice_id=message.practice_id,
        address=copy.address,
        typed=copy.typed,
        state=State.ACCEPTED if copy.account_id or is_over else State.AWAITING,
        account_id=copy.account_id,
        schedule_start=patient.now.astimezone(patient.settings.policy().zone).date(),
        created_at=patient.now,
        changed_at=patient.now,
    )


def _put(patient: Patient, row: Any) -> None:
    statements = patient.repository[type(row)]
    patient.opened.execute(statements.insert_unless_there, statements.parameters(row))


def _each(patient: Patient, table: type) -> Iterator[Any]:
    after = 0
    while rows := list[Any](patient.tx.find(table, id__gt=after, limit=500)):
        yield from rows
        after = rows[-1].id


def _replanned_in(saved: Settings, now: datetime) -> None:
    """Beside `access.do`, which would write into the ledger of the gateway as it is."""
    keys, site = keys_of(saved), saved.policy()
    write_once(open_database(saved.database_path), lambda tx: _replanned(Context(tx, site, keys, now, place())))


def _replanned(ctx: Context) -> None:
    """Whoever was asked anew is due by the calendar; and the new database says where it comes from."""
    for one in ctx.tx.find(Invitation, due_at=None, state=State.AWAITING):
        ctx.tx.put(replace(one, due_at=invite.planned(ctx, one)))
    ctx.audit(ADMINISTRATOR, Act.SAVED_WHOLE, "database")


# --------------------------------------------------------------------------------------------------------------- files


def _files(settings: Settings, saved: Settings, step: Step) -> Iterator[str]:
    """Copy the files that the saved rows name."""
    spool, target = settings.spool_path, saved.spool_path
    target.mkdir(mode=0o700, exist_ok=True)
    with contextlib.closing(sqlite3.connect(saved.database_path)) as database:
        for (name,) in database.execute("SELECT id FROM content WHERE inline IS NULL"):
            if (spool / name).is_file():
                shutil.copyfile(spool / name, target / name)
                (target / name).chmod(0o600)
                step("files saved", 1)
            else:
                yield f"the file {name}, which is missing"
