"""HTML mail as the text that stands on top of it, up to the first thing that was answered.

What is quoted must go while it is still marked: once a `<blockquote>` is flattened, a quoted CANCEL looks typed. What
comes after the first quote was typed below it, or between quotes, and is left out as well.
"""

import re
from itertools import islice

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

STRUCK = ("\ue000", "\ue001")
"""Stand around what is struck out, which its writer does not say any more: characters that no text has (they are taken
out of it first). The plain form of a mail has the same words without a mark."""
_STRUCK_OUT = "s, strike, del, [style*='line-through' i]"
_MARKS = str.maketrans(dict.fromkeys(STRUCK))

_BLOCK_NAMES = (
    "address article aside body br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main "
    "nav ol p pre section table tbody tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_KEPT_SPACE = re.compile(r"white-space\s*:\s*(?:-moz-)?pre", re.IGNORECASE)
_EMBEDDED = re.compile(r"data:[^\s\"'<>]{100,}+")
_CLASS = re.compile(r"\.([A-Za-z][\w-]{0,60})", re.ASCII)
_SELECTOR, _CLASSES = 500, 20  # the characters of a rule's selector, and the classes that are looked for
_SPACE = re.compile(r"[ \t\n\r]+")


def text_above_quotes(html: str) -> str:
    """The text that a reader sees above the first quote; "" for what cannot be read.

    What is struck out stands between STRUCK.
    """
    shown = _EMBEDDED.sub("", _without_heads(html))[:HTML_LENGTH]
    try:
        tree = LexborHTMLParser(nested(shown, TYPED_ELEMENTS) or "")
        untyped = frozenset(node.mem_id for node in tree.css(", ".join(_UNTYPED)))
        quote = tree.css_first(", ".join(_QUOTED))
        struck = frozenset(
            node.mem_id for node in tree.css(", ".join([_STRUCK_OUT, *_struck_classes(html[:HTML_LENGTH])]))
        )
        return _Walk(quote, untyped, struck).text(tree.body) if tree.body else ""
    except (SelectolaxError, ValueError):
        return ""


def _struck_classes(html: str) -> list[str]:
    """Selectors of the classes that a style sheet strikes out."""
    rules = (rule.rpartition("{") for rule in html.split("}") if "line-through" in rule)
    names = (name for selector, _, _ in rules for name in _CLASS.findall(selector[-_SELECTOR:]))
    return [f"[class~='{name}']" for name in islice(dict.fromkeys(names), _CLASSES)]


def _without_heads(html: str) -> str:
    """Styles fill a head, and several documents may stand in a row."""
    *headed, rest = re.split(r"</head\s*>", html, flags=re.IGNORECASE)
    before = [re.split(r"<head[\s>]", one, maxsplit=1, flags=re.IGNORECASE)[0] for one in headed]
    return "".join([*before, rest])


class _Walk:
    """From the body's start to the quote: a line for each block, white space as a browser shows it."""

    def __init__(self, quote: LexborNode | None, untyped: frozenset[int], struck: frozenset[int]) -> None:
        self._stop = quote.mem_id if quote else None
        self._untyped = untyped
        self._struck = struck
        self._within: int | None = None
        """The outermost element that is struck out, while within it."""
        self._pieces: list[str] = []

    def text(self, body: LexborNode) -> str:
        node: LexborNode | None = body
        while node is not None and node.mem_id != self._stop:
            self._begin(node)
            inside = None if node.mem_id in self._untyped and node.mem_id != body.mem_id else node.child
            node = inside or self._after(node, body)
        return "".join(self._pieces)

    def _begin(self, node: LexborNode) -> None:
        tag = node.tag
        if tag == "-text":
            self._say(node)
        elif tag in _BLOCKS:
            self._pieces.append("\n")
        elif tag in ("td", "th"):
            self._pieces.append(" ")
        if self._within is None and node.mem_id in self._struck:
            self._within = node.mem_id

    def _say(self, node: LexborNode) -> None:
        words = (node.text_content or "").translate(_MARKS)
        shown = words if "\n" in words and _keeps_space(node) else _SPACE.sub(" ", words)
        if self._within is not None:
            begin, end = STRUCK
            shown = "\n".join(f"{begin}{line}{end}" for line in shown.split("\n"))
        self._pieces.append(shown)

    def _after(self, node: LexborNode, body: LexborNode) -> LexborNode | None:
        """The node that follows once this one is done with; what ends on the way is ended."""
        while node.mem_id != body.mem_id:
            if node.mem_id == self._within:
                self._within = None
            if node.tag in _BLOCKS:
                self._pieces.append("\n\n" if node.tag == "p" else "\n")
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
