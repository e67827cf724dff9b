"""Templates to what people read: notices as subject, plain text and HTML, and the portal's pages.

A notice is written once, in `templates/mail/<notice>.j2`, out of parts (paragraphs, buttons, tables) that exist in a
plain and in an HTML form; so both say the same and hold the same links. Two environments load the same files: one
escapes nothing and makes the plain text, the other escapes everything and makes the HTML.
"""

import contextlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.filters import do_filesizeformat

from gateway.domain.model import Audience, Notice
from gateway.domain.site import Site
from gateway.mail.decoding import clean
from gateway.ports import Rendered

TEXT_WIDTH = 76  # RFC 3676 §4.2 advises to stay under 78


class Templates:
    """The Renderer of this site; files in the `overrides` folder stand in for ours of the same name.

    `pages` names the folder of the web pages' templates.
    """

    def __init__(self, site: Site, overrides: Path | None = None, *, pages: str = "portal") -> None:
        self._pages = pages
        folders = [overrides, _shipped()] if overrides else [_shipped()]
        self._text = _environment(site, folders, "txt")
        self._html = _environment(site, folders, "html")

    def prepare(self) -> None:
        """Compile the notices' templates now: each takes a tenth of a second, in which a running loop would stand."""
        for environment in (self._text, self._html):
            for name in environment.list_templates(filter_func=lambda name: name.startswith("mail/")):
                with contextlib.suppress(TemplateError):  # a site's own may be wrong: that is seen when it is used
                    environment.get_template(name)

    def mail(self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any]) -> Rendered:
        """Render `mail/<notice>.j2`. Raises jinja2.TemplateError for a template that asks for what there is not."""
        said = cleaned({**facts, "audience": audience.value, "language": language})
        name = f"mail/{notice}.j2"
        # No fact holds a form feed, cleaned as they are: the first one is the layout's.
        subject, _, text = self._text.get_template(name).render(said).partition("\f")
        said["subject"] = clean(subject)
        return Rendered(said["subject"], reflowed(text), self._html.get_template(name).render(said))

    def page(self, name: str, language: str, facts: Mapping[str, Any]) -> str:
        """Render `<pages>/<name>.html`. Raises jinja2.TemplateError."""
        return self._html.get_template(f"{self._pages}/{name}.html").render(facts, lang=language)


def _shipped() -> Path:
    """Our own templates: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


class _Environment(Environment):
    """Facts are dictionaries: `person.name` looks there first, which is right as well as quick."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _environment(site: Site, folders: list[Path], form: str) -> Environment:
    environment = _Environment(
        loader=FileSystemLoader(folders),
        autoescape=form == "html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )

    def moment(at: datetime) -> str:
        """An instant as the site's clocks show it."""
        local = at.astimezone(site.zone)
        return f"{date_of(local)}, {local:%H:%M}"

    def bot(token: str) -> str:
        """The address where commands about the token's subject go."""
        return f"bot+{token}@{site.domain}"

    environment.globals |= {"site": site, "bot": bot, "mailto": mailto}
    environment.globals |= {"layout": f"mail/layout.{form}", "parts": f"mail/parts.{form}"}
    environment.filters |= {"day": day, "date": date_of, "after": after, "moment": moment, "size": do_filesizeformat}
    return environment


# --------------------------------------------------------------------------------------------- filters and functions


def _read(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


@lru_cache
def date_of(value: date | str) -> str:
    """A date, or its ISO 8601 form, in words: 3 December 2026."""
    read = _read(value)
    return f"{read.day} {read:%B %Y}"


@lru_cache
def day(value: date | str) -> str:
    """A date with its weekday: Thursday 3 December 2026."""
    return f"{_read(value):%A} {date_of(value)}"


def after(value: date | str, days: int) -> date:
    """The date that many days later."""
    return _read(value) + timedelta(days=days)


def mailto(address: str, line: str) -> str:
    """A link that opens a mail to the address with a command as its body, and its first word as the subject.

    A trailing space in the line is kept: it says that something is to be typed behind it.
    """
    fields = {"subject": line.strip(), "body": line}
    return f"mailto:{quote(address, safe='@+')}?{urlencode(fields, quote_via=quote)}"  # RFC 6068 §2


# ---------------------------------------------------------------------------------------------------------- plain text


def cleaned(value: Any) -> Any:
    """The facts with every text in one line, free of control and bidi characters: names come from anybody's mail."""
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {name: cleaned(item) for name, item in value.items()}
        case list() | tuple():
            return [cleaned(item) for item in value]
        case _:
            return value


def reflowed(text: str) -> str:
    """Plain text with its paragraphs filled, indented lines kept apart, and no two blank lines in a row."""
    blocks: list[str] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        indented = line[:1] == " " and not line.isspace()
        words = line.split()
        if words and not indented:
            paragraph += words
            continue
        if paragraph:
            blocks.append(_filled(paragraph, ""))
            paragraph = []
        if indented:
            blocks.append(_kept(line.rstrip()))
        elif blocks and blocks[-1]:
            blocks.append("")
    return "\n".join(blocks).strip("\n") + "\n"


def _kept(line: str) -> str:
    """A line that is not to be filled; one that is too long is broken, with the same indent."""
    if len(line) <= TEXT_WIDTH:
        return line
    words = line.split()
    return _filled(words, " " * (len(line) - len(line.lstrip())))


def _filled(words: list[str], indent: str) -> str:
    """Lines of these words, as long as may be; a longer word, such as a link, stays whole."""
    lines, line = [], indent + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > TEXT_WIDTH:
            lines.append(line)
            line = indent + word
        else:
            line += " " + word
    return "\n".join([*lines, line])
