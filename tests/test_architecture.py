"""The shape of the code, held by reading it: who may import whom, who may ask for the time, how long things are.

A rule is a function from one module to its offences. Every rule runs over every module of ours, and over a small
offender further down, so that each is known to bite.
"""

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVERYTHING = words(
    "adapters admin app cli config database demo domain edge explain errors flow listeners mail owner portal ports "
    "prepare reloading setup store terms timed_work workers"
)
MAY_IMPORT = {
    "errors": words(""),
    "owner": words(""),
    "domain": words("errors"),
    "ports": words("domain errors"),
    "mail": words("domain errors"),
    "flow": words("domain errors mail ports"),
    "store": words("domain errors owner ports"),
    "edge": words("domain errors flow mail owner ports"),
    "portal": words("domain errors flow mail ports"),
    "config": words("domain errors"),
    "testing": words("domain errors ports store"),
    **dict.fromkeys(EVERYTHING - words("config domain edge errors flow mail owner portal ports store"), EVERYTHING),
    "__main__": words("cli"),
}
"""Which of our rooms each room may import, besides itself. Nothing that runs imports `testing`."""

WINGS = ("invitations", "inbox", "accounts", "inbound", "outbound", "commands", "upkeep", "administration")
"""The rooms of `flow`: each may import those before it. What lies beside them may import none, but for `receive`."""

ONLY_IN = {
    "peewee": "store",
    "playhouse": "store",
    "aiosmtpd": "edge",
    "aiosmtplib": "edge",
    "aioimaplib": "edge",
    "schedule": "edge",
    "jinja2": "edge",
    "ldap3": "edge",
    "dkim": "edge",
    "uvicorn": "edge",
    "psycopg": "store",
    "psycopg_pool": "store",
    "tenacity": "store",
    "boto3": "store",
    "botocore": "store",
}
"""Libraries that only one room may know."""

IMPURE = words(
    "asyncio io logging os pathlib random secrets shutil socket sqlite3 ssl structlog subprocess sys "
    "tempfile threading time uuid"
)
"""What the domain may not import: the outside, the clock, chance."""

ASKS_THE_TIME = words(
    "datetime.now datetime.utcnow datetime.today date.today time.time time.time_ns time.gmtime "
    "time.localtime time.ctime time.strftime"
)
"""Calls that tell the time of day; `time.monotonic` tells none and measures an edge's timeouts."""

LONGEST_MODULE = 350
LONGEST_FUNCTION = 50
"""The nouns stand in one place: plain fields, no logic."""

TOP_LEVEL = words(
    "pyproject.toml gateway templates tests config docs README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE "
    "requirements.lock"
)


@dataclass(frozen=True)
class Module:
    """One module of the gateway: `name` is its path in the repository."""

    name: str
    source: str

    @property
    def room(self) -> str:
        """The package below `gateway` (or the module, where it lies there itself)."""
        return Path(self.name).parts[1].removesuffix(".py")

    @property
    def dotted_name(self) -> str:
        return ".".join(Path(self.name).with_suffix("").parts).removesuffix(".__init__")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source)))

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and dotted name of everything imported, wherever it stands; `from a import b` gives `a.b`."""
        return [
            (node.lineno, name)
            for node in self.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in self._imported(node)
        ]

    def _imported(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        base = node.module or ""
        if node.level:
            package = Path(self.name).parts[: -node.level]
            base = ".".join([*package, base]).rstrip(".")
        return [f"{base}.{alias.name}" for alias in node.names]

    @property
    def dotted(self) -> Iterator[tuple[int, str]]:
        """Line and text of every `a.b` in the code (for `x.a.b`, that is `a.b`)."""
        for node in self.nodes:
            if isinstance(node, ast.Attribute):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value
                yield node.lineno, f"{owner.id if isinstance(owner, ast.Name) else owner}.{node.attr}"


Rule = Callable[[Module], Iterator[str]]


def imports_only_its_neighbours(module: Module) -> Iterator[str]:
    if module.room not in MAY_IMPORT:
        if module.room != "__init__":
            yield f"1: MAY_IMPORT does not say what {module.room} may import"
        return
    allowed = MAY_IMPORT[module.room] | {module.room, "__version__"}
    for line, name in module.imports:
        top, _, rest = name.partition(".")
        if top == "gateway" and rest.partition(".")[0] not in allowed:
            yield f"{line}: {module.room} may not import {name}"


def imports_no_wing_that_comes_later(module: Module) -> Iterator[str]:
    _, room, *rest = Path(module.name).with_suffix("").parts
    if room != "flow" or rest == ["receive"]:
        return
    rank = WINGS.index(rest[0]) if rest[0] in WINGS else -1
    for line, name in module.imports:
        wing = (name.removeprefix("gateway.flow.") if name.startswith("gateway.flow.") else "").partition(".")[0]
        if (wing in WINGS and WINGS.index(wing) > rank) or wing == "receive":
            yield f"{line}: {'.'.join(rest)} may not import {name}"


def leaves_rows_to_flows(module: Module) -> Iterator[str]:
    if module.room == "portal":
        for line, name in module.dotted:
            if name.endswith(".tx") or name.startswith("tx."):
                yield f"{line}: {name}: rows are read and written by flow"


def leaves_libraries_to_their_room(module: Module) -> Iterator[str]:
    for line, name in module.imports:
        room = ONLY_IN.get(name.partition(".")[0], module.room)
        if room != module.room:
            yield f"{line}: only {room} imports {name}"


def keeps_the_domain_pure(module: Module) -> Iterator[str]:
    if module.room != "domain":
        return
    for line, name in module.imports:
        if name.partition(".")[0] in IMPURE:
            yield f"{line}: the domain does not import {name}"
    for node in module.nodes:
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield f"{node.lineno}: the domain is synchronous"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print"}:
            yield f"{node.lineno}: the domain does no I/O"


def leaves_the_time_to_the_clock(module: Module) -> Iterator[str]:
    if module.name == "gateway/edge/run/clock.py":
        return
    for line, name in module.imports:
        if name.partition(".")[0] == "time" and module.room != "edge":
            yield f"{line}: time is an argument; only edge imports {name}, for timeouts"
        elif name in ASKS_THE_TIME:
            yield f"{line}: only edge/run/clock.py asks the machine for the time ({name})"
    for line, name in module.dotted:
        if name in ASKS_THE_TIME:
            yield f"{line}: only edge/run/clock.py asks the machine for the time ({name})"


def leaves_mail_parsing_to_one_module(module: Module) -> Iterator[str]:
    if module.name == "gateway/mail/parse.py":
        return
    for line, name in [*module.imports, *module.dotted]:
        if name.startswith(("email.parser", "email.feedparser", "email.message_from_")):
            yield f"{line}: only mail/parse.py, which bounds what it reads, uses {name}"


def is_short(module: Module) -> Iterator[str]:
    length = module.source.count("\n")
    if length > LONGEST_MODULE:
        yield f"1: {length} lines are too many for one module"
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{node.lineno}: {node.name} has {lines} lines, too many for one function"


RULES: list[Rule] = [
    imports_only_its_neighbours,
    imports_no_wing_that_comes_later,
    leaves_rows_to_flows,
    leaves_libraries_to_their_room,
    keeps_the_domain_pure,
    leaves_the_time_to_the_clock,
    leaves_mail_parsing_to_one_module,
    is_short,
]

OFFENDERS: list[tuple[Rule, str, str]] = [
    (imports_only_its_neighbours, "gateway/domain/bad.py", "from gateway.flow import receive"),
    (imports_only_its_neighbours, "gateway/domain/bad.py", "from gateway import store"),
    (imports_only_its_neighbours, "gateway/domain/bad.py", "from ..flow import receive"),
    (imports_only_its_neighbours, "gateway/mail/bad.py", "from .. import ports"),
    (imports_only_its_neighbours, "gateway/flow/bad.py", "def late():\n    import gateway.edge.run.clock"),
    (imports_only_its_neighbours, "gateway/portal/bad.py", "from gateway.edge.render import Templates"),
    (imports_only_its_neighbours, "gateway/somewhere/bad.py", ""),
    (imports_only_its_neighbours, "gateway/app.py", "from gateway.testing import FakeClock"),
    (imports_no_wing_that_comes_later, "gateway/flow/inbox/bad.py", "from gateway.flow.commands import verbs"),
    (imports_no_wing_that_comes_later, "gateway/flow/bad.py", "from gateway.flow.inbox.lines import inbox"),
    (imports_no_wing_that_comes_later, "gateway/flow/upkeep/bad.py", "from gateway.flow import receive"),
    (leaves_rows_to_flows, "gateway/portal/bad.py", "def late(ctx): ctx.tx.remove(Session, id=1)"),
    (leaves_rows_to_flows, "gateway/portal/bad.py", "def late(tx): tx.add(Session())"),
    (leaves_libraries_to_their_room, "gateway/flow/bad.py", "import peewee"),
    (leaves_libraries_to_their_room, "gateway/app.py", "from playhouse.migrate import migrate"),
    (leaves_libraries_to_their_room, "gateway/portal/bad.py", "from jinja2 import Environment"),
    (leaves_libraries_to_their_room, "gateway/demo/bad.py", "import aiosmtpd.smtp as smtp"),
    (keeps_the_domain_pure, "gateway/domain/bad.py", "from os import path"),
    (keeps_the_domain_pure, "gateway/domain/bad.py", "import pathlib"),
    (keeps_the_domain_pure, "gateway/domain/bad.py", "async def late(): ..."),
    (keeps_the_domain_pure, "gateway/domain/bad.py", "open('settings')"),
    (leaves_the_time_to_the_clock, "gateway/flow/bad.py", "from datetime import datetime\ndatetime.now()"),
    (leaves_the_time_to_the_clock, "gateway/edge/bad.py", "import datetime\ndatetime.datetime.utcnow()"),
    (leaves_the_time_to_the_clock, "gateway/portal/bad.py", "call(default=date.today)"),
    (leaves_the_time_to_the_clock, "gateway/store/bad.py", "import time"),
    (leaves_the_time_to_the_clock, "gateway/edge/bad.py", "import time\ntime.time()"),
    (leaves_the_time_to_the_clock, "gateway/edge/bad.py", "from time import time"),
    (leaves_mail_parsing_to_one_module, "gateway/flow/bad.py", "from email.parser import BytesParser"),
    (leaves_mail_parsing_to_one_module, "gateway/mail/bad.py", "from email import message_from_bytes"),
    (leaves_mail_parsing_to_one_module, "gateway/edge/bad.py", "import email\nemail.message_from_string('')"),
    (is_short, "gateway/flow/bad.py", "pass\n" * 351),
    (is_short, "gateway/flow/bad.py", "async def long():\n" + "    pass\n" * 50),
]


@cache
def modules() -> list[Module]:
    paths = sorted((ROOT / "gateway").rglob("*.py"))
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module(rule: Rule) -> None:
    offences = [f"{module.name}:{offence}" for module in modules() for offence in rule(module)]

    assert not offences, "\n" + "\n".join(offences)


@pytest.mark.parametrize(("rule", "name", "source"), OFFENDERS)
def test_an_offender_is_found(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Module(name, source)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_is_allowed_passes(rule: Rule) -> None:
    allowed = [
        Module("gateway/edge/run/clock.py", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
        Module("gateway/edge/smtp/session.py", "import time\nfrom aiosmtpd.smtp import SMTP\ntime.monotonic()"),
        Module("gateway/mail/parse.py", "from email.parser import BytesParser\nfrom gateway.domain import model"),
        Module("gateway/store/models.py", "import peewee\nfrom gateway.ports import Store\nfrom . import runner"),
        Module("gateway/app.py", "from gateway import __version__\nfrom gateway.edge.run.clock import SystemClock"),
    ]

    assert not [offence for module in allowed for offence in rule(module)]


def circles(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other, by whatever way round."""
    left = {name: {one for one in named if one in imports and one != name} for name, named in imports.items()}
    while free := [name for name, named in left.items() if not named & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def imported(module: Module) -> set[str]:
    """The modules that it imports, those included that it imports names from."""
    return {name for _, one in module.imports for name in (one, one.rpartition(".")[0])}


def test_no_modules_import_each_other() -> None:
    assert circles({one.dotted_name: imported(one) for one in modules()}) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def strangers(paths: list[str]) -> set[str]:
    """The entries of the top level that do not belong there; dot-files do."""
    top = {path.partition("/")[0] for path in paths}
    return {name for name in top if name not in TOP_LEVEL and not name.startswith(".")}


def test_the_top_level_is_bare() -> None:
    # Root may run the tests in a checkout that belongs to somebody else, which git by itself refuses.
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()

    assert "pyproject.toml" in listed
    assert not strangers(listed)


def test_a_stranger_at_the_top_is_found() -> None:
    assert strangers(["README.md", ".ci/run", "gateway/app.py", "scripts/run", "notes.txt"]) == {"scripts", "notes.txt"}
