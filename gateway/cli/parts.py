"""What the commands share: the settings option, and errors said in plain lines."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.errors import (
    BadAddress,
    BadPlace,
    ConfigError,
    DamagedBackup,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    WrongKey,
)

USAGE = 2
"""The exit code of a command that was not typed as it has to be."""
ConfigOption = Annotated[Path, typer.Option("--config", help="the settings file", envvar="GATEWAY_CONFIG")]


def fail(line: str, code: int = 1) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(code)


def known(kind: str, typed: str, names: Iterable[str]) -> None:
    """Refuse what an option or argument calls a practice, a hop or the like where the settings have none such."""
    there = list(names)
    if typed and typed not in there:
        fail(f"there is no {kind} {typed!r}; there is: {', '.join(there)}")


def said(text: str) -> str:
    """What an option that cannot be empty says."""
    if not text.strip():
        raise typer.BadParameter("say something")
    return text


def sure(question: str, *, yes: bool) -> None:
    """Ask before something is done that concerns many; where nobody can be asked, say how to say so."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"{question} Nothing was done: add --yes")
    if not typer.confirm(question):
        raise typer.Exit(1)


@contextlib.contextmanager
def plain_errors(always: int = 0) -> Iterator[None]:
    """What an administrator can mend is said in plain lines, without a traceback.

    The exit codes are those of sysexits.h, or `always` the same.
    """
    try:
        yield
    except StoreFull as error:
        fail(f"there is no room on the disk ({error}); make room, and try again", always or os.EX_TEMPFAIL)
    except StoreBusy as error:
        fail(f"the database cannot be used now: {error}", always or os.EX_TEMPFAIL)
    except StoreDamaged as error:
        fail(f"database.url: the file is damaged ({error}); restore it from a backup", always or os.EX_IOERR)
    except DamagedBackup as error:
        fail(str(error), always or os.EX_DATAERR)
    except BadPlace as error:
        fail(str(error))
    except (ConfigError, WrongKey) as error:
        fail(str(error), always or os.EX_CONFIG)
    except OverflowError:
        fail("a number or a time is larger than any that there can be", always or USAGE)
    except OSError as error:
        fail(_of_file(error))
    except BadAddress as error:
        fail(str(error))


def _of_file(error: OSError) -> str:
    """What the system refused, and for which file, as people say it."""
    why = (error.strerror or str(error)).lower()
    return f"{error.filename}: {why}" if error.filename is not None else why
