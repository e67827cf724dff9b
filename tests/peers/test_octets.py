"""What passes keeps every octet but for our trace: calendars, signed mail, 8-bit and long lines."""

import re
import signal
import socket

import pytest

from tests.peers.client import Client
from tests.peers.hop import Hop
from tests.peers.ledger import drained
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

HEAD = (
    b"From: <ada@riverside.example>\r\nTo: pat@home.example\r\nMIME-Version: 1.0\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <whole@riverside.example>\r\n"  # Postfix adds what lacks
)
CALENDAR = (
    HEAD + b"Subject: Invitation\r\nContent-Type: text/calendar; method=REQUEST;\r\n\tcharset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
    b"UID:1@riverside.example\r\nDTSTART:20260302T100000Z\r\nSUMMARY:A long line that is\r\n  folded\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n"
)
SMIME = (
    HEAD + b'Subject: signed\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
    b' micalg="sha-256"; boundary="----A"\r\n\r\nThis is an S/MIME signed message\r\n\r\n------A\r\n'
    b"Content-Type: text/plain\r\n\r\ntrailing space \r\nand a tab\t\r\n.\r\n..dots\r\n\r\n------A\r\n"
    b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    b"MIIBAgYJKoZIhvcNAQcCoIIB8zCCAe8CAQExDzANBglghkgBZQMEAgEFADALBgkq\r\n\r\n------A--\r\n\r\n"
)
DKIM = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=riverside.example; s=x;\r\n"
    b"\th=from : to : subject; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b"\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR\r\n"
    b"Received: from desk.riverside.example ([10.0.0.7])\r\n\tby mail.riverside.example;\r\n"
    b"\tMon, 2 Mar 2026 10:00:00 +0000\r\n"
    b"subject:   odd   spacing,\tand a TAB \r\n"
    + HEAD
    + b"X-Empty:\r\nBcc: omar@hillside.example\r\n\r\nHello \r\n\r\n\r\n"
)
EIGHT_BIT = (
    HEAD
    + "Subject: Grüße\r\nContent-Type: text/plain; charset=utf-8\r\n".encode()
    + "Content-Transfer-Encoding: 8bit\r\n\r\nÄrztin, naïve, 日本\r\n".encode()
    + bytes(range(128, 256))
    + b"\r\n"
)
LONG = (
    HEAD
    + b"Subject: long\r\n\r\n"
    + b"y" * 998
    + b"\r\n"
    + b"z" * 300_000
    + b"\r\n.\r\n"
    + b"." * 5000
    + b"\r\nend\r\n"
)
WHOLE = {"calendar": CALENDAR, "smime": SMIME, "dkim": DKIM, "eight-bit": EIGHT_BIT, "long-lines": LONG}
OURS = re.compile(rb"\AReceived: from [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)+")


def hand_in(served: Served, octets: bytes, to: str, chunk: int) -> None:
    """Send it in pieces of so many octets, dots stuffed."""
    wire = (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    with Client(served.smtp_port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert client.begin(to).startswith("354")
        for start in range(0, len(wire), chunk):
            client.socket.sendall(wire[start : start + chunk])
        assert client.heard().startswith("250")


def test_what_passes_keeps_every_octet_but_for_our_trace(tmp_path):
    """Whatever pieces it arrives in."""
    hop = Hop()
    hop.start()
    served = Served(tmp_path / "gateway", hop.port, NEXT_HOP__TLS="none")
    served.start()
    try:
        for name, octets in WHOLE.items():
            for chunk in (1 << 20, 1000, *((1,) if len(octets) < 3000 else ())):
                hand_in(served, octets, f"{name}.{chunk}@home.example", chunk)
        wait_for(lambda: drained(served), 20)
        for handed in hop.messages():
            name = handed.recipients[0].partition(".")[0]
            trace = OURS.match(handed.octets)
            assert trace, handed.octets[:200]
            assert b"by secure.riverside.example with ESMTP" in trace[0]
            assert handed.octets[trace.end() :] == WHOLE[name], name
        assert len(hop.messages()) == sum(2 + (len(octets) < 3000) for octets in WHOLE.values())
    finally:
        served.end(signal.SIGKILL)
        hop.stop()


def test_what_passes_through_postfix_keeps_every_octet_too(tmp_path, postfix, smtp_sink):
    """A real hop, which adds a trace of its own; lines that it would fold are left out."""
    relay = postfix(smtp_sink.port, message_drop_headers="")  # it would take Bcc out
    served = Served(tmp_path / "gateway", relay.port, NEXT_HOP__TLS="none")
    served.start()
    try:
        for name in ("calendar", "smime", "dkim", "eight-bit"):
            hand_in(served, WHOLE[name], f"{name}.x@home.example", 1 << 20)
        wait_for(lambda: len(smtp_sink.messages()) == 4, 20)
        for taken in smtp_sink.messages():
            name = taken.recipients[0].partition(".")[0]
            theirs = OURS.sub(b"", taken.octets, count=1)
            assert OURS.sub(b"", theirs, count=1) == WHOLE[name], name
    finally:
        served.end(signal.SIGKILL)
