import pytest
from hypothesis import given, settings

from gateway.mail.automatic import automatic
from gateway.mail.bounces import Bounce, Severity, bounce
from gateway.mail.parse import head
from tests.mail.returned import BOUNCES, NOTES, PERSONAL
from tests.mail.samples import crlf, hostile


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

    assert bounce(raw) == Bounce(Severity.PERMANENT, "5.1.1", "pat@home.example", "550 5.1.1 No such user")


@pytest.mark.parametrize(
    ("action", "status", "severity"),
    [
        ("delayed", "4.4.1", Severity.DELAYED),
        ("delayed", "5.0.0", Severity.DELAYED),
        ("failed", "4.2.2", Severity.TEMPORARY),
    ],
)
def test_a_failure_that_may_pass(action: str, status: str, severity: Severity) -> None:
    found = bounce(dsn(f"Final-Recipient: rfc822; pat@home.example\nAction: {action}\nStatus: {status}\n"))

    assert found == Bounce(severity, status, "pat@home.example")


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


@pytest.mark.parametrize(("severity", "raw"), [case[1:] for case in BOUNCES], ids=[case[0] for case in BOUNCES])
def test_a_systems_bounce(severity: str, raw: bytes) -> None:
    found = bounce(raw)

    assert found is not None
    assert found.severity == severity


@pytest.mark.parametrize("raw", [case[1] for case in NOTES], ids=[case[0] for case in NOTES])
def test_a_note_of_absence_is_automatic_and_no_bounce(raw: bytes) -> None:
    assert automatic(head(raw), "pat@home.example")
    assert bounce(raw) is None


@pytest.mark.parametrize("raw", [case[1] for case in PERSONAL], ids=[case[0] for case in PERSONAL])
def test_a_persons_mail_is_neither(raw: bytes) -> None:
    assert automatic(head(raw), "pat@home.example") == ""
    assert bounce(raw) is None


def test_a_person_who_quotes_a_bounce_sends_none() -> None:
    quoted = "----- The following addresses had permanent fatal errors -----\n<kim@home.example>\n"
    raw = crlf(f"From: Pat <pat@home.example>\nSubject: Re: your letter\n\nLook what I got:\n\n{quoted}")

    assert bounce(raw) is None
    assert bounce(raw.replace(b"Pat <pat@", b"Mail System <postmaster@")) is not None


def test_every_bounce_is_automatic() -> None:
    assert all(automatic(head(raw), "") for _, _, raw in BOUNCES)


@settings(max_examples=150)
@given(hostile)
def test_nothing_raises(raw: bytes) -> None:
    bounce(raw)
    bounce(dsn(raw.decode("latin-1")))
    bounce(b"From: mailer-daemon@x\r\nSubject: failure notice\r\n\r\n" + raw)
