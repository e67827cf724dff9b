"""A process of its own that makes a picture of one page of a stranger's file: `painter.py` starts it, and speaks to it.

The file comes on standard input. What goes out is a line of JSON, which says how many pages there are and what stands
on this one, or why there is no picture; then the picture. Libraries that have been broken into by such files before
read it, so the process has no secrets, can open nothing (no file, no connection), and ends after so much time or
memory.
"""

import codecs
import contextlib
import io
import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pillow_heif
import pypdfium2
from PIL import Image, ImageChops, ImageFile, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from gateway.mail.bounds import (
    LOOKED_AT_OCTETS,
    LOOKED_AT_PAGES,
    PAGE_LENGTH,
    PICTURE_HEIGHT,
    PICTURE_OCTETS,
    PICTURE_POINTS,
    PICTURE_WIDTH,
    PNG_OCTETS,
)
from gateway.ports import NoPicture, Why

LARGEST_SCALE = 4.0
"""How much a small page is enlarged: PDFs are measured in points, of which a screen has 96 in 72."""
_LOADED = (ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin)
_CODECS = ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be")
"""Both are loaded before a file is read: nothing can be opened then."""
_PASSWORD_WANTED = 4  # FPDF_ERR_PASSWORD
_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """One page."""

    image: Image.Image
    pages: int = 1
    text: str = ""


def main(content_type: str, page: str, memory: str, seconds: str) -> None:
    """Make the picture of this page, from 1, with so many octets of memory in so many seconds."""
    _shut_in(int(memory), int(seconds), threads=content_type == "image/heic")
    octets = sys.stdin.buffer.read(LOOKED_AT_OCTETS + 1)
    try:
        drawn = _DRAW[content_type](octets, int(page))
        picture = _encoded(drawn.image)
        said = {"pages": drawn.pages, "text": drawn.text, "size": drawn.image.size}
    except NoPicture as error:
        said, picture = {"why": error.why}, b""
    except (MemoryError, Image.DecompressionBombError):
        said, picture = {"why": Why.TOO_MUCH}, b""
    except Exception:  # whatever a library does with what a stranger sent
        said, picture = {"why": Why.UNREADABLE}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + picture)
    sys.stdout.buffer.flush()
    os._exit(0)  # what the libraries hold is not taken apart once more


def _shut_in(memory: int, seconds: int, *, threads: bool) -> None:
    """What is read can do no harm: setrlimit(2). What is open stays so; nothing else can be opened, or begun.

    `threads`: the library for HEIC cannot do without one, which counts as a process.
    """
    Image.init()
    for codec in _CODECS:
        codecs.lookup(codec)
    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    Image.MAX_IMAGE_PIXELS = PICTURE_POINTS
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        *([] if threads else [(resource.RLIMIT_NPROC, 0)]),
    ):
        resource.setrlimit(what, (most, most))


# --------------------------------------------------------------------------------------------------------------- PDF


def _page_of_pdf(octets: bytes, number: int) -> Drawn:
    try:
        pdf = pypdfium2.PdfDocument(octets)
    except pypdfium2.PdfiumError as error:
        raise NoPicture(Why.LOCKED if error.err_code == _PASSWORD_WANTED else Why.UNREADABLE) from None
    pages = len(pdf)
    if not 1 <= number <= min(pages, LOOKED_AT_PAGES):
        raise NoPicture(Why.UNREADABLE)
    with contextlib.suppress(pypdfium2.PdfiumError):
        pdf.init_forms()  # what was typed into a form is drawn, too
    page = pdf[number - 1]
    width, height = page.get_size()
    scale = min(PICTURE_WIDTH / width, PICTURE_HEIGHT / height, LARGEST_SCALE)
    if not min(width, height) * scale >= 1:
        raise NoPicture(Why.UNREADABLE)
    return Drawn(page.render(scale=scale).to_pil(), pages, _text(page))


def _text(page: pypdfium2.PdfPage) -> str:
    found = page.get_textpage()
    return str(found.get_text_range(0, min(found.count_chars(), PAGE_LENGTH)))[:PAGE_LENGTH]


# ---------------------------------------------------------------------------------------------------------- pictures


def _page_of_tiff(octets: bytes, number: int) -> Drawn:
    image = Image.open(io.BytesIO(octets), formats=["TIFF"])
    pages: int = getattr(image, "n_frames", 1)
    if not 1 <= number <= min(pages, LOOKED_AT_PAGES):
        raise NoPicture(Why.UNREADABLE)
    image.seek(number - 1)
    return Drawn(_smaller(image), pages)


def _heic(octets: bytes, _: int) -> Drawn:
    """The first picture: others are moments before and after it."""
    return Drawn(_smaller(Image.open(io.BytesIO(octets), formats=["HEIF"])))


def _smaller(image: Image.Image) -> Image.Image:
    if image.width * image.height > PICTURE_POINTS:
        raise NoPicture(Why.TOO_MUCH)
    across, down = map(float, image.info.get("dpi", (1, 1)))
    image = _upright(ImageOps.exif_transpose(image))
    if 1.5 < across / (down or 1) < 2.5:  # a fax of few lines
        image = image.resize((image.width, min(2 * image.height, 2 * PICTURE_HEIGHT)))
    image.thumbnail((PICTURE_WIDTH, PICTURE_HEIGHT))
    return image


def _upright(image: Image.Image) -> Image.Image:
    """In a form that can be shown: three colours or grey, eight bits each, on white."""
    if image.mode in _SIXTEEN_BITS:
        wide = image.convert("I")
        brightest = float(str(wide.getextrema()[1]))
        return wide.point(lambda value: value * (255 / max(brightest, 255))).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L", "F") else "RGB")


def _encoded(image: Image.Image) -> bytes:
    """As PNG, which keeps letters sharp; a photograph as JPEG."""
    if image.mode != "L":
        grey = image.convert("L")
        if ImageChops.difference(grey.convert(image.mode), image).getbbox() is None:
            image = grey
    picture = _saved(image, "PNG")
    if len(picture) > PNG_OCTETS:
        picture = _saved(image, "JPEG", quality=80, progressive=True)
    if len(picture) > PICTURE_OCTETS:
        raise NoPicture(Why.TOO_MUCH)
    return picture


def _saved(image: Image.Image, form: str, **how: int) -> bytes:
    into = io.BytesIO()
    image.save(into, form, **how)
    return into.getvalue()


_DRAW: dict[str, Callable[[bytes, int], Drawn]] = {
    "application/pdf": _page_of_pdf,
    "image/heic": _heic,
    "image/tiff": _page_of_tiff,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
