"""What reads mail takes time that grows no faster than the mail, whatever a stranger makes it of.

Compared are times within one run: four times as much may take some ten times as long, and no more, at any size. The
shapes are those that were seen to stop mail systems, and what a search puts together from the readers' own words; with
`SEARCH=10` in the environment it looks for ten times as many.
"""

import inspect
import itertools
import os
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.mail import parse
from tests.mail.readers import MANY, MODULES, NO_READERS, READERS

pytestmark = pytest.mark.measured
T = TypeVar("T")
EVEN = 6
"""Four times as much that takes at most so many times as long says that the next step can't be steep: of a cost that
grows with n and n², a step of 10 follows one of 6.4 or more. What takes long is not tried at the largest size then."""
STEEP = 10
"""How many times as long four times as much may take: 4, and what a busy machine and the end of its caches add, which
was seen to be 8 in all; 16 is what comes of looking at all of a mail for each part of it."""
NOTICEABLE = 0.02
"""Seconds of computing below which nothing is compared: a step that takes less keeps nobody waiting."""
TRIES = 12
"""How often a comparison must have come out steep: others' work on the machine makes some so, hardly ever all."""
SEARCH = int(os.environ.get("SEARCH", "1"))
SIZES = (4_000, 16_000, 64_000, 256_000)

SHAPES = {
    "encoded words that never end": ("", "=?", ""),
    "encoded words": ("", "=?utf-8?q?=41?= ", ""),
    "dashes": ("", "-", ""),
    "blank lines": ("", "\r\n", ""),
    "spaces": ("x", " ", "x"),
    "one long word": ("", "a", ""),
    "nested comments": ("", "(", ""),
    "comments": ("a", "(x)", "@b.example"),
    "quoted names": ("", '"a" ', "<a@b.example>"),
    "mailboxes": ("", "a@b.example, ", ""),
    "international mailboxes": ("", "ü@bücher.example, ", ""),
    "elements within elements": ("", "<div>", "x"),
    "formatting that never ends": ("", "<b><i><p>x", ""),
    "attributes": ("<a ", "a='b' ", ">"),
    "references": ("<p>", "&amp;", ""),
    "open tags": ("", "<", ""),
    "many parts": ("", "\r\n--b\r\n\r\nx", ""),
    "parts within parts": ("", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", ""),
    "fields": ("", "X: y\r\n", ""),
    "folded": ("X: y", "\r\n y", ""),
    "identifiers": ("", "<a@b.example> ", ""),
    "quote marks": ("", ">", " x"),
    "results": ("", "dmarc=pass header.from=a; ", ""),
    "words before a failure": ("", "user unknown ", "550"),
    "words that wait for others": ("", "mailbox delivery after 4 ", "x"),
    "dates": ("PATIENT ", "1980-02-03 ", ""),
    "styles": ("<p style='", "color:red;", "'>x"),
    "files in the text": ("", "begin 644 x\n#)5!$\n", ""),
    "cells": ("<table><tr>", "<td>x", ""),
    "escapes": ('"', "\\", '"'),
    "accents of one letter": ("a", "\u0301\u0327", "x"),
    "marks of kana": ("\u304b", "\uff9e\u0301", "x"),
}
"""What stands before, what is repeated, and what stands behind."""
PIECES = (
    *"()<>[]{}\"'\\=?-_>.,:;@&#/ \t\nau0é中",
    *(
        "\r\n",
        "\r\n ",
        "=?utf-8?b?",
        "?=",
        "=0D",
        "<div>",
        "</div>",
        "<a href=",
        "<!--",
        "<b>",
        "<table><tr><td>",
        "&#",
    ),
    *(
        "--b\r\n",
        "--",
        "Content-Type: ",
        "boundary=",
        "filename*0*=",
        "utf-8''%",
        "multipart/",
        "message/rfc822\r\n\r\n",
    ),
    *("From: ", "On Mon, ", " wrote:", "-----Original Message-----", "Sent: ", "http://x/", "mailto:", "[secure"),
    *("550 5.1.1 ", "user", "unknown", "undeliverable", "mailbox", "Status: 4.", "Action: failed", "<a@b.example>"),
    *("dmarc=", "header.from=", "PATIENT", "CANCEL", "born ", "1980", "February", "out of office", "automatic reply"),
)
shapes = st.tuples(
    st.sampled_from(["", *PIECES]),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
    st.sampled_from(["", "x", "x" * 300, *PIECES]),
)


def filled(shape: tuple[str, str, str], size: int) -> str:
    before, again, behind = shape
    return before + again * (size // len(again)) + behind


def cost(read: Callable[[T], object], mail: T, times: int = 1) -> float:
    """Seconds of computing; the least of several runs."""
    seen = []
    for _ in range(times):
        begun = time.process_time()
        read(mail)
        seen.append(time.process_time() - begun)
    return min(seen)


def steepest(read: Callable[[T], object], made: Callable[[int], T]) -> tuple[int, float]:
    """The first size at which four times as much takes far more than four times as long, and how much more; or 0."""
    before = cost(read, made(SIZES[0]))
    for smaller, size in itertools.pairwise(SIZES):
        now = cost(read, made(size))
        if now > NOTICEABLE and now > STEEP * before:
            times = STEEP * 2.0
            for _ in range(TRIES):
                if (times := _times_as_long(read, made(smaller), made(size))) <= STEEP:
                    break
            else:
                return size, times
        if before > NOTICEABLE and now < EVEN * before:
            break
        before = now
    return 0, 0.0


def _times_as_long(read: Callable[[T], object], smaller: T, larger: T) -> float:
    return cost(read, larger) / max(cost(read, smaller, 4), 1e-4)


def test_every_function_that_reads_mail_is_measured():
    found = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in MODULES
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if one.__module__ == module.__name__ and not name.startswith("_")
    }
    known = {name.partition(",")[0] for name in (*READERS, *MANY)}
    assert found <= known | NO_READERS
    assert found >= NO_READERS


@pytest.mark.parametrize("name", READERS)
def test_no_shape_that_was_seen_takes_more_than_its_share(name):
    steep = {what: steepest(READERS[name], partial(filled, shape)) for what, shape in SHAPES.items()}
    assert not {what: found for what, found in steep.items() if found[0]}


@pytest.mark.parametrize("name", MANY)
def test_many_of_one_thing_take_no_more_than_their_share(name):
    size, times = steepest(MANY[name], int)
    assert not size, f"{times:.0f} times as long for four times as much, at {size} octets"


@pytest.mark.parametrize("name", READERS)
@settings(
    max_examples=6 * SEARCH,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(shape=shapes)
def test_no_shape_that_can_be_found_takes_more_than_its_share(name, shape):
    size, times = steepest(READERS[name], partial(filled, shape))
    assert not size, f"{times:.0f} times as long for four times as much, at {size} characters"


def test_what_grows_faster_is_noticed():
    def compares_each_with_all(text: str) -> int:
        return sum(text.count("ab") for _ in range(0, len(text), 64))  # next to nothing but what grows with n²

    assert steepest(compares_each_with_all, partial(filled, SHAPES["one long word"]))[0]


def test_a_mail_that_is_all_of_a_kind_is_still_a_mail():
    for shape in SHAPES.values():
        raw = b"Subject: x\r\n\r\n" + filled(shape, 16_000).encode()
        assert parse.head(raw).subject == "x"
