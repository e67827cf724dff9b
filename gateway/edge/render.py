"""Templates to what people read: notices as subject, plain text and HTML, and the portal's pages.

A notice is written once, in `templates/mail/<notice>.j2`, out of parts (paragraphs, buttons, tables) that exist in a
plain and in an HTML form; so both say the same and hold the same links. Two environments load the same files for each
language: one escapes nothing and makes the plain text, the other escapes everything and makes the HTML.
"""

import contextlib
import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, urlencode

import structlog
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from gateway.domain.colour import on_light
from gateway.domain.site import Site
from gateway.domain.vocabulary import Audience, Notice
from gateway.domain.words import LANGUAGES
from gateway.edge.catalogue import Paragraph, Translated, catalogue, read_date, speak
from gateway.mail.decoding import clean
from gateway.ports import Rendered

R = TypeVar("R")
log = structlog.get_logger()

ACCENT = "#0b559f"
TEXT_WIDTH = 76  # RFC 3676 §4.2 advises to stay under 78


class Templates:
    """The Renderer of this site; files in the `overrides` folder stand in for ours of the same name.

    What a site's own file cannot do, ours does in its place: no mail waits for want of a template. `pages` names the
    folder of the web pages' templates.
    """

    def __init__(self, site: Site, overrides: Path | None = None, *, pages: str = "portal") -> None:
        self._pages = pages
        self._site = site
        self._overrides = overrides
        self._told: set[str] = set()
        self._environments: dict[tuple[str, str, bool], Environment] = {}

    def compile_mails(self, languages: Iterable[str] = ("en",)) -> None:
        """Compile the notices' templates now: all take half a second, in which a running loop would stand."""
        for language in languages:
            for form in ("txt", "html"):
                self._compile(language, form, "mail/")

    def compile_pages(self, languages: Iterable[str] = ("en",)) -> None:
        """As `compile_mails`, for the pages."""
        for language in languages:
            self._compile(language, "html", f"{self._pages}/")

    def faults(self, languages: Iterable[str] = ("en",)) -> list[str]:
        """What is wrong with the site's own templates, in lines: each is compiled, and mails are written as samples."""
        if not self._overrides:
            return []
        found: dict[str, str] = {}
        for name in _names(self._overrides):
            with _noting(found, name):
                self._environment("en", "txt" if name.endswith(".txt") else "html", ours=False).get_template(name)
        for notice, audience, facts in samples():
            for language in languages:
                with _noting(found, f"mail/{notice}.j2"):
                    self._mail(notice, audience, language, facts, ours=False)
        return [f"{name}: {fault}" for name, fault in found.items()]

    def strays(self) -> dict[str, str]:
        """Files of the site's own that stand in for none of ours, each with the name that was meant."""
        if not self._overrides:
            return {}
        own, ours = _files(self._overrides), _files(_shipped())
        return {name: near for name in own if name not in ours and (near := _nearest(name, ours))}

    def mail(self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any]) -> Rendered:
        """Render `mail/<notice>.j2`. Raises jinja2.TemplateError where ours asks for what there is not."""
        return self._or_ours(f"mail/{notice}.j2", lambda ours: self._mail(notice, audience, language, facts, ours=ours))

    def page(self, name: str, language: str, facts: Mapping[str, Any]) -> str:
        """Render `<pages>/<name>.html`. Raises as `mail`."""
        language = language if language in LANGUAGES else "en"
        file = f"{self._pages}/{name}.html"

        def render(ours: bool) -> str:
            return self._environment(language, "html", ours=ours).get_template(file).render(facts, lang=language)

        return self._or_ours(file, render)

    def _or_ours(self, name: str, render: Callable[[bool], R]) -> R:
        """Render with the site's own templates, or else with ours."""
        if self._overrides:
            try:
                return render(False)
            except Exception as error:  # whatever a template may do
                if name not in self._told:
                    self._told.add(name)
                    log.warning("a template of the site's own cannot be used; ours is", template=name, error=str(error))
        return render(True)

    def _mail(
        self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any], *, ours: bool
    ) -> Rendered:
        language = language if language in LANGUAGES else "en"
        said = cleaned({**facts, "audience": audience.value, "language": language})
        name = f"mail/{notice}.j2"
        plain, dressed = (self._environment(language, form, ours=ours).get_template(name) for form in ("txt", "html"))
        # No fact holds a form feed, cleaned as they are: the first one is the layout's.
        subject, _, text = plain.render(said).partition("\f")
        said["subject"] = clean(subject)
        return Rendered(said["subject"], reflowed(text), dressed.render(said))

    def _compile(self, language: str, form: str, folder: str) -> None:
        for ours in (True, False) if self._overrides else (True,):
            environment = self._environment(language, form, ours=ours)
            for name in environment.list_templates(filter_func=lambda name: name.startswith(folder)):
                with contextlib.suppress(TemplateError):  # a site's own may be wrong: `faults` says so
                    environment.get_template(name)

    def _environment(self, language: str, form: str, *, ours: bool) -> Environment:
        """Where the templates of one language and form are compiled; made when it is first asked for."""
        key = (language, form, ours)
        if key not in self._environments:
            folders = [_shipped()] if ours or not self._overrides else [self._overrides, _shipped()]
            self._environments[key] = _environment(self._site, folders, form, language)
        return self._environments[key]


def _names(folder: Path) -> list[str]:
    """The templates in a site's own folder."""
    return [name for name in _files(folder) if name.startswith(("mail/", "portal/"))]


def _files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _nearest(name: str, names: list[str]) -> str:
    """The name that this one is a misspelling of, or that lies in another folder; "" for none."""
    elsewhere = [one for one in names if one.rpartition("/")[2] == name.rpartition("/")[2]]
    return next(iter([*elsewhere, *difflib.get_close_matches(name, names, 1, 0.85)]), "")


@contextlib.contextmanager
def _noting(faults: dict[str, str], name: str) -> Iterator[None]:
    """Note a template's fault, and the line in which it is where that is known; the first of each."""
    try:
        yield
    except TemplateSyntaxError as error:
        faults.setdefault(error.name or name, f"line {error.lineno}: {error.message}")
    except Exception as error:
        faults.setdefault(name, str(error))


def samples() -> Iterator[tuple[Notice, Audience, dict[str, Any]]]:
    """Facts of a mail of each kind: `mail/samples.json`."""
    for one in json.loads((_shipped() / "mail/samples.json").read_text("utf-8")):
        yield Notice(one["notice"]), Audience(one["audience"]), one["facts"]


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

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One dictionary: the chain that Jinja makes of two is slow to look things up in."""
        return {**self.globals, **(d or {})}


class _Compiled(BytecodeCache):
    """What this process has compiled, for its next renderer; `words` are what goes into the code beside the text."""

    _code: ClassVar[dict[tuple[str, ...], CodeType]] = {}

    def __init__(self, *words: str) -> None:
        self._words = words

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum, *self._words))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code:
            self._code[bucket.key, bucket.checksum, *self._words] = bucket.code


def _environment(site: Site, folders: list[Path], form: str, language: str) -> Environment:
    paragraph = _source(folders, f"mail/paragraph.{form}")
    environment = _Environment(
        loader=FileSystemLoader(folders),
        bytecode_cache=_Compiled(language, form, paragraph),
        autoescape=form == "html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[Translated, Paragraph],
    )
    environment.policies["ext.i18n.trimmed"] = True

    def bot(token: str) -> str:
        """The address where commands about the token's subject go."""
        return f"bot+{token}@{site.domain}"

    accents = {practice.name: on_light(practice.colour) for practice in site.practices if practice.colour}

    def accent(practice: str) -> str:
        """What a practice's button is filled with; white can be read on it."""
        return accents.get(practice, ACCENT)

    environment.globals |= {"site": site, "bot": bot, "mailto": mailto, "accent": accent}
    environment.globals |= {"layout": f"mail/layout.{form}", "parts": f"mail/parts.{form}"}
    environment.globals["paragraph"] = paragraph
    environment.filters |= {"after": after, "strong": _bold if form == "html" else str}
    speak(environment, catalogue(_shipped(), language), language, site.zone)
    return environment


def _source(folders: list[Path], name: str) -> str:
    return next(folder / name for folder in folders if (folder / name).is_file()).read_text()


# --------------------------------------------------------------------------------------------- filters and functions


def _bold(text: str) -> Markup:
    return Markup(f"<strong>{escape(text)}</strong>")  # noqa: S704 - escaped as it is


def after(value: date | str, days: int) -> date:
    """The date that many days later."""
    return read_date(value) + timedelta(days=days)


def mailto(address: str, line: str) -> str:
    """A link that opens a mail to the address with a command as its body, and its first word as the subject.

    A trailing space in the line is kept: it says that something is to be typed behind it.
    """
    return f"mailto:{_quoted(address)}?{_fields(line)}"  # RFC 6068 §2


@lru_cache
def _quoted(address: str) -> str:
    return quote(address, safe="@+")


@lru_cache
def _fields(line: str) -> str:
    return urlencode({"subject": line.strip(), "body": line}, quote_via=quote)


# ---------------------------------------------------------------------------------------------------------- plain text


def cleaned(value: Any) -> Any:
    """The facts with every text in one line, free of control and bidi characters: names come from anybody's mail."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: cleaned(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value


def reflowed(text: str) -> str:
    """Plain text with its paragraphs filled, indented lines kept apart, and no two blank lines in a row."""
    blocks: list[str] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        words = line.strip()
        indented = line[:1] == " " and words
        if words and not indented:
            paragraph.append(words)
            continue
        if paragraph:
            blocks.append(_filled(" ".join(paragraph), ""))
            paragraph = []
        if indented:
            blocks.append(_kept(line.rstrip()))
        elif blocks and blocks[-1]:
            blocks.append("")
    return "\n".join(blocks).strip("\n") + "\n"


def _kept(line: str) -> str:
    """A line that is not to be filled; one that is too long is broken, with the same indent."""
    return line if len(line) <= TEXT_WIDTH else _filled(line, " " * (len(line) - len(line.lstrip())))


@lru_cache(1024)
def _filled(paragraph: str, indent: str) -> str:
    """Lines of these words, as long as may be; a longer word, such as a link, stays whole.

    Most paragraphs are the same in every mail of a kind: they are remembered.
    """
    words = paragraph.split()
    lines, line = [], indent + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > TEXT_WIDTH:
            lines.append(line)
            line = indent + word
        else:
            line += " " + word
    return "\n".join([*lines, line])
