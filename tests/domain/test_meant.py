"""What somebody may have meant who wrote no command."""

import pytest

from gateway.domain.meant import meant
from gateway.domain.verbs import Verb


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("cancell", Verb.CANCEL),
        ("canecl", Verb.CANCEL),
        ("Stop!", Verb.CANCEL),
        ("please withdraw", Verb.CANCEL),
        ("pat@home.example abort", Verb.CANCEL),
        ("can you cancel this?", Verb.CANCEL),
        ("Cancel my 3pm", Verb.CANCEL),
        ("löschen", Verb.CANCEL),
        ("anuller", Verb.CANCEL),
        ("remindd", Verb.REMIND),
        ("unsend", Verb.RECALL),
        ("patinet 1952-04-11", Verb.PATIENT),
        ("1952-04-11", Verb.PATIENT),
        ("born 11th April 1952", Verb.PATIENT),
        ("doctor", Verb.CLINICIAN),
        ("ok", Verb.YES),
        ("Yes, I will call her", Verb.YES),
        ("?", Verb.HELP),
    ],
)
def test_near_a_verb(line: str, verb: Verb) -> None:
    assert meant(line) is verb


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Thank you, that is clear.",
        "Who is this about?",
        "I shall see her on Monday and will tell her to cancel then.",
        "Merci beaucoup",
        "pat@home.example",
        "…",
    ],
)
def test_far_from_all(line: str) -> None:
    assert meant(line) is None
