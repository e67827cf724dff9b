"""What `gateway check` says of the keys, beyond whether they are the right ones."""

from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.flow.upkeep import key_use
from gateway.flow.upkeep.key_use import KeysInUse, Sheets
from gateway.ports import Tx
from gateway.prepare import key_source
from gateway.store.key_file import KeyRing
from gateway.store.key_sources import FileSource


def key_warnings(settings: Settings, ring: KeyRing) -> list[str]:
    """A line for each thing that an administrator should know of, or do. Raises StoreBusy, StoreDamaged, OSError."""
    source = key_source(settings)
    found = _of_file(source) if isinstance(source, FileSource) else []
    database = database_of(settings)
    if database.is_there():
        used, sheets, returned = database.read_once(lambda tx: _known(tx, ring))
        found += returned + _of_use(ring, used) + _of_sheets(ring, sheets)
    return found


def _known(tx: Tx, ring: KeyRing) -> tuple[KeysInUse | None, Sheets | None, list[str]]:
    return key_use.in_use(tx), key_use.sheets(tx), key_use.about_returned(tx, ring)


def _of_file(source: FileSource) -> list[str]:
    mode = source.path.stat().st_mode
    if mode & 0o007:
        return [f"others can read {source.path}; chmod 600 {source.path}"]
    if mode & 0o020:
        return [f"a whole group can write {source.path}; chmod 600 {source.path}"]
    return []


def _of_use(ring: KeyRing, used: KeysInUse | None) -> list[str]:
    older = sorted(ring.letters - {ring.current})
    if used and used.current == ring.current and not used.whole:
        return [f"the rotation to key {ring.current} is not finished; gateway keys rotate goes on with it"]
    if used and used.current != ring.current:
        return [f"key {ring.current} is new, and little is sealed under it yet; gateway keys rotate seals all anew"]
    if older:
        return [f"links made under {', '.join(older)} are still good; after a theft: gateway keys retire {older[0]}"]
    return []


def _of_sheets(ring: KeyRing, sheets: Sheets | None) -> list[str]:
    if sheets is None:
        return ["no key sheets were ever printed; gateway keys split prints them, or keep a copy elsewhere"]
    missing = sorted(set(ring.secrets) - set(sheets.letters))
    if missing:
        return [f"the key sheets of {sheets.day} do not have key {', '.join(missing)}; print new ones"]
    return []
