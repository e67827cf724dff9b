"""Handing mail to a hop: what it says is what is recorded, and secure mail never goes out in clear."""

import asyncio
import datetime
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.edge.outbox.hop_session import Hop
from gateway.edge.outbox.mailer import SmtpMailer
from gateway.edge.outbox.probe import probe
from gateway.ports import Mail

MAIL = b"Subject: x\r\n\r\n.dots\r\n" + "é".encode() + b"\r\n" + b"y" * 3000 + b"\r\n"


def certificate(folder, name, days=1):
    """A self-signed certificate for a host name, good for so many days: its file, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder(
        issuer_name=subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now - datetime.timedelta(days=10_000),
        not_valid_after=now + datetime.timedelta(days=days),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return file, context


class Taker:
    """A hop that keeps what it takes, or answers as it was told."""

    def __init__(self):
        self.taken, self.replies = [], {}

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if "RCPT" not in self.replies:
            envelope.rcpt_tos.append(address)
        return self.replies.get("RCPT", "250 2.1.5 Ok")

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802
        self.taken.append((session.ssl is not None, envelope.mail_from, envelope.content))
        return self.replies.get("DATA", "250 2.0.0 Ok")


class LongLines(SMTP):
    line_length_limit = 64 * 1024


@asynccontextmanager
async def hop(tls=None):
    taker = Taker()
    loop = asyncio.get_running_loop()
    make = lambda: LongLines(taker, tls_context=tls, hostname="hop", enable_SMTPUTF8=True)  # noqa: E731 - a factory
    server = await loop.create_server(make, "localhost", 0, family=socket.AF_INET)
    try:
        yield taker, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def mail(*to, octets=MAIL, sender="ada@riverside.example"):
    return Mail(sender, to, len(octets), lambda: iter((octets,)))


async def send(target, sender="ada@riverside.example", to="pat@home.example"):
    mailer = SmtpMailer({"": target}, "secure.riverside.example")
    [outcome] = await mailer.send("", mail(to, sender=sender))
    mailer.close()
    return outcome


async def test_the_octets_arrive_as_they_are():
    async with hop() as (taker, port):
        outcome = await send(Hop("localhost", port, "none"), sender="")
        assert outcome.sent, outcome
        [(secure, _, octets)] = taker.taken
        assert not secure
        assert octets == MAIL


@pytest.mark.parametrize(
    ("step", "reply", "code"),
    [("RCPT", "550 5.1.1 no", 550), ("RCPT", "451 4.7.1 later", 451), ("DATA", "452 4.3.1 full", 452)],
)
async def test_what_the_hop_says_is_the_outcome(step, reply, code):
    async with hop() as (taker, port):
        taker.replies[step] = reply
        assert (await send(Hop("localhost", port, "none"))).code == code


async def test_a_hop_that_is_not_there_is_no_refusal():
    with socket.create_server(("127.0.0.1", 0)) as probe_socket:
        port = probe_socket.getsockname()[1]
    outcome = await send(Hop("127.0.0.1", port, "none"))
    assert (outcome.code, outcome.sent, outcome.permanent) == (0, False, False)
    assert outcome.text == f"nothing listens at 127.0.0.1:{port}"
    unfit = await probe(Hop("127.0.0.1", port, "none"), "secure.riverside.example")
    assert unfit
    assert unfit.said == f"nothing listens at 127.0.0.1:{port}"


async def test_verified_tls_delivers_under_a_certificate_that_is_valid(tmp_path):
    file, context = certificate(tmp_path, "localhost")
    async with hop(context) as (taker, port):
        outcome = await send(Hop("localhost", port, "verified", ca_file=file))
        assert outcome.sent, outcome
        assert taker.taken[0][0]


async def test_a_hop_that_asks_who_we_are_is_shown_our_certificate(tmp_path):
    """As Exchange Online does, which knows its tenants' servers by it."""
    theirs, context = certificate(tmp_path, "localhost")
    ours, _ = certificate(tmp_path, "secure.riverside.example")
    context.load_verify_locations(ours)
    context.verify_mode = ssl.CERT_REQUIRED
    async with hop(context) as (taker, port):
        nameless = Hop("localhost", port, "verified", ca_file=theirs)
        assert not (await send(nameless)).sent
        outcome = await send(replace(nameless, cert_file=ours))
        assert outcome.sent, outcome
        assert len(taker.taken) == 1


async def test_a_session_that_is_used_again_is_still_under_tls(tmp_path):
    file, context = certificate(tmp_path, "localhost")
    async with hop(context) as (taker, port):
        mailer = SmtpMailer({"": Hop("localhost", port, "verified", ca_file=file)}, "secure.riverside.example")
        for _ in range(2):
            assert (await mailer.send("", mail("pat@home.example")))[0].sent
        mailer.close()
        [(first, *_), (second, *_)] = taker.taken
        assert first == second is True


async def test_verified_tls_never_falls_back(tmp_path):
    file, context = certificate(tmp_path, "localhost")
    other, other_context = certificate(tmp_path, "elsewhere")
    for server, target in (
        (context, {"ca_file": None}),  # signed by nobody known
        (other_context, {"ca_file": other}),  # valid, for another host
        (None, {"ca_file": file}),  # STARTTLS is not offered
    ):
        async with hop(server) as (taker, port):
            outcome = await send(Hop("localhost", port, "verified", **target))
            assert (outcome.code, taker.taken) == (0, [])


async def test_opportunistic_tls_takes_any_certificate(tmp_path):
    _, context = certificate(tmp_path, "elsewhere")
    async with hop(context) as (taker, port):
        assert (await send(Hop("localhost", port, "opportunistic"))).sent
        assert taker.taken[0][0]


async def test_a_relay_that_was_taken_out_of_the_settings_is_tried_again_later():
    [outcome] = await SmtpMailer({}, "secure.riverside.example").send("gone.example", mail("c@d.example"))
    assert (outcome.sent, outcome.permanent) == (False, False)
