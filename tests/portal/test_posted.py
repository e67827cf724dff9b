"""Forms as they arrive: files are sealed on the way, and nothing is left of those that were not wanted."""

import tempfile
from pathlib import Path

import pytest

from gateway.domain.model import Content
from gateway.errors import StoreFull
from gateway.portal import posted
from gateway.portal.posted import read_form
from gateway.store.content import SealingWriter, SpooledContent
from tests.practice import World

CLEAR = b"the words of a patient " * 20_000


def part(name, octets, filename=None, more=""):
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{more}\r\n'.encode() + octets + b"\r\n"


class Sent:
    """A request whose body comes in pieces; after the last one the client may hang up."""

    def __init__(self, body, *, piece=1000, hangs_up=False, kind="multipart/form-data; boundary=x"):
        self._pieces = [body[start : start + piece] for start in range(0, len(body), piece)]
        self.headers = posted.Headers({"content-type": kind})
        self._hangs_up = hangs_up

    async def stream(self):
        for one in self._pieces:
            yield one
        if self._hangs_up:
            raise posted.ClientDisconnect


@pytest.fixture
def content(tmp_path):
    return SpooledContent(tmp_path / "spool")


@pytest.mark.parametrize("piece", [1, 7, 1000, 10**6])
async def test_fields_and_files_are_told_apart(content, piece):
    body = (
        part("body", "Grüße".encode())
        + part("attachments", b"\r\n--x-\r\n" * 30, "a b.txt", "Content-Type: text/plain\r\n")
        + part("attachments", b"", "empty")
        + part("attachments", b"", "")
        + part("to", b"7")
        + b"--x--\r\n"
    )
    form = await read_form(Sent(body, piece=piece), 10**6, content)
    assert form.fields.multi_items() == [("body", "Grüße"), ("to", "7")]
    found = [(one.name, one.filename, one.content_type, b"".join(one.chunks())) for one in form.files]
    assert found == [
        ("attachments", "a b.txt", "text/plain", b"\r\n--x-\r\n" * 30),
        ("attachments", "empty", "", b""),
    ]
    form.remove()


async def test_a_file_lies_sealed_on_the_disk_and_nowhere_else(content, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda *_: pytest.fail("a temporary file"))
    form = await read_form(Sent(part("a", CLEAR, "a.txt") + b"--x--\r\n"), 10**6, content)
    (file,) = _all_files(tmp_path)
    assert len(file.read_bytes()) > len(CLEAR)
    assert CLEAR[:20] not in file.read_bytes()
    assert b"".join(form.files[0].chunks()) == CLEAR
    form.remove()
    assert not _all_files(tmp_path)


BROKEN = {
    "it ends early": (Sent(part("a", CLEAR, "a")), 400),
    "the client hangs up": (Sent(part("a", CLEAR, "a")[:-100], hangs_up=True), 400),
    "it is far too large": (Sent(part("a", CLEAR, "a") * 12 + b"--x--\r\n"), 413),
    "too much is typed": (Sent(part("a", CLEAR, "a") + part("b", b"x" * 200) + b"--x--\r\n"), 413),
    "too many files": (Sent(part("a", CLEAR, "a") + part("b", b"", "b") * 50 + b"--x--\r\n"), 400),
    "too many fields": (Sent(part("a", CLEAR, "a") + part("b", b"") * 51 + b"--x--\r\n"), 400),
    "a part without a name": (Sent(part("a", CLEAR, "a") + b"--x\r\nA: b\r\n\r\n\r\n--x--\r\n"), 400),
    "no boundary": (Sent(b"x", kind="multipart/form-data"), 400),
}


@pytest.mark.parametrize("why", BROKEN)
async def test_a_form_that_cannot_be_read_leaves_nothing_behind(content, tmp_path, monkeypatch, why):
    monkeypatch.setattr(posted, "MOST_TYPED", 100)
    sent, status = BROKEN[why]
    with pytest.raises(posted.HTTPException) as error:
        await read_form(sent, 10**6, content)
    assert error.value.status_code == status
    assert not _all_files(tmp_path)


async def test_of_what_is_too_large_the_words_are_kept_and_no_file(content, tmp_path):
    octets = part("before", b"one") + part("a", CLEAR, "a") * 3 + part("after", b"two") + b"--x--\r\n"
    form = await read_form(Sent(octets), 10**6, content)
    assert (form.fields.multi_items(), form.files) == ([("before", "one"), ("after", "two")], ())
    assert form.is_too_large
    assert not _all_files(tmp_path)


async def test_a_full_disk_leaves_nothing_behind(content, tmp_path, monkeypatch):
    spill = SealingWriter._spill
    monkeypatch.setattr(SealingWriter, "_spill", lambda one: spill(one) if one._size < 300_000 else _full(one))
    with pytest.raises(StoreFull):
        await read_form(Sent(part("a", CLEAR * 2, "a") + b"--x--\r\n"), 10**6, content)
    assert not _all_files(tmp_path)


def _full(writer):
    with writer._whole_or_nothing():
        raise OSError("no space")


async def test_where_no_files_are_wanted_they_are_dropped():
    form = await read_form(Sent(part("a", b"x", "a.txt") + part("b", b"y") + b"--x--\r\n"), 10**6, None)
    assert (form.fields.multi_items(), form.files) == ([("b", "y")], ())


async def test_typed_words_are_bounded_in_either_encoding(content):
    body = b"&".join([b"a=" + b"x" * (posted.MOST_TYPED - 10)] * 4)
    with pytest.raises(posted.HTTPException) as error:
        await read_form(Sent(body, piece=10**6, kind="application/x-www-form-urlencoded"), 10**8, content)
    assert error.value.status_code == 413


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["sent", "refused", "with a virus", "from elsewhere", "without words"])
async def test_a_file_that_was_sent_lies_in_its_message_alone(world: World, tmp_path, how):
    scanned = []

    class Scanner:
        async def scan(self, file):
            scanned.append(b"".join(file))
            return "Eicar" if how == "with a virus" else ""

    world.max_upload, world.scanner = 1_000_000 if how != "refused" else 600_000, Scanner()
    browser = world.browser()
    copy = await world.written(await world.registered())
    before = _all_files(tmp_path / "spool")
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    if how == "from elsewhere":
        browser.client.cookies.delete("__Host-visitor")
    files = [("attachments", ("a.txt", CLEAR, "text/plain")), ("attachments", ("b.txt", b"second", "text/plain"))]
    await browser.press("Send", files=files, body="" if how == "without words" else "x")
    assert browser.status == {"sent": 200, "from elsewhere": 403}.get(how, 422)
    assert scanned == ([] if how == "from elsewhere" else [CLEAR, b"second"])
    names = {path.name for path in _all_files(tmp_path / "spool")} - {path.name for path in before}
    assert names == {one.id for one in await world.rows(Content, inline=None)}
    assert len(names) == (0 if how in ("from elsewhere", "with a virus") else 1)  # in its message, or in the draft


def _all_files(folder: Path):
    return [path for path in folder.rglob("*") if path.is_file()]
