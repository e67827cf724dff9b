"""No file of a message is out of reach: hidden from *Files* is only what the browser shows in its place."""

import base64

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.portal.mail.content import shown_of
from tests.mail.test_as_sent import PNG, data_link

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"


def related(html: str, *files: tuple[str, str, bytes]) -> bytes:
    """A mail of HTML with files, each of a type, with a Content-ID, with octets."""
    parts = [f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"]
    for kind, content_id, octets in files:
        head = f"Content-Type: {kind}\r\nContent-ID: <{content_id}>\r\nContent-Transfer-Encoding: base64"
        parts.append(f"--b\r\n{head}\r\n\r\n{base64.b64encode(octets).decode()}\r\n")
    return f"Content-Type: multipart/related; boundary=b\r\n\r\n{''.join(parts)}--b--\r\n".encode()


def shown(raw: bytes) -> tuple[list[str | None], list[str]]:
    """The sources of the pictures, and the types of the files that are listed."""
    page = shown_of(raw, "/f", "en")
    pictures = LexborHTMLParser(page.frame).css("img")
    return [one.attributes.get("src") for one in pictures], [one.content_type for one in page.attachments]


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        ("image/heic", HEIC),
        ("image/jpeg", HEIC),
        ("image/tiff", b"II*\x00" * 4),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("application/pdf", b"%PDF-1.4"),
        ("image/png", b""),
    ],
)
def test_what_no_browser_shows_as_a_picture_is_listed(kind, octets):
    assert shown(related('<img src="cid:one@x">', (kind, "one@x", octets))) == ([None], [kind])
    assert shown(related(f'<img src="{data_link(octets or b"x", kind)}">')) == ([None], [kind])


@pytest.mark.parametrize("kind", ["image/png", "image/jpg", "application/octet-stream"])
def test_what_it_shows_is_not(kind):
    assert shown(related('<img src="cid:one@x">', (kind, "one@x", PNG))) == (["/f/0"], [])
    assert shown(related(f'<img src="{data_link(PNG, kind)}">')) == (["/f/0"], [])


def test_pictures_of_both_kinds_stand_in_one_message():
    html = f'<img src="{data_link(PNG, "image/png")}"><img src="cid:a@x"><img src="cid:none@x">'
    files = ("image/png", "a@x", PNG), ("image/png", "nobody-names-it@x", PNG)
    assert shown(related(html, *files)) == (["/f/2", "/f/0", None], ["image/png"])


@pytest.mark.parametrize(
    "around",
    [
        "<p hidden>{}</p>",
        "<div style='display:none'><b>{}</b></div>",
        "<p style='visibility:hidden'>{}</p>",
        "<details><summary>x</summary>{}</details>",
        "<video>{}</video>",
        "<!-- {} -->",
    ],
)
def test_a_picture_that_is_not_seen_is_listed(around):
    html = around.format("<img src='cid:one@x'>")
    assert shown(related(html, ("image/png", "one@x", PNG)))[1] == ["image/png"]


@pytest.mark.parametrize("size", ["width=1 height=1", "style='width:0;height:0px'"])
def test_nor_one_that_is_a_dot(size):
    assert shown(related(f"<img src='cid:one@x' {size}>", ("image/png", "one@x", PNG)))[1] == ["image/png"]


def test_a_file_behind_a_data_link_is_listed():
    assert shown(related('<a href="data:application/pdf;base64,JVBERg==">result</a>')) == ([], ["application/pdf"])


async def test_pictures_in_data_links_come_down_as_what_they_are(world, browser):
    account = await world.registered()
    copy = await world.written(account, related(f'<img src="{data_link(PNG, "image/jpeg")}">'))
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    frame = LexborHTMLParser(browser.page.css_first("iframe.letter").attributes["srcdoc"])
    await browser.go(frame.css_first("img").attributes["src"])
    assert browser.response.content == PNG
    assert browser.response.headers["content-type"] == "image/png"
