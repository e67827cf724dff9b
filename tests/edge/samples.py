"""Writes `templates/mail/samples.json`: facts of a mail of each kind, by which a site's own templates are tried.

python -m tests.edge.samples
"""

import asyncio
import json
import re
from pathlib import Path

from tests.edge.stories import lives

FILE = Path(__file__).parents[2] / "templates/mail/samples.json"


async def samples() -> str:
    """One mail of each kind and audience, the longest that the tests' stories bring."""
    longest: dict[tuple[str, str], str] = {}
    for world in await lives():
        for mail in world.mails:
            kind = (mail.notice.value, mail.audience.value)
            facts = json.dumps(mail.facts, ensure_ascii=False, sort_keys=True)
            facts = re.sub(r"<\d+@", "<1@", facts)  # Message-IDs are counted over all tests
            longest[kind] = max(longest.get(kind, ""), facts, key=lambda text: (len(text), text))
    rows = [
        f'{{"notice": "{notice}", "audience": "{audience}", "facts": {facts}}}'
        for (notice, audience), facts in sorted(longest.items())
    ]
    return "[\n" + ",\n".join(rows) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(asyncio.run(samples()), "utf-8")
