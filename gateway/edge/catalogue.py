"""What the gateway says in each language: catalogues, dates and lists.

The words of `{% trans %}` are looked up when a template is compiled, in an environment for each language: so no mail
takes longer to render for being translated. The catalogues are read from their .po files; there is no compiled form of
them that could go stale.
"""

import gettext
import html
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_skeleton, format_time, get_day_names, get_month_names
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from babel.units import format_unit
from jinja2 import Environment, nodes
from jinja2.ext import Extension, InternationalizationExtension
from jinja2.parser import Parser

from gateway.domain.needs import NEEDS, NeedKind, NeedSpec, seen_by
from gateway.domain.translatable import Translatable
from gateway.domain.verbs import SPOKEN, VERBS
from gateway.domain.words import LANGUAGES

LOCALES = {"en": "en_GB"}
"""The variant of a language whose dates we write; the others are themselves."""
DAY = "EEEE d MMMM y"
"""An English date with its weekday: without the comma that would part the sentence it stands in."""
DOMAIN = "gateway"
MARK = "¶"
"""Where a paragraph's words stand in `mail/paragraph.*`."""


def catalogue(folder: Path, language: str) -> gettext.NullTranslations:
    """The words of a language, from `<folder>/locale/<language>/LC_MESSAGES/gateway.po`; without it, English."""
    source = folder / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.is_file():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


class Translated(InternationalizationExtension):
    """`{% trans %}` with its words put in as the template is compiled, with nothing left to look up."""

    def _make_node(  # type: ignore[override]
        self,
        singular: str,
        plural: str | None,
        context: str | None,  # noqa: ARG002
        variables: Mapping[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,  # noqa: ARG002
        num_called_num: bool,  # noqa: ARG002
    ) -> nodes.Node:
        words = cast(gettext.NullTranslations, self.environment.globals["catalogue"])
        if plural is None or plural_expr is None:
            return self._said(words.gettext(singular), variables)
        one, many = (words.ngettext(singular, plural, number) for number in (1, 2))
        is_one = nodes.Filter(plural_expr, "is_one", [], [], None, None)
        return nodes.If(is_one, [self._said(one, variables)], [], [self._said(many, variables)])

    def _said(self, message: str, variables: Mapping[str, nodes.Expr]) -> nodes.Output:
        """The message as text and expressions in turn."""
        parts: list[nodes.Expr] = []
        for number, piece in enumerate(_PLACEHOLDER.split(message)):
            if number % 2:
                parts.append(variables[piece])
            elif piece:
                plain = piece.replace("%%", "%")
                parts.append(nodes.TemplateData(html.escape(plain, quote=False) if self._escapes else plain))
        return nodes.Output(parts)

    @property
    def _escapes(self) -> bool:
        return bool(self.environment.autoescape)


class Paragraph(Extension):
    """`{% p %}…{% endp %}`: a paragraph of a mail, inside the markup of `mail/paragraph.*`."""

    tags = {"p"}  # noqa: RUF012 - the name that Jinja gives it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endp",), drop_needle=True)
        opening, _, closing = str(self.environment.globals.get("paragraph", MARK)).partition(MARK)
        edges = [nodes.Output([nodes.TemplateData(edge)]).set_lineno(line) for edge in (opening, closing)]
        return [edges[0], *body, edges[1]]


_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def speak(environment: Environment, words: gettext.NullTranslations, language: str, zone: ZoneInfo) -> None:
    """Let the environment's templates say things in a language."""
    locale = Locale.parse(LOCALES.get(language, language))

    plural: Callable[[int], int] = getattr(words, "plural", lambda number: int(number != 1))

    def is_one(number: int) -> bool:
        """Whether the language speaks of so many in its first form, as English does of 1."""
        return plural(number) == 0

    environment.globals |= {
        "catalogue": words,
        "_": words.gettext,
        "languages": {code: str(Locale.parse(code).get_language_name(code)).capitalize() for code in LANGUAGES},
        "verb": {verb.value: spoken[0] for verb, spoken in SPOKEN[language].items()},
    }

    def said(words_: str) -> str:
        """What Python code wants to be said, in this language."""
        if isinstance(words_, Translatable):
            return words.gettext(words_.message) % words_.values if words_.values else words.gettext(words_.message)
        return words_

    def verbs(dated: str) -> list[dict[str, str]]:
        """What HELP says of each verb; `dated` is PATIENT with a birthdate."""
        return [
            {
                "form": " ".join(filter(None, (SPOKEN[language][verb][0], said(spec.form or "")))),
                "does": said(spec.does),
                "example": spec.example.format(verb=SPOKEN[language][verb][0], dated=dated),
            }
            for verb, spec in VERBS.items()
        ]

    def need(kind: str, subject: str, number: int, node: str = "") -> dict[str, str]:
        """What needs a person, what to do, and by which command; of a kind that a newer gateway knows, its name."""
        spec = NEEDS.get(cast(NeedKind, kind), NeedSpec(Translatable(kind, {}), Translatable("", {})))
        values = {"subject": subject, "number": number}
        do = words.gettext(spec.do.message) if spec.do else ""
        what = seen_by(node, words.gettext(spec.what.message) % values)
        return {"what": what, "do": do, "command": spec.command}

    environment.globals |= {"verbs": verbs, "need": need}
    environment.filters |= {
        "is_one": is_one,
        "said": said,
        **_dates(locale, zone),
        "size": lambda octets: _size(octets, locale),
        "listed": _lister(locale),
    }


_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte")


def _dates(locale: Locale, zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    @lru_cache(1024)
    def date_of(value: date | str) -> str:
        """A date, or its ISO 8601 form, in words: 3 December 2026."""
        return format_date(read_date(value), "long", locale)

    @lru_cache(1024)
    def day(value: date | str) -> str:
        """A date with its weekday: Thursday 3 December 2026."""
        return format_date(read_date(value), DAY if locale.language == "en" else "full", locale)

    def moment(at: datetime | str) -> str:
        """An instant, or its ISO 8601 form, as the site's clocks show it."""
        local = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(zone)
        return f"{date_of(local.date())}, {format_time(local, 'short', local.tzinfo, locale)}"

    def month(value: str) -> str:
        """A month in ISO 8601 form, short: Mar 2026."""
        return format_skeleton("yMMM", date.fromisoformat(f"{value}-01"), locale=locale)

    def day_of_year(value: date) -> str:
        """A date without its year: 3 December."""
        return format_skeleton("MMMMd", value, locale=locale)

    weekdays, months = get_day_names("wide", "stand-alone", locale), get_month_names("wide", "stand-alone", locale)
    return {
        "date": date_of,
        "day": day,
        "moment": moment,
        "month": month,
        "day_of_year": day_of_year,
        "weekday": lambda number: weekdays[number],  # 0 is Monday
        "month_name": lambda number: months[number],
    }


def _size(octets: int, locale: Locale) -> str:
    """Octets in the largest unit of which there is one: 1.5 MB."""
    power = next((power for power in (3, 2, 1) if octets >= 1000**power), 0)
    return format_unit(
        octets / 1000**power, f"digital-{_UNITS[power]}", "short" if power else "long", "#,##0.#", locale
    )


def read_date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _lister(locale: Locale) -> Callable[[Iterable[Any]], str]:
    @lru_cache(1024)
    def joined(items: tuple[str, ...]) -> str:
        return format_list(items, locale=locale)

    return lambda items: joined(tuple(map(str, items)))
