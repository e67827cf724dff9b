"""Our reader beside kept ones, on mails with known answers: `python -m tests.mail.compare [FOLDER]`.

It prints what `docs/reading-mail.md` says. fast-mail-parser is no dependency; without it, its column is empty. A folder
of `.eml` files is read by each of them besides, and only whether they raise, and how long they take, is told.
"""

import contextlib
import email.policy
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

from gateway.mail import parse
from tests.mail.corpus import BELOW, CLIENTS, Quoted, reply
from tests.mail.test_as_sent import FOOTERS, PDF, UU, encoded

try:
    import fast_mail_parser
except ImportError:
    fast_mail_parser = None

Found = tuple[str, list[tuple[str, bytes]]]
"""The text that is shown (or the HTML, where there is no text), and each file's name and octets."""


@dataclass(frozen=True)
class Case:
    """A mail, what has to be in the text that is shown, and the files that it brings."""

    kind: str
    raw: bytes
    words: str
    files: tuple[tuple[str, bytes], ...] = ()


def _text(kind: str, words: str, head: str, body: bytes | str, *files: tuple[str, bytes]) -> Case:
    octets = body.encode() if isinstance(body, str) else body
    return Case(kind, (head + "\n\n").replace("\n", "\r\n").encode() + octets, words, files)


PLAIN = "Content-Type: text/plain; charset=utf-8"
BASE64 = f"{PLAIN}\nContent-Transfer-Encoding: base64"
FILE = "Content-Type: application/pdf\nContent-Disposition: attachment; filename"
CASES = (
    _text(
        "iso-8859-1 that is Windows-1252", "it’s € 5", "Content-Type: text/plain; charset=iso-8859-1", b"it\x92s \x80 5"
    ),
    _text("ks_c_5601-1987 that is Windows-949", "뷁", "Content-Type: text/plain; charset=ks_c_5601-1987", b"\x94\xee"),
    _text("gb2312 that is GB18030", "镕", "Content-Type: text/plain; charset=gb2312", "镕".encode("gb18030")),
    _text("iso-2022-jp with NEC's signs", "①", "Content-Type: text/plain; charset=iso-2022-jp", b"\x1b$B-!\x1b(B"),
    _text("one bad octet in UTF-8", "für � 5", PLAIN, "für ".encode() + b"\xff 5"),
    _text("no charset, UTF-8", "für", "Subject: x", "für"),
    _text("no charset, Windows-1252", "für", "Subject: x", b"f\xfcr"),
    _text(
        "charset in HTML's meta", "Норма", "Content-Type: text/html", '<meta charset="koi8-r">Норма'.encode("koi8-r")
    ),
    _text("comments in the type", "я", "Content-Type: text/plain (x); charset=koi8-r (y)", b"\xd1"),
    _text("comments in the encoding", "für", f"{PLAIN}\nContent-Transfer-Encoding: base64 (x)", encoded("für")),
    _text("a type without a subtype", "Hello", "Content-Type: text", "Hello"),
    _text("separators left out", "Ü", "Content-Type: text/plain charset=iso-8859-1", b"\xdc"),
    _text("base64, padded inside", "größer", BASE64, "Z3LDtg==\nw59lcg=="),
    _text("base64 above a footer", f"größer\n{FOOTERS[0]}", BASE64, f"{encoded('größer')}\n\n{FOOTERS[0]}"),
    _text("words that are called base64", "Please telephone.", BASE64, "Please telephone."),
    _text(
        "quoted-printable, broken in an octet",
        "größer",
        f"{PLAIN}\nContent-Transfer-Encoding: quoted-printable",
        "gr=C=\r\n3=B6=C3=9Fer",
    ),
    _text("uuencode within text", "See it.", PLAIN, f"See it.\n{UU}", ("résultat 1.pdf", PDF)),
    _text("uuencode as the encoding", "", f"{FILE}=a.pdf\nContent-Transfer-Encoding: x-uuencode", UU, ("a.pdf", PDF)),
    _text("a name without quotes", "", f"{FILE}=Blood test (2).pdf", PDF, ("Blood test (2).pdf", PDF)),
    _text("a name in sections (RFC 2231)", "", f"{FILE}*1*=%C3%BC.pdf; filename*0*=utf-8''Bef", PDF, ("Befü.pdf", PDF)),
    _text("a name in encoded words", "", f'{FILE}="=?utf-8?B?w7w=?=.pdf"', PDF, ("ü.pdf", PDF)),
    _text(
        "text that has a name",
        "Normal",
        f"{PLAIN}; name=a.txt\nContent-Disposition: inline",
        "Normal",
        ("a.txt", b"Normal"),
    ),
    _text("a multipart that nothing divides", "Hello", "Content-Type: multipart/mixed; boundary=x", "Hello"),
    _text(
        "a multipart without its end",
        "Hello",
        "Content-Type: multipart/mixed; boundary=x",
        f"--x\r\n{PLAIN}\r\n\r\nHello",
    ),
)
HOSTILE = {
    "300 parts within parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)
    ),
    "100,000 parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
    "parameters without an end": b"Content-Type: text/plain" + b';a="' * 20_000 + b"\r\n\r\nx",
    "sections of a name": b"Content-Disposition: a; " + b"".join(b"f*%d=x;" % n for n in range(5_000)) + b"\r\n\r\nx",
    "comments within comments": b"Content-Type: text/plain "
    + b"(" * 5_000
    + b"\r\nFrom: "
    + b"(" * 5_000
    + b"\r\n\r\nx",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nx",
    "10 MB in one part": b"Content-Transfer-Encoding: base64\r\n\r\n" + (b"QUJD" * 19 + b"\r\n") * 130_000,
}


def ours(raw: bytes) -> Found:
    found = parse.body(raw)
    if not isinstance(found, parse.Body):
        return "", []
    files = (parse.attachment(raw, one.index) for one in found.attachments)
    return found.text or found.html, [(one[0].filename, one[1]) for one in files if one]


def _stdlib(policy: Any) -> Callable[[bytes], Found]:
    def read(raw: bytes) -> Found:
        message = message_from_bytes(raw, policy=policy)
        str(message["subject"]), str(message["from"])
        parts = [one for one in message.walk() if not one.is_multipart()]
        shown = [one for one in parts if one.get_content_maintype() == "text" and not one.get_filename()]
        others = [one for one in parts if one.get_content_maintype() != "text" or one.get_filename()]
        files = [(one.get_filename() or "", one.get_payload(decode=True) or b"") for one in others]
        plain = [one for one in shown if one.get_content_subtype() == "plain"]
        return "\n".join(map(_words, plain or shown)), files

    return read


def _words(part: Message) -> str:
    if isinstance(part, EmailMessage):
        return str(part.get_content())
    octets = part.get_payload(decode=True)
    return octets.decode(part.get_content_charset("utf-8"), "replace") if isinstance(octets, bytes) else ""


def fast(raw: bytes) -> Found:
    found = fast_mail_parser.parse_email(raw)
    text = "\n".join(found.text_plain) or "\n".join(found.text_html)
    return text, [(one.filename, bytes(one.content)) for one in found.attachments]


READERS: dict[str, Callable[[bytes], Found]] = {
    "ours": ours,
    "email (default)": _stdlib(email.policy.default),
    "email (compat32)": _stdlib(email.policy.compat32),
    **({"fast-mail-parser": fast} if fast_mail_parser else {}),
}


def verdict(read: Callable[[bytes], Found], case: Case) -> str:
    """What a reader makes of a mail: "yes" if it shows and brings what it should."""
    try:
        text, files = read(case.raw)
    except Exception as error:
        return f"raises {type(error).__name__}"
    shows = case.words in text.replace("\r\n", "\n")
    brings = [one for one in case.files if one in [(name, octets.strip(b"\r\n")) for name, octets in files]]
    return "yes" if shows and len(brings) == len(case.files) else "no"


def agreeing(read: Callable[[bytes], Found], raws: list[bytes]) -> int:
    """Of how many mails a reader shows the same text as we do, white space aside."""
    return sum(_squeezed(read(raw)[0]) == _squeezed(ours(raw)[0]) for raw in raws)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def cost(read: Callable[[bytes], Found], raw: bytes) -> str:
    """The seconds that it takes, or what it raises."""
    begun = time.process_time()
    try:
        read(raw)
    except (Exception, RecursionError) as error:
        return f"raises {type(error).__name__}"
    return f"{time.process_time() - begun:.2f} s"


def rows() -> Iterator[tuple[str, ...]]:
    for case in CASES:
        yield case.kind, *(verdict(read, case) for read in READERS.values())
    yield (
        "**all of these**",
        *(f"**{sum(verdict(read, case) == 'yes' for case in CASES)} of {len(CASES)}**" for read in READERS.values()),
    )
    replies = [reply(path, "PATIENT", Quoted("Somebody wrote", "<p>Somebody wrote</p>")) for path in (*CLIENTS, *BELOW)]
    yield (
        f"the same text as ours, of {len(replies)} programs' replies",
        *(str(agreeing(read, replies)) for read in READERS.values()),
    )
    for kind, raw in HOSTILE.items():
        yield kind, *(cost(read, raw) for read in READERS.values())


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    print(f"| kind | {' | '.join(READERS)} |\n|---|{'---|' * len(READERS)}")
    for row in rows():
        print(f"| {' | '.join(row)} |", flush=True)
    for folder in sys.argv[1:]:
        raws = [path.read_bytes() for path in sorted(Path(folder).rglob("*.eml"))]
        for name, read in READERS.items():
            begun, failed = time.process_time(), 0
            for raw in raws:
                with contextlib.suppress(Exception):
                    failed += 1
                    read(raw)
                    failed -= 1
            print(f"{name}: {len(raws)} files in {time.process_time() - begun:.2f} s, {failed} raise")


if __name__ == "__main__":
    main()
