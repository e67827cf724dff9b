"""How a log names a person that is not to name them: a keyed digest of their address, shortened.

Who has the site's keys can find the address again (`gateway trace`); nobody else can, not even by trying all addresses.
"""

import re

from gateway.domain.address import address
from gateway.errors import BadAddress
from gateway.ports import Keys

NAME = re.compile(r"p-[0-9a-f]{10}")


def pseudonym(keys: Keys, typed: str) -> str:
    """The same for one address however it was typed, and however often the keys are rotated."""
    try:
        key = address(typed).key
    except BadAddress:
        key = typed.casefold()
    return f"p-{keys.digest('log', key.encode())[:5].hex()}"
