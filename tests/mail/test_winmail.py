"""What Outlook packs into winmail.dat comes out: its files and its words, however it is damaged."""

import base64
import struct

import pytest
from compressed_rtf import compress
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import parse
from gateway.mail.winmail import Winmail, winmail
from gateway.portal.mail.content import shown_of
from tests.mail import tnef
from tests.mail.tnef import value

PDF = b"%PDF-1.4 the result"


def mail(packed: bytes, text: str = "See the file.", kind: str = "application/ms-tnef; name=winmail.dat") -> bytes:
    first = f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n" if text else ""
    octets = base64.encodebytes(packed).decode().replace("\n", "\r\n")
    second = f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{octets}\r\n"
    return f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{first}{second}--b--\r\n".encode()


def files(raw: bytes) -> dict[str, bytes]:
    found = parse.body(raw)
    assert isinstance(found, parse.Body)
    given_out = {one.filename: parse.attachment(raw, one.index) for one in found.attachments}
    return {name: file[1] for name, file in given_out.items() if file}


@pytest.mark.parametrize(
    "kind",
    ["application/ms-tnef; name=winmail.dat", "application/vnd.ms-tnef", "application/octet-stream; name=WINMAIL.DAT"],
)
def test_its_files_come_out(kind):
    packed = tnef.tnef(tnef.file("Result.pdf", PDF), tnef.file("Note.txt", b"normal"))
    assert files(mail(packed, kind=kind)) == {"Result.pdf": PDF, "Note.txt": b"normal"}


def test_they_have_their_long_names_and_types():
    told = (
        value(tnef.TIME, 0x3007, 1),
        value(tnef.UTF_16, tnef.LONG_NAME, "Résultat – 北京.pdf"),
        value(tnef.STRING, tnef.MIME_TYPE, "Application/PDF"),
        tnef.named(tnef.LONG, 7, 1),
        tnef.named(tnef.UTF_16, "AttachmentMacInfo", "x"),
        tnef.several(tnef.STRING, 0x3008, b"one\0", b"two\0"),
        value(tnef.BOOLEAN, 0x7FFE, 0),
    )
    raw = mail(tnef.tnef(tnef.file("", PDF, *told, old_name="RSULTA~1.PDF")))
    [one] = parse.body(raw).attachments
    assert (one.filename, one.content_type, one.size) == ("Résultat – 北京.pdf", "application/pdf", len(PDF))


def test_a_picture_within_its_html_is_shown_there():
    png = b"\x89PNG\r\n\x1a\n"
    html = value(tnef.BINARY, tnef.HTML, b"<p>take <s>20 mg</s> 2 mg \xe9</p><img src='cid:one@x'>")
    page = value(tnef.LONG, tnef.CODE_PAGE, 28591)
    picture = tnef.file("a.png", png, value(tnef.UTF_16, tnef.CONTENT_ID, "one@x"))
    shown = shown_of(mail(tnef.tnef(tnef.message(page, html), picture), "take 20 mg 2 mg"), "/f", "en")
    assert "<s>20 mg</s> 2 mg é" in shown.frame
    assert 'src="/f/0"' in shown.frame
    assert shown.attachments == ()


def test_words_that_stand_nowhere_else_are_read():
    text = tnef.message(value(tnef.UTF_16, tnef.TEXT, "Na\r\nnormal – 北"))
    old = tnef.attribute(tnef.MESSAGE, 0x2800C, b"Na\r\nnormal\0")
    rtf = tnef.message(value(tnef.BINARY, tnef.RTF, compress(rb"{\rtf1\ansi Na\par normal}")))
    for packed, words in ((text, "Na\nnormal – 北"), (old, "Na\nnormal"), (rtf, "Na\nnormal")):
        assert shown_of(mail(tnef.tnef(packed), ""), "/f", "en").text.strip() == words
        assert files(mail(tnef.tnef(packed), "")) == {}


def test_messages_within_it_give_their_words_and_files():
    inner = tnef.tnef(tnef.message(value(tnef.UTF_16, tnef.TEXT, "inner words")), tnef.file("inner.pdf", PDF))
    packed = tnef.tnef(tnef.embedded("Letter", tnef.tnef(tnef.embedded("Old", inner))), tnef.file("outer.pdf", b"o"))
    found = files(mail(packed))
    assert list(found) == ["Old.txt", "inner.pdf", "outer.pdf"]
    assert (found["inner.pdf"], found["outer.pdf"]) == (PDF, b"o")
    assert found["Old.txt"].decode("utf-16-le").rstrip("\0") == "inner words"


def test_what_is_damaged_stays_beside_what_came_out():
    whole = tnef.tnef(tnef.file("a.pdf", PDF), tnef.file("b.pdf", PDF))
    found = files(mail(whole[:-20]))
    assert found["a.pdf"] == PDF
    assert found["winmail.dat"] == whole[:-20]


@pytest.mark.parametrize("octets", [b"", b'x\x9f>"', b"MZ not one at all"])
def test_what_is_none_stays_as_it_is(octets):
    assert list(files(mail(octets))) == ["winmail.dat"]


@pytest.mark.parametrize(
    "values",
    [
        struct.pack("<I", 0xFFFFFFFF),
        struct.pack("<IHHI", 0xFFFFFFFF, 0x1002, 1, 0) * 10,
        struct.pack("<IHHI", 1, 0x1002, 1, 0xFFFFFFFF),
        struct.pack("<IHHII", 1, 0x1F, 0x1000, 1, 0xFFFFFFFF),
        struct.pack("<IHHII", 1, 0x101F, 0x1000, 0xFFFFFFFF, 0) + bytes(100),
    ],
)
def test_counts_that_nothing_stands_behind_take_no_time(values):
    packed = tnef.tnef(tnef.file("a.pdf", PDF), tnef.attribute(tnef.MESSAGE, 0x69003, values))
    found = winmail(packed)
    assert found is not None
    assert (found.is_whole, len(found.files)) == (False, 1)


def test_messages_within_messages_end():
    packed = tnef.tnef(tnef.file("a.pdf", PDF))
    for _ in range(30):
        packed = tnef.tnef(tnef.embedded("x", packed))
    assert "winmail.dat" in files(mail(packed))


@given(st.binary(max_size=200), st.integers(0, 400), st.binary(max_size=6))
def test_whatever_comes_is_answered(octets, at, noise):
    whole = tnef.tnef(tnef.message(value(tnef.UTF_16, tnef.TEXT, "words")), tnef.file("a.pdf", PDF), octets)
    found = winmail(whole[:at] + noise + whole[at + len(noise) :])
    assert found is None or isinstance(found, Winmail)
    for one in found.every_file() if found else ():
        assert 0 <= one.place.start <= one.place.end
