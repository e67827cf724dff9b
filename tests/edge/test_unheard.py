"""Mail that can have no effect costs a look at its envelope: nothing of it is read, and nothing is written."""

import ipaddress

import pytest

from gateway.domain.model import TABLES
from gateway.domain.vocabulary import Purpose
from gateway.flow.inbound import understand
from tests.edge.test_smtp_in import Bench

SITE = "secure.riverside.example"
ELSEWHERE = (ipaddress.ip_network("192.0.2.0/24"),)
COMMAND = (
    b"From: Dr Ada <ada@riverside.example>\r\nSubject: x\r\nMessage-ID: <1@riverside.example>\r\n\r\nLIST\r\n.\r\n"
)


def made_up(token: str) -> str:
    return token[:-1] + ("a" if token[-1] != "a" else "b")


async def handed_in(bench, local):
    async with bench.session() as client:
        assert (await client.envelope("", f"{local}@{SITE}"))[0].startswith("250")
        return await client.data(COMMAND)


@pytest.fixture
def unread(monkeypatch):
    """Whoever reads fails."""

    def never(*_):
        raise AssertionError("it was read")

    monkeypatch.setattr(understand, "understand", never)
    monkeypatch.setattr(understand, "read", never)


@pytest.mark.parametrize("networks", [ELSEWHERE, (ipaddress.ip_network("127.0.0.0/8"),)])
@pytest.mark.parametrize(
    ("box", "purpose", "heard"),
    [("bounce", "b", "250"), ("reply", "r", "550 5.7.1"), ("bot", "w", "250"), ("bot", "s", "250")],
)
async def test_a_token_that_was_made_up(unread, networks, box, purpose, heard):
    bench = Bench(trusted=networks)
    token = bench.desk.keys.token(Purpose(purpose), 7)
    for one in (made_up(token), "x", purpose, token + "a", bench.desk.keys.token(Purpose.RESET, 7)):
        assert (await handed_in(bench, f"{box}+{one}")).startswith(heard)
    assert await nothing_written(bench)


@pytest.mark.parametrize(("local", "heard"), [("bot", "250"), ("bot+{s}", "250"), ("reply+{r}", "550 5.7.1")])
async def test_a_client_that_may_not_command_though_its_token_is_good(unread, local, heard):
    bench = Bench(trusted=ELSEWHERE)
    tokens = {purpose: bench.desk.keys.token(Purpose(purpose), 1) for purpose in "sr"}
    assert (await handed_in(bench, local.format(**tokens))).startswith(heard)
    assert await nothing_written(bench)


async def test_it_tells_a_stranger_nothing():
    """What is answered to a token that is good for others is what is answered to one that was made up."""
    bench = Bench(trusted=ELSEWHERE)
    keys = bench.desk.keys
    for box, purpose in (("bounce", Purpose.BOUNCE), ("reply", Purpose.REPLY), ("bot", Purpose.SENDER)):
        token = keys.token(purpose, 1)
        good, bad = [(await handed_in(bench, f"{box}+{one}")).split(" queued as")[0] for one in (token, made_up(token))]
        assert good == bad


async def test_a_token_that_is_good_is_read(monkeypatch):
    bench = Bench(trusted=ELSEWHERE)
    read = []
    monkeypatch.setattr(understand, "read", lambda _site, incoming, _text: read.append(incoming) or incoming)
    assert (await handed_in(bench, f"bounce+{bench.desk.keys.token(Purpose.BOUNCE, 1)}")).startswith("250")
    assert len(read) == 1


async def nothing_written(bench):
    found = [await bench.store.read(lambda tx, table=table: tx.count(table)) for table in TABLES]
    return not any(found) and not bench.content.octets
