"""Nodes of one database behind HAProxy, by the very file that an administrator gets: `config/nodes/haproxy.cfg`."""

import csv
import re
import socket
import ssl
import subprocess
from pathlib import Path
from typing import IO

import httpx2

from tests.edge.test_smtp_out import certificate
from tests.peers import fetch, recipes
from tests.peers.node import Node
from tests.peers.ports import reserve
from tests.peers.process import end, wait_for, wait_until_listening

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/nodes.md"
LISTENERS = {"SMTP": "2525", "PORTAL": "8080", "METRICS": "9090"}
"""The ports that the file has for a node."""


class Balanced:
    """Nodes 1, 2 … at 127.0.0.11, 127.0.0.12 …, with the settings of `docs/nodes.md`, and HAProxy before them.

    `urls` are those of the database, one for each node; `options` are those of `gateway serve`.
    """

    def __init__(self, folder: Path, next_hop: int, urls: list[str], *options: str, **settings: str) -> None:
        self.folder = folder
        self.smtp_port, self.http_port, self.https_port = reserve(self), reserve(self), reserve(self)
        self.url = f"https://localhost:{self.https_port}"
        self.pem, _ = certificate(folder, "localhost")
        self._ports = {part: str(reserve(self)) for part in LISTENERS}
        own = recipes.settings(
            recipes.files(_placed(PAGE.read_text("utf-8")))["gateway.toml"], SITE__PORTAL_URL=self.url
        )
        self.nodes: list[Node] = []
        for number, url in enumerate(urls, 1):
            where = {f"{part}__LISTEN": f"127.0.0.1{number}:{port}" for part, port in self._ports.items()}
            first = self.nodes[0] if self.nodes else None
            of_node = {**{key: own[key] for key in own if not key.startswith("DATABASE")}, **where, **settings}
            self.nodes.append(Node(folder / f"node-{number}", next_hop, url, *options, first=first, **of_node))
        (folder / "haproxy.cfg").write_text(self._config())
        self._log: IO[str] = (folder / "haproxy.log").open("a")
        self._process: subprocess.Popen[bytes] | None = None

    def _config(self) -> str:
        text = _placed((recipes.CONFIG / "nodes/haproxy.cfg").read_text("utf-8"))
        for part, port in LISTENERS.items():
            text = re.sub(rf"\b{port}\b", self._ports[part], text)
        for usual, ours in ((25, self.smtp_port), (80, self.http_port), (443, self.https_port)):
            text = re.sub(rf"bind :{usual}\b", f"bind 127.0.0.1:{ours}", text)
        text = re.sub(r"^    (?:user|group) haproxy\n", "", text, flags=re.MULTILINE)
        text = text.replace("/etc/haproxy/portal.pem", str(self.pem))
        return text.replace("global\n", f"global\n    stats socket {self._asked}\n", 1)

    @property
    def _asked(self) -> Path:
        return self.folder / "asked"

    def start(self, *nodes: Node) -> None:
        """Start these nodes, or all, and wait until HAProxy sends to them."""
        started = nodes or self.nodes
        for node in started:
            node.start()
        command = [str(fetch.PROXY_ROOT / "usr/sbin/haproxy"), "-db", "-f", str(self.folder / "haproxy.cfg")]
        environment = fetch.environment(fetch.PROXY_ROOT)
        self._process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)
        wait_until_listening(self._process, self.smtp_port)
        wait_for(self._asked.exists)
        self.wait_until(up={node.folder.name for node in started})

    def close(self) -> None:
        if self._process:
            end(self._process)
        self._log.close()
        for node in self.nodes:
            node.end()

    def up(self) -> dict[str, set[str]]:
        """To which nodes it sends, by what it has for them."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self._asked))
            asked.sendall(b"show stat\n")
            said = asked.makefile().read()
        rows = [
            row for row in csv.DictReader(said.removeprefix("# ").splitlines()) if row["svname"].startswith("node-")
        ]
        backends = {row["pxname"] for row in rows}
        return {
            one: {row["svname"] for row in rows if row["pxname"] == one and row["status"].startswith("UP")}
            for one in backends
        }

    def wait_until(self, up: set[str]) -> None:
        """It sends mail and visitors to these nodes alone."""
        wait_for(lambda: all(there == up for there in self.up().values()), 60)

    def client(self, address: str = "127.0.0.5") -> httpx2.Client:
        """A browser at this address."""
        transport = httpx2.HTTPTransport(local_address=address, verify=ssl.create_default_context(cafile=str(self.pem)))
        return httpx2.Client(base_url=self.url, transport=transport, timeout=60)

    def said(self) -> str:
        """All that HAProxy has said."""
        return (self.folder / "haproxy.log").read_text()


def _placed(text: str) -> str:
    return re.sub(r"\b10\.0\.5\.(1[123])\b", r"127.0.0.\1", text).replace("10.0.5.10", "127.0.0.1")
