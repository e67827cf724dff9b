"""What we sign is still whole behind a mail server that knows no 8BITMIME, by the word of a verifier in Perl."""

import json
import re

import pytest

from tests.edge.test_dkim_signer import good
from tests.peers.dkim_verifier import verified
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

ADA, PAT, OMAR = "ada@riverside.example", "pat@home.example", "omar@hillside.example"


def made(served: Served, selector: str, kind: str) -> tuple[str, str]:
    """A key, as an administrator makes it: the name and the text of the record that is printed for it."""
    printed = served.command("dkim", "new", selector, "--kind", kind).stdout
    [(name, strings)] = re.findall(r"^(\S+)\.  IN  TXT  (.+)$", printed, re.MULTILINE)
    return name, "".join(re.findall(r'"(.*?)"', strings))


def test_signatures_live_through_a_mail_server(tmp_path, postfix, smtp_sink):
    hop = postfix(smtp_sink.port, smtp_discard_ehlo_keywords="8bitmime", smtpd_discard_ehlo_keywords="8bitmime")
    served = Served(tmp_path / "gateway", hop.port)
    records = dict(made(served, kind, kind) for kind in ("rsa", "ed25519"))
    tables = [{"selector": one, "key_file": f"dkim.{one}.key"} for one in ("rsa", "ed25519")]
    served.settings["DKIM"] = json.dumps(tables)
    served.start()
    try:
        served.send(ADA, f"Pât <{PAT}>", "[secure patient 1980-02-03] Résults", "Grüße")
        served.send(ADA, OMAR, "Lunch", "Grüße")
        taken = wait_for(lambda: found if len(found := smtp_sink.messages()) == 3 else None)
    finally:
        served.end()
    ours = [mail.octets for mail in taken if mail.message["X-Gateway-Notice"]]
    theirs = [mail.octets for mail in taken if not mail.message["X-Gateway-Notice"]]
    assert [verified(octets, records)[0] for octets in ours] == ["rsa rsa-sha256 pass"] * 2
    assert [good(octets, records) for octets in ours] == [["rsa", "ed25519"]] * 2  # Perl's knows RSA alone
    assert [verified(octets, records) for octets in theirs] == [[]]
    spoilt = ours[0].replace(b"Subject: ", b"Subject: Re: ", 1)
    assert verified(spoilt, records)[0].startswith("rsa rsa-sha256 fail")
