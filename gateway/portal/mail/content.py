"""What a page shows of a message's content, and what of it is given out as a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

import structlog
from starlette.responses import Response, StreamingResponse

from gateway.mail import parse
from gateway.mail.bounds import CALENDAR_OCTETS
from gateway.mail.meetings import Meeting, meeting
from gateway.mail.outline import Outline
from gateway.mail.outlook_meetings import outlook_meeting
from gateway.mail.parse import Attachment, Body, Malformed
from gateway.mail.signature import Signature, signature
from gateway.mail.signed import unframed
from gateway.portal.mail import frame
from gateway.portal.mail.html import safe
from gateway.portal.mail.plain import text_of
from gateway.portal.mail.ranges import Span
from gateway.portal.visit import Visit
from gateway.ports import ScannerDown

log = structlog.get_logger()

_HARMLESS = frozenset(
    {
        *("application/pdf", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp"),
        *("audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav"),
    }
)
OCTETS = "application/octet-stream"
COLUMNS_LENGTH = 100_000
"""The characters of a text in which columns are looked for."""
_COLUMNS = re.compile(r"^.{0,80}?[^\s.!?:;,](?: {2,60}|\t)\S[^\n]*+\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a message's content. `frame` is the document of its HTML, made safe."""

    text: str = ""
    frame: str = ""
    attachments: tuple[Attachment, ...] = ()
    unreadable: bool = False
    remote_pictures: int = 0
    """How many pictures would be fetched from elsewhere."""
    signatures: tuple[Signature, ...] = ()
    meeting: Meeting | None = None

    @property
    def blocks(self) -> tuple[tuple[bool, str], ...]:
        """The text in pieces, each with whether it is lines in columns, which are not to be broken."""
        columns = list(_COLUMNS.finditer(self.text, 0, COLUMNS_LENGTH))
        if len(columns) < 2:
            return ((False, self.text),)
        blocks: list[tuple[bool, str]] = []
        at = 0
        for line in columns:
            if line.start() > at or not blocks:
                blocks += [(False, self.text[at : line.start()]), (True, "")]
            blocks[-1] = (True, blocks[-1][1] + line[0])
            at = line.end()
        return tuple(one for one in (*blocks, (False, self.text[at:])) if one[1])


def shown_of(raw: bytes | Outline, folder: str, language: str, *, remote: bool = False) -> Shown:
    """Take a message apart for its page; its files are offered in `folder`, all but the pictures that are shown."""
    body = parse.body(raw)
    if isinstance(body, Malformed):
        return Shown(unreadable=True)
    shown = _content(body, folder, language, remote)
    text, signatures = unframed(shown.text), tuple(map(signature, body.signed))
    if text is not None:
        shown, signatures = replace(shown, text=text), (*signatures, Signature("OpenPGP"))
    return replace(shown, signatures=signatures, meeting=_meeting_of(raw, body))


def words_of(raw: bytes | Outline) -> tuple[str, bool]:
    """What a message is searched by: its text as it is shown, and the names of its files; and whether that is whole."""
    body = parse.body(raw)
    if isinstance(body, Malformed):
        return "", False
    text, whole = unframed(body.text) or body.text, not body.is_closed
    if body.html.strip():
        made = safe(body.html, body.attachments, "")
        # The page shows the HTML first, whose plain form may say less, or something else, and is shown too.
        html, plain = text_of(made.html) if made else "", text if body.text_is_whole or not made else ""
        text, whole = f"{html}\n{plain}", whole and made is not None
    meeting = _meeting_of(raw, body)
    about = (meeting.summary, meeting.location) if meeting else ()
    return "\n".join((text, *about, *(one.filename for one in body.attachments))), whole


def _meeting_of(raw: bytes | Outline, body: Body) -> Meeting | None:
    """The meeting that a message is about, if it is about one: by its calendar, or by what Outlook has packed."""
    for one in body.attachments:
        if one.content_type == "text/calendar" and one.size <= CALENDAR_OCTETS:
            found = parse.attachment(raw, one.index)
            return meeting(found[1]) if found else None
    if body.winmail is None:
        return None
    return outlook_meeting(body.winmail, parse.head(raw if isinstance(raw, bytes) else raw.octets))


def _content(body: Body, folder: str, language: str, remote: bool) -> Shown:
    if not body.html.strip():
        return Shown(body.text, attachments=body.attachments)
    made = safe(body.html, body.attachments, folder, remote=remote)
    if made is None:
        return Shown(body.text, attachments=body.attachments, unreadable=not body.text.strip())
    inline = frozenset(made.shown_pictures)
    others = tuple(one for one in body.attachments if one.index not in inline)
    text = body.text if body.text_is_whole and body.text.strip() else text_of(made.html)
    return Shown(text, frame.document(made.html, language, remote=remote), others, remote_pictures=made.remote_pictures)


# --------------------------------------------------------------------------------------------------------------- files


async def is_clean(visit: Visit, file: Iterator[bytes]) -> bool | None:
    """Whether the site's scanner finds nothing in a file; None where it cannot say. Without a scanner all is clean."""
    scanner = visit.portal.scanner
    if scanner is None:
        return True
    try:
        found = await scanner.scan(file)
    except ScannerDown as error:
        log.warning("a file could not be scanned", reason=str(error))
        return None
    if found:
        log.warning("a file was not given out", found=found)
    return not found


def download(file: Iterator[bytes], size: int, filename: str, content_type: str, span: Span | None = None) -> Response:
    """A file of `size` octets to be saved, sent bit by bit, which cannot act as a page of ours; or a span of it."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename)
    headers = {
        "content-type": content_type if content_type in _HARMLESS else OCTETS,
        # RFC 6266 §4.3: the plain name for who cannot read the exact one.
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "content-length": str(size),  # so that a browser can show how far it is
        "content-security-policy": "sandbox; default-src 'none'",
    }
    if span is None:
        return StreamingResponse(file, headers=headers)
    if not span.is_there:  # RFC 9110 §15.5.17
        return Response(status_code=416, headers={"content-range": span.told})
    headers |= {"content-range": span.told, "content-length": str(span.end - span.start)}
    return StreamingResponse(span.of(file), 206, headers)
