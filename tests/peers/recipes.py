"""The recipes in `config/` as what they are: files' text, taken out of the page that an administrator reads."""

import json
import re
import textwrap
import tomllib
from pathlib import Path

CONFIG = Path(__file__).resolve().parent.parent.parent / "config"
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+\.(?:cf|cfg|toml|conf)|/etc/[\w./-]+|Caddyfile)`")


def section(page: str, heading: str) -> str:
    """What stands below a heading of a page of `config/`, up to the next one of its kind."""
    text = (CONFIG / page).read_text("utf-8")
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return rest.partition("\n## ")[0]


def files(text: str) -> dict[str, str]:
    """Each block, by the name of the file that was named last before it; commands to type are none."""
    found = {}
    for block in _BLOCK.finditer(text):
        if block[2] != "sh" and (named := _NAMED.findall(text[: block.start()])):
            found[Path(named[-1]).name] = textwrap.dedent(block[3])
    return found


def settings(toml: str, **otherwise: str) -> dict[str, str]:
    """A block of `gateway.toml` as variables for `Served`; addresses to listen at are the test's own."""
    own = {
        f"{table}__{key}".upper(): value if isinstance(value, str) else json.dumps(value)
        for table, keys in tomllib.loads(toml).items()
        for key, value in keys.items()
        if key not in ("listen", "address")
    }
    return own | otherwise
