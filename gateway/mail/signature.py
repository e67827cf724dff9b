"""Who signed a mail, by what the signature itself says, and whether the mail is as it was then (RFC 5652 §5.4, §5.6).

Nobody vouches for the certificate: whether it is its owner's is not looked into, so nothing is ever called valid.
OpenPGP's keys are not in its mails, so its signatures are not checked.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from gateway.mail.bounds import SIGNED_OCTETS
from gateway.mail.decoding import clean
from gateway.mail.opened import Signed

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_BROKEN = frozenset({"sha1"})
"""Functions of which somebody can make two mails with one signature: they prove nothing any more."""


class Checked(StrEnum):
    """What was found out."""

    FITS = "fits"
    """The mail is as it was when it was signed."""
    ALTERED = "altered"
    """The signature is that of another mail, or of this one before somebody changed it."""
    NO = "no"
    """It could not be checked."""


@dataclass(frozen=True, slots=True)
class Signature:
    """By whom, as the certificate in the mail has it: "" for what it does not say."""

    kind: str
    name: str = ""
    address: str = ""
    checked: Checked = Checked.NO


class _NotChecked(Exception):
    pass


def signature(signed: Signed) -> Signature:
    """What can be said of a signature, whatever its octets are."""
    if "pgp" in signed.protocol:
        return Signature("OpenPGP")
    if len(signed.signature) + len(signed.content) > SIGNED_OCTETS:
        return Signature("S/MIME")
    try:
        signer, certificate = _signer(cms.ContentInfo.load(signed.signature)["content"])
    except Exception:  # asn1crypto and cryptography raise whatever damaged octets bring about
        return Signature("S/MIME")
    if not signed.is_whole:
        return _by(certificate, Checked.NO)
    try:
        fits = _fits(signer, certificate, signed.content)
    except Exception:
        return _by(certificate, Checked.NO)
    return _by(certificate, Checked.FITS if fits else Checked.ALTERED)


def _signer(data: Any) -> tuple[Any, x509.Certificate]:
    """The first who signed, with the certificate that is theirs (RFC 5652 §5.3)."""
    signer = data["signer_infos"][0]
    for one in data["certificates"]:
        if _is_of(signer["sid"], one.chosen):
            return signer, x509.load_der_x509_certificate(one.chosen.dump())
    raise _NotChecked


def _is_of(identifier: Any, certificate: Any) -> bool:
    if identifier.name == "subject_key_identifier":
        return bool(certificate.key_identifier == identifier.native)
    named = identifier.chosen
    return bool(named["serial_number"].native == certificate.serial_number and named["issuer"] == certificate.issuer)


def _fits(signer: Any, certificate: x509.Certificate, content: bytes) -> bool:
    name = signer["digest_algorithm"]["algorithm"].native
    if name not in _HASHES or name in _BROKEN:
        raise _NotChecked
    octets = content
    attributes = signer["signed_attrs"]
    if len(attributes):
        told = {one["type"].native: one["values"][0].native for one in attributes}
        if told["message_digest"] != hashlib.new(name, content).digest():  # RFC 5652 §11.2
            return False
        octets = attributes.untag().dump(force=True)  # RFC 5652 §5.4: as a SET OF
    try:
        _verify(certificate.public_key(), signer["signature"].native, octets, signer, _HASHES[name]())
    except InvalidSignature:
        return False
    return True


def _verify(key: Any, made: bytes, octets: bytes, signer: Any, function: hashes.HashAlgorithm) -> None:
    """Raises InvalidSignature, or _NotChecked for an algorithm that we do not know."""
    algorithm = signer["signature_algorithm"]
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm["algorithm"].native == "rsassa_pss":
            told = algorithm["parameters"]
            function = _HASHES[told["hash_algorithm"]["algorithm"].native]()
            mask = padding.MGF1(_HASHES[told["mask_gen_algorithm"]["parameters"]["algorithm"].native]())
            key.verify(made, octets, padding.PSS(mask, told["salt_length"].native), function)
        else:
            key.verify(made, octets, padding.PKCS1v15(), function)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(made, octets, ec.ECDSA(function))
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(made, octets)
    else:
        raise _NotChecked


def _by(certificate: x509.Certificate, checked: Checked) -> Signature:
    """The owner as the certificate has it (RFC 8550 §3: the address is among its alternative names)."""
    names: dict[x509.ObjectIdentifier, str] = {}
    try:
        names = {one.oid: str(one.value) for one in certificate.subject}
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        addresses = [*found.value.get_values_for_type(x509.RFC822Name)]
    except (x509.ExtensionNotFound, ValueError):
        addresses = []
    address = (*addresses, names.get(NameOID.EMAIL_ADDRESS, ""))[0]
    return Signature("S/MIME", clean(names.get(NameOID.COMMON_NAME, "")), clean(address), checked)
