"""Messages that lie within messages are opened as such, and so are theirs."""

import pytest

from tests.practice import World

PDF = b"Content-Type: application/pdf; name=result.pdf\r\n\r\n%PDF-"


def message(subject: str, *parts: bytes) -> bytes:
    head = f"From: Dr Omar <omar@hillside.example>\r\nTo: Ada <ada@riverside.example>\r\nSubject: {subject}\r\n"
    head += "Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nContent-Type: multipart/mixed; boundary=" + subject + "\r\n\r\n"
    text = f"Content-Type: text/plain\r\n\r\nWords of {subject}".encode()
    every = b"".join(f"--{subject}\r\n".encode() + one + b"\r\n" for one in (text, *parts))
    return head.encode() + every + f"--{subject}--\r\n".encode()


def nested(depth: int) -> bytes:
    inner = message(f"level{depth}", PDF + str(depth).encode())
    for level in range(depth - 1, -1, -1):
        inner = message(f"level{level}", b"Content-Type: message/rfc822\r\n\r\n" + inner)
    return inner


@pytest.fixture
async def reader(world: World, browser):
    copy = await world.written(await world.registered(), nested(10))
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}")
    return browser


async def test_ten_of_them_are_opened_one_after_another(reader):
    for level in range(1, 11):
        [link] = [one for one in reader.page.css(".files a") if one.text() == "Open"]
        await reader.go(link.attributes["href"])
        assert f"level{level}" in reader.page.css_first("h1").text()
        assert f"Words of level{level}" in reader.text
        assert "Dr Omar <omar@hillside.example>" in reader.text
    [file] = [one for one in reader.page.css(".files a") if "download" in one.attributes]
    await reader.go(file.attributes["href"])
    assert reader.response.content == b"%PDF-10"


async def test_from_each_a_way_leads_back(reader):
    for _ in range(3):
        [link] = [one for one in reader.page.css(".files a") if one.text() == "Open"]
        await reader.go(link.attributes["href"])
    for level in (2, 1, 0):
        await reader.go(reader.page.css_first("main a").attributes["href"])
        assert f"Words of level{level}" in reader.text


@pytest.mark.parametrize("path", ["5/open", "0/0/9", "0/5/open", "0/" * 11 + "0", "x", "0/0/0/0/0/0/0/0/0/0/0/open"])
async def test_what_is_not_there_is_not_found(reader, path):
    here = str(reader.response.url.path)
    await reader.go(f"{here}/attachments/{path}")
    assert reader.response.status_code == 404
