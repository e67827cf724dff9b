"""An SMTP client by hand."""

import contextlib
import socket

from tests.peers.ledger import ADA


class Client:
    """A session by hand."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60, (address, 0))
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def heard(self) -> str:
        """One reply, of all its lines; "" when the connection is gone."""
        lines = []
        with contextlib.suppress(ConnectionError):
            while line := self._file.readline().decode():
                lines.append(line.rstrip())
                if line[3:4] != "-":
                    break
        return "\n".join(lines)

    def say(self, octets: bytes) -> str:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(octets)
        return self.heard()

    def begin(self, to: str = "pat@home.example") -> str:
        """Up to the 354."""
        assert self.heard().startswith("220")
        for said in ("EHLO client.example", f"MAIL FROM:<{ADA}>", f"RCPT TO:<{to}>"):
            assert self.say(said.encode() + b"\r\n").startswith("250")
        return self.say(b"DATA\r\n")
