"""Two more recipes of `config/postfix.md`: a records system that signs in, and HAProxy before the gateway."""

import os
import smtplib
import ssl
import subprocess

import pytest

from tests.edge.test_smtp_out import certificate
from tests.peers import fetch, recipes
from tests.peers.ports import reserve
from tests.peers.process import end, wait_for, wait_until_listening
from tests.peers.served import GATEWAY, Served

pytestmark = pytest.mark.peer

EHR, PASSWORD = "ehr@riverside.example", "a long enough secret"
MAIL = f"From: <{EHR}>\r\nTo: pat@home.example\r\nSubject: x\r\nMessage-ID: <ehr@x.example>\r\n\r\nHello\r\n"


@pytest.fixture
def records_system(tmp_path, hop):
    """The gateway of the recipe, with a login that was made as it says."""
    files = recipes.files(recipes.section("postfix.md", "A program that signs in"))
    pem, _ = certificate(tmp_path, "localhost")
    files["gateway.toml"] = files["gateway.toml"].replace("/etc/gateway/fullchain.pem", str(pem))
    files["gateway.toml"] = files["gateway.toml"].replace("/etc/gateway/privkey.pem", str(pem))
    served = Served(tmp_path / "gateway", hop.port, **recipes.settings(files["gateway.toml"]))
    served.settings["SMTP__TLS_LISTEN"] = f"127.0.0.1:{reserve(served)}"
    [command] = [
        line for line in recipes.section("postfix.md", "A program that signs in").splitlines() if "users add" in line
    ]
    words = command.replace("/etc/gateway", str(served.folder)).split()
    environment = os.environ | {f"GATEWAY_{name}": value for name, value in served.settings.items()}
    subprocess.run([GATEWAY, *words[1:]], input=f"{PASSWORD}\n", env=environment, text=True, check=True)
    line = served.start()
    assert f" smtps={served.settings['SMTP__TLS_LISTEN']} " in line
    served.trusts = ssl.create_default_context(cafile=str(pem))
    yield served
    served.end()


def test_a_records_system_hands_mail_in_by_either_way_of_tls(records_system, hop):
    tls_port = int(records_system.settings["SMTP__TLS_LISTEN"].rpartition(":")[2])
    with smtplib.SMTP_SSL("localhost", tls_port, context=records_system.trusts, timeout=20) as client:
        client.login(EHR, PASSWORD)
        client.sendmail(EHR, ["first@home.example"], MAIL)
    with smtplib.SMTP("localhost", records_system.smtp_port, timeout=20) as client:
        client.starttls(context=records_system.trusts)
        client.login(EHR, PASSWORD)
        client.sendmail(EHR, ["second@home.example"], MAIL)
    wait_for(lambda: sorted(hop.recipients()) == ["first@home.example", "second@home.example"])
    assert all(b"with ESMTPSA id" in one.octets for one in hop.messages())


def test_in_clear_it_may_neither_sign_in_nor_send(records_system):
    with smtplib.SMTP("localhost", records_system.smtp_port, timeout=20) as client:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.login(EHR, PASSWORD)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(EHR, ["pat@home.example"], MAIL)


HAPROXY = """
defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""


@pytest.mark.parametrize("version", ["send-proxy-v2", "send-proxy"])
def test_behind_haproxy_each_client_is_itself(peers, tmp_path, hop, version):
    """It is 127.0.0.5 that is trusted; another client of the same balancer may not relay."""
    files = recipes.files(recipes.section("postfix.md", "Behind a load balancer"))
    toml = files["gateway.toml"].replace("10.0.0.9/32", "127.0.0.1/32")
    served = Served(tmp_path / "gateway", hop.port, **recipes.settings(toml, SMTP__TRUSTED_NETWORKS='["127.0.0.5/32"]'))
    served.start()
    port = reserve(served)
    text = (
        files["haproxy.cfg"]
        .replace("10.0.0.10:2525", f"127.0.0.1:{served.smtp_port}")
        .replace(":25\n", f"127.0.0.1:{port}\n")
    )
    (tmp_path / "haproxy.cfg").write_text(HAPROXY + text.replace("send-proxy-v2", version))
    command = [str(fetch.PROXY_ROOT / "usr/sbin/haproxy"), "-db", "-f", str(tmp_path / "haproxy.cfg")]
    process = subprocess.Popen(command, env=fetch.environment(fetch.PROXY_ROOT))
    try:
        wait_until_listening(process, port)
        with smtplib.SMTP("127.0.0.1", port, timeout=20, source_address=("127.0.0.5", 0)) as client:
            client.sendmail(EHR, ["pat@home.example"], MAIL)
        with (
            smtplib.SMTP("127.0.0.1", port, timeout=20, source_address=("127.0.0.6", 0)) as client,
            pytest.raises(smtplib.SMTPRecipientsRefused),
        ):
            client.sendmail(EHR, ["pat@home.example"], MAIL)
        [handed] = wait_for(hop.messages)
        assert b"([127.0.0.5])\r\n" in handed.octets
    finally:
        end(process)
        served.end()
