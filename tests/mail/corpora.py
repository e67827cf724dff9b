"""Real mails, held against what we show of them: those that Debian's packages bring as test data, and ours.

`python -m tests.mail.corpora FOLDER…` says of each mail in these folders what is wrong with what is shown of it;
without folders, of those of the packages that `tests.peers.fetch` has.
"""

import argparse
import contextlib
import mailbox
import re
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from pathlib import Path

import webencodings

from gateway.mail import parse
from gateway.portal.mail.content import shown_of
from tests.peers.fetch import MAIL_ROOT, MAILS

_HEAD = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:\r?\n){0,3}(?:>?From [^\n]*\n)?(?:[!-9;-~]+[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}"
)
_FIELDS = re.compile(rb"^(from|to|subject|date|message-id|received|content-type|return-path):", re.I | re.M)
_CODE = frozenset({".c", ".go", ".h", ".html", ".json", ".pl", ".pm", ".py", ".pyc", ".xml"})
_C1 = re.compile("[\x80-\x84\x86-\x9f]")
_ONE_LINE = re.compile(r"\s+")


def folder_of(package: str) -> Path:
    """Where a package's mails lie, once they are fetched."""
    return next((MAIL_ROOT / "usr").glob(MAILS[package]))


def mails(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each mail in a folder's files, with a name."""
    for file in sorted(one for one in folder.rglob("*") if one.is_file() and one.suffix not in _CODE):
        raw = file.read_bytes()
        if raw.startswith(b"From ") and b"\nFrom " in raw:
            with contextlib.closing(mailbox.mbox(file)) as box:
                yield from ((f"{file}:{number}", one.as_bytes()) for number, one in enumerate(box))
        elif (head := _HEAD.match(raw[:20_000])) and len({one.lower() for one in _FIELDS.findall(head[0])}) > 1:
            yield str(file), raw


def faults(raw: bytes) -> list[str]:
    """What is wrong with what is shown of a mail: nothing that is no text, no character lost, each file as it was."""
    raw = re.sub(rb"\r?\n", b"\r\n", raw)
    shown = shown_of(raw, "/f", "en")
    if shown.unreadable:
        return ["it cannot be shown"]
    words = "\n".join([shown.text, shown.frame, parse.head(raw).subject, *(one.filename for one in shown.attachments)])
    found = ["controls"] if _C1.search(words) else []
    message = message_from_bytes(raw)
    if "\ufffd" in words and not any(_is_broken(one) for one in message.walk()) and b"\xef\xbf\xbd" not in raw:
        found.append("characters lost")
    return found + _files_that_differ(raw, message)


def _is_broken(part: Message) -> bool:
    """Whether the octets of a text are none in the character set that they are said to be in, nor in UTF-8."""
    if part.get_content_maintype() != "text":
        return False
    octets = part.get_payload(decode=True)
    label = webencodings.lookup(str(part.get_content_charset("utf-8")))
    assert isinstance(octets, bytes)
    return not _reads(octets, label.codec_info.name if label else "utf-8") and not _reads(octets, "utf-8")


def _reads(octets: bytes, codec: str) -> bool:
    try:
        return "\ufffd" not in octets.decode(codec)
    except UnicodeError:
        return False


def _files_that_differ(raw: bytes, message: Message) -> list[str]:
    """The files that the standard library finds as well, and that we give out otherwise, or not at all."""
    body = parse.body(raw)
    assert isinstance(body, parse.Body)
    ours = Counter(sha256(file[1]).digest() for one in body.attachments if (file := parse.attachment(raw, one.index)))
    theirs = Counter(sha256(one).digest() for one in _files(message))
    return [f"{sum((theirs - ours).values())} files differ"] if theirs - ours else []


def _files(message: Message) -> Iterator[bytes]:
    """Those of messages within it are theirs; a signature beside a mail is no file, but is told of."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for number, part in enumerate(message.get_payload()):
            if isinstance(part, Message) and not (number and message.get_content_subtype() == "signed"):
                yield from _files(part)
    elif message.get_content_disposition() == "attachment" and not message.is_multipart():
        octets = message.get_payload(decode=True)
        if isinstance(octets, bytes):
            yield octets


def main() -> None:
    """Write a line for each mail with a fault, and the sums."""
    parser = argparse.ArgumentParser(description="Say what is wrong with what is shown of real mails.")
    parser.add_argument("folders", nargs="*", type=Path)
    options = parser.parse_args()
    for folder in options.folders or map(folder_of, MAILS):
        every = [(place, faults(raw)) for place, raw in mails(folder)]
        for place, wrong in every:
            if wrong:
                print(f"{place}: {', '.join(wrong)}")
        print(f"{folder}: {len(every)} mails, {sum(bool(wrong) for _, wrong in every)} with a fault")


if __name__ == "__main__":
    main()
