"""Everything that reads mail, each as a function of one hostile text: put where a stranger would put it."""

import contextlib
from collections.abc import Callable
from datetime import date
from functools import partial

from compressed_rtf import compress

from gateway.domain import address, birthdate, commands, folding, meant
from gateway.domain.site import Marks
from gateway.errors import BadAddress
from gateway.mail import (
    authentication,
    automatic,
    boilerplate,
    bounce_words,
    bounces,
    cards,
    charsets,
    compose,
    contents,
    decoding,
    enclosed,
    encoding,
    encrypted,
    file_names,
    headers,
    html_attributes,
    kinds,
    labels,
    letters,
    mailboxes,
    meetings,
    mime,
    nested_html,
    opened,
    outline,
    outlook_meetings,
    parameters,
    parse,
    quoted_html,
    quoted_text,
    recalling,
    recurrence,
    reply,
    rich_text,
    scan,
    secure_mark,
    signature,
    signed,
    stuffing,
    subject_tag,
    table,
    transfer,
    winmail,
    wishes,
)
from gateway.mail.bounds import START_OCTETS, VALUE_OCTETS
from gateway.portal.mail import plain
from gateway.portal.mail.content import shown_of, words_of
from gateway.portal.mail.html import Made, safe
from tests.mail import outlook, tnef
from tests.mail.calendars import calendar

TODAY = date(2026, 3, 3)
SERVER = "mx.riverside.example"
REPORT = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n"
    b"It failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
)
MODULES = (
    authentication,
    automatic,
    bounce_words,
    bounces,
    cards,
    charsets,
    compose,
    contents,
    decoding,
    enclosed,
    encrypted,
    encoding,
    file_names,
    boilerplate,
    headers,
    html_attributes,
    kinds,
    labels,
    letters,
    mailboxes,
    meetings,
    mime,
    nested_html,
    opened,
    outline,
    outlook_meetings,
    parameters,
    parse,
    quoted_html,
    quoted_text,
    recalling,
    recurrence,
    reply,
    rich_text,
    scan,
    secure_mark,
    signature,
    signed,
    stuffing,
    subject_tag,
    transfer,
    winmail,
)
NO_READERS = {
    *(
        "compose.date",
        "compose.composed",
        "compose.written",
        "compose.enclosing",
        "compose.report",
        "compose.disposition",
    ),  # what we write, from bounded pieces
    *(
        "headers.received",
        "headers.prepend",
        "encoding.base64_lines",
        "opened.needs_reading",
        "meetings.answer",
        "recurrence.is_near",
        "recurrence.normal",
        "stuffing.stuffed",
        "transfer.untransferred",
    ),
}
"""Functions of `gateway.mail` that read nothing which a stranger could make long; chunks are looked at one by one."""


def octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def field(name: str, text: str) -> bytes:
    """A mail with this as a field, folded as nobody folds it: not at all."""
    value = text.replace("\r", " ").replace("\n", " ")
    return octets(f"From: Ada <ada@riverside.example>\r\n{name}: {value}\r\n\r\nHello\r\n")


def text_of(kind: str, text: str) -> bytes:
    """A mail with this as its body."""
    return octets(f"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{text}")


def parts(text: str) -> bytes:
    """A mail of whose parts this is the inside."""
    head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    return octets(f"{head}{text}\r\n--b--\r\n")


def _quietly(read: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(BadAddress):
        read(text)


def _authenticated(text: str) -> None:
    authentication.dmarc_passed(parse.head(field("Authentication-Results", f"{SERVER}; {text}")), SERVER)


def _of_lines(read: Callable[[str, list[str]], object], text: str) -> None:
    every = text.split("\n")
    for at, line in enumerate(every[:400]):
        read(line, every[at + 1 : at + 10])


def _understood(text: str) -> None:
    for line in commands.joined(text.split("\n")[:50]):
        commands.parse(line[:500], TODAY)


def _packed(packed: bytes) -> None:
    found = winmail.winmail(packed)
    if found:
        outlook_meetings.outlook_meeting(found, parse.head(field("Subject", "x")))


def _counted(text: str) -> bytes:
    """As many dates as the octets have room for."""
    return (len(text) // 4).to_bytes(4, "little") + octets(text)


def _header(name: str, attribute: str) -> Callable[[str], object]:
    return lambda text: getattr(parse.head(field(name, text)), attribute)


READERS: dict[str, Callable[[str], object]] = {
    "address.address": partial(_quietly, address.address),
    "address.domain_key": partial(_quietly, address.domain_key),
    "birthdate.read_birthdate": lambda text: birthdate.read_birthdate(text, TODAY),
    "commands.parse": lambda text: commands.parse(text[:500], TODAY),
    "commands.joined": _understood,
    "commands.listed": lambda text: commands.listed(text[:500], TODAY),
    "commands.says_who": commands.says_who,
    "commands.is_command": lambda text: commands.is_command(text[:500]),
    "commands.completes": lambda text: commands.completes(text[:500], "PATIENT"),
    "meant.meant": lambda text: meant.meant(text[:500]),
    "commands.read_details": lambda text: commands.read_details(text[:1000], TODAY),
    "authentication.dmarc_passed": _authenticated,
    "automatic.automatic": lambda text: automatic.automatic(parse.head(field("Subject", text)), "a@b.example"),
    "automatic.is_note_of_absence": lambda text: automatic.is_note_of_absence(parse.head(field("Subject", text))),
    "automatic.is_responder": lambda text: automatic.is_responder(parse.head(field("X-Autoreply", text))),
    "automatic.is_daemon": lambda text: automatic.is_daemon(parse.head(field("From", text)), text[:500]),
    "automatic.speaks_of_absence": lambda text: automatic.speaks_of_absence(reply.typed(text_of("plain", text)).lines),
    "automatic.surely_automatic": lambda text: automatic.surely_automatic(parse.head(field("Content-Type", text)), ""),
    "bounce_words.folded": bounce_words.folded,
    "bounce_words.lasts": lambda text: bounce_words.lasts(bounce_words.folded(text)),
    "bounce_words.tells": lambda text: [
        bounce_words.tells(one, bounce_words.folded(text)) for one in bounce_words.Told
    ],
    "bounces.bounce": lambda text: bounces.bounce(text_of("plain", text)),
    "bounces.bounce, a report": lambda text: bounces.bounce(REPORT + octets(text)),
    "bounces.bounce, an answer": lambda text: bounces.bounce(
        REPORT
        + octets(f"Final-Recipient: x\r\nAction: failed\r\nStatus: 5.0.0 {text}\r\nDiagnostic-Code: smtp; {text}")
    ),
    "bounces.bounce, of many people": lambda text: bounces.bounce(
        REPORT.replace(b"It failed.", octets(text))
        + b"Final-Recipient: x\r\nAction: failed\r\nStatus: 5.0.0\r\n\r\n" * 300
    ),
    "bounces.bounce, a subject": lambda text: bounces.bounce(field("Subject", text)),
    "cards.cards": lambda text: cards.cards(b"BEGIN:VCARD\n" + octets(text)),
    "cards.cards, a value": lambda text: cards.cards(b"BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:" + octets(text)),
    "cards.cards, a parameter": lambda text: cards.cards(b"BEGIN:VCARD\nTEL;TYPE=" + octets(text)),
    "kinds.kind_of": lambda text: kinds.kind_of(octets(text)[:START_OCTETS], text),
    "compose.reheaded": lambda text: compose.reheaded(octets(text), [("Subject", "x")]),
    "decoding.clean": decoding.clean,
    "decoding.safe_filename": decoding.safe_filename,
    "decoding.lines": decoding.lines,
    "charsets.as_text": lambda text: charsets.as_text(octets(text), "utf-7"),
    "charsets.as_text, guessed": lambda text: charsets.as_text(b"\xff" + octets(text), "iso-8859-1", "big5"),
    "charsets.charset_within": lambda text: charsets.charset_within(b"<meta " + octets(text)),
    "transfer.unbase64": lambda text: transfer.unbase64(octets(text)),
    "transfer.untransfer": lambda text: transfer.untransfer(octets(text), "quoted-printable"),
    "decoding.words": decoding.words,
    "decoding.unfolded": lambda text: decoding.unfolded(octets(text)),
    "decoding.decoded": lambda text: decoding.decoded(octets(text)),
    "encoding.field": lambda text: encoding.field("Subject", text),
    "encoding.field, addresses": lambda text: encoding.field("To", text),
    "encoding.encoded": encoding.encoded,
    "encoding.mailbox": lambda text: encoding.mailbox(text, text),
    "encoding.display_name": encoding.display_name,
    "encoding.sevenbit": encoding.sevenbit,
    "encoding.parameter": lambda text: encoding.parameter("filename", text),
    "boilerplate.above": lambda text: boilerplate.above(text.split("\n")),
    "boilerplate.is_greeting": boilerplate.is_greeting,
    "boilerplate.ends_typed": boilerplate.ends_typed,
    "headers.only": lambda text: headers.only(octets(text), frozenset({"content-type"})),
    "headers.retold": lambda text: headers.retold(octets(text), [(one, "x") for one in scan.walk(octets(text))]),
    "headers.header_block": lambda text: headers.header_block(octets(text)),
    "mailboxes.mailboxes": mailboxes.mailboxes,
    "mailboxes.plainly_one": mailboxes.plainly_one,
    "mailboxes.safe_address": mailboxes.safe_address,
    "recalling.may_recall": lambda text: recalling.may_recall(parse.head(field("Subject", text))),
    "recalling.recalled": lambda text: recalling.recalled(
        parse.head(field("Subject", "Recall: x")), b"Subject: Recall: x\r\n\r\n" + octets(text)
    ),
    "table.commands_in": lambda text: table.commands_in(b"Content-Type: text/csv\r\n\r\n" + octets(text)),
    "wishes.wants_receipt": lambda text: wishes.wants_receipt(
        parse.head(field("Disposition-Notification-To", text)), address.address("ada@riverside.example")
    ),
    "wishes.ends_at": lambda text: wishes.ends_at(parse.head(field("Expires", text))),
    "secure_mark.bare_subject": lambda text: secure_mark.bare_subject(text, Marks()),
    "transfer.untransfer, base64": lambda text: transfer.untransfer(octets(text), "base64"),
    "transfer.untransfer, uuencode": lambda text: transfer.untransfer(octets(text), "uuencode"),
    "transfer.encoded_length": lambda text: transfer.encoded_length(octets(text), "base64"),
    "transfer.uuencoded_name": lambda text: transfer.uuencoded_name(octets(text)),
    "transfer.named": transfer.named,
    "enclosed.in_text": lambda text: enclosed.in_text(b"begin 644 x\n" + octets(text)),
    "enclosed.in_html": lambda text: enclosed.in_html(b"<a href=data:" + octets(text), 0),
    "parameters.parameterised": lambda text: parameters.parameterised(octets(f"text/plain; {text}")[:VALUE_OCTETS]),
    "mime.tree": lambda text: parse.body(parts(text)),
    "html_attributes.read": html_attributes.read,
    "html_attributes.written": lambda text: html_attributes.written(("x", text)),
    "nested_html.nested": nested_html.nested,
    "portal.mail.html.safe, a table": lambda text: safe(f"<table><td>{text}", (), "/f"),
    "parse.head": lambda text: parse.head(octets(text)),
    "parse.head, From": _header("From", "authors"),
    "parse.head, Subject": _header("Subject", "subject"),
    "parse.head, References": lambda text: parse.head(field("References", text)).all("references"),
    "contents.body": lambda text: parse.body(octets(f"Content-Type: {text.replace(chr(10), ' ')}\r\n\r\n--b\r\n")),
    "contents.attachment": lambda text: parse.attachment(parts(text), 0),
    "contents.piece": lambda text: parse.piece(parts(text), 0),
    "parse.legacy": lambda text: parse.legacy(octets(text)),
    "parse.fingerprint": lambda text: parse.fingerprint(octets(text), parse.head(octets(text))),
    "quoted_html.text_above_quotes": quoted_html.text_above_quotes,
    "quoted_text.begins_quote": partial(_of_lines, lambda line, after: quoted_text.begins_quote(line[:2000], after)),
    "quoted_text.is_marked": quoted_text.is_marked,
    "quoted_text.stands_alone": lambda text: quoted_text.stands_alone(text[:2000].split("\n")[:10]),
    "reply.typed, a command": lambda text: reply.typed(text_of("plain", f"PATIENT\n{text}")),
    "reply.typed, struck out": lambda text: reply.typed(text_of("html", f"<style>.x{{{text}}}</style><s>{text}</s>")),
    "reply.typed": lambda text: reply.typed(text_of("plain", text)),
    "reply.typed, HTML": lambda text: reply.typed(text_of("html", text)),
    "scan.walk": lambda text: list(scan.walk(octets(text))),
    "scan.bounded": lambda text: scan.bounded(octets(text)),
    "scan.body_start": lambda text: scan.body_start(octets(text), 0),
    "secure_mark.read_marks": lambda text: secure_mark.read_marks(parse.head(field("Subject", text)), Marks()),
    "secure_mark.read_marks, labels": lambda text: secure_mark.read_marks(
        parse.head(field("msip_labels", text)), Marks(headers=(("msip_labels", "Confidential"),))
    ),
    "secure_mark.blemishes": lambda text: secure_mark.blemishes(
        parse.head(field("Thread-Topic", text)), Marks(), tagged=True
    ),
    "subject_tag.tags": lambda text: subject_tag.tags(text, Marks().tags),
    "subject_tag.near": lambda text: subject_tag.near(text, Marks().tags),
    "subject_tag.without": lambda text: subject_tag.without(text, subject_tag.near(text, Marks().tags)),
    "subject_tag.folded": subject_tag.folded,
    "labels.carries": lambda text: labels.carries(parse.head(field("msip_labels", text)), "msip_labels", "x"),
    "letters.no_letter": lambda text: letters.no_letter(parse.head(field("Subject", text)), "", archived=True),
    "letters.is_journal": lambda text: letters.is_journal(parse.head(field("Subject", text)), ""),
    "scan.head_start": lambda text: scan.head_start(octets(text)),
    "parse.head, answers": _header("References", "answers"),
    "parse.head, To": _header("To", "visible"),
    "signed.cleartext": lambda text: signed.cleartext(["-----BEGIN PGP SIGNED MESSAGE-----", *text.split("\n")]),
    "signed.signed_places": lambda text: signed.signed_places(octets(text)),
    "signed.signed_places, in pieces": lambda text: signed.signed_places(b"\x24\x80" + octets(text)),
    "signed.unframed": lambda text: signed.unframed(f"-----BEGIN PGP SIGNED MESSAGE-----\n{text}"),
    "file_names.file_name": lambda text: file_names.file_name(1, text, "message/rfc822"),
    "file_names.subject_of": lambda text: file_names.subject_of(mime.tree(text_of("plain", text))),
    "encrypted.encryption": lambda text: encrypted.encryption(parse.head(octets(text)), octets(text)),
    "opened.opened": lambda text: parse.body(parts(text)),
    "opened.opened, winmail": lambda text: opened.opened(
        b"Content-Type: application/ms-tnef\r\n\r\n" + tnef.tnef(octets(text))
    ),
    "outline.outlined": lambda text: outline.outlined(2**30, lambda: [parts(text)]),
    "meetings.meeting": lambda text: meetings.meeting(octets(text)),
    "meetings.meeting, an event": lambda text: meetings.meeting(calendar(more=text)),
    "meetings.meeting, a zone": lambda text: meetings.meeting(
        calendar(zone=f"BEGIN:VTIMEZONE\n{text}\nEND:VTIMEZONE\n")
    ),
    "outlook_meetings.outlook_meeting": lambda text: _packed(outlook.meeting(outlook.START, octets(text))),
    "outlook_meetings.outlook_meeting, values": lambda text: _packed(
        outlook.meeting(
            *(tnef.value(tnef.UTF_16, name, text) for name in (0x42, 0x65, 0x5D02, 0x70)),
            *outlook.ORDINARY,
            tnef.named(tnef.UTF_16, 0x8232, text, outlook.APPOINTMENT),
            kind=text,
        )
    ),
    "outlook_meetings.outlook_meeting, an id": lambda text: _packed(
        outlook.meeting(outlook.START, tnef.named(tnef.BINARY, 3, outlook.identifier(octets(text)), outlook.MEETING))
    ),
    "outlook_meetings.outlook_meeting, a series": lambda text: _packed(
        outlook.meeting(outlook.START, outlook.series(outlook.pattern(outlook.DAILY, 0, 1440)[:34] + _counted(text)))
    ),
    "recurrence.rule": lambda text: meetings.meeting(calendar(more=f"RRULE:FREQ=MONTHLY;{text}")),
    "winmail.winmail": lambda text: winmail.winmail(tnef.tnef(octets(text))),
    "winmail.winmail, values": lambda text: winmail.winmail(
        tnef.tnef(tnef.attribute(tnef.MESSAGE, 0x69003, b"\xff\xff\xff\xff" + octets(text)))
    ),
    "rich_text.words_of": lambda text: rich_text.words_of(compress(octets(text), compressed=False)),
    "signature.signature": lambda text: signature.signature(opened.Signed("", octets(text), b"")),
    "portal.mail.html.safe": lambda text: safe(text, (), "/f"),
    "portal.mail.html.safe, a style sheet": lambda text: safe(f"<style>{text}</style><p class=x>x", (), "/f"),
    "portal.mail.html.safe, a style": lambda text: safe(f'<p style="{text}">x', (), "/f"),
    "portal.mail.plain.text_of": lambda text: plain.text_of((safe(text, (), "/f") or Made()).html),
    "portal.mail.content.shown_of": lambda text: shown_of(text_of("html", text), "/f", "en"),
    "portal.mail.content.shown_of, text": lambda text: shown_of(text_of("plain", text), "/f", "en"),
    "portal.mail.content.words_of": lambda text: words_of(text_of("html", text)),
    "portal.mail.content.words_of, text": lambda text: words_of(text_of("plain", text)),
    "domain.folding.searchable": folding.searchable,
    "domain.folding.sought": folding.sought,
}

MANY: dict[str, Callable[[int], object]] = {
    "signed.signed_places, nested": lambda size: signed.signed_places(b"\x30\x80" * (size // 2)),
    "outline.outlined, a file": lambda size: outline.outlined(2**30, lambda: [text_of("pdf", "QUJD" * (size // 4))]),
    "recurrence.rule, days": lambda size: meetings.meeting(
        calendar(more=f"RRULE:FREQ=MONTHLY;BYDAY={'MO,' * (size // 3)}MO")
    ),
    "recurrence.dates": lambda size: meetings.meeting(
        calendar(more="EXDATE:20260703T080000Z\n" * (size // 24) + f"RDATE:{'20260703,' * (size // 9)}20260704")
    ),
    "winmail.winmail, files": lambda size: winmail.winmail(tnef.tnef(tnef.file("a", b"") * (size // 50))),
}
"""What reads many of one thing: how many octets of them is all that can be varied."""
