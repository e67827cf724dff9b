"""What is encrypted as a whole is known by its beginning; what stands in clear is not taken for it."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from gateway.mail.encrypted import Encryption, encryption
from gateway.mail.parse import head
from tests.mail.test_signature import KEYS, certificate, cms, detached, opaque


def mail(fields: str, body: str = "") -> bytes:
    return f"Subject: x\n{fields}\n\n{body}".replace("\n", "\r\n").encode()


def enveloped() -> str:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(b"x").add_recipient(certificate(KEYS["RSA"]))
    return base64.encodebytes(builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])).decode()


ARMOUR = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"
RPMSG = "--b\nContent-Type: application/x-microsoft-rpmsg-message; name=message.rpmsg\n\nx\n--b--\n"


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"), Encryption.SMIME),
        (mail("Content-Type: application/x-pkcs7-mime; smime-type=AuthEnveloped-Data"), Encryption.SMIME),
        (
            mail("Content-Type: application/pkcs7-mime; name=a.p7m\nContent-Transfer-Encoding: base64", enveloped()),
            Encryption.SMIME,
        ),
        (
            mail('Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b'),
            Encryption.OPENPGP,
        ),
        (mail("Content-Type: text/plain; charset=utf-8", f"\n{ARMOUR}"), Encryption.OPENPGP),
        (mail("MIME-Version: 1.0", ARMOUR), Encryption.OPENPGP),
        (mail("Content-Class: rpmsg.message\nContent-Type: multipart/mixed; boundary=b"), Encryption.RPMSG),
        (mail("Content-Type: multipart/mixed; boundary=b", RPMSG), Encryption.RPMSG),
        (mail("Content-Type: text/plain", f"Hello, see below:\n{ARMOUR}"), Encryption.NONE),
        (mail("Content-Type: text/plain", "Your result is normal."), Encryption.NONE),
        (mail("Content-Type: application/pkcs7-mime; smime-type=signed-data"), Encryption.NONE),
        (opaque(cms(KEYS["EC"])).replace(b"; smime-type=signed-data", b""), Encryption.NONE),
        (detached(b"x"), Encryption.NONE),
        (b"", Encryption.NONE),
    ],
)
def test_what_is_encrypted(raw, found):
    assert encryption(head(raw), raw) is found
