"""What somebody who reads one of our mails finds in it, and what every mail owes its readers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.domain.vocabulary import Audience, Notice
from gateway.ports import Rendered

SECRET = "haemoglobin"
"""What a secure mail of the tests speaks of: no notice may repeat it."""


class Links(HTMLParser):
    """The links, the words and the elements of an HTML mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@dataclass(frozen=True)
class Mail:
    """A notice: what it was written from, and how it reads."""

    notice: Notice
    audience: Audience
    facts: Mapping[str, Any]
    rendered: Rendered

    @cached_property
    def html(self) -> Links:
        return Links(self.rendered.html)


def kinds(messages: Iterable[EmailMessage]) -> list[str]:
    """Which notices these are, sorted; "" for what is none of ours."""
    return sorted(message["X-Gateway-Notice"] or "" for message in messages)


def text(message: EmailMessage) -> str:
    """The text part of a mail."""
    body = message.get_body(("plain",))
    assert body
    return body.get_content()


def codes(transcript: EmailMessage) -> list[str]:
    """What became of each line, where mail reads as its facts."""
    return re.findall(r"'code': '(\w+)'", text(transcript))


def buttons(mail: Mail) -> list[tuple[str, str]]:
    """Each button: the address it writes to, and the line that it types."""
    links = [urlsplit(href) for href in mail.html.hrefs if href.startswith("mailto:")]
    return [(unquote(link.path), parse_qs(link.query)["body"][0]) for link in links]


def links_agree(mail: Mail) -> None:
    """Every web link of one form stands in the other, and for every button a line to type."""
    web = {href for href in mail.html.hrefs if href.startswith("https:")}
    assert web == set(re.findall(r"^  (https:\S+)$", mail.rendered.text, re.MULTILINE))
    for href in mail.html.hrefs:
        if href.startswith("mailto:"):
            line = parse_qs(urlsplit(href).query)["body"][0]
            assert re.search(rf"^  (\S+@\S+ )?{re.escape(line)}", mail.rendered.text, re.MULTILINE)


def is_decent(mail: Mail) -> None:
    """What every notice owes its readers."""
    whole = "\n".join((mail.rendered.subject, mail.rendered.text, mail.rendered.html))
    assert SECRET not in whole
    assert not re.search(r"1980|1981", whole)  # no birthdate, right or wrong
    assert mail.rendered.subject == mail.rendered.subject.strip() != ""
    assert "\n" not in mail.rendered.subject
    assert "$token" not in whole
    assert ("html", {"lang": "en"}) in mail.html.tags
    assert not {"img", "script", "form", "link", "iframe"} & {tag for tag, _ in mail.html.tags}
    layout = [attrs for tag, attrs in mail.html.tags if tag == "table" and "cellpadding" in attrs]
    assert all(attrs["role"] == "presentation" for attrs in layout)
    assert "\n\n\n" not in mail.rendered.text
    for line in mail.rendered.text.splitlines():
        assert len(line) <= 78 or " " not in line.strip(), line
    links_agree(mail)


def all_decent(mails: list[Mail]) -> list[Mail]:
    """The mails, each of them looked at."""
    for mail in mails:
        is_decent(mail)
    return mails
