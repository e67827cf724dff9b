"""HTML mail as the text that stands on top of it, up to the first thing that was answered.

What is quoted must go while it is still marked: once a `<blockquote>` is flattened, a quoted CANCEL looks typed. What
comes after the first quote was typed below it, or between quotes, and is left out as well.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from gateway.mail.bounds import HTML_LENGTH, TYPED_ELEMENTS
from gateway.mail.nested_html import nested

_QUOTED = (
    "blockquote",
    "[class*=quote i], [id*=quote i], [name*=quote i], [fairemail*=quote i]",  # Gmail, Yahoo, Proton, Tuta, GMX, K-9 …
    "[class*=gmail_attr], [class*=moz-cite], [class*=moz-forward], [class*=moz-email-headers]",
    "[id*=divRplyFwdMsg], [id*=appendonsend], [id*=stopSpelling], [class*=OutlookMessageHeader]",
    "[id*=OLK_SRC_BODY], [id*=isReplyContent], [id*=isForwardContent]",
    "[id*=reference-message], [class*=reference-message]",  # Outlook for phones, and the new one for desktops
    "[style*='border-top:solid #E1E1E1' i], [style*='border-top:solid #B5C4DF' i]",  # Outlook for Windows, for Mac
    "[style*='border-top: solid #E1E1E1' i], [style*='border-top: 1pt solid rgb(225, 225, 225)' i]",
    "[style*='border-top: 1pt solid rgb(181, 196, 223)' i], [style*='border-top-color: rgb(229, 229, 229)' i]",
    "[style*='border-left:solid blue' i], [style*='border-left: solid blue' i]",
    "[id*=AppleOriginal], [class*=AppleOriginal], [class*=airmail_on], [class*=airmail_ext]",
    "[class*=zmail_extra], [class*=ZmExtra], [id*=zwchr], [id*=aqm-original], [class*=aqm-original]",
    "[name=messageReplySection], [id=reply-intro], [id=replySplit], [class*=cm_replymail], [id*=origbody i]",
)
"""Where quoted mail begins. Parts of names, since names get prefixes (`x_gmail_quote`) when mail is quoted again."""

_UNTYPED = (
    "script, style, title, template, noscript, object, select, [hidden]",
    "[style*='display:none' i], [style*='display: none' i], [style*='visibility:hidden' i]",
    "[style*='visibility: hidden' i], [style*='mso-hide:all' i], [style*='mso-hide: all' i]",
    "[style*='font-size:0' i]:not([style*='font-size:0.' i])",
    "[style*='font-size: 0' i]:not([style*='font-size: 0.' i])",
    "[style*='max-height:0' i], [style*='max-height: 0' i]",
    "[id=Signature], [id=x_Signature], [id*=outlook-mobile-signature], [id*=outlook-signature], [id*=AppleMailSig]",
    "[class*=gmail_signature], [class*=moz-signature], [class*=k9mail-signature], [id*=composer_signature]",
    "[class*=signature_block], [name=messageSignatureSection], [id*=bloop_sign], [class*=android_signature]",
    "[id*=android_signature], [class*=sh-signature], [fairemail=signature], [id*=aqm-signature], [data-smartmail]",
)
"""What nobody sees, and signatures that their client marks."""

_BLOCK_NAMES = (
    "address article aside body br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main "
    "nav ol p pre section table tbody tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_KEPT_SPACE = re.compile(r"white-space\s*:\s*(?:-moz-)?pre", re.IGNORECASE)
_EMBEDDED = re.compile(r"data:[^\s\"'<>]{100,}+")
_SPACE = re.compile(r"[ \t\n\r]+")


def text_above_quotes(html: str) -> str:
    """The text that a reader sees above the first quote; "" for what cannot be read."""
    shown = _EMBEDDED.sub("", _without_heads(html))[:HTML_LENGTH]
    try:
        tree = LexborHTMLParser(nested(shown, TYPED_ELEMENTS) or "")
        untyped = frozenset(node.mem_id for node in tree.css(", ".join(_UNTYPED)))
        quote = tree.css_first(", ".join(_QUOTED))
        return _text(tree.body, quote, untyped) if tree.body else ""
    except (SelectolaxError, ValueError):
        return ""


def _without_heads(html: str) -> str:
    """Styles fill a head, and several documents may stand in a row."""
    *headed, rest = re.split(r"</head\s*>", html, flags=re.IGNORECASE)
    before = [re.split(r"<head[\s>]", one, maxsplit=1, flags=re.IGNORECASE)[0] for one in headed]
    return "".join([*before, rest])


def _text(body: LexborNode, quote: LexborNode | None, untyped: frozenset[int]) -> str:
    """The text from the body's start to the quote: a line for each block, white space as a browser shows it."""
    pieces: list[str] = []
    stop = quote.mem_id if quote else None
    node: LexborNode | None = body
    while node is not None and node.mem_id != stop:
        tag = node.tag
        if tag == "-text":
            words = node.text_content or ""
            pieces.append(words if "\n" in words and _keeps_space(node) else _SPACE.sub(" ", words))
        elif tag in _BLOCKS:
            pieces.append("\n")
        elif tag in ("td", "th"):
            pieces.append(" ")
        inside = None if node.mem_id in untyped and node.mem_id != body.mem_id else node.child
        node = inside or _after(node, body, pieces)
    return "".join(pieces)


def _after(node: LexborNode, body: LexborNode, pieces: list[str]) -> LexborNode | None:
    """The node that follows once this one is done with; what ends on the way is ended."""
    while node.mem_id != body.mem_id:
        if node.tag in _BLOCKS:
            pieces.append("\n\n" if node.tag == "p" else "\n")
        if node.next is not None:
            return node.next
        if node.parent is None:
            return None
        node = node.parent
    return None


def _keeps_space(node: LexborNode) -> bool:
    """Whether line ends in the source are line ends to the reader."""
    above = node.parent
    for _ in range(20):
        if above is None:
            return False
        if above.tag in ("pre", "textarea") or _KEPT_SPACE.search(above.attributes.get("style") or ""):
            return True
        above = above.parent
    return False
