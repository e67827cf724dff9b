"""The planted damages: what is done to a small gateway, and what the doctor has to say of it.

A damage is a line of `DAMAGES`: its name, what plants it (a function of the gateway's folder), the `kind` of the
finding that names it, and words that stand in its line. Others add lines of their own, with checks of their own.
"""

import base64
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

PAT, QUINN, ADA = "pat@home.example", "quinn@home.example", "ada@riverside.example"


@dataclass(frozen=True, slots=True)
class Damage:
    """`says` are words of the finding's line; `whose` stands among those whom it concerns."""

    name: str
    plant: Callable[[Path], None]
    kind: str
    says: tuple[str, ...] = ()
    whose: str = ""


# ------------------------------------------------------------------------------------------------------------ planting


def sql(*statements: str) -> Callable[[Path], None]:
    """Change rows, as somebody who has got at the database would."""

    def plant(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as database:
            database.execute("PRAGMA foreign_keys=0")
            for statement in statements:
                assert database.execute(statement).rowcount or statement.startswith(("DROP", "ALTER", "PRAGMA")), (
                    statement
                )
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    return plant


def flip(file: Path, at: int, bits: int = 0x01, count: int = 1) -> None:
    """Flip bits of some octets; a negative place is counted from the end."""
    with file.open("r+b") as opened:
        opened.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
        octets = opened.read(count)
        opened.seek(-len(octets), os.SEEK_CUR)
        opened.write(bytes(one ^ bits for one in octets))


def keys(change: Callable[[str], str]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        file = folder / "gateway.keys"
        file.write_text(change(file.read_text()))

    return plant


def new_keys(_: str) -> str:
    return f'current = "a"\n\n[keys]\na = "{base64.b64encode(os.urandom(32)).decode()}"\n'


def in_place_of(name: str, octets: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(octets) and None


def flipped(name: str, at: int, bits: int = 0xFF, count: int = 1) -> Callable[[Path], None]:
    return lambda folder: flip(folder / name, at, bits, count)


def truncated(name: str, part: float) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, int((folder / name).stat().st_size * part) // 4096 * 4096)


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def into_a_folder(name: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return plant


def mode(name: str, bits: int) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(bits)


def audit(statement: str) -> Callable[[Path], None]:
    """Change the audit, as somebody would who has taken its guards away and put them back."""

    def plant(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as database:
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
            guards = database.execute(query).fetchall()
            for name, _ in guards:
                database.execute(f"DROP TRIGGER {name}")
            assert database.execute(statement).rowcount
            for _, text in guards:
                database.execute(text)

    return plant


def shorter(name: str) -> Callable[[Path], None]:
    """Without its last line."""

    def plant(folder: Path) -> None:
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:-1]))

    return plant


def blob(table: str, column: str, where: str) -> Callable[[Path], None]:
    """Flip a bit in the middle of a sealed value."""

    def plant(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "gateway.db")) as database, database:
            query = f"SELECT id, {column} FROM {table} WHERE {where} AND {column} IS NOT NULL LIMIT 1"  # noqa: S608
            number, value = database.execute(query).fetchone()
            altered = bytearray(value)
            altered[len(altered) // 2] ^= 0x10
            database.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", [bytes(altered), number])  # noqa: S608

    return plant


# ---------------------------------------------------------------------------------------------------- the spool's files


def spooled(folder: Path, where: str) -> Path:
    """The file of the message that the query is about."""
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        query = f"SELECT content_id FROM {where}"  # noqa: S608 - a test's own words
        return folder / "gateway.db.spool" / database.execute(query).fetchone()[0]


OF_PAT = "message JOIN copy ON copy.message_id = message.id WHERE copy.address = 'pat@home.example' AND size > 500000"
OF_QUINN = (
    "message JOIN copy ON copy.message_id = message.id WHERE copy.address = 'quinn@home.example' AND size > 65536"
)


def file_of(where: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda folder: change(spooled(folder, where)) and None


def swap(folder: Path) -> None:
    one, other = spooled(folder, OF_PAT), spooled(folder, OF_QUINN)
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def extra(folder: Path) -> None:
    (folder / "gateway.db.spool" / ("0" * 32)).write_bytes(b"sealed")


# ---------------------------------------------------------------------------------------------------- pages and the log


def page_of(folder: Path, name: str) -> tuple[int, int]:
    """Where the root page of a table or index begins, and how long a page is."""
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    return (root - 1) * size, size


def page(name: str) -> Callable[[Path], None]:
    """Flip the octets that say what a page is, and where its cells lie."""

    def plant(folder: Path) -> None:
        at, _ = page_of(folder, name)
        flip(folder / "gateway.db", at, 0xFF, 8)

    return plant


def cell(name: str) -> Callable[[Path], None]:
    """Flip the pointer to a row's cell."""

    def plant(folder: Path) -> None:
        at, _ = page_of(folder, name)
        flip(folder / "gateway.db", at + 8, 0x7F, 2)

    return plant


def without_rows(folder: Path) -> None:
    """An index that says to be of one column, and is of another: it lacks all its rows."""
    with closing(sqlite3.connect(folder / "gateway.db")) as database, database:
        (kept,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'copy_message'").fetchone()
        database.execute("DROP INDEX copy_message")
        database.execute("CREATE INDEX copy_message ON copy (typed)")
        database.execute("PRAGMA writable_schema=1")
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'copy_message'", [kept])


def crashed(folder: Path) -> Path:
    """What a gateway leaves that was ended by `kill -9`: a log with something in it, and its index."""
    crash = folder / "crash"
    crash.mkdir()
    with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint=0")
        for number in range(3):
            database.execute(
                "INSERT INTO observation (at, author, recipient, action, reason) VALUES (0, ?, '', '', '')",
                ["x" * 6000 * (number + 1)],
            )
        for end in ("", "-wal", "-shm"):
            shutil.copyfile(folder / f"gateway.db{end}", crash / f"gateway.db{end}")
    for one in crash.iterdir():
        one.chmod(0o600)
        one.replace(folder / one.name)
    crash.rmdir()
    return folder / "gateway.db-wal"


def crashed_and(change: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda folder: change(crashed(folder)) and None


def cut_at_a_frame(log: Path) -> None:
    """As a file system leaves it that has lost the last blocks: only the index still knows of them."""
    (size,) = struct.unpack(">I", log.read_bytes()[8:12])
    frames = (log.stat().st_size - 32) // (24 + size)
    os.truncate(log, 32 + (frames - 2) * (24 + size))


DAMAGES: tuple[Damage, ...] = (
    # The key file
    Damage("keys missing", removed("gateway.keys"), "keys", ("is missing", "nothing that is held can be read")),
    Damage("keys a folder", into_a_folder("gateway.keys"), "keys", ("cannot read",)),
    Damage("keys open to all", mode("gateway.keys", 0o644), "keys-open", ("others can read",)),
    Damage("keys no TOML", keys(lambda text: text.replace("[keys]", "[keys")), "keys", ("is no key file",)),
    Damage("keys a bit flipped", keys(lambda text: text.replace('a = "', 'a = "!')), "keys", ("is no key file",)),
    Damage("keys too short", keys(lambda _: 'current = "a"\n[keys]\na = "c2hvcnQ="\n'), "keys", ("32 octets",)),
    Damage(
        "keys without the current one",
        keys(lambda text: text.replace('current = "a"', 'current = "b"')),
        "keys",
        ("names no key",),
    ),
    Damage("keys of another", keys(new_keys), "keys", ("not the keys",)),
    # The database's file
    Damage("database missing", removed("gateway.db"), "database", ("is missing", "3 files of held mail")),
    Damage("database empty", in_place_of("gateway.db", b""), "database", ("it is empty",)),
    Damage("database another file", in_place_of("gateway.db", b"Dear all, " * 2000), "database", ("not a database",)),
    Damage("database's magic flipped", flipped("gateway.db", 3), "database", ("first page is damaged",)),
    Damage("database's page size flipped", flipped("gateway.db", 16), "database", ("first page is damaged",)),
    Damage("database cut off", truncated("gateway.db", 0.6), "database", ("it is cut off",)),
    Damage("a table's page damaged", page("copy"), "pages", ("the table copy is damaged",)),
    Damage("a row's cell damaged", cell("message"), "pages", ("the table message is damaged",)),
    Damage("an index's page damaged", page("copy_message"), "index-pages", ("the index copy_message",)),
    Damage("the messages' page", page("message"), "message-lost", ("lies on damaged pages",), PAT),
    Damage("the copies' page", page("copy"), "message-readers", ("for whom it was is lost",)),
    Damage("an index that lacks rows", without_rows, "index-pages", ("the index copy_message",)),
    Damage("database open to all", mode("gateway.db", 0o640), "open-to-others", ("others may get at",)),
    # The log
    Damage(
        "log cut in a page",
        crashed_and(lambda log: os.truncate(log, log.stat().st_size - 1000)),
        "log",
        ("cut off in the middle of a page",),
    ),
    Damage("log cut between pages", crashed_and(cut_at_a_frame), "log", ("it is cut off", "pages that were committed")),
    Damage("log damaged", crashed_and(lambda log: flip(log, 32 + 24 + 100)), "log", ("page 1 of it is damaged",)),
    Damage("log's head damaged", crashed_and(lambda log: flip(log, 1)), "log", ("its first octets are damaged",)),
    Damage("log missing", crashed_and(lambda log: log.unlink()), "log", ("it is missing",)),
    # The schema
    Damage("schema newer", sql("PRAGMA user_version = 99"), "schema-newer", ("its schema is 99",)),
    Damage("an index missing", sql("DROP INDEX copy_message"), "schema-index", ("the index copy_message is missing",)),
    Damage("a table missing", sql("DROP TABLE draft_file"), "schema-table", ("the table draft_file is missing",)),
    Damage(
        "a column missing", sql("ALTER TABLE worker DROP COLUMN beats"), "schema-column", ("worker.beats is missing",)
    ),
    # Rows
    Damage(
        "a row that is none",
        sql("UPDATE invitation SET state = 'nonsense' WHERE address = 'pat@home.example'"),
        "row-unreadable",
        ("invitation", "is no row any more"),
        PAT,
    ),
    Damage(
        "text in the place of a number",
        sql("UPDATE copy SET message_id = 'two' WHERE address = 'pat@home.example'"),
        "row-unreadable",
        ("message_id is of another kind",),
        PAT,
    ),
    Damage(
        "a copy without its message",
        sql("DELETE FROM message WHERE size > 500000"),
        "reference",
        ("belongs to a row of message that is not there",),
        PAT,
    ),
    Damage(
        "an address altered",
        sql("UPDATE copy SET typed = 'eve@evil.example' WHERE address = 'pat@home.example'"),
        "address",
        ("'pat@home.example', but is written to 'eve@evil.example'",),
    ),
    Damage(
        "accepted by nobody",
        sql("UPDATE invitation SET account_id = NULL WHERE address = 'quinn@home.example'"),
        "invitation-state",
        ("is accepted, and has no account",),
        QUINN,
    ),
    Damage(
        "held for nobody",
        sql("UPDATE invitation SET state = 'cancelled', due_at = NULL WHERE address = 'pat@home.example'"),
        "invitation-state",
        ("still holds mail that nobody will get",),
        PAT,
    ),
    Damage(
        "due at another time",
        sql("UPDATE invitation SET due_at = due_at + 86400000000 WHERE address = 'pat@home.example'"),
        "due",
        ("but by its days",),
        PAT,
    ),
    Damage(
        "a key that was to be gone",
        sql("UPDATE copy SET state = 'destroyed' WHERE address = 'pat@home.example'"),
        "copy-key",
        ("could still be read",),
        PAT,
    ),
    Damage(
        "a key that is gone",
        sql("UPDATE copy SET wrapped_key = NULL WHERE address = 'quinn@home.example'"),
        "copy-key",
        ("has no key",),
        QUINN,
    ),
    Damage(
        "a lease of tomorrow",
        sql("UPDATE delivery SET lease_until = created_at + 86400000000 WHERE state = 'queued' AND kind = 'pass'"),
        "lease",
        ("is in somebody's hands until",),
    ),
    Damage(
        "timed work's note", sql("INSERT INTO meta (name, value) VALUES ('timed work', x'ff')"), "meta", ("timed work",)
    ),
    # Sealed values
    Damage(
        "a copy's key",
        blob("copy", "wrapped_key", "address = 'pat@home.example'"),
        "copy-key",
        ("cannot read message 1", "the key of their copy was altered"),
        PAT,
    ),
    Damage(
        "keys of two copies exchanged",
        sql(
            "UPDATE copy SET wrapped_key = (SELECT wrapped_key FROM copy WHERE address = 'pat@home.example') "
            "WHERE address = 'quinn@home.example'"
        ),
        "copy-key",
        ("cannot read message",),
        QUINN,
    ),
    Damage(
        "a subject", blob("message", "subject", "size > 500000"), "message-subject", ("its subject was altered",), PAT
    ),
    Damage(
        "a notice's facts",
        blob("delivery", "facts", "notice = 'invitation'"),
        "sealed-delivery",
        ("cannot be written",),
        PAT,
    ),
    Damage(
        "a question's details", blob("question", "details", "1"), "sealed-question", ("have to be named again",), ADA
    ),
    Damage("what waits for a YES", blob("confirmation", "lines", "1"), "sealed-confirmation", ("given again",), ADA),
    Damage("a draft", blob("draft", "sealed", "1"), "sealed-draft", ("a draft cannot be read",), QUINN),
    Damage("a draft's file", blob("draft_file", "sealed", "1"), "sealed-draft-file", ("a file of a draft",), QUINN),
    Damage("the secret of codes", blob("codes", "secret", "1"), "sealed-codes", ("fit no more",), QUINN),
    Damage("a search index", blob("search_index", "wrapped_key", "1"), "sealed-search-index", ("not found",), QUINN),
    Damage("a search entry", blob("search_entry", "sealed", "1"), "search-entry", ("does not find message",)),
    Damage(
        "a passing mail's key",
        blob("delivery", "wrapped_key", "kind = 'pass' AND state = 'queued'"),
        "delivery-key",
        ("cannot be sent",),
    ),
    Damage(
        "a birthdate", blob("invitation", "birthdate_digest", "1"), "sealed-invitation", ("no birthdate fits",), PAT
    ),
    # The audit and the ledger
    Damage("an audit row altered", audit("UPDATE audit SET actor = 'somebody' WHERE id = 3"), "audit", ("row 3",)),
    Damage("an audit row removed", audit("DELETE FROM audit WHERE id = 3"), "audit", ("row 3",)),
    Damage("a guard of the audit removed", sql("DROP TRIGGER audit_is_not_altered"), "schema-trigger", ("is missing",)),
    Damage("ledger missing", removed("gateway.ledger"), "ledger", ("the ledger",)),
    Damage("ledger older", shorter("gateway.ledger"), "ledger", ("the ledger",)),
    Damage("ledger altered", flipped("gateway.ledger", 20, 0x01), "ledger", ("the ledger",)),
    # Contents
    Damage(
        "content in the database",
        blob(
            "content",
            "inline",
            "id IN (SELECT content_id FROM message JOIN copy ON "
            "copy.message_id = message.id WHERE copy.address = 'quinn@home.example')",
        ),
        "content-altered",
        ("its octets in the database",),
        QUINN,
    ),
    Damage(
        "content's row missing",
        sql("DELETE FROM content WHERE size > 500000"),
        "content-row",
        ("the row of its content is lost", "its file is whole"),
        PAT,
    ),
    Damage(
        "content's size", sql("UPDATE content SET size = size + 1 WHERE size > 500000"), "content-size", ("by its row",)
    ),
    Damage(
        "a file missing",
        file_of(OF_PAT, lambda file: file.unlink()),
        "file-missing",
        ("cannot read message 1", "is missing"),
        PAT,
    ),
    Damage(
        "a file cut between pieces",
        file_of(OF_PAT, lambda file: os.truncate(file, 256 * 1024 + 16)),
        "content-altered",
        ("altered from the first piece on",),
        PAT,
    ),
    Damage(
        "a file cut in a piece",
        file_of(OF_PAT, lambda file: os.truncate(file, file.stat().st_size - 5)),
        "content-end",
        ("after 2 of its pieces",),
        PAT,
    ),
    Damage(
        "a file's first octet", file_of(OF_PAT, lambda file: flip(file, 0)), "content-altered", ("first piece",), PAT
    ),
    Damage(
        "a file's last octet", file_of(OF_PAT, lambda file: flip(file, -1)), "content-end", ("524288 octets open",), PAT
    ),
    Damage("files exchanged", swap, "content-altered", ("or is another's",), QUINN),
    Damage("a file that no row names", extra, "file-extra", ("no row names",)),
    Damage(
        "a file open to all", file_of(OF_PAT, lambda file: file.chmod(0o644)), "open-to-others", ("files of held mail",)
    ),
)
