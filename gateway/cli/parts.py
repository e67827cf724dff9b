"""What the commands share: the settings option, and errors said in plain lines."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.errors import BadAddress, ConfigError, StoreBusy, StoreDamaged, StoreFull, WrongKey

ConfigOption = Annotated[Path, typer.Option("--config", help="the settings file", envvar="GATEWAY_CONFIG")]


def fail(line: str, code: int = 1) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def plain_errors(always: int = 0) -> Iterator[None]:
    """What an administrator can mend is said in plain lines, without a traceback.

    The exit codes are those of sysexits.h, or `always` the same.
    """
    try:
        yield
    except (StoreBusy, StoreFull) as error:
        fail(f"the database cannot be used now: {error}", always or os.EX_TEMPFAIL)
    except StoreDamaged as error:
        fail(f"database.url: the file is damaged ({error}); restore it from a backup", always or os.EX_IOERR)
    except (ConfigError, WrongKey) as error:
        fail(str(error), always or os.EX_CONFIG)
    except (BadAddress, OSError) as error:
        fail(str(error))
