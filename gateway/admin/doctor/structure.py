"""The database's own structure: its schema, its pages, its references."""

from collections.abc import Iterator

from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient
from gateway.domain.model import TABLES, Copy, Invitation, Message
from gateway.store.damaged import broken_references, newest_version, page_faults, schema_faults, version_of
from gateway.store.models import table_name

REPAIR = "save what is whole into a new database: gateway doctor --repair FOLDER"
MALFORMED = "malformed"
"""In SQLite's words: an index whose pages cannot be read cannot be removed either."""
OF_TABLE = {table_name(table): table for table in TABLES}


def schema(patient: Patient) -> Iterator[Finding]:
    """Whether tables, columns and indexes are those of this gateway."""
    version, newest = version_of(patient.opened), newest_version()
    if version > newest:
        yield Finding(Harm.DAMAGE, "schema-newer", f"its schema is {version}; this gateway knows none after {newest}",
                      "user_version", remedy="use the gateway that wrote it")  # fmt: skip
        return
    if version < newest:
        yield Finding(Harm.NOTE, "schema-older", f"its schema is {version}; the next start brings it to {newest}",
                      "user_version")  # fmt: skip
        return
    for kind, name in schema_faults(patient.opened):
        table = name.partition(".")[0] if kind in ("table", "column", "other column") else ""
        if table:
            patient.unsound.add(table)
        lost = kind in ("table", "column")
        yield Finding(
            Harm.LOST if lost else Harm.DAMAGE,
            f"schema-{kind.replace(' ', '-')}",
            f"the {kind.removeprefix('other ')} {name} is {'missing' if not kind.startswith('other') else 'altered'}"
            + (": all that stood in it" if lost else ""),
            name,
            remedy=REPAIR if lost else "gateway doctor --fix makes it anew" if kind == "index" else REPAIR,
            fixable=kind == "index",
        )


def pages(patient: Patient) -> Iterator[Finding]:
    """What SQLite finds on damaged pages, by table."""
    said: dict[str, list[str]] = {}
    for owner, words in page_faults(patient.opened):
        said.setdefault(owner, []).append(words)
    for owner, lines in said.items():
        is_index = bool(owner) and owner not in OF_TABLE
        patient.unsound.update([owner] if owner else OF_TABLE)
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        place = f"the index {owner}" if is_index else f"the table {owner}" if owner else "the file"
        mends = is_index and MALFORMED not in lines[0]
        yield Finding(
            Harm.DAMAGE,
            "index-pages" if is_index else "pages",
            f"{place} is damaged: {lines[0]}{more}",
            owner,
            remedy="gateway doctor --fix makes it anew" if mends else REPAIR,
            fixable=mends,
        )


def references(patient: Patient) -> Iterator[Finding]:
    """Rows that point to others which are not there."""
    for table, number, parent in broken_references(patient.opened):
        row = patient.get(OF_TABLE[table], number) if table in OF_TABLE else None
        whose = (row.typed,) if isinstance(row, (Copy, Invitation)) else ()
        who = f" (of {whose[0]})" if whose else ""
        about = row.message_id if isinstance(row, Copy) else row.id if isinstance(row, Message) else 0
        yield Finding(
            Harm.LOST if table == "copy" and parent == "message" else Harm.DAMAGE,
            "reference",
            f"{table.replace('_', ' ')} {number}{who} belongs to a row of {parent} that is not there",
            f"{table} {number}",
            whose,
            about,
            REPAIR,
        )
