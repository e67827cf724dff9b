"""A look at a file without saving it: on a page of its own, where nothing of it can act."""

import base64

import pytest

from gateway.edge.painter import ProcessPainter
from gateway.ports import PagePicture, Why
from gateway.testing import FakePainter
from tests.mail import files

PICTURE = PagePicture(files.picture("PNG"), "image/png", 40, 30, 12, 10, "Haemoglobin 132 g/l")


def mail(*parts: tuple[str, bytes]) -> bytes:
    head = "From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: Files\r\n"
    head += "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    for name, octets in parts:
        head += (
            f"--b\r\nContent-Type: application/octet-stream; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        )
        head += base64.encodebytes(octets).decode().replace("\n", "\r\n") + "\r\n"
    return f"{head}--b--\r\n".encode()


class Scanner:
    async def scan(self, file):
        return "Eicar" if b"virus" in b"".join(file) else ""


async def looked(world, name: str, octets: bytes, painter=None):
    world.painter = painter
    copy = await world.written(await world.registered(), mail((name, octets)))
    browser = await world.browser().sign_in()
    await browser.go(f"/messages/{copy.id}")
    found = browser.page.css(".files a.look")
    if found:
        await browser.go(found[0].attributes["href"])
    return browser, bool(found)


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("letter.docx", b"PK\x03\x04"),
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("empty.pdf", b""),
    ],
)
async def test_what_cannot_be_looked_at_is_only_listed(world, name, octets):
    _, is_offered = await looked(world, name, octets)
    assert not is_offered


@pytest.mark.parametrize(("name", "octets"), [("wound.pdf", files.picture("JPEG")), ("a.bin", files.GIF)])
async def test_a_picture_is_what_its_octets_say(world, name, octets):
    browser, _ = await looked(world, name, octets)
    await browser.go(browser.page.css_first(".sheet img").attributes["src"])
    assert browser.response.content == octets
    assert browser.response.headers["content-type"] in ("image/jpeg", "image/gif")


async def test_a_sound_is_played_from_wherever_one_asks(world):
    octets = files.wav(3)
    browser, _ = await looked(world, "message.wav", octets)
    assert "media-src 'self'" in browser.response.headers["content-security-policy"]
    there = browser.page.css_first("audio").attributes["src"]
    for asked, part, told in (
        ("bytes=0-9", octets[:10], f"bytes 0-9/{len(octets)}"),
        ("bytes=100-", octets[100:], f"bytes 100-{len(octets) - 1}/{len(octets)}"),
        ("bytes=-7", octets[-7:], f"bytes {len(octets) - 7}-{len(octets) - 1}/{len(octets)}"),
    ):
        await browser.go(there, headers={"range": asked})
        assert browser.status == 206
        assert (browser.response.content, browser.response.headers["content-range"]) == (part, told)
    await browser.go(there, headers={"range": "bytes=999999-"})
    assert browser.status == 416
    for odd in ("bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=x"):
        await browser.go(there, headers={"range": odd})
        assert (browser.status, browser.response.content) == (200, octets)


async def test_a_card_is_read_in_words(world):
    browser, _ = await looked(world, "ada.vcf", files.CARD.replace(b"Haematologist", b"<b>Haematologist</b>"))
    for words in ("Dr Ada Okafor", "<b>Haematologist</b>", "+44 20 7946 0123", "ada@riverside.example", "5 April 1971"):
        assert words in browser.text


async def test_a_pdf_is_turned_over_page_by_page(world):
    painter = FakePainter(PICTURE)
    browser, _ = await looked(world, "result.pdf", files.pdf(), painter)
    assert browser.page.css_first(".sheet img").attributes["src"].startswith("data:image/png;base64,")
    assert "Haemoglobin 132 g/l" in browser.text
    assert "This file has 12 pages. The first 10 are shown here." in browser.text
    await browser.follow("Next page")
    assert [(kind, number) for kind, _, number in painter.asked] == [("application/pdf", 1), ("application/pdf", 2)]
    assert painter.asked[0][1] == files.pdf()


@pytest.mark.parametrize(
    ("why", "said"),
    [(Why.LOCKED, "locked with a password"), (Why.TOO_MUCH, "too large"), (Why.UNREADABLE, "may be damaged")],
)
async def test_why_a_file_cannot_be_shown_is_said(world, why, said):
    browser, _ = await looked(world, "result.pdf", files.pdf(), FakePainter(why))
    assert said in browser.text
    await browser.follow("Save the file")
    assert browser.response.content == files.pdf()


async def test_a_file_with_a_virus_is_not_looked_at(world):
    world.scanner = Scanner()
    painter = FakePainter(PICTURE)
    browser, _ = await looked(world, "result.pdf", files.pdf(b"virus"), painter)
    assert browser.status == 403
    assert painter.asked == []


@pytest.mark.peer
async def test_with_the_real_process(world):
    browser, _ = await looked(world, "result.pdf", files.pdf(pages=2), ProcessPainter())
    assert "Haemoglobin 132 g/l" in browser.text
    await browser.follow("Next page")
    assert "Page 2 of 2" in browser.response.text
