"""`gateway explain`: what would become of a mail, by the same rules as in serving, and nothing of it is done."""

from collections.abc import Iterator

from gateway.config import Settings
from gateway.edge.clock import the_clock
from gateway.errors import ConfigError, GatewayError
from gateway.flow import explain
from gateway.flow.context import Context
from gateway.flow.understand import Submission
from gateway.ports import Tx
from gateway.store.connections import open_database
from gateway.store.runner import read_once
from gateway.store.sealing import load_keys


def explained(settings: Settings, raw: bytes, mail_from: str, recipients: list[str], *, trusted: bool) -> Iterator[str]:
    """Lines of plain text. Reads the database beside whoever serves from it. Raises ConfigError, WrongKey, OSError."""
    if not settings.database_path.is_file():
        raise ConfigError(f"database.url: there is no {settings.database_path}")
    keys, site = load_keys(settings.path(settings.keys.file)), settings.policy()
    submission = Submission(mail_from, tuple(recipients), trusted, authserv_id=settings.mailbox.authserv_id)

    def look(tx: Tx) -> list[str]:
        draft = explain.understood(site, keys, submission, raw)
        return list(explain.explain(Context(tx, site, keys, the_clock().now()), draft))

    try:
        yield from read_once(open_database(settings.database_path), look)
    except GatewayError as refusal:
        yield f"refused: {refusal.smtp_reply}"
