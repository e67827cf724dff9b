"""Settings whose value is a secret itself; all others lie in files that the settings only name."""

HEADERS = ("smtp.tenant_header", "smtp.processed_header")
"""A header by which mail is known as ours: its name, and a secret word."""
KEYS = (*HEADERS, "keys.command")
WORD = "(secret)"


def veiled(key: str, text: str) -> str:
    """A value as a page, a log or a message may have it."""
    if not is_secret(key) or not text:
        return text
    name, colon, _ = text.strip('"').partition(": ")
    return f"{name}: {WORD}" if key in HEADERS and colon else WORD


def is_secret(key: str) -> bool:
    """Whether it is such a key, or a place in its list."""
    return key.startswith(KEYS)
