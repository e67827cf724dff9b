"""Plain addresses are read without the library: what it would have said must be the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.address import _PLAIN, _read, address
from gateway.errors import BadAddress

PIECES = st.sampled_from(
    [
        "a",
        "Z",
        "0",
        "9",
        "-",
        "--",
        "xn--",
        ".",
        "..",
        "+tag",
        "'",
        "_",
        "x" * 63,
        "x" * 64,
        "é",
        '"',
        " ",
        "example",
        "com",
    ]
)
TYPED = st.builds(
    lambda local, domain: f"{''.join(local)}@{''.join(domain)}",
    st.lists(PIECES, min_size=1, max_size=5),
    st.lists(PIECES, min_size=1, max_size=6),
)


def said(read, typed):
    try:
        return read(typed)
    except BadAddress:
        return None


@settings(max_examples=500, deadline=None)
@given(TYPED)
def test_reading_is_the_same_with_and_without_the_library(typed):
    assert said(address, typed) == said(_read, typed)


@pytest.mark.parametrize("typed", ["p@xn--a.example", "p@xn--bcher-kva.example", "p@ab--c.example", "p@h.123", "p@h"])
def test_what_the_library_has_to_look_at_is_left_to_it(typed):
    assert not _PLAIN.fullmatch(typed)
    assert said(address, typed) == said(_read, typed)


@pytest.mark.parametrize(
    "typed", ["pat@home.example", "Pat.O'Hara+x@Mail.Home.Example", f"{'p' * 64}@h.example", "p@a-b.example"]
)
def test_what_most_addresses_look_like_is_plain(typed):
    assert _PLAIN.fullmatch(typed)
    assert address(typed) == _read(typed)
