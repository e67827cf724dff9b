"""Links as they arrive: with the full stop of a sentence behind them, between quotes, in capitals, broken over lines.

A token is small letters and digits, so that whatever else stands in its place can only have come in on the way. That is
seen from the link alone, whether or not it ever opened anything: nobody learns by it which links are good.
"""

import re

_LINK = re.compile(r"/*(invite|sender|reset|address|profile/+address)/+([^/]+)/*", re.IGNORECASE)
_LONGEST = 300
"""Characters of a link: ours have some sixty."""
_STRAY = re.compile(r"[^a-z0-9]+")


def mended(path: str) -> str | None:
    """The path that a broken link was meant for; None where nothing is to be mended."""
    found = _LINK.fullmatch(path) if len(path) <= _LONGEST else None
    if found is None:
        return None
    place, token = re.sub("/+", "/", found[1].lower()), _STRAY.sub("", found[2].lower())
    right = f"/{place}/{token}"
    return right if token and right != path else None
