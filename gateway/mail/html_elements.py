"""Elements of HTML by what a parser does about them (WHATWG HTML §13.2)."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = _names("area base basefont bgsound br col embed hr img link meta param source track wbr")
DROPPED = _names("html head body frame frameset plaintext input base link meta")
"""Tags that mean nothing within the text of a mail; what stands within them does."""
HIDDEN = _names("script style title xmp iframe noembed noframes noscript")
"""Their content is no markup, and shown to nobody."""
UNWRITTEN = DROPPED | HIDDEN
PAGE = frozenset({"html", "body"})
RENAMED = {"form": "div", "image": "img"}
"""What is written as something else, as browsers do it, or as it does nothing in a mail."""
STYLES = _names("a b big code em font i nobr s small strike strong tt u")
CELLS = _names("td th caption")
SCOPES = CELLS | _names("table template object marquee applet")
"""What an end tag from within does not reach beyond."""
ROWS = _names("table tbody thead tfoot tr colgroup")
"""What holds cells, and nothing else."""
TABLE_PARTS = (ROWS | CELLS | {"col"}) - {"table"}
CLOSES_IN_TABLE = {
    **dict.fromkeys(("td", "th"), frozenset({"tr", "tbody", "thead", "tfoot", "table"})),
    "tr": frozenset({"tbody", "thead", "tfoot", "table"}),
    **dict.fromkeys(("tbody", "thead", "tfoot", "caption", "colgroup", "col"), frozenset({"table"})),
}
"""For each part of a table, what it stands in: all within that is closed by it."""
BLOCK_NAMES = (
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hgroup hr listing main menu nav ol p pre section summary table ul"
)
ENDS_PARAGRAPH = _names(BLOCK_NAMES) | {"li", "dd", "dt"}
BLOCKS = ENDS_PARAGRAPH | TABLE_PARTS | SCOPES | _names("button select textarea")
SCOPED = ENDS_PARAGRAPH | {"p", "button"}
TABLE = frozenset({"table"})
PARAGRAPH_SCOPES = SCOPES | {"button"}
ITEMS = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt")}
ITEM_SCOPES = BLOCKS - {"address", "div", "p"}
