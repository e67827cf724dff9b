"""Verbs, months and courtesies in every language that the gateway speaks."""

from datetime import date

import pytest

from gateway.domain.birthdate import Doubt, fold, read_birthdate
from gateway.domain.commands import Command, Unknown, parse
from gateway.domain.verbs import PHRASES, SPOKEN, VERBS, Verb
from gateway.domain.words import LANGUAGES, RECEIVED, spoken

TODAY = date(2026, 3, 20)
TYPED = [(lang, verb, word) for lang, names in SPOKEN.items() for verb, words in names.items() for word in words]


def test_every_language_has_every_verb() -> None:
    assert set(SPOKEN) == set(LANGUAGES) == set(RECEIVED)
    assert list(VERBS) == list(Verb)
    for names in SPOKEN.values():
        assert set(names) == set(Verb)


def test_a_word_means_one_verb_in_whatever_language() -> None:
    meant: dict[str, set[Verb]] = {}
    for _, verb, word in TYPED:
        meant.setdefault(fold(word), set()).add(verb)
    assert {word: verbs for word, verbs in meant.items() if len(verbs) > 1} == {}
    assert meant.keys() == PHRASES.keys()


@pytest.mark.parametrize(("language", "verb", "word"), TYPED)
def test_a_verb_is_understood_with_and_without_accents_and_case(language: str, verb: Verb, word: str) -> None:
    born = " 1980-02-03" if verb is Verb.PATIENT else ""
    for typed in (word, word.lower(), word.title(), fold(word)):
        command = parse(f"pat@home.example {typed}{born}", TODAY)
        assert isinstance(command, Command)
        assert command.verb is verb
        assert command.language in ("", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_back_is_understood_again(language: str) -> None:
    for verb, (word, *_) in SPOKEN[language].items():
        born = " 1980-02-03" if verb is Verb.PATIENT else ""
        command = parse(word + born, TODAY)
        assert isinstance(command, Command)
        again = parse(command.text, TODAY)
        if verb is Verb.PATIENT:  # a transcript that is quoted must not ask for the birthdate again
            assert not isinstance(again, Command)
        else:
            assert (again.text, getattr(again, "verb", None)) == (command.text, verb)


def test_the_language_of_a_verb_is_told_only_where_it_is_one() -> None:
    lines = {"CANCELAR": "es", "annuler": "fr", "Stornieren": "de", "CANCEL": "", "LISTE": "", "PATIENTIN": "de"}
    told = {line: parse(line, TODAY) for line in lines}
    assert {line: getattr(one, "language", None) for line, one in told.items()} == lines


def test_a_birthdate_is_read_back_in_the_language_of_the_verb() -> None:
    assert parse("paciente 3 de febrero de 1980", TODAY).text == "PACIENTE (fecha de nacimiento recibida)"


@pytest.mark.parametrize(
    "line",
    [
        "cancelar la cita",
        "oui, et dites-lui que j'ai appelé",
        "Ja, gern",
        "estado de cuentas",
        "liste des médicaments",
        "personal data",
        "recordar que llame",
        "Patientin rief an und fragte",
        "el paciente",
    ],
)
def test_prose_is_no_command(line: str) -> None:
    command = parse(line, TODAY)
    assert isinstance(command, Unknown) or command.doubt is Doubt.UNREADABLE


@pytest.mark.parametrize(
    "text",
    [
        *("3 février 1980", "3 FEVRIER 1980", "le 3 février 1980", "3 févr. 1980", "3. Februar 1980", "3. Feb. 1980"),
        *("am 3. Februar 1980", "3 de febrero de 1980", "el 3 de febrero de 1980", "3 febrero 1980", "03.02.1980"),
    ],
)
def test_a_date_in_each_language(text: str) -> None:
    assert read_birthdate(text, TODAY) == date(1980, 2, 3)


@pytest.mark.parametrize("text", ["le 03/04/1980", "el 3/4/1980", "am 03/04/1980"])
def test_a_date_in_two_ways_is_never_guessed(text: str) -> None:
    assert read_birthdate(text, TODAY) is Doubt.AMBIGUOUS


@pytest.mark.parametrize(
    ("field", "language"),
    [
        *(("de-CH", "de"), ("fr, en;q=0.5", "fr"), ("en;q=0.5, ES-mx", "es"), ("it, pt", ""), ("", "")),
        *(("it, de;q=0.3, *;q=0.1", "de"), ("fr;q=0", ""), ("fr;q=x, de;q=0.1", "de"), ("en-US", "en")),
    ],
)
def test_the_language_of_a_header(field: str, language: str) -> None:
    assert spoken(field) == language
