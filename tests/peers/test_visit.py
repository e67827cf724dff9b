"""`gateway check` visits the portal as a patient's browser does, through whatever stands in front of it."""

import http.server
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from gateway.admin.checks.portal import URL, visit
from gateway.config.toml_file import load
from tests.edge.test_smtp_out import certificate
from tests.peers.served import Served

pytestmark = pytest.mark.peer


class Front(http.server.BaseHTTPRequestHandler):
    """A proxy that hands a GET on, or answers it itself."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        front = self.server.front
        if front["behind"]:
            body = httpx2.get(front["behind"] + self.path, headers=front["says"], timeout=20).content
        else:
            body = b"ok"
        self.send_response_only(200)
        self.send_header("Date", front["date"] or self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def front(behind="", says=None, date="", tls=None):
    """Its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.front = {"behind": behind, "says": says or {}, "date": date}
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A proxy's TLS for localhost, by a certificate that this machine trusts."""
    file, context = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port)
    gateway.start()
    yield gateway
    gateway.end()


async def visited(served, url):
    """What is found of the portal, as visitors reach it under this address."""
    settings = load(served.folder / "gateway.toml")
    settings.site.portal_url, settings.portal.listen = url, served.portal.removeprefix("http://")
    return [(one.level.value, one.key, one.said, one.do) for one in await visit(settings)]


async def test_the_portal_itself(served):
    assert await visited(served, served.portal) == [("ok", URL, f"{served.portal} leads here", "")]


async def test_nothing_is_visited_before_the_gateway_serves(served):
    served.end()
    [(level, _, said, _)] = await visited(served, "https://secure.riverside.example")
    assert (level, said) == ("ok", "not visited: nothing listens at portal.listen yet")


async def test_somebody_elses_page(served):
    with front() as port:
        [(level, key, said, do)] = await visited(served, f"http://127.0.0.1:{port}")
    assert (level, key) == ("FAULT", URL)
    assert said == f"http://127.0.0.1:{port} is answered by somebody else (200 OK)"
    assert served.portal.removeprefix("http://") in do


async def test_another_gateway_of_other_keys(served, tmp_path, hop):
    other = Served(tmp_path / "other", hop.port)
    other.start()
    try:
        [(level, _, said, _)] = await visited(served, other.portal)
    finally:
        other.end()
    assert (level, "somebody else" in said) == ("FAULT", True)


async def test_nobody_answers(served):
    with front() as port:
        pass
    [(level, key, said, _)] = await visited(served, f"http://127.0.0.1:{port}")
    assert (level, key, said.endswith("cannot be reached from this machine")) == ("warning", URL, True)


async def test_a_host_that_is_not_there(served):
    [(level, key, said, _)] = await visited(served, "https://nowhere.invalid")
    assert (level, key, said) == ("FAULT", URL, "there is no host nowhere.invalid")


async def test_a_proxy_with_tls_that_says_for_whom_it_asks(served, trusted):
    with front(served.portal, {"X-Forwarded-For": "192.0.2.7"}, tls=trusted) as port:
        assert [one[0] for one in await visited(served, f"https://localhost:{port}")] == ["ok"]


async def test_a_proxy_with_tls_that_names_nobody(served, trusted):
    with front(served.portal, tls=trusted) as port:
        [(level, key, said, do)] = await visited(served, f"https://localhost:{port}")
    assert (level, key) == ("warning", "portal.trusted_proxies")
    assert ("does not say whom it asks for" in said, do) == (True, "have it set X-Forwarded-For")


async def test_a_certificate_that_browsers_refuse(served, tmp_path):
    _, context = certificate(tmp_path, "localhost")
    with front(served.portal, tls=context) as port:
        [(level, key, said, do)] = await visited(served, f"https://localhost:{port}")
    assert (level, key, "self-signed certificate" in said) == ("FAULT", URL, True)
    assert do == "renew it at your TLS proxy, for that name"


async def test_a_certificate_for_another_name(served, trusted):
    with front(served.portal, tls=trusted) as port:
        [(level, key, said, _)] = await visited(served, f"https://127.0.0.1:{port}")
    assert (level, key, "IP address mismatch" in said) == ("FAULT", URL, True)


async def test_no_tls_where_the_address_says_so(served):
    with front(served.portal) as port:
        [(level, key, said, _)] = await visited(served, f"https://127.0.0.1:{port}")
    assert (level, key, said.endswith("does not speak TLS")) == ("FAULT", URL, True)


@pytest.mark.parametrize(("hours", "said"), [(1, "60 minutes behind"), (-1, "60 minutes ahead of")])
async def test_a_clock_that_is_off(served, hours, said):
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    with front(served.portal, date=date) as port:
        [(level, key, told, _)] = await visited(served, f"http://127.0.0.1:{port}")
    assert (level, key, told) == ("warning", "clock", f"this machine is {said} 127.0.0.1")
