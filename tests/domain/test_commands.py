"""The command grammar: what is understood, what is prose, and that no birthdate is read back."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.address import address
from gateway.domain.birthdate import EARLIEST, MONTH_NAMES, Doubt, Order
from gateway.domain.commands import Command, Unknown, completes, is_command, joined, made, parse, read_details
from gateway.domain.echo import BLANK, LONGEST_ECHO, LONGEST_LINE
from gateway.domain.verbs import PHRASES, VERBS, Verb
from gateway.domain.vocabulary import Details, Relationship, Role

TODAY = date(2026, 3, 20)
PAT = address("pat@home.example")
PATIENT = Details(Relationship.PATIENT, birthdate=date(1980, 2, 3))
CLINICIAN = Details(Relationship.COLLEAGUE_HERE, Role.CLINICIAN)
STAFF = Details(Relationship.COLLEAGUE_HERE, Role.STAFF)
ELSEWHERE = Details(Relationship.COLLEAGUE_ELSEWHERE)
RECEIVED = "PATIENT (birthdate received)"
NOT_TAKEN = f"PATIENT {BLANK}"
PLAIN = [verb for verb in Verb if verb not in {Verb.PATIENT, Verb.CLINICIAN, Verb.STAFF, Verb.COLLEAGUE}]


@pytest.mark.parametrize("verb", PLAIN)
@pytest.mark.parametrize(
    "line",
    [
        "{}",
        " {} ",
        "{}.",
        "{}!",
        "*{}*",
        '"{}"',
        "“{}”",
        "{} please",
        "{}, please !",
        "Please, {}.",
        "- {}",
        "_{}_",
        "「{}」",
        "{}！",
        "„{}“",
        "**{}**",
        "pls {}",
    ],
)
def test_a_verb_alone(verb: Verb, line: str) -> None:
    for word in (verb.value, verb.lower(), verb.title()):
        assert parse(line.format(word), TODAY) == Command(verb, text=verb.value)


@pytest.mark.parametrize(
    "line",
    [
        "pat@home.example REMIND",
        "REMIND pat@home.example",
        "resend pat@home.example",
        "<pat@home.example> remind!",
        "<pat@home.example>, remind, please",
        "please remind pat@home.example.",
        "pat@home.example: *REMIND*",
        "mailto:pat@home.example REMIND",
        "<mailto:pat@home.example>\u00a0 \u00a0REMIND",
        "pat@home.example<mailto:pat@home.example> REMIND",
        "pat@home.example <mailto:pat@home.example> REMIND",
        "pat@home.example[mailto:pat@home.example] REMIND",
        "[pat@home.example](mailto:pat@home.example) REMIND",
        "*pat@home.example* REMIND, thank you.",
        "REMIND pat@home.example thanks!",
        "ＲＥＭＩＮＤ pat@home.example",
    ],
)
def test_a_verb_and_a_person(line: str) -> None:
    assert parse(line, TODAY) == Command(Verb.REMIND, PAT, text="pat@home.example REMIND")


@pytest.mark.parametrize(
    "line",
    [
        "PATIENT 1980-02-03",
        "patient: 3 Feb 1980",
        "Patient:1980-02-03.",
        "*PATIENT* *1980-02-03*",
        "PATIENT – February 3rd, 1980",
        "patient 3. 2. 1980",
        "Please patient 3 de febrero de 1980, please",
    ],
)
def test_a_patient(line: str) -> None:
    assert parse(line, TODAY) == Command(Verb.PATIENT, None, PATIENT, text=RECEIVED)


@pytest.mark.parametrize(
    "line",
    [
        "pat@home.example PATIENT 1980-02-03",
        "PATIENT pat@home.example 1980-02-03",
        "<pat@home.example> patient 3-Feb-1980",
    ],
)
def test_a_patient_by_address(line: str) -> None:
    assert parse(line, TODAY) == Command(Verb.PATIENT, PAT, PATIENT, text=f"pat@home.example {RECEIVED}")


def test_an_address_keeps_its_underscores() -> None:
    assert parse("_pat_@home.example _REMIND_", TODAY) == Command(
        Verb.REMIND, address("_pat_@home.example"), text="_pat_@home.example REMIND"
    )


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["PATIENT", "1980-02-03", "Ada"], ["PATIENT 1980-02-03", "Ada"]),
        (["pat@home.example PATIENT", "3 Feb 1980"], ["pat@home.example PATIENT 3 Feb 1980"]),
        (["PATIENT", "03/04/1980"], ["PATIENT 03/04/1980"]),
        (["PATIENT", "Ada", "1980-02-03"], ["PATIENT", "Ada", "1980-02-03"]),
        (["PATIENT 1980-02-03", "1981-02-03"], ["PATIENT 1980-02-03", "1981-02-03"]),
        (["REMIND", "1980-02-03"], ["REMIND", "1980-02-03"]),
        (["PATIENT", "REMIND"], ["PATIENT", "REMIND"]),
        ([], []),
    ],
)
def test_a_birthdate_on_the_next_line(lines: list[str], whole: list[str]) -> None:
    assert joined(lines) == whole


@pytest.mark.parametrize(
    ("line", "doubt", "text"),
    [
        ("PATIENT", Doubt.MISSING, "PATIENT"),
        ("PATIENT please", Doubt.MISSING, "PATIENT"),
        ("PATIENT 03/04/1980", Doubt.AMBIGUOUS, NOT_TAKEN),
        ("PATIENT 1980-02-30", Doubt.IMPOSSIBLE, NOT_TAKEN),
        ("PATIENT 2030-01-01", Doubt.FUTURE, NOT_TAKEN),
        ("PATIENT 1899-12-31", Doubt.TOO_OLD, NOT_TAKEN),
        ("PATIENT 1899", Doubt.UNREADABLE, NOT_TAKEN),
        ("PATIENT １９８０-０２-０３", Doubt.UNREADABLE, NOT_TAKEN),
        ("PATIENT 3rd of Februember 1980", Doubt.UNREADABLE, NOT_TAKEN),
    ],
)
def test_a_patient_in_doubt(line: str, doubt: Doubt, text: str) -> None:
    assert parse(line, TODAY) == Command(Verb.PATIENT, doubt=doubt, text=text)


@pytest.mark.parametrize(
    ("line", "verb", "details"),
    [
        ("CLINICIAN", Verb.CLINICIAN, CLINICIAN),
        ("colleague clinician", Verb.CLINICIAN, CLINICIAN),
        ("staff!", Verb.STAFF, STAFF),
        ("Colleague: staff", Verb.STAFF, STAFF),
        ("COLLEAGUE", Verb.COLLEAGUE, ELSEWHERE),
    ],
)
def test_a_colleague(line: str, verb: Verb, details: Details) -> None:
    assert parse(line, TODAY) == Command(verb, details=details, text=verb.value)
    assert parse(f"pat@home.example {line}", TODAY) == Command(verb, PAT, details, text=f"pat@home.example {verb}")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("INVITE pat@home.example", Command(Verb.INVITE, PAT, text="INVITE pat@home.example")),
        (
            "INVITE pat@home.example patient 1980-02-03",
            Command(Verb.INVITE, PAT, PATIENT, text=f"INVITE pat@home.example {RECEIVED}"),
        ),
        (
            "invite <pat@home.example>, colleague clinician.",
            Command(Verb.INVITE, PAT, CLINICIAN, text="INVITE pat@home.example CLINICIAN"),
        ),
        (
            "pat@home.example INVITE colleague",
            Command(Verb.INVITE, PAT, ELSEWHERE, text="INVITE pat@home.example COLLEAGUE"),
        ),
        (
            "INVITE pat@home.example PATIENT 03/04/1980",
            Command(Verb.INVITE, PAT, doubt=Doubt.AMBIGUOUS, text=f"INVITE pat@home.example {NOT_TAKEN}"),
        ),
        (
            "INVITE pat@home.example patient",
            Command(Verb.INVITE, PAT, doubt=Doubt.MISSING, text="INVITE pat@home.example PATIENT"),
        ),
        ("INVITE patient 1980-02-03", Command(Verb.INVITE, None, PATIENT, text=f"INVITE {RECEIVED}")),
    ],
)
def test_an_invitation(line: str, command: Command) -> None:
    assert parse(line, TODAY) == command


@pytest.mark.parametrize(
    "line",
    [
        "",
        "please",
        "please remind me to call her",
        "remind me",
        "cancel the appointment",
        "yes, and tell her that I called",
        "Status: all is well",
        "list of medicines",
        "colleague of mine",
        "staff clinician",
        "remind patient",
        "Patient is fine, thanks",
        "Patient will come on 3 March, so please book the room",
        "invite pat@home.example patient of mine",
        "Cancel my 3pm",
        "status of the results?",
        "Yes, I will call her",
        "Yes, thanks",
        "Yes, thanks, but don't remind her",
        "List attached",
        "REMIND?",
        "REMIND Thanks, Ada",
        "REMIND ≠ CANCEL",
        "REMIND CANCEL",
        "invite her",
        "invite pat@home.example tomorrow",
        "REMIND pat@home.example cleo@riverside.example",
        "REMIND pat@",
        "REMIND pat@home.example<mailto:omar@hillside.example>",
        "pat@home.example",
        "reminder",
        "> REMIND",
        "REMIND " + " " * LONGEST_LINE,
    ],
)
def test_prose_is_no_command(line: str) -> None:
    assert isinstance(parse(line, TODAY), Unknown)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("remind me to call her", "remind me to call her"),
        ("PATEINT third February", "PATEINT …"),
        ("PATEINT", "PATEINT"),
        ("PATIENT third of February eighty", "PATIENT …"),
        ("she was born long ago", "she was born …"),
        ("PATIENT pat@ 1980-02-03", "PATIENT …"),
        ("INVITE pat@home.example 3 Feb 1980", "INVITE pat@home.example … … …"),
        ("clinician 03/04/1980 １９８０ 三月", "clinician … … …"),
        ("one\x00two\x1bthree\u202efour\ud800", "onetwothreefour"),
    ],
)
def test_what_is_shown_of_prose(line: str, text: str) -> None:
    assert parse(line, TODAY) == Unknown(text)


@pytest.mark.parametrize("line", ["word " * 100, "x" * 200, "x" * 5 * LONGEST_LINE])
def test_prose_is_shown_in_part(line: str) -> None:
    shown = parse(line, TODAY)
    assert isinstance(shown, Unknown)
    assert 0 < len(shown.text) <= LONGEST_ECHO


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("patient 1980-02-03", PATIENT),
        (" Patient: 3 Feb 1980 ", PATIENT),
        ("CLINICIAN", CLINICIAN),
        ("colleague staff", STAFF),
        ("colleague", ELSEWHERE),
        ("patient", Doubt.MISSING),
        ("patient 03/04/1980", Doubt.AMBIGUOUS),
        ("", None),
        ("remind", None),
        ("urgent results", None),
        ("clinician tomorrow", None),
    ],
)
def test_details_in_a_subject_tag(text: str, answer: Details | Doubt | None) -> None:
    assert read_details(text, TODAY) == answer


def test_what_changes_something() -> None:
    assert {verb for verb, spec in VERBS.items() if not spec.changes} == {
        Verb.STATUS,
        Verb.LIST,
        Verb.DIRECTORY,
        Verb.PATIENTS,
        Verb.READ,
        Verb.HELP,
    }


BIRTHDATES = st.dates(min_value=EARLIEST, max_value=TODAY)
HEADS = st.sampled_from([*PHRASES, "PATEINT", "invite pat@home.example", "invite pat@home.example patient", "born", ""])
WORDS = st.sampled_from(
    [*PHRASES, "please", "pat@home.example", "<", ">", "mailto:", "@", ":", "1980-02-03", "*", "me"]
)


def _forms(born: date) -> list[str]:
    names = [name for months in MONTH_NAMES.values() for name in months[born.month - 1].split()]
    numeric = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d %m %y"]
    return [born.strftime(form) for form in numeric] + [f"{born.day} {name} {born.year}" for name in names]


@given(BIRTHDATES, HEADS, st.data())
def test_no_birthdate_is_read_back(born: date, head: str, data: st.DataObject) -> None:
    text = parse(f"{head} {data.draw(st.sampled_from(_forms(born)))}", TODAY).text
    assert not re.search(r"\d", text)


@given(st.sampled_from(["PATIENT", "PATEINT", "Patients"]), st.text(alphabet=st.characters(codec="utf-8")))
def test_nothing_typed_in_its_place_is_read_back(head: str, typed: str) -> None:
    text = parse(f"{head} {typed}", TODAY).text
    assert re.fullmatch(rf"{head}( …)?|(\S+@\S+ )?(PATIENT( \(birthdate received\))?|PATIENTS)", text)


@given(st.text() | st.lists(WORDS).map(" ".join) | st.lists(WORDS).map("".join))
def test_any_line_gets_an_answer(line: str) -> None:
    answer = parse(line, TODAY)
    assert answer.text.isprintable()
    # What follows PATIENT and looks like no date is prose in a mail, and asked about in a subject's tag.
    prose = read_details(line, TODAY) in (None, Doubt.UNREADABLE)
    assert prose or not isinstance(answer, Unknown) or "@" in line
    if isinstance(answer, Command) and answer.details is None and answer.doubt is None:
        assert parse(answer.text, TODAY).text == answer.text


@pytest.mark.parametrize(
    "line", ["REMIND", "pat@home.example PATIENT", "PATIENT 03/04/1980", "Cancel, please.", "HELP"]
)
def test_a_command_is_one_on_any_day(line: str) -> None:
    assert is_command(line)


@pytest.mark.parametrize(
    "line", ["", "cancle", "Patient is fine, thanks", "status of the results?", "Hello", "> CANCEL"]
)
def test_what_is_no_command_is_none_on_any_day(line: str) -> None:
    assert not is_command(line)


@pytest.mark.parametrize("line", ["11 April 1952", "born 11th April 1952", "1952-04-11", "04/11/1952", "1952-02-30"])
def test_a_date_completes_a_patient(line: str) -> None:
    assert completes(line, "pat@home.example PATIENT")
    assert not completes(line, "PATIENT 1980-02-03")
    assert not completes(line, "CANCEL")


@pytest.mark.parametrize(
    ("before", "line"), [("PATIENT 11 April", "1952"), ("INVITE a@b.example PATIENT 11th", "April 1952.")]
)
def test_a_date_may_be_wrapped_within(before: str, line: str) -> None:
    assert completes(line, before)
    assert joined([before, line, "REMIND"]) == [f"{before} {line}", "REMIND"]


@pytest.mark.parametrize("line", ["CANCEL", "please", "thanks", "pat@home.example", "Dr Ada", "1980", "3 people", ""])
def test_other_lines_complete_nothing(line: str) -> None:
    assert not completes(line, "PATIENT")


@pytest.mark.parametrize(("order", "month"), [(Order.DAY_FIRST, 11), (Order.MONTH_FIRST, 4)])
def test_the_order_is_told_where_it_was_needed(order: Order, month: int) -> None:
    command = parse("PATIENT 04/11/1952", TODAY, order)
    assert isinstance(command, Command)
    assert (command.details, command.order) == (
        Details(Relationship.PATIENT, birthdate=date(1952, month, 15 - month)),
        order,
    )
    assert command.text == RECEIVED
    assert read_details("patient 04/11/1952", TODAY, order) == command.details
    for clear in ("PATIENT 1952-11-04", "PATIENT 25/11/1952", "CLINICIAN"):
        assert parse(clear, TODAY, order) == parse(clear, TODAY)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("wrong\r\nperson", "wrong person"),
        ("wrong \u202enosrep\u202c\x07", "wrong nosrep"),
        ("x" * 300, "x" * 200),
        (" \u200b ", ""),
    ],
)
def test_a_reason_from_a_form_is_one_line_that_reads_as_it_was_typed(reason, shown):
    said = made(Verb.RECALL, address("pat@home.example"), reason=reason)
    assert said.reason == shown
    assert "\n" not in said.text
