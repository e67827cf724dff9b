"""Replies of many clients in many languages: each command in each of them is understood, and nothing else ever is."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gateway.domain.commands import Command, Unknown, joined, parse
from gateway.domain.verbs import SPOKEN, Verb
from gateway.mail.reply import typed as read
from tests.mail.corpus import BELOW, CLIENTS, every, reply, turns, typed
from tests.mail.samples import hostile

TODAY = date(2026, 3, 3)
COMMANDS = [
    *(verb.value for verb in Verb),
    *(f"pat@example.com {verb}" for verb in Verb if verb is not Verb.PATIENT),
    "PATIENT 1980-02-03",
    "patient: 3 Feb 1980",
    "pat@example.com PATIENT 1980-02-03",
    "REMIND pat@example.com",
    "INVITE pat@example.com PATIENT February 3rd 1980",
    "INVITE pat@example.com colleague clinician",
    "*REMIND*",
    "cancel.",
    "Remind please",
    "RESEND",
]
PROSE = [
    "",
    "Thanks, I will call her.",
    "Yes, I will call her",
    "please remind me to call her",
    "Cancel my 3pm",
    "Patient is fine, thanks",
    "status of the results?",
    "List attached",
    "Merci, je vais l'appeler.",
    "Danke, ich rufe sie an.",
    "Gracias.",
]


def understood(lines: tuple[str, ...]) -> list[Command]:
    """The commands that would run: those before the first line that is none."""
    found: list[Command] = []
    for line in joined(lines):
        command = parse(line, TODAY)
        if isinstance(command, Unknown):
            break
        found.append(command)
    return found


def test_the_corpus_is_wide() -> None:
    assert len(CLIENTS) >= 60
    clients = "outlook_desktop outlook_web outlook_phone apple_mail iphone gmail_web gmail_android thunderbird yahoo"
    for client in [*clients.split(), "proton", "samsung", "k9"]:
        assert any(path.stem.startswith(client) for path in CLIENTS), client
    assert len({path.stem.rpartition("_")[2] for path in CLIENTS}) >= 12  # languages


@pytest.mark.parametrize("path", CLIENTS, ids=lambda path: path.stem)
def test_every_command_is_understood(path: Path) -> None:
    """Each command and each notice; each of their pairs in some clients."""
    for command, notice in zip(COMMANDS, turns(path), strict=False):
        assert understood(typed(path, command, notice)) == [parse(command, TODAY)], command


@pytest.mark.parametrize("path", [*CLIENTS, *BELOW], ids=lambda path: path.stem)
def test_prose_runs_nothing(path: Path) -> None:
    for prose, notice in zip(PROSE, turns(path), strict=False):
        assert understood(typed(path, prose, notice)) == [], prose


@pytest.mark.parametrize("path", BELOW, ids=lambda path: path.stem)
def test_a_command_that_is_not_on_top_runs_nothing(path: Path) -> None:
    for command, notice in zip(COMMANDS, turns(path), strict=False):
        assert understood(typed(path, command, notice)) == [], command


def test_several_commands_are_all_understood() -> None:
    lines = ["pat@example.com REMIND", "omar@hillside.example CANCEL"]
    [path] = [path for path in CLIENTS if path.stem == "thunderbird_plain_en"]
    for _, notice in every([path]):
        assert understood(typed(path, "\n".join(lines), notice)) == [parse(line, TODAY) for line in lines]


MASKED = st.sampled_from([*CLIENTS, *BELOW])


@settings(max_examples=150)
@given(MASKED, hostile, st.integers(0, 4000), st.integers(0, 60))
def test_damaged_replies_raise_nothing_and_invent_nothing(path: Path, noise: bytes, at: int, lost: int) -> None:
    assume(not understood(tuple(noise.decode("latin-1").splitlines())))  # `lù` is French
    _, notice = next(every([path]))
    whole = reply(path, "Thank you.", notice)
    assert understood(read(whole[:at] + noise + whole[at + lost :]).lines) == []


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text)).casefold()


@settings(max_examples=300)
@example(b"CLINICIENNE")
@given(hostile | st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_command_is_invented(octets: bytes) -> None:
    for head in (b"", b"Content-Type: text/html; charset=utf-8\r\n\r\n", b"Content-Type: text/plain\r\n\r\n"):
        raw = head + octets
        seen = letters(raw.decode("utf-8", "ignore"))
        for command in understood(read(raw).lines):
            assert any(letters(word) in seen for words in SPOKEN.values() for word in words[command.verb])
