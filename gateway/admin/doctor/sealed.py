"""Small sealed values: does each open, and what does it mean for whom if it does not."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient
from gateway.domain.model import Account, Codes, Confirmation, Copy, Delivery, Invitation, Sender
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.domain.model_questions import Question
from gateway.domain.model_search import SearchEntry, SearchIndex
from gateway.errors import WrongKey
from gateway.flow import confirmations, notices, search_index
from gateway.flow.accounts import second_factor
from gateway.flow.context import bound_birthdate
from gateway.flow.inbound import question
from gateway.flow.inbox import drafts, recall
from gateway.store.models import table_name


@dataclass(frozen=True, slots=True)
class Column:
    """A column of sealed values: what a row's value is bound to, whose it is, what is lost where it does not open."""

    table: type
    name: str
    bound_to: Callable[[Patient, Any], Sequence[str]]
    whose: Callable[[Patient, Any], str]
    loses: str
    wraps: bool = False
    harm: Harm = Harm.LOST


def _of(table: type, field: str) -> Callable[[Patient, Any], str]:
    """The address of the row that this field points to."""

    def whose(patient: Patient, row: Any) -> str:
        found = patient.get(table, getattr(row, field))
        return found.typed if found else "somebody unknown"

    return whose


def _of_file(patient: Patient, file: DraftFile) -> Sequence[str]:
    draft = patient.get(Draft, file.draft_id)
    return [drafts.bound_to(draft.account_id, file.content_id)] if draft else []


def _writer_of_file(patient: Patient, file: DraftFile) -> str:
    draft = patient.get(Draft, file.draft_id)
    return _of(Account, "account_id")(patient, draft) if draft else "somebody unknown"


SEALED: tuple[Column, ...] = (
    Column(
        Copy, "reason", lambda _, row: [recall.bound_to(row.id)], lambda _, row: str(row.typed),
        "the reason why a message was taken back cannot be shown", harm=Harm.DAMAGE,
    ),
    Column(
        Delivery, "facts", lambda _, row: [notices.bound_to(row.recipient)], lambda _, row: str(row.recipient),
        "a mail of the gateway's cannot be written: it will be set aside, and its reader does not hear of it",
    ),
    Column(
        Invitation, "birthdate_digest", lambda _, row: [bound_birthdate(row.id)], lambda _, row: str(row.typed),
        "no birthdate fits any more: their sender has to give it again",
    ),
    Column(
        Confirmation, "lines", lambda _, row: [confirmations.bound_to(row.sender_id)], _of(Sender, "sender_id"),
        "commands that wait for a YES are lost: they have to be given again",
    ),
    Column(
        Question, "details", lambda _, row: [question.bound_to(row.message_id)], _of(Sender, "sender_id"),
        "what a mail said of its readers is lost: once it is answered, they have to be named again",
    ),
    Column(
        Draft, "sealed", lambda _, row: [drafts.bound_to(row.account_id)], _of(Account, "account_id"),
        "a draft cannot be read any more",
    ),
    Column(DraftFile, "sealed", _of_file, _writer_of_file, "a file of a draft cannot be read any more"),
    Column(
        Codes, "secret", lambda _, row: [second_factor.bound_to(row.account_id)], _of(Account, "account_id"),
        "one-time codes fit no more: they sign in with a recovery code, and set codes up anew",
    ),
    Column(
        SearchIndex, "wrapped_key", lambda _, row: [search_index.bound_to(row.account_id)], _of(Account, "account_id"),
        "messages are not found by their words any more; the messages themselves are whole", wraps=True,
        harm=Harm.DAMAGE,
    ),
)  # fmt: skip


def values(patient: Patient, table: type, row: Any) -> Iterator[Finding]:
    """The values of one row that do not open."""
    if not patient.opens_sealed:
        return
    for column in SEALED:
        value = getattr(row, column.name, None) if column.table is table else None
        if value is not None and not _opens(patient, column, row, value):
            yield _finding(patient, column, row, column.loses)
    if table is SearchEntry and row.sealed is not None and not _entry_opens(patient, row):
        who = _of(Account, "account_id")(patient, row)
        what = f"{who} does not find message {row.message_id} by its words; whether it can be read is another matter"
        where, remedy = f"search_entry {row.id}", "gateway doctor --fix has it read again"
        yield Finding(Harm.DAMAGE, "search-entry", what, where, (who,), row.message_id, remedy, fixable=True)


def _finding(patient: Patient, column: Column, row: Any, loses: str) -> Finding:
    name, who = table_name(column.table), column.whose(patient, row)
    what = f"{who}: {loses} ({name.replace('_', ' ')} {row.id})"
    return Finding(column.harm, f"sealed-{name.replace('_', '-')}", what, f"{name} {row.id}", (who,), remedy=_REMEDY)


_REMEDY = "tell them; what was altered cannot be had back but from a backup"


def _opens(patient: Patient, column: Column, row: Any, value: bytes) -> bool:
    keys = patient.ctx.keys
    for bound_to in column.bound_to(patient, row):
        try:
            keys.unwrap(value, bound_to) if column.wraps else keys.open(value, bound_to)
        except WrongKey:
            continue
        return True
    return False


def _entry_opens(patient: Patient, row: SearchEntry) -> bool:
    """Whether the words of a message open. Where the whole index does not, that is said once, of the index."""
    (index, *_) = patient.find(SearchIndex, account_id=row.account_id) or [None]
    try:
        key = patient.ctx.keys.unwrap(index.wrapped_key, search_index.bound_to(row.account_id)) if index else b""
    except (WrongKey, sqlite3.DatabaseError):
        return True
    try:
        return bool(index) and patient.ctx.keys.open_under(key, row.sealed or b"") is not None
    except WrongKey:
        return False
