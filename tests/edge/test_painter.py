"""Pictures of pages, made by a process that can do no harm, whatever the file is."""

import asyncio
import io

import pytest
from PIL import Image

from gateway.edge.painter import ProcessPainter
from gateway.mail.bounds import PICTURE_HEIGHT, PICTURE_WIDTH
from gateway.ports import NoPicture, Why
from tests.mail import files

pytestmark = pytest.mark.peer


async def drawn(content_type: str, octets: bytes, number: int = 1, **limits):
    chunks = (octets[at : at + 65_536] for at in range(0, len(octets), 65_536))
    return await ProcessPainter(**limits).page(content_type, iter(list(chunks)), number)


async def why(content_type: str, octets: bytes, number: int = 1, **limits) -> Why:
    with pytest.raises(NoPicture) as error:
        await drawn(content_type, octets, number, **limits)
    return error.value.why


async def test_a_page_of_a_pdf_and_its_words():
    made = await drawn("application/pdf", files.pdf(pages=3), 3)
    assert (made.pages, made.content_type, made.text) == (3, "image/png", "Haemoglobin 132 g/l")
    image = Image.open(io.BytesIO(made.octets))
    assert image.size == (made.width, made.height)
    assert image.convert("L").getextrema() == (0, 255)


async def test_what_was_typed_into_a_form_is_drawn():
    empty, filled = [await drawn("application/pdf", files.filled_pdf(typed)) for typed in (b"", b"132 g/l")]
    assert empty.octets != filled.octets


@pytest.mark.parametrize(("kind", "content_type"), [("TIFF", "image/tiff"), ("HEIF", "image/heic")])
async def test_a_picture_that_not_every_browser_shows(kind, content_type):
    made = await drawn(content_type, files.picture(kind, (400, 300)))
    assert (made.width, made.height, made.pages) == (400, 300, 1)


async def test_it_is_no_larger_than_a_screen():
    made = await drawn("image/tiff", files.picture("TIFF", (4000, 200)))
    assert made.width <= PICTURE_WIDTH
    made = await drawn("application/pdf", files.pdf(box=b"0 0 100 90000"))
    assert made.height <= PICTURE_HEIGHT


@pytest.mark.parametrize(
    ("octets", "number", "told"),
    [
        (files.locked_pdf(), 1, Why.LOCKED),
        (b"%PDF-1.7 nothing of the kind", 1, Why.UNREADABLE),
        (files.pdf(), 2, Why.UNREADABLE),
        (files.pdf(), 0, Why.UNREADABLE),
        (files.pdf(pages=1, box=b"0 0 0 0"), 1, None),
        (files.pdf(box=b"0 0 99999999 99999999"), 1, None),
    ],
    ids=["locked", "none", "no such page", "page 0", "no size", "of any size"],
)
async def test_what_cannot_be_drawn_is_told_or_small(octets, number, told):
    if told:
        assert await why("application/pdf", octets, number) is told
        return
    try:
        made = await drawn("application/pdf", octets, number)
    except NoPicture:
        return
    assert made.width * made.height <= PICTURE_WIDTH * PICTURE_HEIGHT


async def test_a_file_that_never_ends_is_ended():
    assert await why("application/pdf", files.pdf_bomb(), seconds=1) is Why.TOO_MUCH


async def test_so_is_one_that_nobody_waits_for():
    assert await why("application/pdf", files.pdf_bomb(), patience=0.05) is Why.TOO_MUCH


async def test_and_one_that_takes_too_much_memory():
    assert await why("image/tiff", files.picture("TIFF", (3000, 3000)), memory=150 * 2**20) is not None


async def test_several_at_once_leave_no_process_behind():
    made = await asyncio.gather(*(drawn("application/pdf", files.pdf(pages=2), 1 + at % 2) for at in range(4)))
    assert {one.pages for one in made} == {2}
