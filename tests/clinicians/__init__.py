"""The page for clinicians to print, in each language: `docs/for-clinicians.<language>.html`.

`python -m tests.generated` writes it.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.lists import format_list
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.domain.site import Marks, Rhythm
from gateway.domain.verbs import SPOKEN, VERBS, Verb
from gateway.domain.words import LANGUAGES
from gateway.edge.catalogue import LOCALES, catalogue

HERE = Path(__file__).parent
BORN = "1957-08-24"
WHOSE = (
    "For a patient we need a date of birth: we ask the person for it before they can read anything. "
    "If a parent reads for a child, give the parent's date of birth."
)
"""As `templates/mail/words.j2` has it: the catalogues know it by these words."""
TAGS: Mapping[str, str] = dict(zip(LANGUAGES, Marks().tags, strict=True))
LATER = {
    Verb.REMIND: "{verb}",
    Verb.STATUS: "{verb}",
    Verb.LIST: "{verb}",
    Verb.PATIENTS: "{verb}",
    Verb.MOVE: "{verb} pat@home.example",
    Verb.RECALL: "{verb}",
    Verb.CANCEL: "{verb}",
    Verb.INVITE: "{verb} pat@home.example",
    Verb.DELEGATE: "{verb} cleo@riverside.example",
}
"""What is said later, as it is typed, with what HELP says of it."""


def path(language: str) -> str:
    return f"docs/for-clinicians.{language}.html"


def page(language: str) -> str:
    """The page in this language. Raises jinja2.UndefinedError for a word that it lacks."""
    said = partial(_said, catalogue(HERE.parents[1] / "templates", language), language)
    words = tomllib.loads((HERE / "words.toml").read_text("utf-8"))[language]
    verb = {one.value: names[0] for one, names in SPOKEN[language].items()}
    rhythm, dated = Rhythm(), f"{verb[Verb.PATIENT]} {BORN}"
    filled: dict[str, Any] = {name: Markup("<kbd>{}</kbd>").format(word) for name, word in verb.items()}
    filled |= {
        "tag": Markup("<samp>{}</samp>").format(TAGS[language]),
        "almost": Markup('<samp class="almost">({})</samp>').format(TAGS[language].strip("[]")),
        "days": format_list([str(day) for day in rhythm.reminder_days], locale=LOCALES.get(language, language)),
        "last": rhythm.expire_after_days,
        "tries": rhythm.birthdate_attempts,
    }
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        language=language,
        w=words,
        verb=verb,
        dated=dated,
        tag=TAGS[language],
        detailed=TAGS[language].replace("]", f" {dated.lower()}]"),
        whose=WHOSE,
        later=list(_later(language, said)),
        fill=lambda text: escape(text).format(**filled),
        _=said,
    )


def _said(words: NullTranslations, language: str, message: str) -> str:
    found = words.gettext(message)
    assert language == "en" or found != message, f"no mail says this any more: {message}"
    return found


def _later(language: str, said: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for verb, line in LATER.items():
        yield line.format(verb=SPOKEN[language][verb][0]), said(VERBS[verb].does.message)
