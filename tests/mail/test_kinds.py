"""What a file is, is known by its octets, whatever it is called."""

import pytest

from gateway.mail.bounds import START_OCTETS
from gateway.mail.kinds import Preview, kind_of
from tests.mail import files
from tests.mail.test_as_sent import PNG

OS2_BMP = b"BM\x1a\x00\x00\x00\x00\x00\x00\x00\x1a\x00\x00\x00\x0c\x00\x00\x00"


@pytest.mark.parametrize(
    ("start", "content_type", "preview"),
    [
        (PNG, "image/png", Preview.PICTURE),
        (files.GIF, "image/gif", Preview.PICTURE),
        (files.picture("JPEG"), "image/jpeg", Preview.PICTURE),
        (files.picture("WEBP"), "image/webp", Preview.PICTURE),
        (files.picture("BMP"), "image/bmp", Preview.PICTURE),
        (OS2_BMP, "image/bmp", Preview.PICTURE),
        (files.wav(), "audio/wav", Preview.SOUND),
        (files.wav(coding=7), "audio/wav", Preview.SOUND),
        (files.MP3, "audio/mpeg", Preview.SOUND),
        (files.MP3[10:], "audio/mpeg", Preview.SOUND),
        (files.OGG, "audio/ogg", Preview.SOUND),
        (files.M4A, "audio/mp4", Preview.SOUND),
        (b"\xff\xf1\x50\x80", "audio/aac", Preview.SOUND),
        (b"fLaC\x00", "audio/flac", Preview.SOUND),
        (files.CARD, "text/vcard", Preview.CARD),
        (b"\xef\xbb\xbf\r\nbegin:vCard\nVERSION:2.1", "text/vcard", Preview.CARD),
        (files.pdf(), "application/pdf", Preview.PAGES),
        (b"\r\n\x00 from a scanner\r\n%PDF-1.4", "application/pdf", Preview.PAGES),
        (files.picture("TIFF"), "image/tiff", Preview.SCAN),
        (b"MM\x00*\x00\x00\x00\x08", "image/tiff", Preview.SCAN),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "image/heic", Preview.SCAN),
    ],
)
def test_it_is_known_by_how_it_begins(start, content_type, preview):
    for told in ((), ("text/html", "page.html"), ("video/mp4", "a.exe")):
        kind = kind_of(start[:START_OCTETS], *told)
        assert kind is not None
        assert (kind.content_type, kind.preview) == (content_type, preview)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"BMI 23.4, blood pressure 120/80",
        b"GIF8 a",
        b"PK\x03\x04",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"see %PDF-1.4 for how they begin",
        b"x" * START_OCTETS + b"\n%PDF-1.4",
        b"BEGIN:VCALENDAR\r\n",
        b"\xff\xfb\xff\xff",
        "ÿþ text in UTF-16".encode("utf-16"),
        files.wav(coding=0x31),  # GSM 6.10: no browser plays it
        b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00",  # a film, by all that is told
    ],
)
def test_what_is_not_known_is_not_guessed(start):
    assert kind_of(start[:START_OCTETS], "image/png", "a.pdf") is None


@pytest.mark.parametrize("told", [("audio/mp4", "a"), ("application/octet-stream", "Message 1.M4A")])
def test_of_what_may_be_a_film_its_name_tells_that_it_is_a_sound(told):
    kind = kind_of(b"\x00\x00\x00\x18ftypmp42\x00\x00\x02\x00", *told)
    assert kind is not None
    assert kind.content_type == "audio/mp4"
