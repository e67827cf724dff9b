"""Signing in at a gateway that serves: `gateway users add`, STARTTLS, AUTH, and whose mail a login may hand in."""

import signal
import smtplib
import ssl
import subprocess

import pytest

from tests.edge.test_smtp_out import certificate
from tests.peers.process import wait_for
from tests.peers.served import GATEWAY, Served

pytestmark = pytest.mark.peer

ADA, PASSWORD = "ada@riverside.example", "a long enough secret"
HOST = "localhost"


@pytest.fixture
def served(tmp_path, hop):
    pem, _ = certificate(tmp_path, HOST)
    gateway = Served(
        tmp_path / "gateway",
        hop.port,
        SMTP__TLS_CERT=str(pem),
        SMTP__TLS_KEY=str(pem),
        SMTP__USERS_FILE=str(tmp_path / "users"),
        SMTP__TRUSTED_NETWORKS="[]",
    )
    users_add(gateway)
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


def users_add(gateway):
    environment = {f"GATEWAY_{name}": value for name, value in gateway.settings.items()}
    words = [GATEWAY, "users", "add", ADA, "--config", str(gateway.folder / "gateway.toml")]
    done = subprocess.run(words, input=f"{PASSWORD}\n", env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{ADA} may sign in\n"
    assert PASSWORD not in (gateway.folder.parent / "users").read_text()


@pytest.fixture
def client(served, tmp_path):
    """A mail client that has begun TLS."""
    context = ssl.create_default_context(cafile=str(tmp_path / f"{HOST}.pem"))
    with smtplib.SMTP(HOST, served.smtp_port, timeout=20) as one:
        one.ehlo()
        assert "auth" not in one.esmtp_features  # in clear it is not offered
        one.starttls(context=context)
        one.ehlo()
        assert set(one.esmtp_features["auth"].split()) == {"PLAIN", "LOGIN"}
        yield one


def mail(author, to):
    return f"From: {author}\r\nTo: {to}\r\nSubject: x\r\nMessage-ID: <{author}>\r\n\r\nLIST\r\n"


def test_a_login_hands_in_its_own_mail_and_commands(client, served, hop):
    client.login(ADA, PASSWORD)
    client.sendmail(ADA, ["joe@far.example"], mail(ADA, "joe@far.example"))
    client.sendmail(ADA, ["bot@secure.riverside.example"], mail(f"Ada <{ADA}>", "bot@secure.riverside.example"))
    wait_for(lambda: len(hop.messages()) == 2)
    assert {one.message["X-Gateway-Notice"] for one in hop.messages()} == {None, "transcript"}


def test_a_login_is_not_another(client):
    client.login(ADA, PASSWORD)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail(ADA, ["joe@far.example"], mail("cleo@riverside.example", "joe@far.example"))
    assert refused.value.smtp_code == 550


def test_a_wrong_password_lets_nobody_in(client):
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login(ADA, "guess")
    assert refused.value.smtp_code == 535
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(ADA, ["joe@far.example"], mail(ADA, "joe@far.example"))
