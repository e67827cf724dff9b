"""A message's HTML made safe to show within our own page.

Only tags and attributes that carry meaning stay: no style, script, form, frame or id can reach the page around it,
and nothing is fetched from elsewhere. The page's Content-Security-Policy says the same a second time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

import nh3

from gateway.mail.nested_html import nested
from gateway.mail.parse import Attachment

_TAGS = {
    *("p", "br", "hr", "div", "span", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("b", "strong", "i", "em", "u", "s", "del", "ins", "sub", "sup", "small", "code", "kbd", "q", "cite", "abbr"),
    *("ul", "ol", "li", "dl", "dt", "dd", "a", "img"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_WITH_CONTENT = {"script", "style", "title", "head", "template", "noscript", "svg", "math"}
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
    within_bounds = nested(html)
    if within_bounds is None:
        return None
    made = Made()
    pictures = {one.content_id: one.index for one in attachments if one.content_id and one.picture}
    made.html = nh3.clean(
        within_bounds,
        tags=_TAGS,
        clean_content_tags=_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_filter(made, pictures, folder, remote=remote),
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "tel", "cid"},
    )
    return made


def _filter(
    made: Made, pictures: dict[str, int], folder: str, *, remote: bool
) -> Callable[[str, str, str], str | None]:
    def picture(source: str) -> str | None:
        scheme, _, content_id = source.partition(":")
        index = pictures.get(unquote(content_id)) if scheme.lower() == "cid" else None  # RFC 2392 §2
        if index is not None:
            made.shown_pictures.add(index)
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
            return value if value.strip().lower().startswith(_LINKS) else None
        return value

    return keep
