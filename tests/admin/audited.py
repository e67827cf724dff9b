"""An audit of some batches in a gateway's folder, and whoever damages it."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.admin.access import do, opened
from gateway.admin.audit_check import Finding, Walk
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.acts import Act
from gateway.flow.context import Context
from gateway.flow.upkeep import chain
from gateway.setup import Answers, set_up

ROWS = 5
"""In each batch."""
TRIGGERS = (
    "audit_is_not_altered",
    "audit_is_not_removed",
    "audit_is_added_at_its_end",
    "audit_batch_is_not_altered",
    "audit_batch_is_not_removed",
)


@dataclass
class Audited:
    """One gateway's folder."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return load(self.folder / "gateway.toml")

    def record(self, rows: int, *, seal: bool = True, at: datetime | None = None) -> None:
        """Let things happen."""

        def happen(ctx: Context) -> None:
            now = Context(ctx.tx, ctx.site, ctx.keys, at or ctx.now, "192.0.2.7")
            for number in range(rows):
                now.audit("pat@home.example", Act.VIEWED, f"copy {number}")
            if seal:
                chain.seal(now)

        do(self.settings, happen)

    def damage(self, *statements: str, lasting: str = "") -> None:
        """Change the file as somebody may who has no keys; the triggers are put back, all but the `lasting` one."""
        with closing(sqlite3.connect(self.folder / "gateway.db", isolation_level=None)) as database:
            asked = "SELECT sql FROM sqlite_master WHERE name = ?"
            guards = [database.execute(asked, (one,)).fetchone()[0] for one in TRIGGERS]
            for one in TRIGGERS:
                database.execute(f"DROP TRIGGER {one}")
            for statement in statements:
                database.execute(statement)
            for one, guard in zip(TRIGGERS, guards, strict=True):
                if one != lasting:
                    database.execute(guard)

    def run(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "gateway.db", isolation_level=None)) as database:
            database.execute(statement)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "gateway.db")) as database:
            return database.execute(query).fetchall()

    def findings(self, heads: object = None) -> list[Finding]:
        with opened(self.settings) as many:
            return list(Walk(many, heads or {}).findings())

    def said(self, heads: object = None) -> list[str]:
        return [one.says for one in self.findings(heads)]


def made(folder: Path) -> Audited:
    """Four batches, and three rows that are not sealed yet."""
    answers = Answers("secure.riverside.example", "Riverside", "riverside.example", "127.0.0.1:1", "https://x.example")
    set_up(folder, answers)
    audited = Audited(folder)
    for _ in range(4):
        audited.record(ROWS)
    audited.record(3, seal=False)
    return audited


def copied(audited: Audited, folder: Path) -> Audited:
    shutil.copytree(audited.folder, folder)
    return Audited(folder)
