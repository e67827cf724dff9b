"""What is done once before anybody serves: the database opened, what an earlier run left tidied up, sockets bound."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from types import MappingProxyType

import structlog

from gateway.admin import drills
from gateway.admin.ledger import ledger_of, take_up
from gateway.admin.unfinished import refuse_unfinished
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.database import content_of, database_of
from gateway.domain.model import Content, Meta
from gateway.domain.site import Site
from gateway.edge.render import Templates
from gateway.edge.run.supervisor import sole_use
from gateway.errors import ConfigError, WrongKey
from gateway.flow import lease, meta
from gateway.flow.administration.left_behind import left_behind
from gateway.flow.context import Context
from gateway.flow.invitations import due_steps
from gateway.flow.ledger import position, waiting
from gateway.flow.outbound import deliver
from gateway.flow.upkeep import key_use
from gateway.ports import Clock, Keys, Tx
from gateway.store.content import SealedContent, SpooledContent
from gateway.store.databases import Database
from gateway.store.key_sources import CommandSource, CredentialSource, EnvironmentSource, FileSource, KeySource
from gateway.store.ledger import ChainedLedger
from gateway.store.sealing import SiteKeys

log = structlog.get_logger()

KEY_MARK = "key check"
CALENDAR = "calendar"
"""By which settings the due times of invitations were computed."""
AT_A_TIME = 500


@dataclass(slots=True)
class Prepared:
    """The ground that one process, or several forked from this one, serve on."""

    keys: Keys
    database: Database
    content: SealedContent
    templates: Templates
    ledger: ChainedLedger
    sockets: dict[str, socket.socket] = field(default_factory=dict)
    """Bound and listening, by part: "smtp", "smtps" and "portal" for all workers, "metrics0" … for each its own."""
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def close(self) -> None:
        """Let the sockets and the database go."""
        self._closing.close()

    def where(self, part: str) -> str:
        """Where a part listens: "host:port"; an IPv6 host in brackets."""
        host, port = self.sockets[part].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def prepare(
    settings: Settings,
    clock: Clock,
    parts: Sequence[str],
    workers: int = 1,
    bound: Mapping[str, socket.socket] = MappingProxyType({}),
) -> Prepared:
    """Make everything ready, for this process alone among all that might serve the database.

    `bound` are sockets that listen already, by part: their owner knew the port before the settings were made.

    Raises ConfigError, WrongKey, StoreBusy, StoreFull, StoreDamaged, OSError.
    """
    check_at_hand(settings)
    keys = keys_of(settings, serving=True)
    check_writable(settings)
    with contextlib.ExitStack() as stack:
        stack.enter_context(sole_use(settings.serving_path))  # before anything is tidied up that another may be using
        database = database_of(settings)
        content = content_of(settings, database)
        database.prepare()
        database.write_once(drills.refuse)
        database.write_once(refuse_unfinished)
        database.write_once(lambda tx: check_fits(tx, settings, keys))
        tidy = _join if database.nodes else partial(_tidy, parts=parts)
        database.write_once(lambda tx: tidy(Context(tx, settings.policy(), keys, clock.now())))
        _follow_settings(database, lambda tx: Context(tx, settings.policy(), keys, clock.now()))
        if isinstance(content, SpooledContent):
            _set_aside(content, set(database.write_once(_content_names)), clock.now().date())
        ledger = take_up(database, ledger_of(settings, keys), clock.now())
        prepared = Prepared(keys, database, content, compiled_templates(settings, parts), ledger)
        for part, listen in _listeners(settings, parts, workers):  # last: a client that comes is served
            with naming("smtp.tls_listen" if part == "smtps" else f"{part.rstrip('0123456789')}.listen"):
                prepared.sockets[part] = stack.enter_context(bound.get(part) or bind(split_address(listen)))
        prepared._closing = stack.pop_all()
    return prepared


def compiled_templates(settings: Settings, parts: Sequence[str] = ("delivery", "portal")) -> Templates:
    """Compiled before they are used: at the start once for all workers together. Raises ConfigError."""
    templates = templates_of(settings)
    languages = {practice.language for practice in settings.policy().practices}
    for fault in templates.faults(languages):
        log.warning("a template of the site's own cannot be used; ours is in its place", fault=fault)
    if "delivery" in parts:
        templates.compile_mails(languages)
    if "portal" in parts:
        templates.compile_pages(languages | {"en"})
    return templates


def templates_of(settings: Settings) -> Templates:
    """Ours, with the site's own in front. Raises ConfigError."""
    folder = settings.path(settings.site.templates) if settings.site.templates else None
    if folder and not folder.is_dir():
        raise ConfigError(f"site.templates: {folder} is no folder; name one, or none")
    return Templates(settings.policy(), folder)


def _listeners(settings: Settings, parts: Sequence[str], workers: int) -> Iterator[tuple[str, str]]:
    if "smtp" in parts:
        yield "smtp", settings.smtp.listen
        if settings.smtp.tls_listen:
            yield "smtps", settings.smtp.tls_listen
    if "portal" in parts:
        yield "portal", settings.portal.listen
    if "portal" in parts and settings.admin.listen:
        yield "admin", settings.admin.listen
    host, _, port = settings.metrics.listen.rpartition(":")
    for worker in range(workers):
        yield f"metrics{worker}", f"{host}:{int(port) + worker if int(port) else 0}"


def bind(address: tuple[str, int]) -> socket.socket:
    """A listening socket. Raises OSError."""
    return socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)


def _join(ctx: Context) -> None:
    """Others may serve: what a run that has ended held is freed by whoever takes its name, or sees that it is gone."""
    _open_with_keys(ctx)


def _tidy(ctx: Context, parts: Sequence[str]) -> None:
    """Nobody else serves: what a run that has ended held is free again."""
    _open_with_keys(ctx)
    key_use.nobody_serves(ctx)
    lease.give_up(ctx)
    if "delivery" in parts:
        deliver.reclaim(ctx)


def _follow_settings(database: Database, context: Callable[[Tx], Context]) -> None:
    """Where the days of invitations, or the zone, were set anew, plan all that live anew, some hundred at a time."""
    if database.write_once(lambda tx: follows_calendar(context(tx))):
        return

    def go_on(tx: Tx) -> int:
        return due_steps.follow_settings(context(tx), done, AT_A_TIME)

    done = 0
    while done := database.write_once(go_on):
        pass
    database.write_once(lambda tx: note_calendar(context(tx)))


def follows_calendar(ctx: Context) -> bool:
    """Whether due times were computed from the days and the zone that the settings have now."""
    planned = ctx.tx.one(Meta, name=CALENDAR)
    return planned is not None and planned.value == calendar(ctx)


def note_calendar(ctx: Context) -> None:
    """All due times were."""
    meta.put(ctx.tx, CALENDAR, calendar(ctx))


def calendar(ctx: Context) -> bytes:
    return ctx.keys.digest(CALENDAR, repr((ctx.site.rhythm, ctx.site.zone.key)).encode())


def _set_aside(content: SpooledContent, known: set[str], today: date) -> None:
    """Put files whose row was never committed where they hinder nobody: a start destroys nothing."""
    orphans = content.names() - known
    for orphan in orphans:
        content.set_aside(orphan, today)
    if orphans:
        log.warning("files that belong to no mail were set aside", count=len(orphans), folder=str(content.orphans))


def _content_names(tx: Tx) -> list[str]:
    return [content.id for content in tx.find(Content, inline=None)]


# ------------------------------------------------------------------------------------------------------------- checks


@contextlib.contextmanager
def naming(key: str) -> Iterator[None]:
    """Say which key of the settings a listener's fault belongs to."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{key}: cannot listen there ({error.strerror or error}); write another port") from error


def check_writable(settings: Settings) -> None:
    """What is kept on this machine must be ours to write. Raises ConfigError."""
    path = settings.data_folder if settings.has_nodes else settings.database_path
    if not settings.has_nodes and path.is_dir():
        raise ConfigError(f"database.url: {path} is a folder; name a file in it")
    place = path if path.exists() else path.parent
    if not os.access(place, os.W_OK):
        key = "ledger.file" if settings.has_nodes else "database.url"
        raise ConfigError(f"{key}: {place} cannot be written to; name a file in a folder of this user's")


def check_at_hand(settings: Settings) -> None:
    """Held mail and a ledger must have their database, and a restore must have come to its end. Raises ConfigError."""
    if settings.has_nodes:
        return
    if restoring(settings).exists():
        raise ConfigError(
            f"database.url: a restore was interrupted, {restoring(settings)} is left of it; run gateway restore again"
        )
    if not database_of(settings).is_there():
        _refuse_to_begin_anew(settings)


def restoring(settings: Settings) -> Path:
    """Where a restore puts what is not in its place yet."""
    return settings.database_path.with_name(settings.database_path.name + ".restoring")


def key_source(settings: Settings) -> KeySource:
    """Where the settings have the keys."""
    keys = settings.keys
    if keys.environment:
        return EnvironmentSource(keys.environment)
    if keys.credential:
        return CredentialSource(keys.credential)
    if keys.command:
        return CommandSource(keys.command, settings.folder)
    return FileSource(settings.path(keys.file))


def keys_of(settings: Settings, *, serving: bool = False) -> SiteKeys:
    """The site's keys. Raises ConfigError; where a database was sealed with keys that are missing, it says so.

    A process that serves learns of new keys from the database (KeyWatch). No client may have it run a slow command by
    showing it a letter that it does not know.
    """
    source = key_source(settings)
    if isinstance(source, FileSource) and not source.path.exists() and (kept := database_of(settings)).is_there():
        raise ConfigError(
            f"keys.file: {source.path} is missing, but {kept.name} was sealed with it; restore it from its copy, or "
            "from key sheets (gateway keys join). New keys open nothing: without the old ones all held mail is lost"
        )
    return SiteKeys.of(source, by_hand=serving and not source.is_quick)


def check_fits(tx: Tx, settings: Settings, keys: Keys) -> None:
    """The database must be the one that keys, content and ledger belong to. Raises ConfigError, WrongKey."""
    is_fresh = tx.one(Meta, name=KEY_MARK) is None and not position(tx).number and not waiting(tx, 1)
    if is_fresh:
        _refuse_to_begin_anew(settings)
    check_keys(tx, keys)
    check_practices(tx, settings.policy())


def check_practices(tx: Tx, site: Site) -> None:
    """No practice may be missing while its invitations are open: nobody could answer for them. Raises ConfigError."""
    if found := left_behind(tx, site):
        raise ConfigError("\n".join(one.told for one in found))


def _refuse_to_begin_anew(settings: Settings) -> None:
    """A database that was never served from has no mail in files, and nothing in a ledger. Raises ConfigError."""
    name = database_of(settings).name
    if not settings.has_nodes and (count := _files_in(settings.spool_path)):
        raise ConfigError(
            f"database.url: {name} is missing or empty, but {settings.spool_path} holds mail of another ({count} "
            "files); restore the database that belongs to it, or name that one. Nothing was touched"
        )
    way = "restore a backup (gateway restore)"
    if settings.has_nodes:
        way = "copy the one of before into it (gateway migrate --to), restore it by PostgreSQL's own means"
    for file in map(settings.path, [settings.ledger.file, *settings.ledger.copies]):
        if file.is_file() and file.stat().st_size:
            raise ConfigError(
                f"database.url: {name} is missing or empty, but the ledger {file} is of a gateway that has served. "
                f"With a new database an old link would open somebody else's invitation: {way}, or move the ledger "
                "away to begin anew. No mail was touched"
            )


def _files_in(spool: Path) -> int:
    """How many files of held mail there are."""
    return sum(1 for _ in spool.iterdir()) if spool.is_dir() else 0


def check_keys(tx: Tx, keys: Keys) -> None:
    """The database must be sealed with the keys at hand. Raises WrongKey."""
    known = tx.one(Meta, name=KEY_MARK)
    if known and known.value != keys.digest(KEY_MARK, b"gateway"):
        raise WrongKey("keys: these are not the keys that this database was sealed with; restore the right ones")
    key_use.check(tx, keys)


def _open_with_keys(ctx: Context) -> None:
    """Check the keys of a used database; a new one belongs to these keys from now on."""
    check_keys(ctx.tx, ctx.keys)
    if ctx.tx.one(Meta, name=KEY_MARK) is None:
        ctx.tx.add(Meta(name=KEY_MARK, value=ctx.keys.digest(KEY_MARK, b"gateway")))
    key_use.begin(ctx)
