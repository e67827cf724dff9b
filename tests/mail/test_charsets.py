"""Charsets as browsers and mail programs mean them, whatever octets come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.charsets import REPLACED, as_text, of_html
from gateway.mail.decoding import words

MEANT = [
    ("iso-8859-1", b"5 \x80 \x96 don\x92t", "5 € – don’t"),
    ("ISO_8859-1", b"\x93a\x94", "“a”"),
    ("latin1", b"\x85", "…"),
    ("iso-8859-9", b"\xfe\xfd\x80", "şı€"),
    ("euc-kr", "뷁펲".encode("cp949"), "뷁펲"),
    ("KS_C_5601-1987", "똠방각하".encode("cp949"), "똠방각하"),
    ("gb2312", "镕喆".encode("gb18030"), "镕喆"),
    ("GBK", "𠮷".encode("gb18030"), "𠮷"),
    ("shift_jis", "①㈱髙".encode("cp932"), "①㈱髙"),
    ("windows-31j", "℡".encode("cp932"), "℡"),
    ("big5", "嘅㗎".encode("big5hkscs"), "嘅㗎"),
    ("iso-2022-jp", b"A\x1b$B-!-j\x1b(BB", "A①㈱B"),
    ("iso-2022-jp", b"\x1b$B-!\r\nplain\r\n", "①\r\nplain\r\n"),
    ("iso-2022-jp", b"\x1b(I1\x1b(J\\x", "ｱ\\x"),
    ("cp-850", "é".encode("cp850"), "é"),
    ("ibm850", "é".encode("cp850"), "é"),
    ("koi8-u", "їжак".encode("koi8-u"), "їжак"),
    ("windows-874", "สวัสดี".encode("cp874"), "สวัสดี"),
    ("macintosh", "é".encode("mac-roman"), "é"),
    ("hz-gb-2312", b"~{VPND~}", "中文"),
    ("utf-16", "é".encode("utf-16"), "é"),
    ("utf-8", b"\xef\xbb\xbfx", "x"),
    ("unknown-8bit", "Größe".encode(), "Größe"),
    ("us-ascii", "Größe".encode("cp1252"), "Größe"),
    ("nonsense", "Größe".encode("cp1252"), "Größe"),
    ("", b"", ""),
]


@pytest.mark.parametrize(("label", "octets", "text"), MEANT)
def test_a_label_means_what_mail_programs_mean_by_it(label, octets, text):
    assert as_text(octets, label) == text


@pytest.mark.parametrize("label", ["utf-8", "", "us-ascii"])
def test_a_bad_octet_costs_itself(label):
    octets = "Größere Prüfung läuft ".encode() + b"\xe9" + " – Ende".encode()
    assert as_text(octets, label) == f"Größere Prüfung läuft {REPLACED} – Ende"


def test_what_is_no_utf_8_is_windows_1252_and_costs_no_time():
    assert as_text(bytes(range(0xC0, 0x100)) * 50_000, "utf-8").startswith("ÀÁÂ")


@pytest.mark.parametrize("label", ["iso-2022-jp", "euc-kr", "shift_jis", "big5", "gb2312", "utf-7", "utf-16", "x-x"])
@given(octets=st.binary())
def test_whatever_comes_is_answered(label, octets):
    assert isinstance(as_text(octets, label), str)


@pytest.mark.parametrize(
    ("label", "meta", "codec", "right"),
    [
        ("", "koi8-r", "koi8-r", True),
        ("us-ascii", "windows-1251", "cp1251", True),
        ("utf-8", "iso-8859-2", "iso8859-2", True),
        ("utf-8", "iso-8859-2", "utf-8", True),
        ("iso-8859-1", "utf-8", "utf-8", True),
        ("koi8-r", "windows-1251", "koi8-r", True),
    ],
)
def test_html_says_what_it_is_written_in_where_the_head_does_not(label, meta, codec, right):
    text = "Результаты" if codec in ("koi8-r", "cp1251") else "Łódź, żółć"
    html = f'<html><head><META http-equiv=Content-Type content="text/html; charset={meta}"></head>{text}'.encode(codec)
    assert (text in as_text(html, of_html(html, label))) is right


def test_encoded_words_mean_the_same():
    assert words("=?iso-8859-1?Q?Pat=92s_=96?=") == "Pat’s –"
    assert words("=?ISO-2022-JP?B?GyRCLSEbKEI=?=") == "①"
