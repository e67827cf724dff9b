"""Messages with their copies and contents: does each reader's key open what was written to them."""

import io
import itertools
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient
from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.domain.model_questions import Question
from gateway.errors import WrongKey
from gateway.flow import copies
from gateway.flow.inbox import drafts
from gateway.store.content import CHUNK, opened_chunks
from gateway.store.damaged import Gap

AGAIN = "have it sent again; or restore its file from a backup"
FRESH = 3600
"""Seconds for which a file may wait for its row beside a gateway that serves."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a content: `kind` for programs, `what` in words."""

    kind: str
    what: str


def messages(patient: Patient) -> Iterator[Finding]:
    """Each message: its copies' keys, its subject, all of its content."""
    for found in patient.raw(Message):
        if isinstance(found, Gap):
            continue  # rows.py has told of it
        try:
            message: Message = patient.repository[Message].row(found[1])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        yield from _message(patient, message)
        patient.step("messages", 1)
    if "message" in patient.unsound:
        yield from _without_message(patient)
    yield from _passing(patient)
    yield from _of_drafts(patient)


def _message(patient: Patient, message: Message) -> Iterator[Finding]:
    of_it = patient.copies_of(message.id)
    living = [copy for copy in of_it if copy.wrapped_key]
    if not of_it and not patient.find(Question, message_id=message.id) and "copy" in patient.unsound:
        yield _lost(patient, message, (), "message-readers", "it is there, but for whom it was is lost with the copies")
        return
    if not patient.opens_sealed:
        return
    keys = {copy.id: _key(patient, copy, message) for copy in living}
    for copy in living:
        if keys[copy.id] is None:
            others = "; its other readers can" if any(keys.values()) else ""
            what = f"the key of their copy was altered, or belongs to another copy{others}"
            yield _lost(patient, message, (copy,), "copy-key", what)
    opened = [(copy, key) for copy in living if (key := keys[copy.id])]
    if not opened:
        patient.whole["messages"] += not living  # it has ended, and that is known
        return
    fault = _content_fault(patient, message.content_id, opened[0][1]) or _subject_fault(patient, message, opened[0][1])
    if fault:
        yield _lost(patient, message, tuple(copy for copy, _ in opened), fault.kind, fault.what)
        return
    patient.whole["messages"] += 1
    patient.whole["copies"] += len(opened)


def _without_message(patient: Patient) -> Iterator[Finding]:
    """Whose messages lie on pages that cannot be read: their copies may still say so."""
    for found in patient.raw(Copy):
        copy = None if isinstance(found, Gap) else patient.get(Copy, found[0])
        if copy and copy.wrapped_key and patient.get(Message, copy.message_id) is None:
            what = f"{patient.reader(copy)} cannot read message {copy.message_id}: it lies on damaged pages"
            named = f"message {copy.message_id}"
            yield Finding(Harm.LOST, "message-lost", what, named, (copy.typed,), copy.message_id, AGAIN)


def _lost(patient: Patient, message: Message, whose: tuple[Copy, ...], kind: str, what: str) -> Finding:
    """Said of the readers, by their names: whom does it concern, and nobody else."""
    who = ", ".join(patient.reader(copy) for copy in whose)
    said = patient.message_said(message)
    line = f"{who} cannot read {said}: {what}" if who else f"{said}: {what}"
    named = f"message {message.id} {message.header_id}".strip()
    return Finding(Harm.LOST, kind, line, named, tuple(copy.typed for copy in whose), message.id, AGAIN)


def _key(patient: Patient, copy: Copy, message: Message) -> bytes | None:
    for holder in copies.possible_holders(copy):
        try:
            return patient.ctx.keys.unwrap(copy.wrapped_key or b"", copies.bound_to(message, holder))
        except WrongKey:
            continue
    return None


def _subject_fault(patient: Patient, message: Message, key: bytes) -> Fault | None:
    try:
        patient.ctx.keys.open_under(key, message.subject)
    except WrongKey:
        return Fault("message-subject", "its subject was altered (what it says is whole)")
    return None


# ------------------------------------------------------------------------------------------------------------- content


def _content_fault(patient: Patient, content_id: str, key: bytes) -> Fault | None:
    """What is wrong with a content, read from its first octet to its last."""
    content: Content | None = patient.get(Content, content_id)
    file = patient.settings.spool_path / content_id
    if content is None:
        there = file.is_file() and isinstance(_opened(file.open("rb"), content_id, key), int)
        more = "; its file is whole: gateway doctor --repair takes it along" if there else ""
        return Fault("content-row", f"the row of its content is lost{more}")
    if content.inline is not None:
        size = _opened(io.BytesIO(content.inline), content_id, key)
        where = "its octets in the database were"
    elif not file.is_file():
        return Fault("file-missing", f"its file {file} is missing")
    else:
        size, where = _opened(file.open("rb"), content_id, key), f"its file {file} was"
    if isinstance(size, Fault):
        return Fault(size.kind, f"{where} {size.what}")
    if size != content.size:
        return Fault("content-size", f"it has {size} octets, and {content.size} by its row")
    return None


def _opened(source: BinaryIO, content_id: str, key: bytes) -> int | Fault:
    """How many octets opened; a fault that says how far that went."""
    size = 0
    with source:
        try:
            for chunk in opened_chunks(content_id, key, source):
                size += len(chunk)
        except WrongKey:
            rest = bool(source.read(1))
            if size == 0:
                return Fault("content-altered", "altered from the first piece on, or is another's")
            kind = "content-altered" if rest else "content-end"
            return Fault(kind, f"altered or cut off after {size // CHUNK} of its pieces ({size} octets open)")
        except OSError as error:
            return Fault("content-unread", f"not readable after {size} octets ({error.strerror})")
    return size


def _passing(patient: Patient) -> Iterator[Finding]:
    """Mail that passes and waits: its key, and its content."""
    for found in patient.raw(Delivery) if patient.opens_sealed else ():
        row = None if isinstance(found, Gap) else patient.get(Delivery, found[0])
        if row is None or not row.wrapped_key:
            continue
        try:
            key = patient.ctx.keys.unwrap(row.wrapped_key, copies.bound_to_passing(row.content_id, row.recipient))
        except WrongKey:
            fault: Fault | None = Fault("delivery-key", "its key was altered")
        else:
            fault = _content_fault(patient, row.content_id, key)
        if fault:
            said = f"delivery {row.id} from {row.mail_from or '<>'} to {row.recipient} cannot be sent: {fault.what}"
            yield Finding(Harm.LOST, fault.kind, said, f"delivery {row.id}", (row.recipient,), remedy=AGAIN)
        else:
            patient.whole["passing mails"] += 1


def _of_drafts(patient: Patient) -> Iterator[Finding]:
    for found in patient.raw(DraftFile) if patient.opens_sealed else ():
        row = None if isinstance(found, Gap) else patient.get(DraftFile, found[0])
        draft = patient.get(Draft, row.draft_id) if row else None
        if row is None or draft is None:
            continue
        try:
            said = json.loads(patient.ctx.keys.open(row.sealed, drafts.bound_to(draft.account_id, row.content_id)))
        except (WrongKey, ValueError):
            continue  # sealed.py tells of it
        if fault := _content_fault(patient, row.content_id, b64decode(said["key"])):
            what = f"a file of draft {draft.id} cannot be read: {fault.what}"
            yield Finding(Harm.LOST, fault.kind, what, f"draft_file {row.id}", remedy="it has to be added again")


# --------------------------------------------------------------------------------------------------------- extra files


def spool_files(patient: Patient) -> Iterator[Finding]:
    """Files of the spool that no row names, and contents that no row needs."""
    spool = patient.settings.spool_path
    if not spool.is_dir():
        return
    extra = (one for one in spool.iterdir() if patient.get(Content, one.name) is None)
    if patient.served:
        now = patient.now.timestamp()
        extra = (one for one in extra if now - one.stat().st_mtime > FRESH)
    names = list(itertools.islice(extra, 100_000))
    if not names:
        return
    more = f" and {len(names) - 1} more files" if len(names) > 1 else ""
    doubt = "; rows of contents are lost, so they may be mail" if "content" in patient.unsound else ""
    yield Finding(
        Harm.DAMAGE if doubt or not patient.served else Harm.NOTE,
        "file-extra",
        f"{names[0]}{more}: no row names them{doubt}; a mail that was not taken in leaves such a file, or a lost row",
        str(names[0]),
        remedy="the next start puts them into the folder of orphans beside the spool; nothing is destroyed",
    )


def contents(patient: Patient) -> Iterator[Finding]:
    """Contents that nobody can open any more: they should have gone with the last key."""
    for found in patient.raw(Content):
        row = None if isinstance(found, Gap) else patient.get(Content, str(found[1][0]))
        if row is None:
            continue
        patient.whole["contents"] += 1
        owners = [one.id for one in patient.find(Message, content_id=row.id)]
        needed = (
            (owners and patient.find(Copy, message_id__in=owners, wrapped_key__ne=None, limit=1))
            or patient.find(Delivery, content_id=row.id, wrapped_key__ne=None, limit=1)
            or patient.find(DraftFile, content_id=row.id, limit=1)
        )
        if not needed and not {"message", "copy", "delivery"} & patient.unsound:
            yield Finding(
                Harm.DAMAGE,
                "content-left",
                f"content {row.id} ({row.size} octets) belongs to nobody who has a key to it",
                f"content {row.id}",
                remedy="a copy that was lost, or a destroyed one whose content stayed; keep it until that is clear",
            )
