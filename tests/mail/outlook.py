"""Meetings as Outlook packs them into winmail.dat (MS-OXOCAL), for the tests."""

import base64
import struct
import uuid
from datetime import UTC, date, datetime

from tests.mail import tnef
from tests.mail.tnef import named

APPOINTMENT = uuid.UUID("00062002-0000-0000-c000-000000000046").bytes_le
COMMON = uuid.UUID("00062008-0000-0000-c000-000000000046").bytes_le
MEETING = uuid.UUID("6ed8da90-450b-101b-98da-00aa003f1305").bytes_le
ASSISTANT = uuid.UUID("11000e07-b51b-40d6-af21-caa85edab1d0").bytes_le
REQUEST, CANCELLED = "IPM.Schedule.Meeting.Request", "IPM.Schedule.Meeting.Canceled"
MADE_BY = bytes.fromhex("040000008200e00074c5b7101a82e008")
DAILY, WEEKLY, MONTHLY, YEARLY = 0x200A, 0x200B, 0x200C, 0x200D
BY_DATE, BY_COUNT, NEVER = 0x2021, 0x2022, 0x2023


def ticks(*at: int) -> int:
    return int((datetime(*at, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def identifier(data: bytes = b"\x11" * 16, which: bytes = bytes(4)) -> bytes:
    return MADE_BY + which + bytes(16) + struct.pack("<I", len(data)) + data


def zone(name: str) -> bytes:
    rest = struct.pack("<HH", 2, len(name)) + name.encode("utf-16-le") + struct.pack("<H", 0)
    return struct.pack("<BBH", 2, 1, len(rest)) + rest


START = named(tnef.TIME, 0x820D, ticks(2026, 7, 3, 8), APPOINTMENT)
END = named(tnef.TIME, 0x820E, ticks(2026, 7, 3, 8, 30), APPOINTMENT)
WHERE = named(tnef.UTF_16, 0x8208, "Salle 2, 北", APPOINTMENT)
ZONE = named(tnef.BINARY, 0x825E, zone("W. Europe Standard Time"), APPOINTMENT)
UID = named(tnef.BINARY, 0x23, identifier(), MEETING)
FROM_CALENDAR = named(tnef.BINARY, 0x23, identifier(b"vCal-Uid\x01\0\0\0visit-7@riverside.example\0"), MEETING)
SEQUENCE = named(tnef.LONG, 0x8201, 3, APPOINTMENT)
ORDINARY = (START, END, WHERE, ZONE, UID, SEQUENCE)


def meeting(*values: bytes, kind: str = REQUEST) -> bytes:
    """A winmail.dat of this class."""
    return tnef.tnef(tnef.attribute(tnef.MESSAGE, 0x78008, kind.encode() + b"\0"), tnef.message(*values))


def series(octets: bytes) -> bytes:
    return named(tnef.BINARY, 0x8216, octets, APPOINTMENT)


def minutes(day: date) -> int:
    return (day - date(1601, 1, 1)).days * 1440


def pattern(
    frequency: int,
    kind: int,
    period: int,
    *specific: int,
    ends: tuple[int, int, date] = (NEVER, 10, date(4500, 8, 31)),
    left_out: tuple[date, ...] = (),
    changed: tuple[date, ...] = (),
    begins: date = date(2026, 7, 3),
    calendar: int = 0,
) -> bytes:
    """How a series repeats; `ends` how, after how many times, when."""
    lists = [struct.pack(f"<I{len(days)}I", len(days), *map(minutes, days)) for days in (left_out, changed)]
    head = struct.pack("<HHHHHIII", 0x3004, 0x3004, frequency, kind, calendar, 0, period, 0)
    numbers = struct.pack(f"<{len(specific) + 3}I", *specific, ends[0], ends[1], 0)
    times = struct.pack("<II", minutes(begins), minutes(ends[2]))
    return head + numbers + b"".join(lists) + times + struct.pack("<IIIIH", 0x3006, 0x3009, 600, 630, 0)


def mail(packed: bytes, *, sender: str = "Dr Ada <ada@riverside.example>", to: str = "Pat <pat@home.example>") -> bytes:
    octets = base64.encodebytes(packed).decode().replace("\n", "\r\n")
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: Blood test\r\nMIME-Version: 1.0\r\n"
    text = "--b\r\nContent-Type: text/plain\r\n\r\nPlease come without breakfast.\r\n"
    file = "--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{text}{file}{octets}\r\n--b--\r\n".encode()
