"""What is generated in this checkout, and the one command that writes it all: `python -m tests.generated`.

Tests hold that each file says what its source says, and name this command.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import groupby
from pathlib import Path

from gateway.config import toml_file
from gateway.domain import intent
from gateway.domain.acts import ACTS
from gateway.domain.lifecycle import TABLE
from gateway.domain.words import LANGUAGES
from tests import clinicians, commands_page, compliance, reference
from tests.bench import scale_page
from tests.edge import samples
from tests.portal import seen
from tests.store import data_model

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- generated below: python -m tests.generated -->\n"
"""In a page that is partly generated: what stands above it is written by hand."""


def lifecycle() -> str:
    """The table of an invitation's life, a heading for each state."""
    parts = []
    for state, moves in groupby(sorted(TABLE.items(), key=lambda item: list_of_states().index(item[0][0])), _state):
        rows = [
            f"| {event} | {move.to if move.to != state else 'stays'} | {'; '.join(move.effects) or 'nothing more'} |"
            for (_, event), move in moves
        ]
        head = f"## {state[0].upper()}{state[1:].replace('_', ' ')}\n"
        parts.append("\n".join([head, "| what happens | leads to | and then |", "|---|---|---|", *rows]))
    return "\n" + "\n\n".join(parts) + "\n"


def list_of_states() -> list[str]:
    """The states in the order in which the table first names them."""
    return list(dict.fromkeys(state for state, _ in TABLE))


def _state(item: tuple[tuple[str, object], object]) -> str:
    return item[0][0]


def secure_or_not() -> str:
    """The page on what makes a mail secure: below its first heading all is generated."""
    heading, _, rest = intent.described().partition("\n")
    return below(f"{heading}\n", "docs/secure-or-not.md", rest)


def acts() -> str:
    """The table of all acts that the audit knows."""
    rows = [f"| `{act.value}` | {spec.does} | {spec.subject} | {int(spec.gravity)} |" for act, spec in ACTS.items()]
    return "\n".join(["", "| act | what was done | its subject | severity |", "|---|---|---|---|", *rows, ""])


def below(mark: str, path: str, text: str) -> str:
    """The page with its generated part, which begins behind this mark, replaced."""
    above, found, _ = (ROOT / path).read_text("utf-8").partition(mark)
    assert found, f"{path} does not say where its generated part begins"
    return above + mark + text


GENERATED: dict[str, Callable[[], str]] = {
    "templates/mail/samples.json": lambda: asyncio.run(samples.samples()),
    "config/gateway.example.toml": toml_file.example,
    "docs/audit.md": lambda: below(MARK, "docs/audit.md", acts()),
    "docs/compliance.md": compliance.page,
    "docs/data-model.md": lambda: below(MARK, "docs/data-model.md", data_model.page()),
    "docs/pictures/data-model.svg": data_model.picture,
    "docs/lifecycle.md": lambda: below(MARK, "docs/lifecycle.md", lifecycle()),
    "docs/commands.md": lambda: below(MARK, "docs/commands.md", commands_page.page()),
    "docs/metrics.md": lambda: below(MARK, "docs/metrics.md", reference.figures()),
    "docs/notices.md": lambda: below(MARK, "docs/notices.md", reference.notices()),
    "docs/scale.md": scale_page.page,
    "docs/secure-or-not.md": secure_or_not,
    "docs/settings.md": lambda: below(MARK, "docs/settings.md", reference.settings()),
    "docs/what-people-see.md": seen.page,
    **{clinicians.path(language): partial(clinicians.page, language) for language in LANGUAGES},
}
"""Each generated file, and what makes it; `docs/notices.md` reads the samples."""


def main() -> None:
    for path, make in GENERATED.items():
        text = make()
        changed = not (ROOT / path).exists() or (ROOT / path).read_text("utf-8") != text
        print(f"{'written' if changed else 'as it was':10} {path}")
        (ROOT / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
