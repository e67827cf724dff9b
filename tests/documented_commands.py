"""The `gateway …` commands that documents show, and what is wrong with each: held against what typer knows.

A line of a code block is read whole, as the command line would read it. Within a sentence a command may be left short,
or stand for several (`gateway audit list|verify`): its words and options have to be there.
"""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise, product, takewhile
from typing import Any

import typer

from gateway.cli.app import app

ROOT: Any = typer.main.get_command(app)
USAGE_ERROR = typer.BadParameter.__base__ or Exception
"""What typer's parser raises for a line that it cannot take: typer has a copy of click, which it does not show."""
SHELLS = ("", "sh", "bash", "console")
"""What a code block is called in which each line may be a command; in others only those behind a `$ `."""
ENDS = re.compile(r"[|&;<>()]+")
OUTPUT = ("gateway ready",)
"""What the gateway prints, and is no command."""


def in_blocks(text: str) -> Iterator[str]:
    """The command lines in the code blocks of a page, from their `gateway` on."""
    for kind, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            bare = line.strip()
            if kind in SHELLS or bare.startswith("$ "):
                yield from in_line(bare.removeprefix("$ "))


def in_line(line: str) -> Iterator[str]:
    """The gateway's own commands in a line of the shell's, which may hold others around them."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # a quote that is open: no line of a shell's
        return
    for place, (before, word) in enumerate(pairwise(["|", *words])):
        begins = ENDS.fullmatch(before) or before == "--" or "=" in before
        if (word == "gateway" and begins) or word.endswith("/bin/gateway"):
            yield shlex.join(["gateway", *takewhile(lambda one: not ENDS.fullmatch(one), words[place + 1 :])])


def in_sentences(text: str) -> Iterator[str]:
    """The commands within sentences, each of several that one stands for."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    for found in re.findall(r"`(gateway [^`]+)`", prose):
        said = " ".join(found.replace("\\|", "|").split())
        if not said.startswith(OUTPUT):
            yield from (" ".join(words) for words in product(*(word.split("|") for word in said.split())))


def fault_of_line(line: str) -> str:
    """What the command line would say of it; "" if nothing."""
    _, *words = shlex.split(line)
    command, rest = find(words)
    if command is None or hasattr(command, "commands"):
        return f"there is no such command: {line}"
    try:
        given, left, _ = command.make_parser(command.context_class(command)).parse_args(list(rest))
    except USAGE_ERROR as error:
        return f"{error}: {line}"
    missing = [
        one.name
        for one in command.params
        if one.required and not given.get(one.name or "") and not getattr(one, "envvar", None)
    ]
    return f"too much or too little ({left or missing}): {line}" if left or missing else ""


def fault_of_mention(said: str) -> str:
    """Whether its words and options are there; "" if they are."""
    command, rest = find(said.split()[1:])
    if command is None:
        return f"there is no such command: {said}"
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    options = {word.partition("=")[0].strip(",.…[]") for word in rest if word.startswith("--")}
    strange = options - known - {"--help"}
    return f"there is no {', '.join(sorted(strange))}: {said}" if strange else ""


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command or group that the words lead to (None: none), and the words behind it."""
    command = ROOT
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        command, words = command.commands.get(words[0]), words[1:]
    return command, words
