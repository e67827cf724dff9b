"""`/readyz`, as a load balancer asks it."""

import asyncio

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from gateway.edge.run import readiness
from gateway.edge.run.readiness import Readiness, answering
from gateway.errors import StoreBusy


@pytest.fixture
def ready(world):
    return Readiness(world.desk)


@pytest.fixture
async def asked(ready):
    """Ask a listener that has something else to say as well."""
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(answering(PlainTextResponse("a page"), ready)), base_url="http://gateway"
    )

    async def ask(path="/readyz", method="GET"):
        answer = await client.request(method, path)
        return answer.status_code, answer.text

    yield ask
    await client.aclose()


async def test_whoever_can_serve_is_ready(asked):
    assert await asked() == (200, "ok")
    assert await asked("/inbox") == (200, "a page")
    assert await asked(method="POST") == (200, "a page")


async def test_without_its_database_it_is_not_and_then_it_is_again(asked, world, monkeypatch):
    async def busy(*_, **__):
        raise StoreBusy

    with monkeypatch.context() as patched:
        patched.setattr(type(world.store), "read", busy)
        assert await asked() == (503, "the database does not answer")
    assert await asked() == (200, "ok")


async def test_a_database_that_says_nothing_is_asked_once_for_all(asked, world, monkeypatch):
    looks, may_answer = [], asyncio.Event()

    async def silent(*_, **__):
        looks.append(1)
        await may_answer.wait()

    monkeypatch.setattr(readiness, "PATIENCE", 0.01)
    monkeypatch.setattr(type(world.store), "read", silent)
    assert [await asked() for _ in range(3)] == [(503, "the database does not answer")] * 3
    assert len(looks) == 1
    may_answer.set()
    assert await asked() == (200, "ok")


async def test_who_is_about_to_end_says_so_first(asked, ready):
    ready.is_ending = True
    assert await asked() == (503, "about to end")
