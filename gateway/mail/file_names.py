"""What a file of a message is called, where it is offered for saving: what it says, or what can be said of it."""

from mimetypes import MimeTypes

from gateway.mail.decoding import decoded, safe_filename
from gateway.mail.mime import Part
from gateway.mail.scan import bounded

_SUFFIXES = {
    "application/pdf": ".pdf",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tiff",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
    "text/x-amp-html": ".html",
    "message/external-body": ".txt",
}
_KNOWN_SUFFIXES = MimeTypes()
_UNNAMED = {
    "application/pgp-signature": "signature",
    "application/pkcs7-signature": "signature",
    "message/delivery-status": "delivery-status",
    "message/disposition-notification": "receipt",
    "message/external-body": "kept-elsewhere",
    "text/calendar": "meeting",
    "text/rfc822-headers": "head-of-the-mail",
    "text/x-amp-html": "interactive-form",
}
"""What a file without a name is called, where that can be said; else it is an attachment."""
MESSAGES = frozenset({"message/rfc822", "message/global"})  # RFC 6532 §3.7
_NO_NAME = str.maketrans("/\\.:", "    ")
"""Signs of a subject that mean something else in a file's name."""
_WRAPPERS = frozenset({"message/rfc822", "message/external-body"})
"""What is never of the kind that its name says."""


def file_name(index: int, filename: str, content_type: str) -> str:
    """The file's safe name, never empty; a message's name ends in .eml, and what is not the file itself says so."""
    name = safe_filename(filename) or f"{_UNNAMED.get(content_type, 'attachment')}-{index + 1}"
    if filename and content_type == "message/external-body":
        name = f"{_UNNAMED[content_type]}-{name}"
    suffix = _suffix(content_type)
    bare = "." not in name or (content_type in _WRAPPERS and not name.lower().endswith(suffix))
    return name + suffix if bare else name


def _suffix(content_type: str) -> str:
    media = content_type.startswith(("image/", "audio/", "video/"))
    return _SUFFIXES.get(content_type) or (media and _KNOWN_SUFFIXES.guess_extension(content_type)) or ""


def subject_of(part: Part) -> str:
    """What a message is called that is a file without a name."""
    if part.content_type not in MESSAGES:
        return ""
    fields, _ = bounded(part.message, part.start, part.end)
    found = next((one.value for one in fields if one.name == "subject"), b"")
    return decoded(found).translate(_NO_NAME)
