"""Gateways that serve from one PostgreSQL database, as processes: each with folder, name and listeners of its own."""

import shutil
from pathlib import Path
from typing import Any

import psycopg

from tests.peers.served import ACCOUNT, Served


class Node(Served):
    """One of them; `first` is another whose keys it shares."""

    def __init__(
        self, folder: Path, next_hop: int, url: str, *options: str, first: Served | None = None, **settings: str
    ) -> None:
        self.url = url
        super().__init__(folder, next_hop, *options, **settings)
        with (folder / "gateway.toml").open("a") as written:
            written.write(f'\n[database]\nurl = "{url}"\nnode = "{folder.name}"\n')
        if first:
            shutil.copy(first.folder / "gateway.keys", folder / "gateway.keys")
            (folder / "now").unlink()
            (folder / "now").symlink_to(first.folder / "now")  # one time for all

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.replace("?", "%s"), values).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """Change its database, whether it runs or not."""
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.replace("?", "%s"), values)

    def contents(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT content_id FROM chunk WHERE number = 0")}

    def enrol(self, *addresses: str) -> None:
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(ACCOUNT.replace("?", "%s"), [(address, address) for address in addresses])
