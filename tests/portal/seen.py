"""The kinds of what mail brings, each with a mail of the kind and what people see of it: `docs/what-people-see.md`.

`python -m tests.portal.seen` writes the page; `test_seen.py` holds that it says what is so.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs7

from tests.mail import outlook, tnef
from tests.mail.calendars import calendar
from tests.mail.calendars import mail as meeting_mail
from tests.mail.test_as_sent import PDF, PNG, UU, data_link
from tests.mail.test_signature import ARMOURED, KEYS, cms, detached, opaque

PAGE = Path(__file__).parents[2] / "docs" / "what-people-see.md"
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"
DETACHED = pkcs7.PKCS7Options.DetachedSignature
TOO_DEEP = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(60)).encode()


@dataclass(frozen=True)
class Kind:
    """What the message shows ("" for nothing): words or markup; `files` that are listed below; `signed`, whether its
    signature fits; `meeting`, what the meeting is for that is shown.
    """

    section: str
    kind: str
    said: str
    raw: bytes
    shown: str = ""
    files: tuple[str, ...] = ()
    unreadable: bool = False
    signed: str = ""
    meeting: str = ""


def part(fields: str, body: str | bytes) -> bytes:
    return fields.replace("\n", "\r\n").encode() + b"\r\n\r\n" + (body.encode() if isinstance(body, str) else body)


def several(subtype: str, *parts: bytes) -> bytes:
    inner = b"".join(b"--b\r\n" + one + b"\r\n" for one in parts)
    return f"Content-Type: multipart/{subtype}; boundary=b\r\n\r\n".encode() + inner + b"--b--\r\n"


def file(kind: str, octets: bytes, more: str = "") -> bytes:
    return part(f"Content-Type: {kind}\nContent-Transfer-Encoding: base64{more}", base64.b64encode(octets))


def html(words: str) -> bytes:
    return part("Content-Type: text/html; charset=utf-8", words)


TEXT = part("Content-Type: text/plain; charset=utf-8", "Normal.")
CID = "\nContent-ID: <one@x>\nContent-Disposition: inline"

_TEXT = "Words"
_HTML = "HTML"
_FILES = "Pictures and files"
_WRAPPED = "Signed and wrapped"
KINDS = (
    Kind(_TEXT, "plain text", "as it was typed", TEXT, "Normal."),
    Kind(
        _TEXT,
        "text in columns (several spaces, tabs)",
        "in signs of one width, so that the columns stand below each other",
        part("Subject: x", "Na    140\r\nK     4.1"),
        "Na    140\nK     4.1",
    ),
    Kind(
        _TEXT,
        "text under a label that says less than is meant, or the wrong thing",
        "as browsers and Outlook read it: `iso-8859-1` as Windows-1252, `gb2312` as GB18030, `shift_jis` as "
        "Windows-932; UTF-8 where it can be nothing else",
        part("Content-Type: text/plain; charset=iso-8859-1", b"it\x92s normal"),
        "it’s normal",
    ),
    Kind(
        _TEXT,
        "octets that are no text",
        "`�` for each, all else as it is",
        part("Subject: x", "für \xff".encode("latin-1") + "für".encode()),
        "f",
    ),
    Kind(
        _TEXT,
        "text that has a file's name, in line or without a disposition",
        "shown, and listed",
        part("Content-Type: text/plain; name=letter.txt", "Normal."),
        "Normal.",
        ("letter.txt",),
    ),
    Kind(
        _TEXT,
        "text that is attached; tables (`.csv`), contacts",
        "listed",
        part("Content-Type: text/csv; name=results.csv", "a;b"),
        "",
        ("results.csv",),
    ),
    Kind(
        _TEXT,
        "base64 with a footer below it, or words that are called base64",
        "decoded; the footer as it was typed",
        part("Content-Transfer-Encoding: base64", "Tm9ybWFsLg==\r\n\r\n-- \r\nA list"),
        "Normal.\n-- \nA list",
    ),
    Kind(
        _HTML,
        "text and HTML of the same",
        "the HTML; the text by *Show it as plain text*",
        several("alternative", TEXT, html("<b>Normal.</b>")),
        "<b>Normal.</b>",
    ),
    Kind(
        _HTML,
        "HTML alone",
        "the HTML; its words by *Show it as plain text*, with tables in columns, `10⁹/l` in one word, and marks around "
        "what is ~~struck out~~",
        html("10<sup>9</sup>/l"),
        "10<sup>9</sup>/l",
    ),
    Kind(
        _HTML,
        "what is struck out, raised, lowered; numbers of lists; columns; right to left; footnotes",
        "as it was meant, also where a style sheet says it",
        html("<ol start=4><li><strike>5 mg</strike></ol>"),
        '<ol start="4"><li><strike>5 mg</strike></li></ol>',
    ),
    Kind(
        _HTML,
        "colours of words and of what is behind them",
        "the nearest of nine, in a tone that can be read in the light and in the dark; black and white are the page's",
        html("<font color=#ee0000>12.9</font>"),
        '<font class="m-ink-red">12.9</font>',
    ),
    Kind(
        _HTML,
        "tables",
        "with their widths, lines and alignment; one that is too wide scrolls, and no word or figure in it is broken",
        html("<table width=90%><td align=right>132</table>"),
        '<td class="m-text-align-right">132</td>',
    ),
    Kind(_HTML, "what HTML hides (`display: none`, `hidden`)", "hidden", html("<p hidden>x</p>"), '<p hidden="">x</p>'),
    Kind(
        _HTML,
        "scripts, forms, frames, plug-ins, styles that place or fetch something",
        "left out; the words of forms stay",
        html("<script>x</script><form>Normal.</form>"),
        "<div>Normal.</div>",
    ),
    Kind(
        _HTML,
        "interactive forms (AMP)",
        "listed; the ordinary HTML is shown",
        several("alternative", part("Content-Type: text/x-amp-html", "x"), html("<p>y")),
        "<p>y</p>",
        ("interactive-form-1.html",),
    ),
    Kind(
        _FILES,
        "pictures within the HTML (`cid:`, `data:`) that every browser shows: PNG, JPEG, GIF, WebP, BMP",
        "where they stand, and not listed",
        several("related", html("<img src=cid:one@x>"), file("image/png", PNG, CID)),
        '<img src="/f/0">',
    ),
    Kind(
        _FILES,
        "the same in a link of its own (`data:`)",
        "where they stand; they are looked at for viruses as files are",
        html(f"<img src='{data_link(PNG, 'image/png')}'>"),
        '<img src="/f/0">',
    ),
    Kind(
        _FILES,
        "pictures within the HTML that not every browser shows: HEIC, TIFF, SVG; PDF; what is only called a picture",
        "listed",
        several("related", html("x<img src=cid:one@x>"), file("image/heic; name=IMG.HEIC", HEIC, CID)),
        "x<img>",
        ("IMG.HEIC",),
    ),
    Kind(
        _FILES,
        "pictures that the HTML does not name",
        "listed",
        several("related", html("x"), file("image/png; name=a.png", PNG, CID)),
        "x",
        ("a.png",),
    ),
    Kind(
        _FILES,
        "pictures from elsewhere",
        "not fetched until the reader asks for them",
        html("x<img src=https://x.example/>"),
        "x<img>",
    ),
    Kind(
        _FILES,
        "files of any type, wherever they stand, also among alternatives",
        "listed",
        several("alternative", TEXT, file("application/pdf; name=a.pdf", PDF)),
        "Normal.",
        ("a.pdf",),
    ),
    Kind(
        _FILES,
        "files behind a `data:` link",
        "listed",
        html('<a href="data:application/pdf;base64,JVBERg==">x</a>'),
        "x</a>",
        ("attachment-1.pdf",),
    ),
    Kind(
        _FILES,
        "files that are uuencoded in the text",
        "unpacked: listed, and taken out of the text",
        part("Subject: x", f"See it.\r\n{UU}".replace("\n", "\r\n")),
        "See it.",
        ("résultat 1.pdf",),
    ),
    Kind(
        _FILES,
        "pictures, sounds, cards of people (vCard), PDF, HEIC and TIFF, by what their first octets say",
        "listed, with *Look at it* or *Listen to it*: a page of its own, on which nothing of the file can act. Of PDF, "
        "HEIC and TIFF a process with limits makes a picture of each page",
        several("mixed", TEXT, file("application/octet-stream; name=a.pdf", PDF)),
        "Normal.",
        ("a.pdf",),
    ),
    Kind(
        _FILES,
        "a calendar with a meeting",
        "the meeting above the words: what, when (by the site's clocks, and by the sender's), where, who; listed. Who "
        "was asked by the sender's own calendar can answer *Accept*, *Tentative* or *Decline*; an answer says who "
        "comes",
        meeting_mail(calendar()),
        "Please come without breakfast.",
        ("meeting-1.ics",),
        meeting="REQUEST",
    ),
    Kind(
        _FILES,
        "a meeting that repeats",
        "how, in words (*every 2 weeks on Monday and Thursday, until 3 March 2027*), and the dates that are left out "
        "and added, up to 20 of each; a rule that these words cannot say is named: *It repeats (see the file)*",
        meeting_mail(calendar(more="RRULE:FREQ=MONTHLY;BYDAY=-1FR\nEXDATE:20260731T080000Z\n")),
        "Please come without breakfast.",
        ("meeting-1.ics",),
        meeting="REQUEST",
    ),
    Kind(
        _FILES,
        "an enclosed message",
        "listed as `.eml`; *Open* shows it as a message, and those within it, ten deep",
        part("Content-Type: message/rfc822", "Subject: x\r\n\r\ny"),
        "",
        ("x.eml",),
    ),
    Kind(
        _FILES,
        "a file that is kept elsewhere (`message/external-body`)",
        "listed: what says where it is",
        part("Content-Type: message/external-body; access-type=URL", "x"),
        "",
        ("kept-elsewhere-1.txt",),
    ),
    Kind(
        _FILES,
        "parts within parts deeper than 50, more than 1,000 parts",
        "refused: the page says that it cannot be shown; *Save the original* has all of it",
        TOO_DEEP,
        unreadable=True,
    ),
    Kind(
        _WRAPPED,
        "signed with S/MIME, beside the mail or around it",
        "the words; whom the certificate names; whether the mail is as it was when it was signed; never that the "
        "certificate is really theirs, for that is not looked into",
        opaque(cms(KEYS["EC"])),
        "Your result is normal.",
        signed="fits",
    ),
    Kind(
        _WRAPPED,
        "signed with S/MIME, and changed since",
        "the same, and that the signature does not fit",
        detached(cms(KEYS["EC"], DETACHED), TEXT),
        "Normal.",
        signed="altered",
    ),
    Kind(
        _WRAPPED,
        "signed with OpenPGP, or with what is broken today (SHA-1)",
        "the words without the frame around them; that the signature could not be checked",
        part("Subject: x", ARMOURED.replace("\n", "\r\n")),
        "Your result is normal.\n",
        signed="no",
    ),
    Kind(
        _WRAPPED,
        "signed mail that is only attached",
        "listed",
        several("mixed", TEXT, opaque(cms(KEYS["EC"]))),
        "Normal.",
        ("attachment-1.p7m",),
    ),
    Kind(
        _WRAPPED,
        "`winmail.dat` of Outlook",
        "unpacked: its files are listed, those of messages within it too; its HTML is shown, and its words where there "
        "are no others; what is damaged is listed beside what came out",
        file("application/ms-tnef; name=winmail.dat", tnef.tnef(tnef.file("Result.pdf", PDF))),
        "",
        ("Result.pdf",),
    ),
    Kind(
        _WRAPPED,
        "a meeting of Outlook within `winmail.dat`: asked for, cancelled, or answered",
        "as a meeting is; it can be answered where it says which one of the sender's calendar it is",
        outlook.mail(outlook.meeting(*outlook.ORDINARY)),
        "Please come without breakfast.",
        meeting="REQUEST",
    ),
    Kind(
        _WRAPPED,
        "encrypted with S/MIME, OpenPGP or Microsoft Purview, by its sender",
        "not sealed again: it passes, without the tag, for its reader's own program; or is refused "
        "(`secure_mail.encrypted`). What came here all the same is listed",
        file("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"x"),
        "",
        ("smime.p7m",),
    ),
)

HEAD = """# What people see of a mail

Nothing of a mail is lost: *Save the original* has each octet of it. This is what its page shows, lists under *Files*,
unpacks and refuses. Each line is held by a test, with a mail of its kind (`tests/portal/seen.py`, which writes this
page). Each file is looked at for viruses before it is given out, where the site has a scanner (`scan.clamd`); what is
found infected is kept back.
"""


def page() -> str:
    """The page."""
    lines = [HEAD]
    for section in dict.fromkeys(one.section for one in KINDS):
        rows = [f"| {one.kind} | {one.said} |" for one in KINDS if one.section == section]
        lines.append("\n".join([f"## {section}\n", "| what comes | what becomes of it |", "|---|---|", *rows, ""]))
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
