"""What was signed is read, whatever wraps it; what is no signature, or encrypted, is not."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.signed import cleartext, signed_places

SAID = b"Content-Type: text/plain\r\n\r\nCOLLEAGUE\r\n"
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")
DATA = bytes.fromhex("06092a864886f70d010701")


def signed_content(octets: bytes) -> bytes | None:
    places = signed_places(octets)
    return None if places is None else b"".join(octets[start:end] for start, end in places)


@pytest.fixture(scope="module")
def signed() -> bytes:
    """As a mail program makes it, in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Dr Bea")])
    day = datetime.datetime(2026, 3, 3, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    signature = pkcs7.PKCS7SignatureBuilder().set_data(SAID).add_signer(certificate, key, hashes.SHA256())
    return signature.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def value(tag: int, content: bytes) -> bytes:
    """One value of definite length."""
    length = len(content)
    size = bytes([length]) if length < 0x80 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + size + content


def open_ended(tag: int, content: bytes) -> bytes:
    """One value of indefinite length."""
    return bytes([tag]) + b"\x80" + content + b"\0\0"


def in_pieces(content: bytes, size: int, kind: bytes = SIGNED_DATA, inner: bytes = DATA) -> bytes:
    """As programs write it that do not know yet how long it will be."""
    pieces = [value(0x04, content[at : at + size]) for at in range(0, len(content), size)]
    encapsulated = open_ended(0x30, inner + open_ended(0xA0, open_ended(0x24, b"".join(pieces))))
    data = open_ended(0x30, value(0x02, b"\1") + value(0x31, b"") + encapsulated + value(0x31, b""))
    return open_ended(0x30, kind + open_ended(0xA0, data))


def test_what_was_signed_is_read(signed: bytes) -> None:
    assert signed_content(signed) == SAID


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_it_may_come_in_pieces(size: int) -> None:
    assert signed_content(in_pieces(SAID, size)) == SAID


def test_what_holds_no_text_of_its_own_has_none(signed: bytes) -> None:
    assert signed_content(in_pieces(SAID, 9, kind=ENVELOPED_DATA)) is None
    assert signed_content(in_pieces(SAID, 9, inner=ENVELOPED_DATA)) is None
    assert signed_content(b"") is None
    assert signed_content(SAID) is None


def test_what_was_cut_off_is_not_guessed(signed: bytes) -> None:
    for whole in (signed, in_pieces(SAID, 9)):
        assert all(signed_content(whole[:length]) in (None, SAID) for length in range(len(whole)))


@given(st.binary(max_size=300), st.integers(0, 150), st.binary(max_size=4))
def test_any_octets_get_an_answer(octets: bytes, at: int, noise: bytes) -> None:
    signed_content(octets)
    whole = in_pieces(SAID, 20)
    signed_content(whole[:at] + noise + whole[at + len(noise) :])


def test_the_frame_of_a_signed_text_is_taken_off() -> None:
    lines = ["-----BEGIN PGP SIGNED MESSAGE-----", "Hash: SHA512", "Comment: x", "", "REMIND", "- -- ", "x"]
    assert cleartext(lines) == ["REMIND", "-- ", "x"]
    assert cleartext(["Hello", *lines]) == ["Hello", "REMIND", "-- ", "x"]


@pytest.mark.parametrize("lines", [[], ["REMIND"], ["> -----BEGIN PGP SIGNED MESSAGE-----", "> Hash: SHA256"]])
def test_other_text_stays_as_it_is(lines: list[str]) -> None:
    assert cleartext(lines) == lines
