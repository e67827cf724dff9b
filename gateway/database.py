"""The database that the settings name, and the home of what is too large for its rows."""

import sys
from typing import TYPE_CHECKING

from gateway.config.files import ca_file_of, secret_of
from gateway.config.settings import Settings
from gateway.errors import ConfigError
from gateway.store.content import SealedContent
from gateway.store.databases import Database, SqliteFile, server_at

if TYPE_CHECKING:
    from gateway.store.objects import S3Objects


def database_of(settings: Settings) -> Database:
    """Where everything is kept; nothing is opened yet. Raises ConfigError."""
    own = settings.database
    if not settings.has_nodes:
        return SqliteFile(settings.database_path, settings.spool_path)
    return server_at(own.url, secret_of(settings, "database.password_file", own.password_file), own.connections)


def content_of(settings: Settings, database: Database) -> SealedContent:
    """The home of sealed content, which goes with the database. Raises ConfigError."""
    return database.content(objects(settings), settings.objects.above)


def objects(settings: Settings) -> "S3Objects | None":
    """The object store in which large content lies, if there is one. Raises ConfigError."""
    own = settings.objects
    if not own.bucket:
        return None
    secret = secret_of(settings, "objects.secret_key_file", own.secret_key_file)
    ca_file = ca_file_of(settings, "objects.ca_file", own.ca_file)
    try:
        from gateway.store.objects import Bucket, S3Objects  # noqa: PLC0415 - an extra, and 20 MB
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"objects.bucket: {error.name} is not installed; type {sys.executable} -m pip install boto3, "
            "or take the key out"
        ) from error
    return S3Objects(Bucket(own.endpoint, own.bucket, own.region, own.access_key, secret, own.prefix, ca_file))
