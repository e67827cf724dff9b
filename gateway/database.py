"""The database that the settings name."""

from gateway.config.files import secret_of
from gateway.config.settings import Settings
from gateway.store.databases import Database, SqliteFile, server_at


def database_of(settings: Settings) -> Database:
    """Where everything is kept; nothing is opened yet. Raises ConfigError."""
    own = settings.database
    if not settings.has_nodes:
        return SqliteFile(settings.database_path)
    return server_at(own.url, secret_of(settings, "database.password_file", own.password_file), own.connections)
