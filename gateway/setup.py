"""Setting a gateway up: `gateway init`, and what to paste into the practice's mail server."""

import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from gateway.admin.recovery import about_recovery_key, new_recovery_key
from gateway.config.hosts import is_loopback
from gateway.config.kinds import split_address
from gateway.config.rules import id_from
from gateway.config.settings import Settings
from gateway.config.toml_file import build
from gateway.database import database_of
from gateway.store.sealing import new_key_file


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` has to know. `recovery_key`: backups are encrypted to one that is made for them. `data`: where
    database, spool and ledger lie, if not beside the settings.
    """

    domain: str
    practice: str
    practice_domain: str
    next_hop: str
    portal_url: str
    recovery_key: bool = True
    data: Path | None = None


def set_up(folder: Path, answers: Answers) -> list[str]:
    """Write settings, keys and an empty database into a folder; what was done, in lines.

    Raises ConfigError for an answer that cannot be used, FileExistsError rather than overwrite anything, OSError and
    StoreFull; then nothing is left behind.
    """
    data = _settings(answers)
    recovery, public = new_recovery_key() if answers.recovery_key else ("", "")
    if public:
        data["backup"] = {"recovery_key": public}
    settings = build(data, folder.resolve())  # refuses bad answers before anything is written
    files = {folder / "gateway.toml": _toml(data), folder / "gateway.keys": new_key_file()}
    if recovery:
        files[folder / "gateway.recovery"] = recovery
    for file in (*files, settings.database_path):
        if os.path.lexists(file):  # also a link that leads nowhere
            raise FileExistsError(f"{file} exists already; nothing was written")
    with _all_or_nothing() as made:
        for file, text in {settings.database_path: "", **files}.items():
            _write_private(file, text, made)
        database_of(settings).migrate()
    config = shlex.quote(str(folder / "gateway.toml"))
    return [
        f"wrote {folder / 'gateway.toml'}: the settings; config/gateway.example.toml explains every key",
        f"wrote {folder / 'gateway.keys'}: the keys. LOSING THIS FILE IS LOSING THE MAIL: keep a copy of it apart from "
        f"the database, or print it as sheets of paper: gateway keys split --config {config}",
        f"wrote {settings.database_path}: an empty database",
        about_recovery_key(folder / "gateway.recovery" if recovery else None),
        f"next: gateway check --config {config}",
    ]


def _settings(answers: Answers) -> dict[str, Any]:
    hop_host = answers.next_hop.rpartition(":")[0].strip("[]")
    data = answers.data.resolve() if answers.data else Path()
    apart = {"database": {"url": f"sqlite:///{data}/gateway.db"}, "ledger": {"file": f"{data}/gateway.ledger"}}
    return {
        "site": {
            "name": f"{answers.practice} Secure Mail",
            "domain": answers.domain,
            "portal_url": answers.portal_url,
            "timezone": _local_zone(),
        },
        "practices": [
            {
                "id": id_from(answers.practice) or "practice",  # in writing, so that the name may change
                "name": answers.practice,
                "domains": [answers.practice_domain],
            }
        ],
        "next_hop": {"address": answers.next_hop, "tls": "opportunistic" if is_loopback(hop_host) else "verified"},
        **(apart if answers.data else {}),
    }


def _local_zone() -> str:
    """This machine's own zone, where it says so."""
    name = os.environ.get("TZ", "") or str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2]
    return name if "/" in name else "Etc/UTC"


def _toml(data: dict[str, Any]) -> str:
    lines = ["# Settings of the secure-mail gateway; every other key has a default: see config/gateway.example.toml."]
    for name, tables in data.items():
        for table in tables if isinstance(tables, list) else [tables]:
            lines += ["", f"[[{name}]]" if isinstance(tables, list) else f"[{name}]"]
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _all_or_nothing() -> Iterator[list[Path]]:
    """What was made goes again if not all of it could be: files with what SQLite puts beside them, folders."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for one in reversed(made):
            with contextlib.suppress(OSError):
                if one.is_dir():
                    one.rmdir()
                    continue
                for beside in ("-wal", "-shm", "-journal", ""):
                    one.with_name(one.name + beside).unlink(missing_ok=True)
        raise


def _write_private(file: Path, text: str, made: list[Path]) -> None:
    """Each folder and file that had to be made is noted. Raises OSError, which names the file."""
    for folder in reversed([one for one in (file.parent, *file.parent.parents) if not one.exists()]):
        folder.mkdir()
        made.append(folder)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made.append(file)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        error.filename = str(file)
        raise


def recipe(settings: Settings) -> str:
    """What to paste into the practice's mail server."""
    host, port = split_address(settings.smtp.listen)
    domain = settings.site.domain
    return dedent(
        f"""
        To send outgoing mail through the gateway, follow one of these pages, word by word:

            config/postfix.md            Postfix; a records system that signs in; a load balancer
            config/microsoft365.md       Microsoft 365, or an Exchange server of your own
            config/google-workspace.md   Google Workspace

        In each, your mail server hands mail to {host}:{port}, this gateway hands it on to
        {settings.next_hop.address}, and all mail for {domain} comes to the gateway."""
    )
