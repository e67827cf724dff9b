"""Octets as the text that browsers and Outlook make of them, whatever their label says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import parse
from gateway.mail.charsets import CODECS, as_text
from tests.mail.samples import crlf


@pytest.mark.parametrize(
    ("label", "octets", "text"),
    [
        ("iso-8859-1", b"\x93Iron\x94 \x96 it\x92s \x80 3\x85", "“Iron” – it’s € 3…"),
        ("latin1", b"5\xb5g \x96 ok", "5µg – ok"),
        ("us-ascii", b"Dr. M\xfcller\x92s", "Dr. Müller’s"),
        ("ISO_8859-9", b"\xdd\xfe \x93iyi\x94", "İş “iyi”"),
        ("latin5", b"\x85 \xf0", "… ğ"),
        ("iso-8859-11", b"\xa1\xd2\x85", "กา…"),
        ("TIS-620", b"\xa1\x91", "ก‘"),
        ("EUC-KR", "펲 뷁".encode("cp949"), "펲 뷁"),
        ("ks_c_5601-1987", "똠방각하".encode("cp949"), "똠방각하"),
        ("windows-949", "햏".encode("cp949"), "햏"),
        ("gb2312", "㎏ 镕 €".encode("gb18030"), "㎏ 镕 €"),
        ("GBK", "𠮷 喆".encode("gb18030"), "𠮷 喆"),
        ("x-gbk", "喆".encode("gbk"), "喆"),
        ("Shift_JIS", "①髙橋㈱℡ ～".encode("cp932"), "①髙橋㈱℡ ～"),
        ("x-sjis", "ⅲ".encode("cp932"), "ⅲ"),
        ("windows-31j", "﨑".encode("cp932"), "﨑"),
        ("Big5", "嘅 啲".encode("big5hkscs"), "嘅 啲"),
        ("big5-hkscs", "嘅".encode("big5hkscs"), "嘅"),
        ("big5", b"\xa3\xe1 5", "€ 5"),
        ("ISO-2022-JP", b"\x1b$B-!-j9b$\x22\x1b(B 5", "①㈱高あ 5"),
        ("iso-2022-jp", b"\x1b$B|b66\x1b(B", "髙橋"),
        ("iso-2022-jp", b"\x1b(I6E\x1b(B", "ｶﾅ"),
        ("euc-jp", b"\xad\xa1\xa4\xa2", "①あ"),
        ("", b"\x1b$B8!::\x1b(B", "検査"),
        ("us-ascii", b"\x1b$B-!\x1b(B", "①"),
        ("iso-2022-kr", b"\x1b$)C\x0e0!\x0f", "가"),
        ("hz-gb-2312", b"~{<:~}", "己"),
        ("cp-850", b"M\x81ller", "Müller"),
        ("IBM437", b"\xe6g", "µg"),
        ("ms-ansi", b"\xfc", "ü"),
        ("cp-1252", b"\x80", "€"),
        ("windows-1250", b"\x9eivot", "život"),
        ("x-mac-roman", b"\x9f", "ü"),
        ("KOI8-U", b"\xa7", "ї"),
        ("utf8", "ü".encode(), "ü"),
        ("utf-16", "ü x".encode("utf-16"), "ü x"),
        ("utf-16", b"plain", "plain"),
        ("utf-7", b"M+APw-ller", "Müller"),
        ("unknown-8bit", b"\x96", "–"),
        ("hex", b"\x96 41", "– 41"),
        ("x-user-defined", b"\xfc", "ü"),
        ("utf-8", "it\x92s \x96 5\x85".encode(), "it’s – 5…"),
        ("iso-8859-2", b"\x84\xe9\x94", "„é”"),
        ("cp50221", b"\x1b$B-!\x1b(B", "①"),
        ("eucJP-ms", b"\xad\xa1", "①"),
        ("cp65001", "ü".encode(), "ü"),
        ("utf8mb4", "ü".encode(), "ü"),
        ("cp28605", b"\xa4", "€"),
        ("x-ms-cp932", b"\x87\x40", "①"),
    ],
)
def test_a_label_means_what_browsers_and_mail_programs_mean_by_it(label, octets, text):
    assert as_text(octets, label) == text


@pytest.mark.parametrize(
    ("label", "octets", "text"),
    [
        ("utf-8", "Größere – ".encode() + b"\xff Ende", "Größere – � Ende"),
        ("utf-8", "für ".encode() + b"\xe2\x82 5", "für � 5"),
        ("", "€ é ".encode() + b"\x92", "€ é �"),
        ("utf-8", b"Pr\xfcfung", "Prüfung"),
        ("gb18030", "检查 ".encode("gb18030") + b"\xff" + " 正常".encode("gb18030"), "检查 � 正常"),
        ("euc-kr", "검사".encode("cp949") + b"\xff!", "검사�!"),
        ("iso-2022-jp", b"\x1b$B8!-!\x1b(B \xff.", "検① �."),
        ("windows-1252", b"\x81 \xfc", "� ü"),
        ("windows-1253", b"\xd2\xe1", "�α"),
    ],
)
def test_a_bad_octet_costs_that_octet(label, octets, text):
    assert as_text(octets, label) == text


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("iso-8859-1", "Müller"),
        ("us-ascii", "10 µg"),
        ("windows-1252", "it’s €"),
        ("iso-8859-15", "Результаты анализов"),
        ("koi8-r", "größer"),
    ],
)
def test_what_can_only_be_utf_8_is_utf_8(label, text):
    assert as_text(text.encode(), label) == text


@pytest.mark.parametrize("text", ["the CAFÉ’s menu", "MARCHÉ : oui", "déjà là !", "Ça va …", "5 Â"])
def test_western_text_is_not_taken_for_utf_8(text):
    text = text.replace(" :", "\xa0:")
    assert as_text(text.encode("cp1252"), "iso-8859-1") == text


@pytest.mark.parametrize(
    ("header", "meta", "codec"),
    [
        ("", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "cp1251"),
        ("", "<META CHARSET=koi8-r>", "koi8_r"),
        ("; charset=us-ascii", "<meta charset='windows-1251'/>", "cp1251"),
        ("; charset=utf-8", '<meta charset="windows-1251">', "cp1251"),
        ("; charset=iso-8859-1", '<meta charset="windows-1251">', "cp1251"),
        ("; charset=x-nobody-knows", '<meta name=x><meta charset="iso-8859-5">', "iso8859_5"),
        ("; charset=windows-1251", '<meta charset="utf-8">', "cp1251"),
        ("; charset=windows-1251", '<meta charset="utf-8">', "utf_8"),
        ("", '<meta charset="utf-16">', "utf_8"),
    ],
)
def test_the_charset_of_meta_counts_where_the_header_says_nothing_or_lies(header, meta, codec):
    words = "Результаты анализов в норме"
    page = f"<html><head>{meta}</head><p>{words}</p>".encode(codec)
    found = parse.body(f"Content-Type: text/html{header}\r\n\r\n".encode() + page)
    assert words in found.html


def test_the_header_is_believed_where_it_may_be_right():
    page = '<meta charset="windows-1251"><p>Prüfung für Ähnliches</p>'.encode("cp1252")
    assert "Prüfung" in parse.body(b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n" + page).html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?iso-8859-1?Q?Pat=92s_=80_5?=", "Pat’s € 5"),
        ("=?ks_c_5601-1987?B?lO4=?=", "뷁"),
        ("=?gb2312?B?hrQ=?=", "喆"),
        ("=?shift_jis?B?h0A=?=", "①"),
        ("=?iso-2022-jp?B?GyRCLSEbKEI=?= =?iso-2022-jp?B?GyRCLSIbKEI=?=", "①②"),
        ("=?cp-850?Q?M=81ller?=", "Müller"),
        ("=?utf-8?Q?f=C3=BCr_=FF_Pat?=", "für � Pat"),
    ],
)
def test_encoded_words_are_read_alike(value, text):
    assert parse.head(crlf(f"Subject: {value}\n\n")).subject == text


@pytest.mark.parametrize("codec", sorted(set(CODECS.values())))
def test_what_a_codec_can_write_is_read_again(codec):
    text = "Result 12, normal."
    assert as_text(text.encode(codec), codec) == text


@given(st.sampled_from(sorted(CODECS)), st.binary(max_size=60))
def test_any_octets_are_some_text(label, octets):
    assert isinstance(as_text(octets, label), str)
