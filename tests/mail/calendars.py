"""Calendars as programs send them, for the tests."""

OUTLOOK_ZONE = """BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""
ADA = 'ORGANIZER;CN="Dr Ada":mailto:ada@riverside.example\n'
PAT = "ATTENDEE;CN=Pat;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:pat@home.example\n"
AT_TEN = (
    'DTSTART;TZID="W. Europe Standard Time":20260703T100000\nDTEND;TZID="W. Europe Standard Time":20260703T103000\n'
)


def calendar(
    times: str = AT_TEN, *, zone: str = OUTLOOK_ZONE, method: str = "REQUEST", who: str = ADA + PAT, more: str = ""
) -> bytes:
    says = f"METHOD:{method}\n" if method else ""
    event = f"UID:meeting-1\nSEQUENCE:2\nSUMMARY:Blood test\nLOCATION:Room 2\\, first floor\n{times}{who}{more}"
    head = f"BEGIN:VCALENDAR\nPRODID:-//Example//EN\nVERSION:2.0\n{says}{zone}"
    whole = f"{head}BEGIN:VEVENT\n{event}END:VEVENT\nEND:VCALENDAR\n"
    return whole.replace("\n", "\r\n").encode()


def mail(octets: bytes, sender: str = "Dr Ada <ada@riverside.example>") -> bytes:
    head = f"From: {sender}\r\nTo: pat@home.example\r\nSubject: Blood test\r\nMIME-Version: 1.0\r\n"
    text = "Content-Type: text/plain\r\n\r\nPlease come without breakfast.\r\n"
    kind = "Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n"
    body = f"--b\r\n{text}--b\r\n{kind}".encode() + octets + b"\r\n--b--\r\n"
    return head.encode() + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + body
