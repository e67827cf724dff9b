import binascii
import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.mail import parse
from gateway.mail.bounds import DEEPEST, PARTS
from gateway.mail.parse import Body, Malformed
from gateway.mail.transfer import encoded_length, unbase64
from tests.mail.samples import crlf, hostile

# ------------------------------------------------------------------------------------------------------------- heads


def head(text: str) -> parse.Head:
    return parse.head(crlf(text))


def test_fields_have_exact_ranges() -> None:
    raw = b"A: b\r\nSubject : two\r\n\tlines\r\nC:\r\n\r\nbody: x\r\n"
    found = parse.head(raw)

    assert [(f.name, f.value, raw[f.start : f.end]) for f in found.fields] == [
        ("a", b" b", b"A: b\r\n"),
        ("subject", b" two\r\n\tlines", b"Subject : two\r\n\tlines\r\n"),
        ("c", b"", b"C:\r\n"),
    ]
    assert raw[found.end :] == b"body: x\r\n"
    assert found.subject == "two lines"


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"A: b\nB: c\n\nbody\n", ["a", "b"], b"body\n"),
        (b"A: b\r\nno field\r\nB: c\r\n\r\n", ["a"], b"no field\r\nB: c\r\n\r\n"),
        (b"A: b", ["a"], b""),
        (b"A: b\r\n", ["a"], b""),
        (b"\r\nbody", [], b"body"),
        (b" A: b\r\n\r\n", [], b" A: b\r\n\r\n"),
        (b": b\r\n\r\n", [], b": b\r\n\r\n"),
        (b"A: b\rBcc: c\r\n\r\nx", ["a"], b"x"),
        (b"", [], b""),
    ],
)
def test_where_the_head_ends(raw: bytes, names: list[str], body: bytes) -> None:
    found = parse.head(raw)

    assert [field.name for field in found.fields] == names
    assert raw[found.end :] == body
    assert found.complete


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?R=C3=A9sultats_de?= =?utf-8?b?IFBhdA==?=", "Résultats de Pat"),
        ("=?utf-8?b?w5w=?= x =?utf-8?b?w5w=?=", "Ü x Ü"),
        ("=?utf-8?b?ww==?=\n =?utf-8?b?nA==?=", "Ü"),
        ("=?iso-8859-1*de?Q?=DC?=", "Ü"),
        ("=?no-such?q?=C3=9C?=", "Ü"),
        ("=?idna?q?xn--?=", "xn--"),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("=?utf-8?q?a=E2=80=A8b=E2=80=AEc=00?=", "a bc"),
        ("a\n\t b\u2029c\u200ed", "a b cd"),
        ("=?utf-8?q?broken", "=?utf-8?q?broken"),
    ],
)
def test_values_are_decoded_to_one_clean_line(value: str, text: str) -> None:
    assert head(f"Subject: {value}\n\n").subject == text


def test_raw_octets_are_guessed() -> None:
    assert parse.head(b"Subject: \xc3\x9c\r\n\r\n").subject == "Ü"
    assert parse.head(b"Subject: \xdc\r\n\r\n").subject == "Ü"


def test_all_and_get() -> None:
    found = head("X-A: 1\nx-a: 2\nReceived: a\nReceived: b\nIn-Reply-To: <1@x>\nReferences: <0@x>\n <1@x>\n\n")

    assert found.all("X-A") == ("1", "2")
    assert found.get("X-A") == "1"
    assert found.get("x-b") == ""
    assert found.received == 2
    assert found.answers == ("<1@x>", "<0@x>")


@pytest.mark.parametrize(
    ("value", "found"),
    [("<a@b>", "<a@b>"), (" (c) <a@b> x", "<a@b>"), ("<>", ""), ("a@b", ""), ("<a b>", ""), ("", ""), ("<" * 500, "")],
)
def test_message_ids(value: str, found: str) -> None:
    assert head(f"Message-ID: {value}\n\n").message_id == found


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ("From: Dr Ada <ada@riverside.example>\n", ["ada@riverside.example"]),
        ("From: a@evil.example, <ada@riverside.example>\n", ["a@evil.example", "ada@riverside.example"]),
        ("From: ada@riverside.example\nFROM : a@evil.example\n", ["ada@riverside.example", "a@evil.example"]),
        ("From: ada@riverside.example\nFrom: nobody\n", []),
        ("From:\n", []),
        ("X: y\n", []),
    ],
)
def test_authors(fields: str, keys: list[str]) -> None:
    assert [one.address.key for one in head(f"{fields}\n").authors] == keys


@pytest.mark.parametrize("raw", [b"A: b\r\n" * 10_001, b"A: b\r\nX: " + b"y" * 2**20 + b"\r\nC: d\r\n"])
def test_an_endless_head_is_cut(raw: bytes) -> None:
    found = parse.head(raw + b"\r\nbody")

    assert not found.complete
    assert len(found.fields) <= 10_000
    assert parse.body(raw + b"\r\nbody") == Malformed("its heads are too long")


# ------------------------------------------------------------------------------------------------------------ bodies


def body(text: str) -> Body:
    found = parse.body(crlf(text))
    assert isinstance(found, Body)
    return found


def multipart(subtype: str, *parts: str, boundary: str = "b") -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n\npreamble\n{inner}--{boundary}--\nepilogue\n'


TEXT = "Content-Type: text/plain\n\nHello"
HTML = "Content-Type: text/html\n\n<p>Hello</p>"
PDF = "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg=="


def test_plain_mail() -> None:
    assert body("Subject: x\n\nHello\n") == Body("Hello\n", "", ())


def test_no_body() -> None:
    assert body("Subject: x\n\n") == Body("", "", ())
    assert parse.body(b"") == Body("", "", ())


def test_html_alone() -> None:
    assert body(HTML) == Body("", "<p>Hello</p>", (), text_is_whole=False)


def test_alternatives() -> None:
    assert body(multipart("alternative", TEXT, HTML)) == Body("Hello", "<p>Hello</p>", ())


def test_a_nested_mail_with_a_file() -> None:
    related = multipart("related", HTML, "Content-Type: image/png\nContent-ID: <logo@x>\n\nPNG", boundary="r")
    found = body(multipart("mixed", multipart("alternative", TEXT, related, boundary="a"), PDF))

    assert (found.text, found.html) == ("Hello", "<p>Hello</p>")
    assert found.attachments == (
        parse.Attachment(0, "attachment-1.png", "image/png", 3, "logo@x"),
        parse.Attachment(1, "a.pdf", "application/pdf", 4, ""),
    )


def test_parts_in_a_row_all_show() -> None:
    found = body(multipart("mixed", HTML, "\n1 < 2", TEXT))

    html = "<p>Hello</p>\n<pre>1 &lt; 2</pre>\n<pre>Hello</pre>"
    assert found == Body("1 < 2\nHello", html, (), text_is_whole=False)


def test_text_that_is_a_file_is_a_file() -> None:
    disposition = "Content-Type: text/plain\nContent-Disposition: attachment\n\nx"
    named = "Content-Type: text/html\nContent-Disposition: inline; filename=n.html\n\nx"
    found = body(multipart("mixed", TEXT, disposition, named))

    assert found.text == "Hello"
    assert [a.filename for a in found.attachments] == ["attachment-1.txt", "n.html"]


def test_what_stands_before_a_head_by_mistake_is_none_of_it() -> None:
    raw = multipart("mixed", TEXT, "Content-Type: application/pdf; name=a.pdf\n\n%PDF")
    for before in (b"From ada Tue Sep 10 11:23:33 2002\r\n", b">From ada\r\n", b"\xef\xbb\xbf", b"\r\n"):
        found = parse.body(before + crlf(raw))
        assert isinstance(found, Body)
        assert (found.text, [one.filename for one in found.attachments]) == ("Hello", ["a.pdf"])


def test_an_enclosed_message_is_a_file() -> None:
    enclosed = "Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx"
    found = body(multipart("mixed", TEXT, enclosed, boundary="outer"))

    assert [(a.filename, a.content_type) for a in found.attachments] == [("inner.eml", "message/rfc822")]
    found = body(multipart("digest", "\nSubject: inner\n\nx"))
    assert [a.content_type for a in found.attachments] == ["message/rfc822"]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: multipart/mixed\n",
        "Content-Type: multipart/mixed; boundary=never\n",
        "Content-Type: multipart/mixed; boundary=\n",
        'Content-Type: multipart/mixed; boundary="never\n',
    ],
)
def test_a_multipart_that_is_none_shows_as_it_is(head: str) -> None:
    assert body(f"{head}\nHello").text == "Hello"


def test_a_multipart_without_an_end_is_read() -> None:
    assert body(multipart("mixed", TEXT).partition("--b--")[0]).text.strip() == "Hello"


def test_a_boundary_that_begins_like_another() -> None:
    inner = multipart("alternative", TEXT, boundary="b2")
    assert body(multipart("mixed", inner, "\n--bx\nmore")).text == "Hello\n--bx\nmore"


@pytest.mark.parametrize(
    ("fields", "octets", "text"),
    [
        ("Content-Type: text/plain; charset=iso-8859-1", b"\xdc", "Ü"),
        ('Content-Type: text/plain; charset="UTF-8"', b"\xc3\x9c", "Ü"),
        ("Content-Type: text/plain; charset=us-ascii", b"\xc3\x9c", "Ü"),
        ("Content-Type: text/plain; charset=no-such", b"\xdc", "Ü"),
        ("Content-Type: text/plain; charset=hex", b"zz", "zz"),
        ("Content-Type: text/plain; charset=utf-16", b"\xff", "\ufffd"),
        ("Content-Type: text/plain; charset*=x'y'%ff", b"a", "a"),
        ("Content-Transfer-Encoding: quoted-printable", b"a=C3=9C=\r\nb  \r\n=zz", "aÜb\n=zz"),
        ("Content-Transfer-Encoding: BASE64", b"SGVs\r\nbG8", "Hello"),
        ("Content-Transfer-Encoding: base64", b"S=G!Vsb\xffG8===", "Hello"),
        ("Content-Transfer-Encoding: x-odd", b"Hello", "Hello"),
        ("Content-Type: ;;;", b"a\x00\x07b\rc", "ab\nc"),
    ],
)
def test_text_is_decoded_whatever_it_claims(fields: str, octets: bytes, text: str) -> None:
    assert parse.body(fields.encode() + b"\r\n\r\n" + octets) == Body(text, "", ())


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename=scan.pdf", "scan.pdf"),
        ('filename="a \\"b\\".pdf"', "a _b_.pdf"),
        ("filename*=utf-8''Befund%20M%C3%BCller.pdf; filename=x.pdf", "Befund Müller.pdf"),
        ("filename=x.pdf; filename*=utf-8''M%C3%BC.pdf", "Mü.pdf"),
        ("filename*1=er.pdf; filename*0*=utf-8''M%C3%BCll", "Müller.pdf"),
        ('filename="=?utf-8?b?TcO8LnBkZg==?="', "Mü.pdf"),
        ('filename="../../etc/passwd"', "passwd.pdf"),
        ('filename="C:\\\\Users\\\\x.pdf"', "x.pdf"),
        ('filename="..."', "attachment-1.pdf"),
        ('filename=""', "attachment-1.pdf"),
        ("filename*=utf-8''%E2%80%AEfdp.exe%0D%0A", "fdp.exe"),
        ("filename*=no-such'x", "no-such'x.pdf"),
        ("filename=a.pdf; filename=b.pdf", "a.pdf"),
        (f"filename={'x' * 300}.pdf", "x" * 80 + ".pdf"),
    ],
)
def test_file_names_are_safe(parameters: str, name: str) -> None:
    found = body(f"Content-Type: application/pdf\nContent-Disposition: attachment; {parameters}\n\nx")

    assert [a.filename for a in found.attachments] == [name]


def test_an_odd_type_is_text_or_mere_octets() -> None:
    assert body("Content-Type: <img onerror>/x\n\nx") == Body("x", "", ())
    named = body("Content-Type: <img onerror>/x; name=a.bin\n\nx")
    assert [one.content_type for one in named.attachments] == ["application/octet-stream"]


def test_a_file_by_its_index() -> None:
    raw = crlf(multipart("mixed", TEXT, PDF))

    assert parse.attachment(raw, 0) == (parse.Attachment(0, "a.pdf", "application/pdf", 4, ""), b"%PDF")
    assert parse.attachment(raw, 1) is None
    assert parse.attachment(raw, -1) is None


def nested(depth: int) -> bytes:
    opening = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return crlf(f"{opening}\nHello")


def test_depth_is_bounded() -> None:
    assert parse.body(nested(DEEPEST)) == Body("Hello", "", ())
    for depth in (DEEPEST + 1, 300, 5_000):
        assert parse.body(nested(depth)) == Malformed(f"its parts are nested deeper than {DEEPEST}")
    assert parse.attachment(nested(300), 0) is None


def test_the_number_of_parts_is_bounded() -> None:
    assert parse.body(crlf(multipart("mixed", *["\nx"] * PARTS))) == Body("\n".join("x" * PARTS), "", ())
    assert parse.body(crlf(multipart("mixed", *["\nx"] * 20_000))) == Malformed(f"it has more than {PARTS} parts")


def test_large_mail_nested_deep_is_read() -> None:
    raw = nested(DEEPEST) + b"x" * 2**20 * 2

    assert parse.body(raw) == Body("Hello" + "x" * 2**20 * 2, "", ())


# ------------------------------------------------------------------------------------------------------- fingerprints


def fingerprint(text: str) -> bytes:
    return parse.fingerprint(crlf(text), head(text)).digest()


def test_trace_fields_do_not_change_the_fingerprint() -> None:
    mail = "From: a\nSubject: x\n\nbody"

    for trace in ("Received: y\n", "ARC-Seal: y\n", "DKIM-Signature: y\n z\n", "Return-Path: <>\n", "X-Received: y\n"):
        assert fingerprint(trace + mail) == fingerprint(mail)


@pytest.mark.parametrize(
    "other", ["From: a\nSubject: y\n\nbody", "From: a\nSubject: x\n\nbody!", "From: a\n\nSubject: x"]
)
def test_everything_else_changes_it(other: str) -> None:
    assert fingerprint(other) != fingerprint("From: a\nSubject: x\n\nbody")


# -------------------------------------------------------------------------------------------------------- hostile mail


@pytest.mark.parametrize(
    "raw",
    [
        b"Message-ID: <>\r\nFrom: " + b"(" * 500 + b"\r\n\r\n",
        b"Content-Type: " + b"(" * 500 + b"\r\n\r\n",
        b"Content-Type: text/plain" + b';a="' * 50_000 + b"\r\n\r\nx",
        b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\n",
        b"Subject: " + b"=?" * 200_000 + b"\r\n\r\n",
        b"From: " + b'"\\' * 100_000 + b"\r\n\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b" " * 300_000 + b"x",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + b"--bx\r\n" * 100_000,
        b"\x00" * 1000,
        b"A:" + b"\r\n " * 200_000,
    ],
)
def test_bombs_are_answered(raw: bytes) -> None:
    found = parse.head(raw)

    assert found.authors == ()
    assert found.message_id == ""
    assert "\n" not in found.subject
    assert isinstance(parse.body(raw), Body)


@settings(max_examples=300)
@given(hostile)
def test_nothing_raises(raw: bytes) -> None:
    found = parse.head(raw)
    for name in {field.name for field in found.fields}:
        for value in found.all(name):
            assert not set("\r\n\x00\u2028\u202e") & set(value)
    assert raw[found.start : found.end].rstrip(b"\r\n") == b"".join(raw[f.start : f.end] for f in found.fields).rstrip(
        b"\r\n"
    )
    parse.fingerprint(raw, found).digest()
    shown = parse.body(raw)
    if isinstance(shown, Body):
        for one in shown.attachments:
            assert one.filename
            assert not set("/\\\r\n\x00\u202e") & set(one.filename)
            told = parse.attachment(raw, one.index)
            assert told is not None
            assert told[0] == one
            assert len(told[1]) == one.size


ENCODED = st.text("AQZaz09+/= \t\r\n\x00é", max_size=80).map(str.encode) | st.binary(max_size=80)


def cut(octets: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(octets), *(place % (len(octets) + 1) for place in at)})
    return [octets[start:end] for start, end in itertools.pairwise(places)]


@settings(max_examples=500)
@example(b"a=09b=\r\nc=", "quoted-printable", [3])
@given(ENCODED, st.sampled_from(["base64", "quoted-printable", "8bit", ""]), st.lists(st.integers(0, 1000), max_size=6))
def test_a_file_that_comes_bit_by_bit_is_the_same(octets: bytes, encoding: str, at: list[int]) -> None:
    head = f"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    before = b"Content-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n--x\r\n\r\none\r\n--x\r\n"
    raw = before + head + octets + b"\r\n--x--\r\n"
    found, whole = parse.piece(raw, 0), parse.attachment(raw, 0)
    assert found is not None
    assert whole == (found[0], b"".join(found[1].octets(cut(raw, at))))
    if encoding == "base64":
        assert whole[1] == unbase64(octets[: encoded_length(octets, encoding)])
    if (
        encoding == "quoted-printable"
        and not set(b" \t") & set(octets)
        and not {b"=\r", b"=\n"} & {octets[at : at + 2] for at in range(len(octets))}
    ):
        assert whole[1] == binascii.a2b_qp(octets)


def test_files_of_every_depth_are_where_they_are_said_to_be() -> None:
    png, gif, jpeg = (f"Content-Type: image/{kind}\n\n{kind}".encode() for kind in ("png", "gif", "jpeg"))
    inner = b"Content-Type: multipart/mixed; boundary=y\n\n--y\n" + png + b"\n--y\n" + gif + b"\n--y--"
    raw = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" + inner + b"\n--x\n" + jpeg + b"\n--x--\n"
    pieces = [parse.piece(raw, index) for index in range(3)]
    assert [b"".join(one[1].octets([raw])) for one in pieces if one] == [b"png", b"gif", b"jpeg"]


@pytest.mark.parametrize(
    ("kind", "has_files"),
    [
        ("multipart/mixed; boundary=x", True),
        ("Multipart/MIXED ;boundary=x", True),
        ("application/pdf", True),
        ("image/png; name=a.png", True),
        ("multipart/alternative; boundary=x", False),
        ("text/plain", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_a_head_tells_whether_there_seem_to_be_files(kind: str, has_files: bool) -> None:
    assert head(f"Content-Type: {kind}\n\n").has_files is has_files
    assert head("Subject: x\n\n").has_files is False
