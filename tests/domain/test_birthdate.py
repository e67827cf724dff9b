"""Birthdates as typed: every form that counts, every doubt, and nothing guessed."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.birthdate import EARLIEST, MONTH_NAMES, Doubt, Order, from_parts, month_named, read_birthdate, tidy

TODAY = date(2026, 3, 20)
PAT = date(1980, 2, 3)
BIRTHDATES = st.dates(min_value=EARLIEST, max_value=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "1980-02-03",
        "1980-2-3",
        "1980/02/03",
        "1980.2.3",
        "19800203",
        "03.02.1980",
        "3. 2. 1980",
        "3.2.1980.",
        "3 Feb 1980",
        "3 FEB. 1980",
        "03FEB1980",
        "3-Feb-1980",
        "3/Feb/1980",
        "3rd February 1980",
        "3rd of February, 1980",
        "February 3rd, 1980",
        "Feb 3 1980",
        "Feb. 3, 1980",
        "1980-Feb-03",
        "3 de febrero de 1980",
        "3 de febrero del 1980",
        "3. Februar 1980",
        "3.Feb.1980",
        "3 février 1980",
        "3 fe\u0301vrier 1980",
        "3 fevrier 1980",
        "  3\u00a0Feb\t1980 ",
        "1980‑02‑03",
        "1980 – 02 – 03",
        "\u200e1980\u200e-02\u200e-03\ufeff",
        "1980-02-03.",
    ],
)
def test_one_date_in_many_clothes(text: str) -> None:
    assert read_birthdate(text, TODAY) == PAT


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("13/02/1980", date(1980, 2, 13)),
        ("02/13/1980", date(1980, 2, 13)),
        ("13-02-1980", date(1980, 2, 13)),
        ("03/03/1980", date(1980, 3, 3)),
        ("29/02/1980", date(1980, 2, 29)),
        ("1er mars 1980", date(1980, 3, 1)),
        ("1º de marzo de 1980", date(1980, 3, 1)),
        ("5. März 1980", date(1980, 3, 5)),
        ("5. Maerz 1980", date(1980, 3, 5)),
        ("11 août 1999", date(1999, 8, 11)),
        ("1. Jänner 2000", date(2000, 1, 1)),
        ("2026-03-20", TODAY),
        ("1900-01-01", EARLIEST),
    ],
)
def test_only_one_reading(text: str, born: date) -> None:
    assert read_birthdate(text, TODAY) == born


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("03/04/1980", Doubt.AMBIGUOUS),
        ("3-4-1980", Doubt.AMBIGUOUS),
        ("03/04/2026", Doubt.AMBIGUOUS),  # one reading lies in the future: that does not settle it
        ("1980-02-30", Doubt.IMPOSSIBLE),
        ("31 April 1980", Doubt.IMPOSSIBLE),
        ("29/02/1981", Doubt.IMPOSSIBLE),
        ("13/13/1980", Doubt.IMPOSSIBLE),
        ("02.13.1980", Doubt.IMPOSSIBLE),
        ("0000-01-01", Doubt.IMPOSSIBLE),
        ("03021980", Doubt.IMPOSSIBLE),
        ("2026-03-21", Doubt.FUTURE),
        ("03/04/2030", Doubt.FUTURE),
        ("1899-12-31", Doubt.TOO_OLD),
        ("03/04/1880", Doubt.TOO_OLD),
        ("1899", Doubt.UNREADABLE),
        ("3 Feb 80", Doubt.UNREADABLE),
        ("03/02/80", Doubt.UNREADABLE),
        ("80-02-03", Doubt.UNREADABLE),
        ("1980-02/03", Doubt.UNREADABLE),
        ("Feb31980", Doubt.UNREADABLE),
        ("3 Fbe 1980", Doubt.UNREADABLE),
        ("1980-02-03 or so", Doubt.UNREADABLE),
        ("1980-02-03 1980-02-04", Doubt.UNREADABLE),
        ("１９８０-０２-０３", Doubt.UNREADABLE),
        ("١٩٨٠-٠٢-٠٣", Doubt.UNREADABLE),
        ("1\u03369\u03368\u03360\u0336-02-03", Doubt.UNREADABLE),
        ("tomorrow", Doubt.UNREADABLE),
        ("", Doubt.MISSING),
        (" . \u200b", Doubt.MISSING),
    ],
)
def test_doubts(text: str, doubt: Doubt) -> None:
    assert read_birthdate(text, TODAY) is doubt


@pytest.mark.parametrize(
    "text",
    [
        "born 3 February 1980",
        "Born on the 3rd of February 1980",
        "born: 1980-02-03",
        "b. 3 Feb 1980",
        "DOB: 3/Feb/1980",
        "d.o.b. 3 February 1980",
        "date of birth is 3rd February 1980",
        "(birthdate 1980-02-03)",
        "geboren am 3. Februar 1980",
        "geb. 3.2.1980",
        "geb. am 3.2.1980",
        "Geburtsdatum: 03.02.1980",
        "né le 3 février 1980",
        "née le 3 février 1980",
        "né(e) le 3 février 1980",
        "date de naissance : 3 février 1980",
        "nacido el 3 de febrero de 1980",
        "nacida el 3 de febrero de 1980",
        "nacido/a el 3 de febrero de 1980",
        "fecha de nacimiento: 3 de febrero de 1980",
    ],
)
def test_a_date_may_be_announced(text: str) -> None:
    assert read_birthdate(text, TODAY) == PAT


@pytest.mark.parametrize("text", ["born", "DOB:", "né le", "geb."])
def test_an_announcement_alone_is_no_date(text: str) -> None:
    assert read_birthdate(text, TODAY) is Doubt.MISSING


@pytest.mark.parametrize("text", ["borne 3 February 1980", "born in Leeds 3 February 1980", "bob 3 February 1980"])
def test_other_words_before_a_date_are_not_passed_over(text: str) -> None:
    assert read_birthdate(text, TODAY) is Doubt.UNREADABLE


@pytest.mark.parametrize(
    ("text", "day_first", "month_first"),
    [
        ("04/11/1952", date(1952, 11, 4), date(1952, 4, 11)),
        ("4-11-1952", date(1952, 11, 4), date(1952, 4, 11)),
        ("born 04/11/1952", date(1952, 11, 4), date(1952, 4, 11)),
        ("25/11/1952", date(1952, 11, 25), date(1952, 11, 25)),
        ("11/25/1952", date(1952, 11, 25), date(1952, 11, 25)),
        ("05/05/1952", date(1952, 5, 5), date(1952, 5, 5)),
        ("1952-04-11", date(1952, 4, 11), date(1952, 4, 11)),
        ("04.11.1952", date(1952, 11, 4), Doubt.AMBIGUOUS),  # dots say day first, the practice month first
        ("04/11/1880", Doubt.TOO_OLD, Doubt.TOO_OLD),
        ("02/04/2026", Doubt.FUTURE, date(2026, 2, 4)),
        ("31/02/1952", Doubt.IMPOSSIBLE, Doubt.IMPOSSIBLE),
        ("04/11/52", Doubt.UNREADABLE, Doubt.UNREADABLE),
    ],
)
def test_a_practice_may_say_in_which_order_it_writes(text: str, day_first: object, month_first: object) -> None:
    assert read_birthdate(text, TODAY, Order.DAY_FIRST) == day_first
    assert read_birthdate(text, TODAY, Order.MONTH_FIRST) == month_first


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        (("3", "2", "1980"), PAT),
        ((" 03 ", "02", "1980\u00a0"), PAT),
        (("3", "Feb.", "1980"), PAT),
        (("3", "février", "1980"), PAT),
        (("", "2", "1980"), Doubt.MISSING),
        (("3", " ", "1980"), Doubt.MISSING),
        (("30", "2", "1980"), Doubt.IMPOSSIBLE),
        (("3", "13", "1980"), Doubt.IMPOSSIBLE),
        (("3", "2", "80"), Doubt.UNREADABLE),
        (("３", "2", "1980"), Doubt.UNREADABLE),
        (("3", "２", "1980"), Doubt.UNREADABLE),
        (("3", "2", "１９８０"), Doubt.UNREADABLE),
        (("-3", "2", "1980"), Doubt.UNREADABLE),
        (("3", "tomorrow", "1980"), Doubt.UNREADABLE),
        (("21", "3", "2026"), Doubt.FUTURE),
        (("31", "12", "1899"), Doubt.TOO_OLD),
    ],
)
def test_the_three_fields_of_a_form(parts: tuple[str, str, str], answer: date | Doubt) -> None:
    assert from_parts(*parts, TODAY) == answer


@pytest.mark.parametrize("language", MONTH_NAMES)
def test_every_name_means_one_month(language: str) -> None:
    months = MONTH_NAMES[language]
    assert len(months) == 12
    for number, names in enumerate(months, start=1):
        for name in names.split():
            assert month_named(name.upper()) == number


def test_only_what_nobody_sees_is_dropped() -> None:
    assert tidy(" a\u200b\u00ad\u202e b\u00a0\n c ") == "a b c"
    assert tidy("a\u200db") == "a\u200db"


@given(BIRTHDATES)
def test_unambiguous_forms_say_what_was_meant(born: date) -> None:
    forms = (born.isoformat(), born.strftime("%Y%m%d"), born.strftime("%d.%m.%Y"))
    spoken = f"{born.day} {MONTH_NAMES['en'][born.month - 1].split()[0]} {born.year}"
    assert {read_birthdate(text, TODAY) for text in (*forms, spoken)} == {born}


@given(BIRTHDATES, st.sampled_from("/-"))
def test_two_orders_are_never_chosen_between(born: date, mark: str) -> None:
    answer = read_birthdate(f"{born.day:02}{mark}{born.month:02}{mark}{born.year}", TODAY)
    if born.day <= 12 and born.day != born.month:
        assert not isinstance(answer, date)
    else:
        assert answer == born


@given(st.text() | st.text(alphabet="0123456789 -/.,FebdeMar３٣º\u0301\u200e"))
def test_any_text_gets_an_answer_within_bounds(text: str) -> None:
    answer = read_birthdate(text, TODAY)
    assert isinstance(answer, Doubt) or EARLIEST <= answer <= TODAY


@given(st.text(), st.text(), st.text())
def test_any_fields_get_an_answer(day: str, month: str, year: str) -> None:
    assert isinstance(from_parts(day, month, year, TODAY), date | Doubt)


@given(st.dates(min_value=TODAY + timedelta(days=1)))
def test_nobody_is_born_tomorrow(day: date) -> None:
    assert read_birthdate(day.isoformat(), TODAY) is Doubt.FUTURE
