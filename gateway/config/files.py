"""What lies in files that the settings name."""

import ssl
from pathlib import Path

from gateway.config.settings import Settings
from gateway.errors import ConfigError


def secret_of(settings: Settings, key: str, file: str) -> str:
    """What a file holds that the settings name, or "". Raises ConfigError."""
    text = text_of(settings, key, file, "a file that holds the secret").strip()
    if file and not text:
        raise ConfigError(f"{key}: {settings.path(file)} is empty; write the secret into it")
    return text


def text_of(settings: Settings, key: str, file: str, what: str) -> str:
    """A text that the settings name, or "". Raises ConfigError."""
    try:
        return settings.path(file).read_text("utf-8") if file else ""
    except OSError as error:
        raise ConfigError(f"{key}: {settings.path(file)} cannot be read ({error.strerror}); name {what}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{key}: {settings.path(file)} is no text; name {what}") from error


def ca_file_of(settings: Settings, key: str, file: str) -> Path | None:
    """A CA bundle that the settings name: each session reads it anew, and a mistake is told now. Raises ConfigError."""
    if not file:
        return None
    what = "a file of CA certificates (PEM)"
    text_of(settings, key, file, what)
    try:
        ssl.create_default_context(cafile=settings.path(file))
    except ssl.SSLError as error:
        raise ConfigError(f"{key}: {settings.path(file)} has no certificates in it; name {what}") from error
    return settings.path(file)
