"""Chromium for the checks of how pages look: started once for each module, since there are many scenes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.looks.looking import chromium
from tests.peers import fetch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, or a failure that says what to type."""
    try:
        fetch.fetch()
    except fetch.PeerMissing as problem:
        pytest.fail(f"{problem}\n(or leave the browser out: python3 tests/run.py --quick)", pytrace=False)
    with chromium() as running:
        yield running
