"""The page for clinicians: each example on it is understood as the page says, and it is one side of paper."""

from datetime import date
from io import BytesIO

import pypdfium2
import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.domain.commands import Command, parse, read_details
from gateway.domain.intent import Sign
from gateway.domain.site import Marks
from gateway.domain.verbs import SPOKEN, Verb
from gateway.domain.vocabulary import Details, Relationship
from gateway.domain.words import LANGUAGES
from gateway.mail.parse import head
from gateway.mail.secure_mark import Marked, read_marks
from tests.clinicians import BORN, LATER, path
from tests.test_docs import ROOT

TODAY = date(2026, 3, 2)
A4 = (595, 842)
"""Points."""
every_language = pytest.mark.parametrize("language", LANGUAGES)


def printed(language: str) -> LexborHTMLParser:
    return LexborHTMLParser((ROOT / path(language)).read_text("utf-8"))


def marked(subject: str) -> Marked:
    return read_marks(head(f"Subject: {subject}\r\n\r\n".encode()), Marks())


@every_language
def test_each_command_on_the_page_is_understood(language: str) -> None:
    typed = [one.text() for one in printed(language).css("kbd")]
    said = {line: parse(line, TODAY) for line in typed}

    assert not [line for line, read in said.items() if not isinstance(read, Command) or read.doubt]
    verbs = {read.verb for read in said.values() if isinstance(read, Command)}
    answers = {Verb.PATIENT, Verb.CLINICIAN, Verb.STAFF, Verb.COLLEAGUE, Verb.CANCEL, Verb.YES, Verb.PLAIN}
    assert verbs == answers | set(LATER) | {Verb.HELP}
    assert not [line for line in typed if not set(line.split()) & {names[0] for names in SPOKEN[language].values()}]


@every_language
def test_the_birthdate_on_the_page_is_understood(language: str) -> None:
    [dated] = [one.text() for one in printed(language).css("kbd") if BORN in one.text()]
    read = parse(dated, TODAY)

    assert isinstance(read, Command)
    assert read.details == Details(Relationship.PATIENT, birthdate=date.fromisoformat(BORN))


@every_language
def test_each_subject_on_the_page_is_taken_as_the_page_says(language: str) -> None:
    page = printed(language)
    almost, *more = page.css("samp.almost")
    tagged = [one.text() for one in page.css("samp:not(.almost)")]
    detailed = [marked(subject).details for subject in tagged if BORN in subject]

    assert not more
    assert marked(almost.text()).sign is Sign.NEAR_TAG
    assert {marked(subject).sign for subject in tagged} == {Sign.TAG}
    assert [read_details(one, TODAY) for one in detailed] == [
        Details(Relationship.PATIENT, birthdate=date.fromisoformat(BORN))
    ]


@every_language
def test_the_page_is_in_its_language_and_loads_nothing(language: str) -> None:
    page = printed(language)

    assert page.css_first("html").attributes["lang"] == language
    assert not page.css("[src], [href], script")


@pytest.mark.peer
@every_language
def test_it_is_one_side_of_a4(chromium, language: str) -> None:
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.set_content((ROOT / path(language)).read_text("utf-8"))
        pdf = pypdfium2.PdfDocument(BytesIO(tab.pdf(prefer_css_page_size=True, print_background=True)))
    sides, size = len(pdf), pdf[0].get_size()
    pdf.close()

    assert sides == 1
    assert tuple(map(round, size)) == A4
