import pytest
from hypothesis import given, settings

from gateway.mail.automatic import automatic, surely_automatic
from gateway.mail.parse import head
from tests.mail.samples import crlf, hostile

SENDER = "ada@riverside.example"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("Auto-Submitted: auto-replied", "auto-submitted"),
        ("Auto-Submitted: auto-generated (rejected)", "auto-submitted"),
        ("auto-submitted: Auto-Notified; owner=x", "auto-submitted"),
        ("Precedence: bulk", "precedence"),
        ("Precedence: AUTO_REPLY", "precedence"),
        ("List-Id: <staff.riverside.example>", "mailing-list"),
        ("List-Unsubscribe: <mailto:leave@riverside.example>", "mailing-list"),
        ("X-Autoreply: yes", "auto-reply"),
        ("X-Autorespond: Away", "auto-reply"),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "report"),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "read-receipt"),
    ],
)
def test_automatic_mail(field: str, reason: str) -> None:
    assert automatic(head(crlf(f"{field}\n\n")), SENDER) == reason


@pytest.mark.parametrize("mail_from", ["", "<>"])
def test_the_null_sender(mail_from: str) -> None:
    assert automatic(head(b"Subject: x\r\n\r\n"), mail_from) == "null-sender"


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: No (a person)",
        "Precedence: first-class",
        "X-Auto-Response-Suppress: All",
        "Content-Type: multipart/mixed; boundary=b",
        "Subject: Re: Automatic reply",
    ],
)
def test_a_persons_mail(field: str) -> None:
    assert automatic(head(crlf(f"{field}\n\n")), SENDER) == ""


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (rejected)",
        "Auto-Submitted: yes",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "Content-Type: message/disposition-notification",
    ],
)
def test_sure_signs(field: str) -> None:
    assert surely_automatic(head(crlf(f"{field}\n\n")), SENDER)
    assert surely_automatic(head(crlf("Subject: x\n\n")), "<>")


@pytest.mark.parametrize(
    "field",
    [
        "X-MS-Exchange-Inbox-Rules-Loop: bea@riverside.example",
        "List-Unsubscribe: <mailto:leave@riverside.example>",
        "List-Id: <staff.riverside.example>",
        "Precedence: bulk",
        "X-Autoreply: yes",
        "Subject: Re: Certificate (on sick leave)",
        "Subject: Absence: who covers for me?",
        "Content-Type: text/calendar",
        "From: Post-Master <post_master@riverside.example>",
    ],
)
def test_signs_that_peoples_mail_bears_too(field: str) -> None:
    assert automatic(head(crlf(f"{field}\n\n")), SENDER)
    assert not surely_automatic(head(crlf(f"{field}\n\n")), SENDER)


@pytest.mark.parametrize(
    "address", ["post_master", "post.master", "Post-Master", "mailer_daemon", "mail-daemon", "no_reply", "do.not.reply"]
)
def test_daemons_by_their_names(address: str) -> None:
    assert automatic(head(b"Subject: x\r\n\r\n"), f"{address}@riverside.example") == "daemon"
    assert automatic(head(crlf(f"From: {address}@riverside.example\n\n")), SENDER) == "daemon"


@pytest.mark.parametrize(
    "subject",
    [
        "[ticket] AutoReply: your letter",
        "[#4711] Automatic reply: your letter",
        "[EXT] [Practice] Abwesenheitsnotiz: your letter",
        "(Ticket 12) Out of office: your letter",
        "{Spam?} Vacation reply",
        "EXTERNAL: Automatic reply: your letter",
        "Ticket 4711: Auto-Reply: your letter",
        "[ticket] Out of office until 5 December",
    ],
)
def test_notes_of_absence_with_something_before(subject):
    assert automatic(head(crlf(f"Subject: {subject}\n\n")), SENDER) == "absence"


@pytest.mark.parametrize(
    "subject",
    ["Re: [ticket] AutoReply: x", "AW: Automatische Antwort: x", "FWD: Out of office: x", "[rota] who is on leave?"],
)
def test_what_people_write_about_such_notes(subject):
    assert automatic(head(crlf(f"Subject: {subject}\n\n")), SENDER) == ""


@pytest.mark.parametrize("subject", ["Read: x", "Not read: x", "Gelesen: x", "Lu : x", "Leído: x", "已读: x"])
@pytest.mark.parametrize(
    "field",
    [
        'Content-Type: application/ms-tnef; name="winmail.dat"',
        "Content-Type: multipart/mixed; boundary=b",
        "X-MS-TNEF-Correlator: <a@home.example>",
    ],
)
def test_outlooks_own_receipts(subject, field):
    read = head(crlf(f"Subject: {subject}\n{field}\n\n"))
    assert automatic(read, SENDER) == "outlook-receipt"
    assert not surely_automatic(read, SENDER)


@pytest.mark.parametrize("field", ["Subject: Read: x", "Subject: Read this\nContent-Type: application/ms-tnef"])
def test_mail_that_only_looks_like_such_a_receipt(field):
    assert automatic(head(crlf(f"{field}\n\n")), SENDER) == ""


@settings(max_examples=150)
@given(hostile)
def test_nothing_raises(raw: bytes) -> None:
    automatic(head(raw), raw.decode("latin-1"))
