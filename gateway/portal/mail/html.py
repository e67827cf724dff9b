"""A message's HTML made safe to show within our own page.

Only tags and attributes that carry meaning stay, and styles as classes of our own (`meaning`): no style, script, form
or frame can reach the page around it, and nothing is fetched from elsewhere. The page's Content-Security-Policy says
the same a second time.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

import nh3
from selectolax.lexbor import LexborHTMLParser

from gateway.mail.nested_html import Rewriting, nested
from gateway.mail.parse import Attachment
from gateway.portal.mail.meaning import ATTRIBUTES, CLASSES, MARK, meaning, together
from gateway.portal.mail.sheet import sheet_of

_TAGS = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "address",
        "article",
        "aside",
        "b",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "dir",
        "div",
        "dl",
        "dt",
        "em",
        "fieldset",
        "figcaption",
        "figure",
        "font",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "legend",
        "li",
        "listing",
        "main",
        "mark",
        "menu",
        "nav",
        "nobr",
        "ol",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
_WITH_CONTENT = {
    *("script", "style", "title", "head", "template", "noscript", "svg", "math"),
    *("audio", "video", "canvas", "datalist", "textarea"),
}
_WITHIN = re.compile(rf"about:srcdoc#{MARK}[^\s\"'<>]+")
_TABLE = re.compile(r"<table(?=[ >])|</table>")
_UNSEEN = (
    f"[hidden] img, img[hidden], .{MARK}visibility-hidden img, img.{MARK}visibility-hidden, details:not([open]) img, "
    "img[width='0'], img[height='0'], img[width='1'], img[height='1']"
)
_LINKS = ("https://", "http://", "mailto:", "tel:")


@dataclass(slots=True)
class Made:
    """HTML that cannot act, which of the message's own pictures it shows, and how many it would fetch elsewhere."""

    html: str = ""
    shown_pictures: set[int] = field(default_factory=set)
    remote_pictures: int = 0


def safe(html: str, attachments: Sequence[Attachment], folder: str, *, remote: bool = False) -> Made | None:
    """The HTML without anything that could act; its own pictures are taken from `folder`/{index}.

    None for HTML of more tags than anybody writes.

    Pictures from elsewhere tell who sends them that, when and where a message is read: they stay only if the reader
    wants them (`remote`).
    """
    within_bounds = nested(html, rewriting=Rewriting(meaning(html, sheet_of(html)), together))
    if within_bounds is None:
        return None
    made = Made()
    pictures = {one.content_id: one.index for one in attachments if one.content_id and one.picture}
    cleaned = nh3.clean(
        within_bounds,
        tags=set(_TAGS),
        clean_content_tags=_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=_filter(made, pictures, folder, remote=remote),
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "tel", "cid", "about"},
    )
    made.html = _scrolling(cleaned)
    made.shown_pictures = _shown(made.html, folder)
    return made


def _scrolling(html: str) -> str:
    """The HTML with each table that stands in no other within an element that scrolls, should it be too wide."""
    depth = 0

    def around(tag: re.Match[str]) -> str:
        nonlocal depth
        depth += 1 if tag[0] == "<table" else -1
        if tag[0] == "<table":
            return f'<div class="{MARK}scrolls">{tag[0]}' if depth == 1 else tag[0]
        return f"{tag[0]}</div>" if depth == 0 else tag[0]

    return _TABLE.sub(around, html)


def _shown(html: str, folder: str) -> set[int]:
    """The message's own pictures that are seen: not those in what is hidden, and not those that are a dot."""
    if "<img" not in html:
        return set()
    page = LexborHTMLParser(html)
    unseen = {one.mem_id for one in page.css(_UNSEEN)}
    seen = (one.attributes.get("src") or "" for one in page.css("img") if one.mem_id not in unseen)
    return {int(one.rpartition("/")[2]) for one in seen if one.startswith(f"{folder}/")}


def _filter(
    made: Made, pictures: dict[str, int], folder: str, *, remote: bool
) -> Callable[[str, str, str], str | None]:
    def picture(source: str) -> str | None:
        scheme, _, content_id = source.partition(":")
        index = pictures.get(unquote(content_id)) if scheme.lower() == "cid" else None  # RFC 2392 §2
        if index is not None:
            return f"{folder}/{index}"
        if scheme.lower() not in ("http", "https"):
            return None
        made.remote_pictures += 1
        return source if remote and scheme.lower() == "https" else None

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) == ("img", "src"):
            return picture(value.strip())
        if (tag, attribute) == ("a", "href"):
            # A relative link would lead to a page of ours.
            return value if value.strip().lower().startswith(_LINKS) or _WITHIN.fullmatch(value) else None
        if attribute == "class":
            return " ".join(one for one in value.split() if one in CLASSES) or None
        return value

    return keep
