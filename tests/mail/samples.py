"""What the tests of this room share: hostile octets for hypothesis, and a way to write messages down."""

from datetime import UTC, datetime

from hypothesis import strategies as st

AT = datetime(2026, 3, 3, 9, 2, 0, tzinfo=UTC)


def crlf(text: str) -> bytes:
    """A message as it is on the wire."""
    return text.encode("utf-8").replace(b"\n", b"\r\n")


_PIECES = [
    b"\r\n", b"\n", b"\r", b"\x00", b"\r\n\r\n", b"\r\n ", b": ", b";", b",", b"<", b">", b"(", b")", b'"', b"\\",
    b"Subject", b"From", b"Message-ID: <>", b"Received", b"ada@riverside.example", b"<pat@home.example>",
    b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/alternative; boundary=\"b\"",
    b"Content-Type: message/rfc822", b"Content-Type: message/delivery-status", b"Content-Type: text/html",
    b"Content-Type: text/plain; charset=idna", b"; charset=hex", b"; filename*0*=utf-8''%ff", b"; filename*1=b",
    b"Content-Disposition: attachment", b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable", b"\r\n--b\r\n", b"\r\n--b--\r\n", b"=?utf-8?q?a=0Ab?=",
    b"=?x?B?////?=", b"=?utf-16?b?2AA=?=", b"[secure patient 1980-02-03]", b"Action: failed", b"Status: 5.1.1",
    b"<blockquote>", b"<div id=appendonsend>", b"</head>", b"On x wrote:", b"\xe2\x80\xa8", b"\xff\xfe", b"=",
]  # fmt: skip

hostile = st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=8)), max_size=40).map(b"".join)
"""Octets that look like mail for a while."""

words = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["a", " ", "\r\n", "\n", "\r", "\u2028", "\u202e", "\ud800", "é", "😀", "\x00", ":", "<", ">", ","]
        )
        | st.sampled_from(
            ["Bcc: x@evil.example", "=?utf-8?q?=0D=0ABcc:_x?=", "\r\nBcc: x@evil.example", '"', "\\", "@"]
        )
        | st.sampled_from(["x" * 1200, "é" * 300, "{{7*7}}", "<img onerror=x>"]),
        max_size=12,
    ).map("".join),
)
"""Text that tries to be more than text."""
