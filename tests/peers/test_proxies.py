"""The recipes of `config/proxies.md`, block by block: Caddy, nginx and Apache before a portal that serves."""

import json
import os
import re
import socket
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.browser import PASSWORD
from tests.edge.test_smtp_out import certificate
from tests.peers import fetch, recipes
from tests.peers.ports import reserve
from tests.peers.process import end, wait_until_listening
from tests.peers.served import Served
from tests.peers.test_portal_under_load import enrol

pytestmark = pytest.mark.peer

PAT = "pat@home.example"
LARGE = 35_000_000
"""Octets of a file whose message is a little less than the 50 MB that a message may have."""
FAR_TOO_LARGE = 80_000_000
LIVE = "/etc/letsencrypt/live/secure.riverside.example"
MODULES = "mpm_event authz_core ssl http2 proxy proxy_http socache_shmcb"


def block(heading: str) -> str:
    [text] = recipes.files(recipes.section("proxies.md", heading)).values()
    return text


class Proxied:
    """A portal behind one of them, at https://localhost:`port`."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = folder / "proxy"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.port = reserve(self)
        self.url = f"https://localhost:{self.port}"
        self.pem, _ = certificate(folder, "localhost")
        page = (recipes.CONFIG / "proxies.md").read_text().partition("\n## ")[0]
        own = recipes.settings(recipes.files(page)["gateway.toml"], SITE__PORTAL_URL=self.url)
        self.served = Served(folder / "gateway", 1, **own)
        self._command = getattr(self, f"_{kind}")()
        self._process: subprocess.Popen[bytes] | None = None

    def _placed(self, text: str) -> str:
        text = re.sub(rf"{LIVE}/(fullchain|privkey)\.pem", str(self.pem), text)
        text = text.replace("127.0.0.1:8080", self.served.portal.removeprefix("http://"))
        return text.replace("secure.riverside.example", "localhost")

    def _caddy(self) -> list[str]:
        own = "{\n    admin off\n    auto_https disable_redirects\n}\n"  # no service of its own, no port 80
        site = self._placed(block("Caddy")).replace("localhost {", f"{self.url} {{\n    tls {self.pem} {self.pem}")
        (self.folder / "Caddyfile").write_text(own + site)
        return ["usr/bin/caddy", "run", "--config", f"{self.folder}/Caddyfile", "--adapter", "caddyfile"]

    def _nginx(self) -> list[str]:
        site = self._placed(block("nginx")).replace("listen 443", f"listen 127.0.0.1:{self.port}")
        paths = "".join(
            f"    {name}_temp_path {self.folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        log = f"    access_log {self.folder}/access;\n"
        main = f"daemon off;\npid {self.folder}/pid;\nerror_log {self.folder}/error warn;\n"
        text = f"{main}events {{}}\nhttp {{\n{paths}{log}{site}}}\n"
        (self.folder / "nginx.conf").write_text(text)
        places = ["-p", str(self.folder), "-e", f"{self.folder}/error"]
        return ["usr/sbin/nginx", *places, "-c", f"{self.folder}/nginx.conf"]

    def _apache(self) -> list[str]:
        modules = "".join(
            f"LoadModule {name}_module {fetch.PROXY_ROOT}/usr/lib/apache2/modules/mod_{name}.so\n"
            for name in MODULES.split()
        )
        own = (
            f"ServerRoot {self.folder}\nServerName localhost\nUser daemon\nGroup daemon\n"
            f"PidFile pid\nErrorLog error\nDefaultRuntimeDir {self.folder}\nListen 127.0.0.1:{self.port}\n"
            f'LogFormat "%h %r" common\nCustomLog access common\n'
        )
        site = self._placed(block("Apache")).replace("*:443", f"*:{self.port}")
        (self.folder / "apache.conf").write_text(modules + own + site)
        return ["usr/sbin/apache2", "-DFOREGROUND", "-f", f"{self.folder}/apache.conf"]

    def start(self) -> None:
        self.served.start()
        program, *words = self._command
        environment = {
            **fetch.environment(fetch.PROXY_ROOT),
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder),
        }
        self._process = subprocess.Popen([str(fetch.PROXY_ROOT / program), *words], env=environment)
        wait_until_listening(self._process, self.port)

    def close(self) -> None:
        if self._process:
            end(self._process)
        self.served.end()

    def client(self, address: str = "127.0.0.5", **headers: str) -> httpx2.Client:
        """A browser at this address."""
        trusts = ssl.create_default_context(cafile=str(self.pem))
        transport = httpx2.HTTPTransport(local_address=address, verify=trusts)
        return httpx2.Client(base_url=self.url, transport=transport, headers=headers, timeout=60)

    def written(self) -> str:
        """All that the proxy has written to its disk."""
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return "".join(file.read_bytes().decode("latin-1") for file in files)


@pytest.fixture(params=["caddy", "nginx", "apache"])
def proxied(peers, tmp_path, request):
    one = Proxied(request.param, tmp_path)
    one.start()
    yield one
    one.close()


def token(client: httpx2.Client, path: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)[1]


def sign_in(client: httpx2.Client, address: str = PAT, password: str = PASSWORD) -> int:
    data = {"csrf_token": token(client, "/sign-in"), "email": address, "password": password}
    return client.post("/sign-in", data=data, headers={"origin": str(client.base_url)}).status_code


def test_each_client_is_itself_whatever_it_says_of_itself(proxied):
    enrol(proxied.served, PAT)
    lie = {"x-forwarded-for": "192.0.2.66", "forwarded": "for=192.0.2.67"}
    with proxied.client("127.0.0.5", **lie) as one, proxied.client("127.0.0.6") as other:
        assert [sign_in(one, f"{number}@home.example", "wrong") for number in range(51)][-1] == 429
        assert sign_in(other) == 303
    listed = proxied.served.command("audit", "list", "--json").stdout.splitlines()
    visits = [row for row in map(json.loads, listed) if row["actor"] != "administrator"]
    assert {row["place"] for row in visits} == {"127.0.0.5", "127.0.0.6"}


def test_browsers_get_http_2_and_each_field_once(proxied):
    context = ssl.create_default_context(cafile=str(proxied.pem))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", proxied.port), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as encrypted,
    ):
        assert encrypted.selected_alpn_protocol() == "h2"
    with proxied.client() as client:
        for path in ("/sign-in", "/no-such-page", "/healthz"):
            names = [name.lower() for name, _ in client.get(path).headers.multi_items()]
            assert names.count("strict-transport-security") == 1
            assert names.count("content-security-policy") == 1
            assert len(names) == len(set(names)), names


def test_large_files_pass_and_what_is_too_large_is_answered_in_words(proxied):
    enrol(proxied.served, PAT)
    proxied.served.send("ada@riverside.example", PAT, "[secure] x", "All is well.")
    with proxied.client() as client:
        assert sign_in(client) == 303
        [[message]] = proxied.served.rows("SELECT id FROM message")
        reply = f"/messages/{message}/reply"
        data = {"csrf_token": token(client, reply), "subject": "Files", "body": "Here"}
        origin = {"origin": proxied.url}
        answers = {}
        for size in (LARGE, FAR_TOO_LARGE):
            files = {"attachments": ("scan.bin", os.urandom(1) * size)}
            answers[size] = client.post(reply, data=data, files=files, headers=origin)
    assert answers[LARGE].status_code == 303
    assert "too large" in answers[FAR_TOO_LARGE].text
    assert "Riverside" in answers[FAR_TOO_LARGE].text
    assert "buffered to a temporary file" not in proxied.written(), "nginx warns of that"


def test_no_link_stays_with_the_proxy(proxied):
    with proxied.client() as client:
        for path in ("/invite/an-unguessable-token", "/sender/an-unguessable-token"):
            assert client.get(path).is_success is False
    assert "an-unguessable-token" not in proxied.written()
