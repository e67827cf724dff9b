"""The pages of reference that are made from the code alone: settings, figures and notices."""

import ast
import inspect
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from prometheus_client import ProcessCollector
from pydantic import ByteSize
from pydantic.fields import FieldInfo

from gateway.config import kinds, toml_file
from gateway.config.changes import NEEDS_RESTART
from gateway.config.section import Section
from gateway.config.sections import SECTIONS
from gateway.domain.vocabulary import Audience, Notice
from gateway.edge.render import Templates, samples
from gateway.edge.run.metrics import Figures, Shared
from tests.practice import SITE

KINDS: dict[Any, str] = {
    kinds.Colour: "`#rrggbb`",
    kinds.DatabaseUrl: "`sqlite:///file` or `postgresql://…`",
    kinds.Day: "days",
    kinds.Delegate: "who for whom",
    kinds.Domain: "domain",
    kinds.Duration: "time: `30m`, `24h`, `7d`",
    kinds.HeaderLine: "header line",
    kinds.DirectoryAddress: "`ldaps://host`",
    kinds.HeadsPlace: "address or file",
    kinds.Host: "host",
    kinds.HostPort: "`host:port`",
    kinds.Issuer: "web address",
    kinds.MailAddress: "mail address",
    kinds.MailDomain: "domain",
    kinds.Name: "text",
    kinds.Network: "network",
    kinds.PracticeId: "letters, digits, hyphens",
    kinds.ScannerPlace: "`host:port` or socket",
    kinds.Size: "size: `50MB`",
    ByteSize: "size: `50MB`",
    kinds.StampLine: "header line",
    kinds.SubjectTag: "text",
    kinds.TokenAddress: "web address",
    kinds.WebAddress: "web address",
    kinds.ZoneName: "time zone",
    IPv4Address: "address (IPv4)",
    IPv6Address: "address (IPv6)",
    bool: "`true` or `false`",
    int: "number",
    str: "text",
}
"""What a value is, in the words of the page."""


def table(heads: str, rows: Iterator[str]) -> str:
    columns = heads.count("|") - 1
    return "\n".join([heads, "|" + "---|" * columns, *rows, ""])


# ------------------------------------------------------------------------------------------------------------- settings


def settings() -> str:
    """A heading for each table of the settings file, a row for each key."""
    parts = (
        f"## {name}\n\n{' '.join((section.__doc__ or '').split())}\n\n"
        + table("| key | what it is | kind | without it |", _keys(name, section))
        for name, section in SECTIONS.items()
    )
    return "\n" + "\n".join(parts)


def _keys(name: str, section: type[Section]) -> Iterator[str]:
    hints = get_type_hints(section, include_extras=True)
    for key, field in section.model_fields.items():
        restart = " *" if f"{name}.{key}" in NEEDS_RESTART else ""
        said = (field.description or "").replace("|", "\\|").replace("<", "&lt;")
        yield f"| `{key}`{restart} | {said} | {kind(hints[key])} | {_default(field)} |"


def kind(hint: Any) -> str:
    """What may be written for a key of this type."""
    if known := next((said for one, said in KINDS.items() if one is hint), ""):
        return known
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        return kind(inner[0]) + _bounds(inner[1:])
    if get_origin(hint) is list:
        return f"list: {kind(inner[0])}"
    if get_origin(hint) is Literal:
        return ", ".join(f"`{toml_file.toml(one)}`" for one in inner)
    assert get_origin(hint) in (Union, UnionType), f"no word for {hint}: add it to KINDS"
    return " or ".join(kind(one) for one in inner if one != Literal[""])


def _bounds(metadata: tuple[Any, ...]) -> str:
    limits = [limit for one in metadata if isinstance(one, FieldInfo) for limit in one.metadata]
    least = next((one.ge for one in limits if hasattr(one, "ge")), None)
    most = next((one.le for one in limits if hasattr(one, "le")), None)
    if least is None:
        return ""
    return f", from {least} to {most}" if most is not None else f", {least} or more"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "it is needed"
    value = field.default
    if isinstance(value, ByteSize):
        value = kinds.size_text(value)
    elif isinstance(value, timedelta):
        value = kinds.duration_text(value)
    return f"`{toml_file.toml(value)}`"


# -------------------------------------------------------------------------------------------------------------- figures


def figures() -> str:
    """A row for each figure that `metrics.listen` shows."""
    all_workers, first = Figures(), Figures()
    Shared(first)
    shared = _figures(first) - _figures(all_workers)
    parts = [
        "\n## Of each worker\n\n" + table("| figure | by | type | what it is |", _rows(_figures(all_workers))),
        "\n## Of all workers together, shown by the first\n\n"
        + table("| figure | by | type | what it is |", _rows(shared)),
    ]
    return "".join(parts)


def _figures(kept: Figures) -> set[tuple[str, str, str, str]]:
    """Name, labels, type and help of each, but for those of the process, which the Prometheus client describes."""
    found = set()
    for collector in list(kept.registry._collector_to_names):  # the registry tells labels of what was counted alone
        if not isinstance(collector, ProcessCollector):
            family = next(iter(collector.describe()))
            name = family.name + ("_total" if family.type == "counter" else "")
            found.add((name, ", ".join(collector._labelnames), family.type, family.documentation))
    return found


def _rows(found: set[tuple[str, str, str, str]]) -> Iterator[str]:
    for name, labels, type_, said in sorted(found):
        yield f"| `{name}` | {labels} | {type_} | {said} |"


# -------------------------------------------------------------------------------------------------------------- notices


def notices() -> str:
    """A row for each kind of mail that the gateway writes, to each for whom it is."""
    return "\n" + table("| kind | to | when | its subject, such as |", _notices())


def _notices() -> Iterator[str]:
    templates = Templates(SITE)
    subjects = {
        (notice, audience): templates.mail(notice, audience, "en", facts).subject
        for notice, audience, facts in samples()
    }
    when = _said_below(Notice)
    for notice in Notice:
        for audience in [one for one in Audience if (notice, one) in subjects] or [Audience.SENDER]:
            subject = subjects.get((notice, audience), "")
            yield f"| `{notice}` | {_WHOM[audience]} | {when[notice.name]} | {subject.replace('|', '/')} |"


_WHOM = {
    Audience.SENDER: "the practice",
    Audience.INVITEE: "an invitee",
    Audience.ACCOUNT: "a registered person",
}


def _said_below(kind: type) -> dict[str, str]:
    """What stands below each member of an enumeration."""
    [written] = ast.parse(inspect.getsource(kind)).body
    assert isinstance(written, ast.ClassDef)
    found = {}
    for member, below in zip(written.body, written.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name) and isinstance(below, ast.Expr):
            found[member.targets[0].id] = ast.literal_eval(below.value)
    return found
