"""What the commands share: the settings option, and errors said in plain lines."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.errors import BadAddress, ConfigError, StoreBusy, WrongKey

ConfigOption = Annotated[Path, typer.Option("--config", help="the settings file", envvar="GATEWAY_CONFIG")]


def fail(line: str, code: int = 1) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """What an administrator can mend is said in plain lines, without a traceback."""
    try:
        yield
    except StoreBusy as error:
        fail(f"the database is busy: {error}")
    except (BadAddress, ConfigError, WrongKey, OSError) as error:
        fail(str(error))
