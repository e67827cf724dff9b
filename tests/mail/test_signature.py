"""Who signed is told, and whether the mail is still what was signed; nothing is told that was not found out."""

import base64
import datetime
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import parse
from gateway.mail.opened import Signed
from gateway.mail.signature import Checked, signature
from gateway.portal.mail.content import shown_of

INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\nYour result is normal.\r\n"
KEYS = {"RSA": rsa.generate_private_key(65537, 2048), "EC": ec.generate_private_key(ec.SECP256R1())}


def certificate(key, address="ada@riverside.example"):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Dr Ada")])
    day = datetime.datetime(2026, 3, 3, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.RFC822Name(address)])
    return builder.add_extension(names, critical=False).sign(key, hashes.SHA256())


def cms(key, *options, function=hashes.SHA256, **more) -> bytes:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(INNER).add_signer(certificate(key), key, function(), **more)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


def opaque(octets: bytes) -> bytes:
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64.encodebytes(octets)


def detached(octets: bytes, inner: bytes = INNER) -> bytes:
    kind = b'multipart/signed; protocol="application/pkcs7-signature"; boundary=s'
    made = b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    parts = b"--s\r\n" + inner + b"\r\n--s\r\n" + made + base64.encodebytes(octets) + b"\r\n--s--\r\n"
    return b"Content-Type: " + kind + b"\r\n\r\n" + parts


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    "options", [(), (pkcs7.PKCS7Options.NoAttributes,), (pkcs7.PKCS7Options.NoCapabilities,)], ids=str
)
def test_a_mail_that_is_as_it_was_is_told_by_whom(kind, options):
    for raw in (
        opaque(cms(KEYS[kind], *options)),
        detached(cms(KEYS[kind], pkcs7.PKCS7Options.DetachedSignature, *options)),
    ):
        shown = shown_of(raw, "/f", "en")
        assert shown.text.strip() == "Your result is normal."
        [one] = shown.signatures
        assert (one.kind, one.name, one.address) == ("S/MIME", "Dr Ada", "ada@riverside.example")
        assert one.checked is Checked.FITS


def test_so_is_one_that_is_signed_by_pss():
    mask = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    [one] = shown_of(opaque(cms(KEYS["RSA"], rsa_padding=mask)), "/f", "en").signatures
    assert one.checked is Checked.FITS


def test_what_was_changed_since_is_told():
    raw = detached(cms(KEYS["RSA"], pkcs7.PKCS7Options.DetachedSignature), INNER.replace(b"normal", b"serious"))
    [one] = shown_of(raw, "/f", "en").signatures
    assert one.checked is Checked.ALTERED
    for options in ((), (pkcs7.PKCS7Options.NoAttributes,)):
        signed = Signed("application/pkcs7-signature", cms(KEYS["EC"], *options), INNER + b"more")
        assert signature(signed).checked is Checked.ALTERED


def test_a_signature_by_another_key_does_not_fit():
    stranger = ec.generate_private_key(ec.SECP256R1())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(INNER)
    builder = builder.add_signer(certificate(stranger), KEYS["EC"], hashes.SHA256())
    made = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    assert signature(Signed("", made, INNER)).checked is Checked.ALTERED


def test_a_digest_that_anybody_can_meet_is_not_checked(tmp_path):
    """SHA-1 by another program, which still makes it."""
    (tmp_path / "key").write_bytes(KEYS["RSA"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "cert").write_bytes(certificate(KEYS["RSA"]).public_bytes(Encoding.PEM))
    for digest, checked in (("sha1", Checked.NO), ("sha512", Checked.FITS)):
        words = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", digest]
        words += ["-signer", tmp_path / "cert", "-inkey", tmp_path / "key"]
        made = subprocess.run(words, input=INNER, capture_output=True, check=True).stdout
        [one] = shown_of(opaque(made), "/f", "en").signatures
        assert (one.name, one.checked) == ("Dr Ada", checked)


def test_a_footer_below_what_was_signed_is_shown_and_the_rest_is_as_it_was():
    footer = b"--m\r\nContent-Type: text/plain\r\n\r\nOur list\r\n--m--\r\n"
    inner = detached(cms(KEYS["EC"], pkcs7.PKCS7Options.DetachedSignature))
    raw = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + inner + b"\r\n" + footer
    shown = shown_of(raw, "/f", "en")
    assert shown.signatures[0].checked is Checked.FITS
    assert "Our list" in shown.text


def test_what_is_only_attached_is_a_file():
    text = b"--m\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n" + text + b"--m\r\n" + opaque(cms(KEYS["EC"]))
    shown = shown_of(raw + b"\r\n--m--\r\n", "/f", "en")
    assert "normal" not in shown.text
    assert (shown.signatures, len(shown.attachments)) == ((), 1)


def test_files_within_a_signature_come_out_octet_for_octet():
    pdf = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n"
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n" + INNER + b"\r\n--i\r\n" + pdf + b"--i--\r\n"
    builder = (
        pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(certificate(KEYS["EC"]), KEYS["EC"], hashes.SHA256())
    )
    raw = opaque(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))
    found = parse.piece(raw, 0)
    assert found is not None
    chunks = [raw[at : at + 7] for at in range(0, len(raw), 7)]
    assert (found[0].filename, b"".join(found[1].octets(chunks))) == ("a.pdf", b"%PDF")


ARMOURED = """-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

Your result is normal.
- --
Dr Ada
-----BEGIN PGP SIGNATURE-----

iQEzBAEBCgAdFiEE
=abcd
-----END PGP SIGNATURE-----
Our list"""


def test_the_frame_of_openpgp_is_taken_off_and_told_of():
    shown = shown_of(f"Subject: x\n\n{ARMOURED}".replace("\n", "\r\n").encode(), "/f", "en")
    assert shown.text == "Your result is normal.\n--\nDr Ada\nOur list"
    [one] = shown.signatures
    assert (one.kind, one.checked) == ("OpenPGP", Checked.NO)


def test_who_writes_about_it_has_signed_nothing():
    shown = shown_of(b"Subject: x\r\n\r\nIt begins with -----BEGIN PGP SIGNED MESSAGE-----, as said.", "/f", "en")
    assert shown.signatures == ()
    assert "as said" in shown.text


def test_a_part_that_is_signed_by_openpgp():
    raw = detached(b"x").replace(b"application/pkcs7-signature", b"application/pgp-signature")
    [one] = shown_of(raw, "/f", "en").signatures
    assert (one.kind, one.checked) == ("OpenPGP", Checked.NO)


@given(st.binary(max_size=300), st.integers(0, 1500), st.binary(max_size=4))
def test_whatever_octets_sign_is_answered(octets, at, noise):
    made = _MADE[:at] + noise + _MADE[at + len(noise) :]
    for one in (octets, made):
        assert signature(Signed("", one, INNER)).kind == "S/MIME"


_MADE = cms(KEYS["EC"])
