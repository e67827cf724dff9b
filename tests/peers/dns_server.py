"""A DNS server on the loopback address, which answers from a table and keeps what it was asked."""

import socket
import threading
from collections.abc import Mapping

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

Zone = Mapping[str, Mapping[str, list[str]]]
"""Records by name and type, as a zone file writes them: {"secure.example": {"MX": ["10 mx.example."]}}."""


class DnsServer:
    """Answers by UDP; what stands in no table does not exist. An empty zone in place of a table: it never answers."""

    def __init__(self, zone: Zone) -> None:
        self.zone = {name.rstrip("."): records for name, records in zone.items()}
        self.asked: list[str] = []
        self.silent = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> "DnsServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            octets, client = self._socket.recvfrom(65535)
            if not octets:
                return
            if not self.silent:
                self._socket.sendto(self._answer(dns.message.from_wire(octets)).to_wire(max_size=65535), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        if name not in self.zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif values := self.zone[name].get(kind):
            answer.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *values))
        return answer


def text(value: str) -> str:
    """A TXT value as a zone file has it: strings of at most 255 octets each."""
    return " ".join(f'"{value[at : at + 255]}"' for at in range(0, len(value), 255))
