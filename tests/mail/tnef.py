"""winmail.dat as Outlook and Exchange write it (MS-OXTNEF), for the tests."""

import struct

MESSAGE, FILE = 1, 2
UTF_16, STRING, BINARY, OBJECT, LONG, BOOLEAN, TIME = 0x1F, 0x1E, 0x102, 0x0D, 3, 11, 64
EMBEDDED = bytes.fromhex("0703020000000000c000000000000046")
HTML, TEXT, RTF, CODE_PAGE, SUBJECT = 0x1013, 0x1000, 0x1009, 0x3FDE, 0x37
LONG_NAME, SHORT_NAME, MIME_TYPE, CONTENT_ID, DATA, DISPLAY_NAME = 0x3707, 0x3704, 0x370E, 0x3712, 0x3701, 0x3001


def attribute(level: int, name: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def value(kind: int, name: int, data: bytes | str | int) -> bytes:
    """One value; a string is encoded as its type says."""
    head = struct.pack("<HH", kind, name)
    if isinstance(data, int):
        return head + data.to_bytes(8 if kind == TIME else 4, "little")
    if isinstance(data, str):
        data = data.encode("utf-16-le" if kind == UTF_16 else "cp1252") + bytes(2 if kind == UTF_16 else 1)
    return head + struct.pack("<II", 1, len(data)) + padded(data)


def named(kind: int, name: str | int, data: bytes | str | int, of: bytes = bytes(16)) -> bytes:
    """A value whose name is one `of` a set of names."""
    whole = value(kind, 0x8001, data)
    called = struct.pack("<II", 0, name) if isinstance(name, int) else named_by_words(name)
    return whole[:4] + of + called + whole[4:]


def named_by_words(name: str) -> bytes:
    octets = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<II", 1, len(octets)) + padded(octets)


def several(kind: int, name: int, *data: bytes) -> bytes:
    every = b"".join(struct.pack("<I", len(one)) + padded(one) for one in data)
    return struct.pack("<HHI", kind | 0x1000, name, len(data)) + every


def properties(*values: bytes) -> bytes:
    return struct.pack("<I", len(values)) + b"".join(values)


def message(*values: bytes) -> bytes:
    return attribute(MESSAGE, 0x69003, properties(*values))


def file(name: str, octets: bytes, *values: bytes, old_name: str = "") -> bytes:
    """A file; its octets in an attribute of their own, what is told of it in another."""
    return b"".join(
        (
            attribute(FILE, 0x69002, bytes(14)),
            attribute(FILE, 0x18010, (old_name or name).encode("cp1252", "replace") + b"\0"),
            attribute(FILE, 0x6800F, octets),
            attribute(FILE, 0x69005, properties(*values)) if values else b"",
        )
    )


def embedded(name: str, inner: bytes) -> bytes:
    """A message that is a file."""
    values = properties(value(UTF_16, DISPLAY_NAME, name), value(OBJECT, DATA, EMBEDDED + inner))
    return attribute(FILE, 0x69002, bytes(14)) + attribute(FILE, 0x69005, values)


def tnef(*attributes: bytes) -> bytes:
    version = attribute(MESSAGE, 0x89006, struct.pack("<I", 0x10000))
    page = attribute(MESSAGE, 0x69007, struct.pack("<II", 1252, 0))
    return struct.pack("<IH", 0x223E9F78, 1) + version + page + b"".join(attributes)
