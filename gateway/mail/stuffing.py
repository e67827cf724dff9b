"""The form that a message has under DATA: lines ended by CRLF, dots doubled, a lone dot at the end."""

from collections.abc import Iterable, Iterator


def stuffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The octets to send after 354, chunk by chunk (RFC 5321 §4.5.2); a line may span any number of chunks.

    A bare CR or LF becomes a line end: neither ever leaves us (RFC 5321 §2.3.8), so nothing can end the data early.
    """
    held, fresh = b"", True  # a CR whose LF may be in the next chunk; whether a line begins here
    for chunk in chunks:
        octets = held + chunk if held else chunk
        held = b"\r" if octets.endswith(b"\r") else b""
        octets = _with_line_ends(octets[:-1] if held else octets)
        if not octets:
            continue
        doubled = octets.replace(b"\n.", b"\n..")
        yield b"." + doubled if fresh and octets.startswith(b".") else doubled
        fresh = octets.endswith(b"\n")
    yield b".\r\n" if fresh and not held else b"\r\n.\r\n"


def _with_line_ends(octets: bytes) -> bytes:
    ends = octets.count(b"\r\n")
    if octets.count(b"\n") == ends == octets.count(b"\r"):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
