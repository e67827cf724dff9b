"""The page of all commands, made from what typer knows of them; what they print is shown by example."""

import inspect
from collections.abc import Iterator
from typing import Any

import click
import typer

from gateway.cli.app import app

EXAMPLES = {
    "queue list": """
$ gateway queue list
 id  state   kind       to                     hop       since                 attempts  next try              …
 3   paused  near-miss  ada@riverside.example  next_hop  2026-03-02 10:00:00Z  0
 4   waits   pass       omar@hillside.example  next_hop  2026-03-02 10:00:00Z  2         2026-03-02 10:22:30Z  …
""",
    "queue hold": """
$ gateway queue hold --hop next_hop
 hop       mails
 next_hop  9
9 mails: paused, until released or dropped? [y/N]: y
9 mails: paused, until released or dropped
""",
    "queue release": """
$ gateway queue release 3
3: released, and tried at once
""",
    "queue drop": """
$ gateway queue drop 4 99
4: dropped
99: nothing with this number waits
""",
    "invitations list": """
$ gateway invitations list --practice riverside
 number  state    practice   address           since                 next step             waiting  held
 1       invited  riverside  pat@home.example  2026-03-02 10:00:00Z  2026-03-05 09:00:00Z  1        1
""",
    "invitations remind": """
$ gateway invitations remind pat@home.example
1: reminded
""",
    "invitations cancel": """
$ gateway invitations cancel 1
Invitation 1 of pat@home.example is cancelled, and its held mail destroyed. Go on? [y/N]: y
1: cancelled: what was held is destroyed, and whoever waited is told
""",
    "trace": """
$ gateway trace e6ba28a6275b
queue id e6ba28a6275b <results@riverside.example>
 at                    what                who                    detail                      number
 2026-03-02 10:00:00Z  taken in            ada@riverside.example  245 octets                  message 1
 2026-03-02 10:00:00Z  held                pat@home.example       for invitation 1            copy 1
 2026-03-02 10:00:00Z  queued: receipt     ada@riverside.example  by next_hop                 delivery 1
 2026-03-02 10:00:00Z  sent: receipt       ada@riverside.example  250 2.0.0 Ok                delivery 1
 2026-03-02 10:04:10Z  released            gateway                                            copy 1
 2026-03-02 10:05:31Z  viewed              pat@home.example                                   copy 1
""",
    "status": """
$ gateway status
 clock       2026-03-02 10:00:00Z
 serves      yes
 listeners   smtp: answers
             portal: answers
             metrics: answers
 queue       waiting: 9
             oldest due for: 2:10:00
 …
 needs       queue: the oldest mail is due for 2 hours; gateway queue list says what its hop answers
""",
    "doctor": """
$ gateway doctor
LOST    Pat <pat@home.example> cannot read message 12 of 3 May 2026 from Dr Ada <ada@riverside.example>: its file
        gateway.db.spool/5c63… is missing
        -> have it sent again; or restore its file from a backup
 whole  messages: 9999
        copies: 10412
        …
 lost   file-missing: 1
""",
}
"""What commands print, as they were run; shortened where … stands."""


def page() -> str:
    """What stands below the mark of docs/commands.md."""
    return "\n" + "\n\n".join(_section(name, command) for name, command in commands()) + "\n"


def commands() -> list[tuple[str, click.Command]]:
    """Every command by its words, in the order in which `gateway --help` has them."""
    return list(_walk(typer.main.get_command(app), ""))


def _walk(command: Any, words: str) -> Iterator[tuple[str, click.Command]]:
    found = getattr(command, "commands", None)
    if found is None:
        yield words, command
        return
    for name, one in found.items():
        yield from _walk(one, f"{words} {name}".strip())


def _section(name: str, command: click.Command) -> str:
    parts = [f"## gateway {name}", " ".join(inspect.cleandoc(command.help or "").split())]
    rows = [_row(one) for one in command.params if one.name != "help"]
    if rows:
        parts.append("\n".join(["| | | without it |", "|---|---|---|", *rows]))
    if name in EXAMPLES:
        parts.append(f"```text{EXAMPLES[name]}```")
    return "\n\n".join(part for part in parts if part)


def _row(one: Any) -> str:
    names = _argument(one) if one.param_type_name == "argument" else _options(one)
    return f"| {names} | {_cell(getattr(one, 'help', '') or '')} | {_without(one)} |"


def _argument(one: Any) -> str:
    return " or ".join(f"`{name}`" for name in (one.metavar or one.name.upper()).split("|"))


def _options(one: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))


def _without(one: Any) -> str:
    if one.required:
        return "it is needed" + (f", or `{one.envvar}`" if getattr(one, "envvar", None) else "")
    default = one.default
    is_plain = isinstance(default, (int, str)) and not isinstance(default, bool) and default != ""
    return f"`{_cell(str(default))}`" if is_plain else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
