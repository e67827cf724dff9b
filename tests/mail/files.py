"""Files as people send them, and as strangers do who mean harm: small ones, of our own making."""

import io
import struct

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

CARD = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dr Ada Okafor\r\nN:Okafor;Ada;;Dr;\r\n"
    b"ORG:Riverside Family Practice;Blood clinic\r\n"
    b"TITLE:Haematologist\r\nTEL;TYPE=WORK,VOICE:+44 20 7946 0123\r\nTEL;TYPE=CELL:+44 7700 900123\r\n"
    b"TEL;TYPE=WORK,FAX:+44 20 7946 0124\r\nEMAIL;TYPE=INTERNET:ada@riverside.example\r\n"
    b"ADR;TYPE=WORK:;;1 River Road;London;;SE1 0AA;United Kingdom\r\nBDAY:1971-04-05\r\nEND:VCARD\r\n"
)
WORDS = b"BT /F 24 Tf 72 700 Td (Haemoglobin 132 g/l) Tj ET"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" + b",\x00\x00\x00\x00\x01\x00\x01\x00"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" + bytes(413)
OGG = b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01"
M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00M4A mp42isom"


def wav(seconds: float = 0.5, coding: int = 1) -> bytes:
    """Silence, as telephones record it; 1 is PCM."""
    sound = bytes(int(8000 * seconds))
    form = struct.pack("<HHIIHH", coding, 1, 8000, 8000, 1, 8)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt \x10\0\0\0" + form + b"data" + _length(sound) + sound
    )


def _length(octets: bytes) -> bytes:
    return struct.pack("<I", len(octets))


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **how: object) -> bytes:
    """A picture of noise, as this kind of file."""
    into = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(into, kind, **how)
    return into.getvalue()


# --------------------------------------------------------------------------------------------------------------- PDF


def pdf(
    contents: bytes = WORDS, pages: int = 1, box: bytes = b"0 0 595 842", trailer: bytes = b"", *more: bytes
) -> bytes:
    """Pages of the same contents; `more` are objects from 6 on."""
    kids = b"3 0 R " * pages
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>/Contents 4 0 R"
        % box
    )
    return _written(
        trailer,
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]/NeedAppearances true/DR<</Font<</F 5 0 R>>>>>>>>",
        b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, pages),
        page + b"/Annots[7 0 R]>>",
        _stream(b"", contents),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *more,
    )


def locked_pdf() -> bytes:
    """One that takes a password (ISO 32000-1 §7.6.3)."""
    guard = b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>/ID[<01><01>]" % (b"41" * 32, b"42" * 32)
    return pdf(WORDS, 1, b"0 0 595 842", guard)


def filled_pdf(typed: bytes) -> bytes:
    """A form with this in its one field."""
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(%b)/DA(/F 24 Tf 0 g)/Rect[72 600 400 640]/P 3 0 R/F 4>>" % typed
    return pdf(b"", 1, b"0 0 595 842", b"", b"null", field)


def pdf_bomb(depth: int = 12) -> bytes:
    """Drawings of drawings: ten to the power of `depth`."""
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 600 900]"
    nested = [_stream(form + b"/Resources<</XObject<</X %d 0 R>>>>" % (7 + n), b"/X Do " * 10) for n in range(depth)]
    return pdf(b"/X Do", 1, b"0 0 595 842", b"", *nested, _stream(form, b"0 0 9 9 re f"))


def _stream(fields: bytes, octets: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (fields, len(octets), octets)


def _written(trailer: bytes, *objects: bytes) -> bytes:
    out, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (count, trailer, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end
