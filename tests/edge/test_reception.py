"""A mail is read no faster than it is sealed, whole or not at all."""

import asyncio
import threading

import pytest

from gateway.edge.smtp.limits import RATE_SECONDS, Memory
from gateway.edge.smtp.reception import EXCESS, HIGH_WATER, SMALL, Reception, Threads
from gateway.errors import BareLineEnd, StoreFull, TooLarge
from gateway.flow.inbound.mail_receiver import MailReceiver
from gateway.flow.inbound.understand import Submission
from gateway.store.content import CHUNK, SpooledContent
from gateway.testing import MemoryContent, fake_keys
from tests.edge.test_smtp_in import MAIL
from tests.practice import SITE

SUBMISSION = Submission("ada@riverside.example", ("pat@home.example",), trusted=True)
LINE = b"x" * 998 + b"\r\n"
MOST = 10_000_000


class Wire:
    """A transport that notes whether it is read."""

    def __init__(self):
        self.is_read = asyncio.Event()
        self.is_read.set()

    @property
    def paused(self):
        return not self.is_read.is_set()

    def pause_reading(self):
        self.is_read.clear()

    def resume_reading(self):
        self.is_read.set()


@pytest.fixture
def threads():
    threads = Threads.start(1)
    yield threads
    threads.shutdown()


def reception(threads, content, memory=None, wire=None, most=MOST):
    receiver = MailReceiver(SITE, fake_keys(), content, SUBMISSION, "Received: by us\r\n")
    return Reception(receiver, wire or Wire(), memory or Memory(MOST), threads, most)


async def take(one, octets, cut=50_000):
    """Send octets as a client would that stops where it is not read."""
    taken = asyncio.ensure_future(one.taken())
    for at in range(0, len(octets), cut):
        one.data_received(octets[at : at + cut])
        await asyncio.sleep(0)
        reading = asyncio.ensure_future(one._transport.is_read.wait())
        await asyncio.wait({reading, taken}, return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
    return await taken


@pytest.mark.parametrize("size", [0, SMALL - 500, SMALL + 1, CHUNK, 3 * CHUNK + 17])
async def test_small_or_large_it_is_sealed_as_it_came(threads, tmp_path, size):
    content = SpooledContent(tmp_path)
    body = (LINE * (size // len(LINE) + 1))[:size] + b"\r\n.dot\r\n"
    wire = (MAIL + body).replace(b"\r\n.", b"\r\n..") + b".\r\n"
    _, forms = await take(reception(threads, content), wire)
    sealed = forms.clear
    assert content.get(sealed.content_id, sealed.inline, sealed.data_key) == b"Received: by us\r\n" + MAIL + body
    assert len(content.names()) == (sealed.inline is None)


@pytest.mark.parametrize("size", [SMALL - len(MAIL) - 3, SMALL + 1, 3 * CHUNK])
async def test_a_home_is_reached_from_no_event_loop(threads, tmp_path, monkeypatch, size):
    """It may be across a network. A mail up to SMALL is sealed in the loop, and grows by what we add to its head."""
    places, here = [], threading.get_ident()

    class Away(SpooledContent):
        def place(self, content_id):
            places.append(threading.get_ident())
            return super().place(content_id)

    body = (LINE * (size // len(LINE) + 1))[:size] + b"\r\n.\r\n"
    receiver = MailReceiver(SITE, fake_keys(), Away(tmp_path), SUBMISSION, f"Received: {'x' * 900}\r\n")
    await take(Reception(receiver, Wire(), Memory(MOST), threads, MOST), MAIL + body)
    assert len(places) == 1
    assert here not in places


async def test_reading_stops_while_much_waits_and_goes_on(threads):
    wire, memory = Wire(), Memory(MOST)
    one = reception(threads, MemoryContent(), memory, wire)
    one.data_received(MAIL + LINE * (HIGH_WATER // len(LINE) + 1))
    assert wire.paused
    taken = asyncio.ensure_future(one.taken())
    await wire.is_read.wait()
    one.data_received(b".\r\n")
    await taken
    memory.take(MOST)  # all that was taken has been given back
    assert memory.is_short
    memory.give_back(1)
    assert not memory.is_short


async def test_short_memory_stops_the_reading_of_all_and_each_still_ends(threads):
    memory = Memory(SMALL)
    wires = [Wire() for _ in range(5)]
    several = [reception(threads, MemoryContent(), memory, wire) for wire in wires]
    taken = await asyncio.gather(*(take(one, MAIL + LINE * 300 + b".\r\n") for one in several))
    assert all(forms.clear for _, forms in taken)
    assert not memory.is_short


@pytest.mark.parametrize("count", [1, 200])
async def test_what_is_refused_leaves_nothing_behind(threads, tmp_path, count):
    content = SpooledContent(tmp_path)
    with pytest.raises(BareLineEnd):
        await take(reception(threads, content), MAIL + LINE * count + b"bare\nfeed\r\n.\r\n")
    assert content.names() == set()


async def test_too_large_is_read_to_its_end_within_reason(threads, tmp_path):
    content = SpooledContent(tmp_path)
    one = reception(threads, content, most=300_000)
    with pytest.raises(TooLarge):
        await take(one, MAIL + LINE * 400 + b".\r\n")
    assert one.ended
    endless = reception(threads, content, most=300_000)
    with pytest.raises(TooLarge):
        await take(endless, MAIL + LINE * (300 * EXCESS + 100))
    assert not endless.ended
    assert content.names() == set()


async def test_a_disk_without_room_is_heard_of_at_the_end(threads, tmp_path):
    content = SpooledContent(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    with pytest.raises(StoreFull):
        await take(reception(threads, content), MAIL + LINE * 400 + b".\r\n")


@pytest.mark.parametrize("sent", [0, 100, 1000])
async def test_a_client_that_goes_away_leaves_nothing_behind(threads, tmp_path, sent):
    content, memory = SpooledContent(tmp_path), Memory(MOST)
    one = reception(threads, content, memory)
    taken = asyncio.ensure_future(one.taken())
    one.data_received(MAIL + LINE * sent)
    await asyncio.sleep(0)
    taken.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taken
    await asyncio.get_running_loop().run_in_executor(threads.reading, lambda: None)
    await asyncio.sleep(0.01)
    assert content.names() == set()
    memory.take(MOST - 1)
    assert not memory.is_short


async def test_the_rate_is_judged_over_a_span_and_not_while_we_do_not_read(threads):
    wire = Wire()
    one = reception(threads, MemoryContent(), wire=wire)
    start = one.got_on_at
    one.data_received(MAIL)
    assert not one.too_slow(start + RATE_SECONDS - 1, 100)
    assert one.too_slow(start + RATE_SECONDS + 1, 100)
    one.data_received(LINE * 3)
    assert not one.too_slow(start + RATE_SECONDS + 1, 100)
    one.data_received(LINE * (HIGH_WATER // len(LINE) + 1))
    assert wire.paused
    for spans in (10, 20, 30):
        assert not one.too_slow(start + spans * RATE_SECONDS, 100)
