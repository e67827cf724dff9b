"""`docs/what-people-see.md` says what is so."""

import pytest

from gateway.portal.mail.content import shown_of
from tests.portal.seen import KINDS, PAGE, page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind[:60])
def test_people_see_what_is_said(kind):
    shown = shown_of(kind.raw, "/f", "en")
    assert kind.shown in shown.frame + shown.text
    assert bool(kind.shown) == bool((shown.frame + shown.text).strip())
    assert tuple(one.filename for one in shown.attachments) == kind.files
    assert shown.unreadable == kind.unreadable
    assert [one.checked for one in shown.signatures] == ([kind.signed] if kind.signed else [])
    assert (shown.meeting.method if shown.meeting else "") == kind.meeting


def test_the_page_says_it():
    assert PAGE.read_text(encoding="utf-8") == page()
