"""The peers themselves: that what the story tests stand on is really there and really works."""

import smtplib
import socket
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.peers.ports import reserve
from tests.peers.postfix import Postfix
from tests.peers.process import wait_for
from tests.peers.smtp_sink import SmtpSink

pytestmark = pytest.mark.peer

MAIL = (
    b"From: Dr Ada <ada@riverside.example>\r\n"
    b"To: Pat <pat@home.example>\r\n"
    b"Subject: Your results\r\n"
    b"\r\n"
    b".all is well\r\n"
    b"Ada\r\n"
)


def hand_in(port: int, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("ada@riverside.example", recipients, MAIL)


def test_the_sink_writes_down_envelope_and_octets(smtp_sink: SmtpSink) -> None:
    hand_in(smtp_sink.port, "pat@home.example", "omar@hillside.example")

    [taken] = wait_for(smtp_sink.messages)

    assert taken.mail_from == "ada@riverside.example"
    assert taken.recipients == ("pat@home.example", "omar@hillside.example")
    assert taken.octets == MAIL
    assert taken.message["Subject"] == "Your results"


def test_the_sink_keeps_its_port_and_its_mail_over_a_restart(smtp_sink: SmtpSink) -> None:
    hand_in(smtp_sink.port, "pat@home.example")
    wait_for(smtp_sink.messages)
    smtp_sink.stop()
    with pytest.raises(ConnectionRefusedError):
        hand_in(smtp_sink.port, "omar@hillside.example")

    smtp_sink.start()
    hand_in(smtp_sink.port, "omar@hillside.example")

    both = wait_for(lambda: mails if len(mails := smtp_sink.messages()) == 2 else [])
    assert [mail.recipients for mail in both] == [("pat@home.example",), ("omar@hillside.example",)]


def test_postfix_relays_to_the_sink(postfix: Callable[..., Postfix], smtp_sink: SmtpSink) -> None:
    relay = postfix(smtp_sink.port)

    hand_in(relay.port, "pat@home.example")

    [taken] = wait_for(smtp_sink.messages)
    assert taken.recipients == ("pat@home.example",)
    assert "by hop.riverside.example (Postfix)" in taken.message["Received"]
    assert taken.octets.endswith(MAIL[MAIL.index(b"\r\n\r\n") :])
    wait_for(lambda: "status=sent" in relay.log())


def test_postfix_takes_settings_of_the_test(postfix: Callable[..., Postfix], smtp_sink: SmtpSink) -> None:
    relay = postfix(smtp_sink.port, message_size_limit="10")

    with pytest.raises(smtplib.SMTPSenderRefused, match=r"5\.3\.4"):
        hand_in(relay.port, "pat@home.example")


def test_chromium_reads_a_page(chromium: Browser) -> None:
    page = chromium.new_page()

    page.goto("data:text/html,<title>Riverside Secure Mail</title><h1>Welcome</h1>")

    assert page.title() == "Riverside Secure Mail"


def test_waiting_in_vain_shows_what_was_last_seen() -> None:
    with pytest.raises(AssertionError, match=r"last seen: \[\]"):
        wait_for(list, seconds=0)


class Owner:
    pass


def listen(port: int) -> None:
    socket.create_server(("127.0.0.1", port)).close()


def test_a_reserved_port_can_be_listened_on_again_and_again_and_is_given_to_nobody_else() -> None:
    owner = Owner()
    port = reserve(owner)
    listen(port)
    listen(port)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))  # as it asks who wants any port: without the leave to share it
    del owner
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
