"""The files: keys, settings of who may read them, the database and its log as octets, locks."""

import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient
from gateway.domain.model import Meta
from gateway.errors import WrongKey
from gateway.prepare import KEY_MARK, check_keys
from gateway.store.inspection import header_fault, log_state

FROM_BACKUP = "restore it from a backup (gateway restore), or save what is whole (gateway doctor --repair)"


def keys(patient: Patient) -> Iterator[Finding]:
    """Whether the keys are there, and are those of this database; examine.py has tried to read them."""
    file = patient.settings.path(patient.settings.keys.file)
    if patient.keys is None:
        yield Finding(
            Harm.LOST,
            "keys",
            f"{patient.unread_keys}. Without its keys nothing that is held can be read by anybody",
            str(file),
            remedy="restore the key file from its copy",
        )
        return
    if file.exists() and file.stat().st_mode & 0o027:
        yield Finding(
            Harm.DAMAGE, "keys-open", f"others can read {file}: they could open all that is held", str(file),
            remedy=f"chmod 600 {file}", fixable=True,
        )  # fmt: skip
    if patient.connection is None:
        return
    try:
        check_keys(patient.tx, patient.keys)
    except WrongKey as error:
        yield Finding(Harm.LOST, "keys", f"{error}. With these nothing that is held can be read", str(file))
        return
    except Exception:
        patient.unsound.add("meta")
    patient.keys_fit = True
    if "meta" not in patient.unsound and not patient.find(Meta, name=KEY_MARK) and patient.find(Meta, limit=1):
        yield Finding(
            Harm.DAMAGE, "key-mark", "the database does not say any more which keys it was sealed with", "meta",
            remedy="the next start writes it down again; make sure that the key file is the right one",
        )  # fmt: skip


def database_file(patient: Patient) -> Iterator[Finding]:
    """The database's file, and what of it did not open."""
    path, spool = patient.settings.database_path, patient.settings.spool_path
    files = sum(1 for _ in spool.iterdir()) if spool.is_dir() else 0
    beside = f"; {files} files of held mail lie in {spool}, and without it nobody can tell whose they are" * bool(files)
    if not path.exists():
        yield Finding(
            Harm.LOST, "database", f"{path} is missing{beside}", str(path),
            remedy="restore it from a backup (gateway restore)",
        )  # fmt: skip
    elif not path.is_file():
        yield Finding(Harm.LOST, "database", f"{path} is no file", str(path), remedy=FROM_BACKUP)
    elif fault := header_fault(path) or patient.unopened:
        harm = Harm.LOST if patient.connection is None else Harm.DAMAGE
        yield Finding(
            harm, "database", f"{path}: {fault}{beside if harm is Harm.LOST else ''}", str(path), remedy=FROM_BACKUP
        )
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists() and journal.stat().st_size:
        yield Finding(
            Harm.DAMAGE, "journal", f"{journal} is there, which the gateway never writes: somebody has worked on the "
            "database with another program", str(journal), remedy="keep it beside the database; SQLite undoes by it",
        )  # fmt: skip


def log(patient: Patient) -> Iterator[Finding]:
    """The log beside the database: what was told 250 and is not in the database yet. Beside a gateway it changes."""
    path = patient.settings.database_path
    if patient.served or not path.is_file():
        return
    state = log_state(path)
    if state.fault:
        file = path.with_name(f"{path.name}-wal")
        known = f": {state.missing} pages that were committed are lost" if state.missing else ""
        yield Finding(
            Harm.LOST,
            "log",
            f"{file}: {state.fault}{known}. What was done last may be missing: mail that was taken in, answers, "
            "what was read; files that no row names may be its content",
            str(file),
            remedy="compare the log of the mail server in front with gateway trace, from the last minutes on",
        )


def permissions(patient: Patient) -> Iterator[Finding]:
    """Who may read the files, and to whom they belong."""
    path, spool = patient.settings.database_path, patient.settings.spool_path
    beside = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    places = [one for one in (*beside, spool) if one.exists()]
    for place in places:
        if place.stat().st_mode & 0o077:
            yield _open_to_others(place)
    if spool.is_dir():
        opened = [one for one in spool.iterdir() if one.stat().st_mode & 0o077]
        if opened:
            first = _open_to_others(opened[0])
            yield Finding(first.harm, first.kind, f"others may get at {len(opened)} files of held mail in {spool}",
                          str(spool), remedy=f"chmod 600 {spool}/*", fixable=True)  # fmt: skip
    owners = {one.stat().st_uid for one in places}
    if len(owners) > 1:
        yield Finding(Harm.DAMAGE, "owners", f"{path} and what belongs to it are of several users: {sorted(owners)}",
                      str(path), remedy="chown them to the user that serves")  # fmt: skip


def _open_to_others(place: Path) -> Finding:
    right = "700" if place.is_dir() else "600"
    mode = stat.filemode(place.stat().st_mode)
    return Finding(Harm.DAMAGE, "open-to-others", f"others may get at {place} ({mode})", str(place),
                   remedy=f"chmod {right} {place}", fixable=True)  # fmt: skip
