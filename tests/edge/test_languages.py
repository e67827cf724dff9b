"""Every notice in every language: nothing untranslated, the same links in both forms, dates as people write them."""

import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2 import Environment

from gateway.config.sections import PracticeSection
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import Notice
from gateway.domain.words import LANGUAGES
from gateway.edge.catalogue import Paragraph
from gateway.edge.render import Templates
from gateway.flow.notices import HEAD_START
from tests.edge.stories import lives
from tests.edge.test_transcript import commands
from tests.practice import ADA, PAT, PATIENT_TAG, SITE, TEMPLATES, World
from tests.reading import Links, all_decent

FOLDER = Path(__file__).parents[2] / "templates"
GATEWAY = Path(__file__).parents[2] / "gateway"
OTHERS = LANGUAGES[1:]


@cache
def messages() -> frozenset[str | tuple[str, ...]]:
    """All that the templates of mails and pages say, and what Python code wants said."""
    environment = Environment(extensions=["jinja2.ext.i18n", Paragraph])  # noqa: S701 - nothing is rendered
    environment.policies["ext.i18n.trimmed"] = True
    found: set[str | tuple[str, ...]] = set()
    for folder in ("mail", "portal"):
        for file in filter(Path.is_file, (FOLDER / folder).rglob("*")):
            for _, _, message in environment.extract_translations(file.read_text()):
                found.add(message if isinstance(message, str) else tuple(p for p in message if isinstance(p, str)))
    for file in GATEWAY.rglob("*.py"):
        found |= {message for _, message, _, _ in extract("python", BytesIO(file.read_bytes()), {"say": None})}
    return frozenset(found)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_no_other(language: str) -> None:
    with (FOLDER / "locale" / language / "LC_MESSAGES" / "gateway.po").open("rb") as file:
        catalogue = [one for one in read_po(file, locale=language) if one.id]
    assert {one.id for one in catalogue} == messages()
    for one in catalogue:
        assert not one.fuzzy
        ids, words = (value if isinstance(value, list | tuple) else (value,) for value in (one.id, one.string))
        assert len(ids) == len(words)
        assert all(words)
        assert [placeholders(text) for text in ids] == [placeholders(text) for text in words]
        assert not re.search("[<>&]", "".join(words))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_notice_renders_in_every_language(language: str) -> None:
    templates = Templates(SITE)
    for world in [*await lives(), *await commands()]:
        for mail in all_decent(world.mails):
            rendered = templates.mail(mail.notice, mail.audience, language, mail.facts)
            html = Links(rendered.html)
            assert dict(html.tags)["html"] == {"lang": language}
            webs = {href for href in html.hrefs if href.startswith("http")}
            assert webs == set(re.findall(r"https://\S+/\S+", rendered.text))
            assert not re.search(r"[a-zé][.?!][A-Z]", re.sub(r"\S*[@/]\S*", "", rendered.text))


def test_the_settings_offer_the_languages_that_there_are() -> None:
    assert get_args(PracticeSection.model_fields["language"].annotation) == LANGUAGES


async def test_dates_and_verbs_are_of_the_language() -> None:
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    mail = await world.say("ESTADO", token=await world.sender_token())
    assert 'lang="es"' in mail.rendered.html
    assert "RECORDAR" in mail.rendered.text
    assert "1 de abril de 2026" in mail.rendered.text


async def test_an_answer_is_due_before_what_was_queued_with_it() -> None:
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    await world.say("LIST", token=await world.sender_token())
    rows = {row.notice: row for row in await world.desk.do(lambda ctx: ctx.tx.find(Delivery))}
    assert rows[Notice.TRANSCRIPT].due_at == rows[Notice.TRANSCRIPT].created_at - HEAD_START
    assert rows[Notice.RECEIPT].due_at == rows[Notice.RECEIPT].created_at
