"""How a meeting repeats is said as a person would, in each language, or is not said at all."""

import html
import re

import pytest

from gateway.domain.words import LANGUAGES
from gateway.edge.render import Templates
from gateway.mail.meetings import meeting
from tests.mail.calendars import calendar
from tests.practice import SITE

TEMPLATES = Templates(SITE)
FILE = "It repeats (see the file)."


def said(more: str, language: str = "en") -> str:
    found = meeting(calendar(more=more))
    assert found is not None
    page = TEMPLATES.page("mail/repeats", language, {"meeting": found})
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page))).strip()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day."),
        ("FREQ=DAILY;INTERVAL=3;COUNT=1", "every 3 days, once."),
        ("FREQ=DAILY;BYDAY=SA,SU", "every week on Saturday and Sunday."),
        ("FREQ=WEEKLY;COUNT=10", "every week on Friday, 10 times."),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,MO;WKST=SU;UNTIL=20270303T080000Z",
            "every 2 weeks on Monday and Thursday, until 3 March 2027.",
        ),
        ("FREQ=WEEKLY;UNTIL=20270303T233000Z", "every week on Friday, until 4 March 2027."),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "every day."),
        ("FREQ=MONTHLY", "on day 3 of every month."),
        ("FREQ=MONTHLY;BYMONTHDAY=15,1", "on day 1 and day 15 of every month."),
        ("FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=-1", "on the last day of every 6 months."),
        ("FREQ=MONTHLY;BYDAY=-1FR", "on the last Friday of every month."),
        ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "on the last Friday of every month."),
        ("FREQ=MONTHLY;BYDAY=1WE,+3WE", "on the first Wednesday and the third Wednesday of every month."),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "on the first working day of every month."),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2", "on the second weekend day of every month."),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1", "on the last day of every month."),
        ("FREQ=MONTHLY;BYDAY=TU", "every week on Tuesday."),
        ("FREQ=YEARLY", "yearly on 3 July."),
        ("FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4", "yearly on 4 July."),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "every 4 years on 29 February."),
        ("FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1", "yearly on 1 January and 1 July."),
        ("FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=30", "yearly on 30 April."),
        ("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "yearly on the last Sunday of March and October."),
    ],
)
def test_what_has_words(rule, words):
    assert said(f"RRULE:{rule}\n") == f"It repeats {words}"


@pytest.mark.parametrize(
    "rule",
    [
        *("FREQ=HOURLY", "FREQ=SECONDLY;INTERVAL=5", "FREQ=FORTNIGHTLY", "rubbish"),
        *("FREQ=DAILY;BYMONTH=3", "FREQ=DAILY;INTERVAL=2;BYHOUR=9,17", "FREQ=WEEKLY;BYSETPOS=1;BYDAY=MO,TU"),
        *("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "FREQ=MONTHLY;BYDAY=MO,TH;BYSETPOS=1", "FREQ=MONTHLY;BYMONTHDAY=-2"),
        *("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "FREQ=MONTHLY;BYDAY=-2MO", "FREQ=MONTHLY;BYMONTHDAY=40"),
        *("FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=YEARLY;BYYEARDAY=1", "FREQ=YEARLY;BYMONTHDAY=1"),
        *("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;RSCALE=CHINESE;BYMONTH=5", "FREQ=DAILY;INTERVAL=0"),
        *("FREQ=DAILY;COUNT=-1", "FREQ=DAILY;INTERVAL=100000"),
        *("FREQ=DAILY\nRRULE:FREQ=WEEKLY", "FREQ=DAILY\nEXRULE:FREQ=WEEKLY"),
        "FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 1000),
    ],
)  # fmt: skip
def test_what_has_none_is_not_said_by_half(rule):
    assert said(f"RRULE:{rule}\n") == FILE


def test_dates_beside_the_rule():
    more = (
        "RRULE:FREQ=WEEKLY\n"
        'EXDATE;TZID="W. Europe Standard Time":20260717T100000,20260710T100000\nEXDATE:20260731T080000Z\n'
        "RDATE;VALUE=DATE:20260805\nRDATE;VALUE=PERIOD:20260806T080000Z/PT1H\n"
    )
    words = said(more)
    assert "Left out: 10 July 2026, 09:00, 17 July 2026, 09:00 and 31 July 2026, 09:00" in words
    assert "Added: 5 August 2026 and 6 August 2026, 09:00" in words
    assert said("RDATE:20260806T080000Z\n") == "Added: 6 August 2026, 09:00"
    assert said("") == ""


@pytest.mark.parametrize("more", ["EXDATE:nonsense\n", "RDATE:99991231T235959Z\n", "RDATE:00010101T000000Z\n"])
def test_dates_that_are_none(more):
    assert said(f"RRULE:FREQ=DAILY\n{more}") == "It repeats every day."


def test_dates_are_bounded():
    every = ",".join(f"20260{month}{day:02}T080000Z" for month in range(1, 10) for day in range(1, 29))
    assert said(f"EXDATE:{every}\n").count("2026") == 20


@pytest.mark.parametrize(
    ("language", "rule", "words"),
    [
        ("es", "FREQ=WEEKLY;BYDAY=MO,TH", "Se repite cada semana el lunes y jueves."),
        ("es", "FREQ=MONTHLY;BYDAY=-1FR", "Se repite el último viernes de cada mes."),
        ("es", "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4;COUNT=3", "Se repite cada año el 4 de julio, 3 veces."),
        ("fr", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "Il se répète toutes les 2 semaines le lundi."),
        ("fr", "FREQ=MONTHLY;BYMONTHDAY=15", "Il se répète le 15 de chaque mois."),
        ("de", "FREQ=MONTHLY;BYDAY=1MO,3MO", "Er wiederholt sich am ersten Montag und dritten Montag jedes Monats."),
        ("de", "FREQ=MONTHLY;BYMONTHDAY=1,-1", "Er wiederholt sich am 1. und letzten Tag jedes Monats."),
        ("de", "FREQ=DAILY;UNTIL=20270303T080000Z", "Er wiederholt sich jeden Tag, bis 3. März 2027."),
        ("de", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "Er wiederholt sich jährlich am letzten Sonntag im März."),
    ],
)
def test_in_the_languages(language, rule, words):
    assert said(f"RRULE:{rule}\n", language) == words


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("rule", ["FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=5", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=2"])
def test_no_english_is_left(language, rule):
    assert not re.search(r"\b(repeats|every|fifth|file|days)\b", said(f"RRULE:{rule}\n", language))
