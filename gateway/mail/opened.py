"""Parts that stand for others, opened: winmail.dat, and a mail that lies within its S/MIME signature (RFC 8551 §3.5.2).

What cannot be opened, or not wholly, stays the file that it is. A signature is opened only where it stands for the
mail: what else somebody attaches is a file, whatever lies within.
"""

import mimetypes
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.mail.bounds import SIGNATURES
from gateway.mail.mime import OCTETS, Part, Step, tree
from gateway.mail.rich_text import words_of
from gateway.mail.signed import signed_places
from gateway.mail.winmail import Place, Winmail, WinmailFile, winmail

PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})  # RFC 8551 §3.2
CMS = "application/pkcs7-signature"
_WINMAIL = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_WINMAIL_NAMES = frozenset({"winmail.dat", "win.dat"})


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed: `content`, by a `signature` of the type `protocol`. CMS may hold its content itself.

    Of a message that is too long for it the content is not whole, and cannot be checked.
    """

    protocol: str
    signature: bytes = field(repr=False)
    content: bytes = field(repr=False)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class OpenedMail:
    """A message, and what of it was signed, the outermost first; `is_closed` where its wrapping cannot be opened."""

    root: Part
    signed: tuple[Signed, ...] = ()
    is_closed: bool = False
    winmail: Winmail | None = None
    """What it was packed in by Outlook."""


def opened(raw: bytes) -> OpenedMail:
    """The message with what it was packed in taken off. Raises TooMuch."""
    opening = _Opening()
    root = opening.part(tree(raw), stands_for_all=True)
    words = opening.words(has_text=_has_text(root))
    if words:  # they say what the text beside it says, as it was formatted
        root = Part("multipart/alternative", parts=(root, words))
    return OpenedMail(root, tuple(opening.signed), opening.is_closed, opening.winmail)


def needs_reading(part: Part) -> bool:
    """Whether what a part holds is looked at, and not only given out: it is text, a signature, or has others in it."""
    is_text = part.content_type in ("text/plain", "text/html") and part.disposition != "attachment"
    return is_text or _is_winmail(part) or _is_pkcs7(part) or part.content_type.endswith("-signature")


def _is_winmail(part: Part) -> bool:
    return part.content_type in _WINMAIL or part.filename.lower() in _WINMAIL_NAMES


def _is_pkcs7(part: Part) -> bool:
    return part.content_type in PKCS7 or part.filename.lower().endswith(".p7m")  # RFC 8551 §3.2.1


def _has_text(part: Part) -> bool:
    texts = (one for one in part.leaves() if one.content_type.startswith("text/"))
    return any(one.message[one.start : one.end].strip() for one in texts)


class _Opening:
    def __init__(self) -> None:
        self.signed: list[Signed] = []
        self.is_closed = False
        self._winmail: tuple[Part, bytes, Winmail] | None = None

    def part(self, part: Part, *, stands_for_all: bool) -> Part:
        """A part, opened; whether it `stands_for_all` of the mail, but for a footer that a list has added."""
        if part.multipart:
            return self._several(part, stands_for_all)
        if _is_winmail(part):
            return self._files(part)
        return self._within_signature(part) if stands_for_all and _is_pkcs7(part) else part

    @property
    def winmail(self) -> Winmail | None:
        return self._winmail[2] if self._winmail else None

    def words(self, *, has_text: bool) -> Part | None:
        """What a winmail.dat has to be read."""
        if self._winmail is None:
            return None
        part, octets, found = self._winmail
        for content_type, place in (("text/html", found.html), ("text/plain", found.text)):
            if place:
                parameters = {"charset": place.charset} if place.charset else {}
                return _at(part, octets, place, content_type, parameters=parameters)
        text = words_of(octets[found.rtf.start : found.rtf.end]).encode() if found.rtf and not has_text else b""
        return Part("text/plain", {"charset": "utf-8"}, message=text, end=len(text)) if text else None

    def _several(self, part: Part, stands_for_all: bool) -> Part:
        is_signed = part.content_type == "multipart/signed" and len(part.parts) > 1
        if is_signed and stands_for_all and len(self.signed) < SIGNATURES:  # RFC 1847 §2.1
            content, signature = part.parts[:2]
            octets = content.message[content.head : content.end]
            self.signed.append(Signed(signature.content_type, signature.content(), octets))
            part = replace(part, parts=(content, *part.parts[2:]))  # what is said of it stands in its place
        first = stands_for_all and (is_signed or part.content_type == "multipart/mixed")
        every = enumerate(part.parts)
        return replace(part, parts=tuple(self.part(one, stands_for_all=first and at == 0) for at, one in every))

    def _within_signature(self, part: Part) -> Part:
        octets = part.content()
        places = signed_places(octets) if len(self.signed) < SIGNATURES else None
        if places is None:
            self.is_closed = True
            return part
        content = b"".join(octets[start:end] for start, end in places)
        self.signed.append(Signed(CMS, octets, content))
        within = tree(content, (*part.way, Step(places)))
        return Part("multipart/mixed", parts=(self.part(within, stands_for_all=True),))

    def _files(self, part: Part) -> Part:
        octets = part.content()
        found = winmail(octets)
        if found is None:
            return part
        self._winmail = self._winmail or (part, octets, found)
        files = [_file(part, octets, one) for one in found.every_file()]
        return Part("multipart/mixed", parts=tuple(files if found.is_whole else [*files, part]))


def _file(part: Part, octets: bytes, one: WinmailFile) -> Part:
    content_type = one.content_type or mimetypes.guess_type(one.name)[0] or OCTETS
    disposition = "" if one.content_id else "attachment"
    return _at(
        part, octets, one.place, content_type, filename=one.name, content_id=one.content_id, disposition=disposition
    )


def _at(part: Part, octets: bytes, place: Place, content_type: str, **told: Any) -> Part:
    """A part of what another holds."""
    return Part(content_type, message=octets, start=place.start, end=place.end, steps=part.way, **told)
