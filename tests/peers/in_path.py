"""A practice whose mail runs as `config/postfix.md` says: its text, between a real Postfix and the gateway."""

import re
import smtplib
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.edge.test_smtp_out import certificate
from tests.peers import recipes
from tests.peers.dovecot import PASSWORD, USER, Dovecot
from tests.peers.hop import Hop
from tests.peers.ports import reserve
from tests.peers.postfix import Postfix
from tests.peers.process import wait_until_listening
from tests.peers.served import Served

SIGN_IN = """
service auth {{
  unix_listener {socket} {{
    mode = 0666
  }}
}}
"""
HOST = "localhost"


def main_cf(text: str) -> dict[str, str]:
    """The settings of a block of main.cf."""
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in text.splitlines())}


@dataclass
class Practice:
    """Postfix with its submission, the gateway as its filter, and `hop` as the world beyond.

    `own` are settings of main.cf that the site had before.
    """

    folder: Path
    hop: Hop
    own: dict[str, str]

    def __post_init__(self) -> None:
        files = recipes.files(recipes.section("postfix.md", "The gateway as Postfix's filter"))
        self.pem, _ = certificate(self.folder, HOST)
        self.submission, back = reserve(self), reserve(self)
        self.served = Served(self.folder / "gateway", back, **recipes.settings(files["gateway.toml"]))
        self.postfix = Postfix(self.hop.port, **self.own)
        (self.postfix.folder / "cert.pem").write_bytes(self.pem.read_bytes())
        self._dovecot = Dovecot(SIGN_IN.format(socket=self.postfix.folder / "auth"))
        text = files["master.cf"].replace("submission inet", f"127.0.0.1:{self.submission} inet")
        self.postfix.services = self._placed(text, back)
        self._main = {
            **main_cf(self._placed(files["main.cf"], back)),
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"{self.postfix.folder}/auth",
            "smtpd_tls_cert_file": f"{self.postfix.folder}/cert.pem",
            "smtpd_tls_key_file": f"{self.postfix.folder}/cert.pem",
        }
        self.postfix.table("transport", self._placed(files["transport"], back))
        (self.postfix.folder / "gateway-addresses").write_text(files["gateway-addresses"])

    def _placed(self, text: str, back: int) -> str:
        """The page's text with the test's own ports and folder."""
        text = text.replace("/etc/postfix", str(self.postfix.folder))
        return re.sub(r"(127\.0\.0\.1\]?):(2525|2526)", lambda at: f"{at[1]}:{self._port(at[2], back)}", text)

    def _port(self, written: str, back: int) -> int:
        return self.served.smtp_port if written == "2525" else back

    def start(self) -> None:
        self.served.start()
        self._dovecot.start()
        self.start_postfix()

    def start_postfix(self) -> None:
        self.postfix.start(**self._main)
        assert self.postfix.process
        wait_until_listening(self.postfix.process, self.submission)

    def close(self) -> None:
        self.postfix.close()
        self._dovecot.close()
        self.served.end()

    def client(self) -> smtplib.SMTP:
        """Somebody who has signed in at Postfix. Raises what smtplib does."""
        client = smtplib.SMTP(HOST, self.submission, local_hostname="desk.riverside.example", timeout=60)
        client.starttls(context=ssl.create_default_context(cafile=str(self.pem)))
        client.login(USER, PASSWORD)
        return client

    def outside(self) -> smtplib.SMTP:
        """A mail server of elsewhere, at Postfix's port 25."""
        return smtplib.SMTP("127.0.0.1", self.postfix.port, local_hostname="mx.home.example", timeout=60)
