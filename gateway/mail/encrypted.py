"""Mail that its sender has encrypted for somebody's own key: nobody on the way can read it, and we need not seal it."""

import re
from enum import StrEnum

from gateway.mail.bounds import ENCRYPTED_OCTETS
from gateway.mail.opened import PKCS7
from gateway.mail.parameters import parameterised
from gateway.mail.parse import Head
from gateway.mail.signed import ENCRYPTED
from gateway.mail.transfer import named, untransfer

_ENVELOPED = (bytes.fromhex("2a864886f70d010703"), bytes.fromhex("2a864886f70d0109100117"))  # RFC 5652 §6.1, RFC 5083
_OBJECT_OCTETS = 64
"""The octets of CMS in which it says what it is."""
_ARMOUR = re.compile(rb"\s*+" + ENCRYPTED.encode())
_RPMSG = re.compile(rb"^content-type:\s*+application/x-microsoft-rpmsg-message", re.IGNORECASE | re.MULTILINE)


class Encryption(StrEnum):
    """With what."""

    NONE = ""
    SMIME = "S/MIME"
    OPENPGP = "OpenPGP"
    RPMSG = "Microsoft Purview"


def encryption(head: Head, opening: bytes) -> Encryption:
    """How a mail is encrypted that begins with these octets, of which this is the head, as far as they tell.

    Encrypted is only what is so as a whole: words that stand beside it would go in clear.
    """
    told = next((one.value for one in head.fields if one.name == "content-type"), b"")
    kind, parameters = parameterised(told)
    body = opening[head.end : head.end + ENCRYPTED_OCTETS]
    if kind == "multipart/encrypted":  # RFC 1847 §2.2; RFC 3156 §4
        return Encryption.OPENPGP
    if kind in PKCS7 and _is_enveloped(parameters.get("smime-type", ""), body, head.get("content-transfer-encoding")):
        return Encryption.SMIME
    if head.get("content-class").lower() == "rpmsg.message" or _RPMSG.search(body):
        return Encryption.RPMSG
    is_text = kind in ("", "text", "text/plain")
    return Encryption.OPENPGP if is_text and _ARMOUR.match(body) else Encryption.NONE


def _is_enveloped(told: str, body: bytes, transfer: str) -> bool:
    """Whether CMS is for a key; some programs do not tell (RFC 8551 §3.2.2)."""
    if told:
        return told.lower() in ("enveloped-data", "authenveloped-data")
    begins = untransfer(body[: _OBJECT_OCTETS * 2], named(transfer))[:_OBJECT_OCTETS]
    return any(one in begins for one in _ENVELOPED)
