"""MIME as programs and people send it: what is meant is shown, and every file can be had."""

import base64
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import parse
from gateway.mail.parse import Body
from gateway.mail.transfer import untransferred
from tests.mail.samples import crlf

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)


def body(text: str) -> Body:
    found = parse.body(crlf(text))
    assert isinstance(found, Body)
    return found


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# -------------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain (ordinary); charset=koi8-r (Russian)",
        "(a comment (within one)) text/plain;charset=koi8-r",
        "text/plain (a; b=c); charset=koi8-r; format=flowed",
        "text / plain ; charset = koi8-r",
        "text/plain charset=koi8-r",
        "text/plain, charset=koi8-r",
        "text/plain: charset=koi8-r",
        "text/plain; charset=koi8-r, format=flowed",
        "text/plain;; charset=koi8-r;",
        'text/plain; charset="koi8-r" (quoted)',
        '"text/plain"; charset=koi8-r',
        "TEXT; charset=koi8-r",
        "text; charset=koi8-r",
        "plain; charset=koi8-r",
        "text\\plain; charset=koi8-r",
        "text/; charset=koi8-r",
    ],
)
def test_a_type_is_understood_as_it_was_meant(kind):
    raw = f"Content-Type: {kind}\r\n\r\n".encode() + "Норма".encode("koi8-r")
    assert parse.body(raw) == Body("Норма", "", ())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("filename=Letter to Pat.docx", "Letter to Pat.docx"),
        ("filename=Scan (2).docx; size=12", "Scan (2).docx"),
        ("filename=Scan of 3 May.docx size=12", "Scan of 3 May.docx"),
        ("filename = two words.docx ; creation-date=x", "two words.docx"),
        ("filename=a,b.docx", "a,b.docx"),
        ('filename="a (1); b.docx" (comment)', "a (1); b.docx"),
        ('filename="never closed.docx', "never closed.docx"),
        ("filename=Prüfung Müller.docx", "Prüfung Müller.docx"),
        ("filename==?utf-8?Q?M=C3=BCller 1.docx?=", "Müller 1.docx"),
    ],
)
def test_names_stand_without_quotes(given, name):
    [file] = body(f"Content-Type: application/octet-stream\nContent-Disposition: attachment; {given}\n\nx").attachments
    assert file.filename == name
    [file] = body(f"Content-Type: application/octet-stream; {given.replace('filename', 'name')}\n\nx").attachments
    assert file.filename == name


@pytest.mark.parametrize("given", ["=_a b", "=_a b (comment)", "'=_a'", "a,b", "=_a:b"])
def test_boundaries_stand_without_quotes(given):
    mail = f"Content-Type: multipart/mixed; boundary={given}\n\n--{given}\n\nHello\n--{given}--\n"
    assert body(mail).text == "Hello"


# ---------------------------------------------------------------------------------------------------------- encodings


@pytest.mark.parametrize("name", ["base64", "Base64 (encoded)", '"base64"', "(x) base64", "base64;", "Base-64"])
def test_an_encoding_is_understood_as_it_was_meant(name):
    assert body(f"Content-Transfer-Encoding: {name}\n\n{encoded('größer')}").text == "größer"


FOOTERS = (
    "_______\nA list - leave it here: https://list.example\n",
    "-- \nSent through the practice's list",
    "This mail was scanned.\nAll is well.",
    "Riverside\n",
    "> quoted",
    "***",
)


@pytest.mark.parametrize("footer", FOOTERS)
@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n\n"])
@pytest.mark.parametrize("text", ["one", "three", "Result: 5 µg\n" * 20])
def test_a_footer_below_base64_stays_as_it_was_typed(footer, between, text):
    if footer.startswith("Riverside") and (between == "\n" or text == "one"):
        return  # that could as well be more of it
    lines = base64.encodebytes(text.encode()).decode().strip()
    shown = body(f"Content-Transfer-Encoding: base64\n\n{lines}{between}{footer}").text
    assert shown.startswith(text)
    assert shown.endswith(footer)
    assert not set(shown) - set(text) - set(footer) - {"\n"}


def test_a_footer_is_no_part_of_a_file():
    lines = base64.encodebytes(b"%PDF-1.4 " + bytes(range(256))).decode()
    mail = f"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n{lines}\n{FOOTERS[0]}"
    raw = crlf(mail)
    assert parse.attachment(raw, 0)[1] == b"%PDF-1.4 " + bytes(range(256))
    assert parse.body(raw).attachments[0].size == 265


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("Z3LDtg==\nw59lcg==", "größer"),
        ("Zw==cg==w7Y=w58=ZXI=", "größer"),
        ("Z3LDtsOf\n\nZXI=", "größer"),
        (" Z3LD tsOf \n ZXI= ", "größer"),
        ("Z3LDts!OfZXI", "größer"),
        ("Please telephone.\n", "Please telephone.\n"),
        ("Telephone us\n", "Telephone us\n"),
        ("Danke\n", "Danke\n"),
        ("OK\n", "OK\n"),
        ("Call Anna\n", "Call Anna\n"),
        ("Größer als 5\n", "Größer als 5\n"),
        ("<p>", "<p>"),
        ("", ""),
    ],
)
def test_base64_that_is_padded_inside_or_none_at_all(sent, text):
    assert body(f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{sent}").text == text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("gr=C3=B6=\n=C3=9Fer", "größer"),
        ("gr=C3=\n=B6=C3=9Fer", "größer"),
        ("gr=C=\n3=B6=C=\n3=9Fer", "größer"),
        ("gr==\nC3=B6=C3=9=\nFer", "größer"),
        ("gr=C3=B6= \t\n=C3=9Fer", "größer"),
        ("gr=c3=b6=c3=9fer=", "größer"),
        ("5 = 5 \n=3D", "5 = 5\n="),
        ("a=ZZb", "a=ZZb"),
    ],
)
def test_quoted_printable_is_broken_anywhere(sent, text):
    assert body(f"Content-Transfer-Encoding: quoted-printable\n\n{sent}").text == text


@given(
    st.text("a=Cc3B6 \t\r\n", max_size=60).map(str.encode) | st.binary(max_size=60),
    st.sampled_from(["base64", "quoted-printable", "uuencode", "data", "data;base64"]),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_what_comes_bit_by_bit_is_the_same(octets, encoding, at):
    places = sorted({0, len(octets), *(place % (len(octets) + 1) for place in at)})
    cut = [octets[start:end] for start, end in pairwise(places)]
    assert b"".join(untransferred(cut, encoding)) == b"".join(untransferred([octets], encoding))


UU = "begin 644 résultat 1.pdf\n/)5!$1BTQ+C0@<F5S=6QT\n`\nend\n"
PDF = b"%PDF-1.4 result"


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("block", [UU, UU.replace("`\n", ""), UU.replace("`\n", " \n"), UU.replace("644", "0644")])
def test_a_uuencoded_file_is_taken_out_of_the_text(encoding, block):
    text = f"See it.\n\n{block}\nRegards\n"
    if encoding == "base64":
        text = base64.encodebytes(text.encode()).decode()
    if encoding == "quoted-printable":
        text = text.replace("=", "=3D").replace("é", "=C3=A9")
    raw = crlf(f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{text}")
    found = parse.body(raw)
    assert found.text.split() == ["See", "it.", "Regards"]
    assert [(one.filename, one.content_type, one.size) for one in found.attachments] == [
        ("résultat 1.pdf", "application/pdf", len(PDF))
    ]
    assert parse.attachment(raw, 0)[1] == PDF


def test_several_uuencoded_files_and_what_only_looks_like_one():
    text = f"{UU}between\n{UU}begin 644 nothing\nthat is prose\nend\nbegin 644 cut\n/)5!$1BTQ+C0@"
    found = body(f"Subject: x\n\n{text}")
    assert [one.filename for one in found.attachments] == ["résultat 1.pdf"] * 2
    assert "that is prose" in found.text
    assert "begin 644 cut" in found.text


@pytest.mark.parametrize("name", ["x-uuencode", "uuencode", "X-UUE"])
def test_uuencode_as_an_encoding(name):
    raw = crlf(f"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: {name}\n\n{UU}")
    assert parse.attachment(raw, 0)[1] == PDF
    [file] = body(f"Content-Type: application/pdf\nContent-Transfer-Encoding: {name}\n\n{UU}").attachments
    assert file.filename == "résultat 1.pdf"
    text = UU.replace("résultat 1.pdf", "x")
    assert body(f"Content-Type: text/plain\nContent-Transfer-Encoding: {name}\n\n{text}").text == PDF.decode()


# ---------------------------------------------------------------------------------------------- what is shown, listed


def part(fields: str, text: str = "Normal.") -> str:
    return f"--b\n{fields}\n\n{text}\n"


@pytest.mark.parametrize(
    "fields",
    [
        'Content-Type: text/plain; name="letter.txt"',
        "Content-Type: text/plain\nContent-Disposition: inline; filename=letter.txt",
        "Content-Type: text/plain; name=letter\nContent-Disposition: inline",
        "Content-Type: text/html; name=letter.html",
    ],
)
def test_text_with_a_name_is_shown_and_listed(fields):
    for mail in (f"{fields}\n\nNormal.", f"Content-Type: multipart/mixed; boundary=b\n\n{part(fields)}--b--"):
        found = body(mail)
        assert "Normal." in (found.html or found.text)
        assert len(found.attachments) == 1


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Type: text/plain; name=results.csv",
        "Content-Type: text/plain; name=letter.txt\nContent-Disposition: attachment",
        "Content-Type: text/calendar; method=REQUEST",
        "Content-Type: text/csv",
    ],
)
def test_other_text_is_listed_alone(fields):
    found = body(f"{fields}\n\nNormal.")
    assert (found.text, found.html, len(found.attachments)) == ("", "", 1)


def test_alternatives_may_hold_files():
    pdf = "Content-Type: application/pdf; name=a.pdf"
    amp = "Content-Type: text/x-amp-html"
    forms = [part("X: y"), part(amp, "<html>"), part("Content-Type: text/html", "<b>Normal.</b>"), part(pdf)]
    mail = f"Content-Type: multipart/alternative; boundary=b\n\n{''.join(forms)}--b--"
    found = body(mail)
    assert (found.text, found.html) == ("Normal.", "<b>Normal.</b>")
    assert [one.filename for one in found.attachments] == ["interactive-form-1.html", "a.pdf"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ("Content-Type: message/external-body; access-type=URL; URL=x", "kept-elsewhere-1.txt"),
        ("Content-Type: message/external-body; name=a.pdf", "kept-elsewhere-a.pdf.txt"),
        ("Content-Type: image/svg+xml", "attachment-1.svg"),
        ("Content-Type: audio/mpeg", "attachment-1.mp3"),
        ("Content-Type: message/delivery-status", "delivery-status-1"),
        ("Content-Type: text/calendar", "meeting-1.ics"),
        ("Content-Type: message/rfc822", "attachment-1.eml"),
        ("Content-Type: image/heic", "attachment-1.heic"),
        ("Content-Type: application/x-nobody-knows", "attachment-1"),
    ],
)
def test_files_without_a_name_are_called_what_they_are(fields, name):
    assert [one.filename for one in body(f"{fields}\n\nx").attachments] == [name]


def data_link(octets: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(octets).decode()}"


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("link", ["src='{}'", 'src="{}"', "src={}", 'SRC = " {}"'])
def test_pictures_in_data_links_are_files_of_the_message(encoding, link):
    html = f"<p>ECG <img {link.format(data_link(PNG, 'image/png'))}> normal"
    if encoding == "base64":
        html = base64.encodebytes(html.encode()).decode()
    if encoding == "quoted-printable":
        html = html.replace("=", "=3D")
    raw = crlf(f"Content-Type: text/html\nContent-Transfer-Encoding: {encoding}\n\n{html}")
    [file] = parse.body(raw).attachments
    assert (file.picture, file.size) == ("image/png", len(PNG))
    assert hashlib.sha256(parse.attachment(raw, 0)[1]).digest() == hashlib.sha256(PNG).digest()
    assert f"cid:{file.content_id}" in parse.body(raw).html


@pytest.mark.parametrize(
    ("link", "octets"),
    [
        ("data:text/plain,two%20words", b"two words"),
        ("data:,x", b"x"),
        (f"data:image/png;base64,{base64.b64encode(PNG).decode().replace('+', '%2B')}", PNG),
        ("data:application/pdf;name=a.pdf;base64,JVBE\nRg==", b"%PDF"),
    ],
)
def test_other_data_links_are_files_too(link, octets):
    raw = f'Content-Type: text/html\r\n\r\n<a href="{link}">x</a>'.encode()
    assert parse.attachment(raw, 0)[1] == octets


@pytest.mark.parametrize(
    ("octets", "picture"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", ""),
        (b"II*\x00", ""),
        (b"%PDF-1.4", ""),
        (b"<svg", ""),
        (b"", ""),
    ],
)
def test_a_picture_is_known_by_its_octets(octets, picture):
    head = "Content-Type: image/jpeg; name=a.jpg\nContent-Transfer-Encoding: base64"
    mail = f"{head}\n\n{base64.b64encode(octets).decode()}"
    assert body(mail).attachments[0].picture == picture
