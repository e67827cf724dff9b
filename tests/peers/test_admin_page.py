"""The administrator's page of a gateway that serves: opened by a link from the command line, never on the portal."""

import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import pytest

from tests.peers.ports import reserve
from tests.peers.process import wait_for

pytestmark = pytest.mark.peer


class Web:
    """A browser of few words."""

    def __init__(self):
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def go(self, url, **fields):
        data = urlencode(fields).encode() if fields else None
        with self._opener.open(url, data, timeout=20) as answer:
            self.url = answer.url
            return answer.read().decode()


@pytest.fixture
def page(served):
    port = reserve(served)
    settings = served.folder / "gateway.toml"
    settings.write_text(f'{settings.read_text()}\n[admin]\nlisten = "127.0.0.1:{port}"\n')
    return f"http://127.0.0.1:{port}"


def test_a_link_from_the_command_line_opens_the_page_of_a_gateway_that_serves(served, hop, page):
    assert f"admin={page.removeprefix('http://')}" in served.start()
    served.send("ada@riverside.example", "omar@hillside.example", "Lunch?", "At noon?")
    wait_for(lambda: served.rows("SELECT 1 FROM delivery WHERE state = 'sent'"))
    made = served.command("admin", "link", "--for", "Grace")
    link = made.stdout.strip()
    assert link.startswith(f"{page}/admin/enter/")
    assert "ssh -L" in made.stderr
    web = Web()
    [token] = re.findall('name="csrf_token" value="([^"]+)"', web.go(link))
    first = web.go(link, csrf_token=token)
    assert web.url == f"{page}/admin"
    assert "All is well" in first
    shown = web.go(f"{page}/admin/settings")
    assert re.search(r"smtp\.listen</th><td><bdi>127\.0\.0\.1:\d+</bdi></td><td>environment", shown)
    assert re.search(r"admin\.listen</th><td><bdi>127\.0\.0\.1:\d+</bdi></td><td>file", shown)
    said = served.rows("SELECT action, place FROM audit WHERE action LIKE '%administrator%' ORDER BY id")
    assert said[0][0] == "made an administrator's link"
    assert said[1] == ("signed in as administrator", "administrator's page, 127.0.0.1")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        Web().go(f"{served.portal}/admin")
    assert served.command("status").stdout.count("admin: answers") == 1


def test_without_the_setting_there_is_no_page_and_the_command_says_what_to_write(served):
    assert "admin=" not in served.start()
    made = served.command("admin", "link")
    assert (made.returncode, made.stdout) == (1, "")
    assert 'write listen = "127.0.0.1:8081" under [admin]' in made.stderr
