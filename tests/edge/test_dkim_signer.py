"""The mail that we write bears signatures that others can verify, whatever is in it; what passes bears none."""

import contextlib
import hashlib
from email import message_from_bytes

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryKind, Notice
from gateway.edge.dkim_signer import SEALED_TWICE, DkimSigner, body_digest, new_key, read_key
from gateway.errors import ConfigError
from gateway.flow.outbound.write_out import PreparedDelivery
from gateway.ports import Outcome
from tests.edge.stories import told
from tests.practice import PAT, PATIENT_TAG, SITE, World, mail

BODY = st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"word  word", b"\r\n\r\n"])).map(b"".join)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """One RSA key and one Ed25519 key, both of which sign."""
    folder = tmp_path_factory.mktemp("dkim")
    for kind in ("rsa", "ed25519"):
        (folder / kind).write_bytes(new_key(kind))
    return [read_key(kind, folder / kind) for kind in ("rsa", "ed25519")]


@pytest.fixture(scope="module")
def records(keys):
    return {f"{key.selector}._domainkey.{SITE.domain}": key.record for key in keys}


def good(octets, records):
    """The selectors whose signatures dkimpy finds good, by these TXT records, with PyNaCl for Ed25519."""
    found = []

    def look_up(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    for number in range(len(message_from_bytes(octets).get_all("DKIM-Signature", []))):
        verifier = dkim.DKIM(octets, minkey=2048)
        with contextlib.suppress(dkim.ValidationError):
            if verifier.verify(idx=number, dnsfunc=look_up):
                found.append(verifier.selector.decode())
    return found


@given(BODY, st.integers(1, 7))
def test_a_body_in_chunks_has_the_digest_of_the_whole(body, size):
    body += b"\r\n"  # as all that travels by SMTP
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert body_digest(iter(chunks)) == hashlib.sha256(Relaxed.canonicalize_body(body)).digest()


async def test_notices_of_every_kind_are_signed_by_each_key(keys, records, monkeypatch):
    def signed(self):
        plain(self)
        object.__setattr__(self.writer, "signer", DkimSigner(self.site.domain, keys))

    plain = World.__post_init__
    monkeypatch.setattr(World, "__post_init__", signed)
    mails = [octets for world in await told() for octets in world.octets]
    kinds = {message_from_bytes(octets)["X-Gateway-Notice"] for octets in mails}
    assert {Notice.INVITATION, Notice.REMINDER, Notice.RECEIPT, Notice.TRANSCRIPT, Notice.NEW_MESSAGE} <= kinds
    assert [good(octets, records) for octets in mails] == [["rsa", "ed25519"]] * len(mails)
    # RFC 6376 §5.3: nobody on the way has a reason to encode or to wrap it anew
    assert all(octets.isascii() and max(map(len, octets.split(b"\r\n"))) <= 998 for octets in mails)


async def signing(keys):
    world = World()
    object.__setattr__(world.writer, "signer", DkimSigner(world.site.domain, keys))
    return world


async def test_what_passes_is_left_as_it_is(keys):
    world = await signing(keys)
    await world.receive(mail("omar@elsewhere.example", "Lunch"))
    await world.deliver()
    [(delivery, _, octets)] = world.sent
    assert (delivery.kind, b"DKIM-Signature" in octets) == (DeliveryKind.PASS, False)


async def test_a_failure_report_is_signed(keys, records):
    world = await signing(keys)
    await world.receive(mail("omar@elsewhere.example", "Lunch"))
    await world.deliver(Outcome(550, "5.1.1 no such user"))
    await world.deliver()
    reports = [octets for delivery, _, octets in world.sent if delivery.kind is DeliveryKind.REPORT]
    assert [good(octets, records) for octets in reports] == [["rsa", "ed25519"]]


async def test_however_often_it_is_written_it_is_the_same_mail(keys):
    world = await signing(keys)
    await world.write("ada@riverside.example", PAT, tag=PATIENT_TAG)
    rows = await world.rows(Delivery, kind=DeliveryKind.NOTICE)
    assert rows
    for row in rows:
        one = world.writer.mail([PreparedDelivery(row)])
        octets = b"".join(one.chunks())
        assert octets == world.writer.octets(PreparedDelivery(row))
        assert len(octets) == one.size


@pytest.mark.parametrize("name", SEALED_TWICE)
async def test_nobody_adds_such_a_field_on_the_way(keys, records, name):
    world = await signing(keys)
    await world.write("ada@riverside.example", PAT, tag=PATIENT_TAG)
    octets = world.octets[0]
    assert good(octets, records) == ["rsa", "ed25519"]
    assert good(name + b": forged\r\n" + octets, records) == []
    assert good(octets.replace(b"\r\n\r\n", b"\r\n" + name + b": forged\r\n\r\n", 1), records) == []


async def test_a_changed_word_shows(keys, records):
    world = await signing(keys)
    await world.write("ada@riverside.example", PAT, tag=PATIENT_TAG)
    assert good(world.octets[0] + b"One more line.\r\n", records) == []


def pem(private, encryption=None):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"no key at all", "is no private key (PEM)"),
        (pem(rsa.generate_private_key(65537, 1024)), "has 1024 bits"),  # noqa: S505 - that is what is refused
        (pem(ec.generate_private_key(ec.SECP256R1())), "is neither RSA nor Ed25519"),
        (pem(rsa.generate_private_key(65537, 2048), BestAvailableEncryption(b"x")), "without a password"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_in_one_line(tmp_path, octets, said):
    file = tmp_path / "one.key"
    if octets:
        file.write_bytes(octets)
    with pytest.raises(ConfigError) as told:
        read_key("one", file)
    line = str(told.value)
    assert line.startswith("dkim.key_file: ")
    assert said in line
    assert "\n" not in line
    assert "`gateway dkim new one` makes one" in line
