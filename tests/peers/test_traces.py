"""Traces of a gateway that serves: a mail's from its 250 to its delivery; and what a dead collector does to it."""

import smtplib

import httpx2
import pytest

from tests.edge.collector import Collector
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer
ADA, PAT = "ada@riverside.example", "pat@home.example"
WORDS = ("riverside.example", "home.example", "Pat", "Ada", "potassium", "kidney")
"""What stands in the mail or names its people, and in no span."""


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def workers(request):
    return ["--workers", "2"] if request.param > 1 else []


def hand_in(served) -> str:
    """Hand a secure mail in; the queue id of its 250."""
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20) as client:
        client.ehlo()
        client.mail(ADA)
        client.rcpt(PAT)
        text = f"From: Ada <{ADA}>\r\nTo: Pat <{PAT}>\r\nSubject: [secure patient 1980-02-03] potassium\r\n"
        code, said = client.data(f"{text}Message-ID: <1@riverside.example>\r\n\r\nYour kidney is well.\r\n")
    assert code == 250
    return said.decode().split()[-1]


def test_a_mails_spans_are_one_trace_with_nothing_of_its_words_or_people(workers, tmp_path, hop):
    with Collector() as collector:
        served = Served(tmp_path / "gateway", hop.port, *workers, TELEMETRY__ENDPOINT=collector.endpoint)
        served.start()
        queue_id = hand_in(served)
        link = Mailboxes(hop).link(Mailboxes(hop).next("invitation", PAT))
        Mailboxes(hop).next("receipt", ADA)
        assert httpx2.get(link, timeout=20).status_code == 200
        served.turn(days=3)
        Mailboxes(hop).next("reminder", PAT)
        assert served.end() == 0
    [accept] = collector.named("accept")
    about = [one for one in collector.spans if one.trace == accept.trace]
    assert accept.facts["gateway.queue_id"] == queue_id
    assert (accept.facts["gateway.reply"], accept.facts["gateway.outcome"]) == ("250", ["hold"])
    assert accept.facts["gateway.size"] > 100
    delivered = [one for one in about if one.name == "deliver"]
    assert len(delivered) >= 2
    for one in delivered:
        assert one.parent == accept.id
        assert (one.facts["gateway.outcome"], one.facts["gateway.replies"]) == (["sent"], [250])
    assert {one.facts["gateway.notice"] for one in about if one.name == "write notice"} >= {"invitation", "receipt"}
    [page] = collector.named("portal request")
    assert page.facts["http.route"] == "/invite/{token}"
    assert collector.named("timed work")
    found = [word for word in (*WORDS, link.rpartition("/")[2]) if word.encode() in collector.octets]
    assert not found


@pytest.mark.parametrize("status", [0, 503], ids=["nobody listens", "it is too busy"])
def test_mail_flows_and_the_gateway_ends_with_a_dead_collector(status, workers, tmp_path, hop):
    with Collector(status) as collector:
        endpoint = collector.endpoint if status else "http://127.0.0.1:9"
        served = Served(tmp_path / "gateway", hop.port, *workers, TELEMETRY__ENDPOINT=endpoint)
        served.start()
        hand_in(served)
        Mailboxes(hop).next("invitation", PAT)
        assert served.end() == 0
    log = (served.folder / "log").read_text()
    assert 'event="traces are lost: no collector takes them"' in log
    assert not [line for line in log.splitlines() if not line.startswith("timestamp=")]
