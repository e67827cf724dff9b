"""What lies in files that the settings name."""

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
