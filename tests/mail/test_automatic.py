import pytest
from hypothesis import given, settings

from gateway.mail.automatic import Bounce, automatic, bounce
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
        "Subject: Automatic reply",
    ],
)
def test_a_persons_mail(field: str) -> None:
    assert automatic(head(crlf(f"{field}\n\n")), SENDER) == ""


def dsn(recipients: str) -> bytes:
    return crlf(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.home.example\nArrival-Date: x\n\n{recipients}\n"
        "--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n\n--b--\n"
    )


def test_a_permanent_failure() -> None:
    raw = dsn(
        "Original-Recipient: rfc822;pat+x@home.example\nFinal-Recipient: RFC822; pat@home.example\nAction: Failed\n"
        "Status: 5.1.1 (no such user)\nDiagnostic-Code: smtp; 550 5.1.1\n No such user\n"
    )

    assert bounce(raw) == Bounce(True, "failed", "5.1.1", "pat@home.example", "550 5.1.1 No such user")


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delayed", "5.0.0"), ("failed", "4.2.2")])
def test_a_failure_that_may_pass(action: str, status: str) -> None:
    found = bounce(dsn(f"Final-Recipient: rfc822; pat@home.example\nAction: {action}\nStatus: {status}\n"))

    assert found == Bounce(False, action, status, "pat@home.example", "")


@pytest.mark.parametrize("action", ["relayed", "delivered", "expanded", "nonsense"])
def test_no_failure(action: str) -> None:
    assert bounce(dsn(f"Final-Recipient: rfc822; pat@home.example\nAction: {action}\nStatus: 2.0.0\n")) is None


def test_the_worst_of_several_recipients_counts() -> None:
    found = bounce(
        dsn(
            "Final-Recipient: rfc822; a@home.example\nAction: delivered\nStatus: 2.0.0\n\n"
            "Final-Recipient: rfc822; b@home.example\nAction: delayed\nStatus: 4.0.0\n\n"
            "Final-Recipient: rfc822; c@home.example\nAction: failed\nStatus: 5.0.0\n"
        )
    )

    assert found is not None
    assert found.recipient == "c@home.example"


def test_words_alone_are_no_report() -> None:
    assert bounce(b"Subject: Undelivered\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n") is None


@settings(max_examples=150)
@given(hostile)
def test_nothing_raises(raw: bytes) -> None:
    automatic(head(raw), raw.decode("latin-1"))
    bounce(raw)
    bounce(dsn(raw.decode("latin-1")))
