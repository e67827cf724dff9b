"""A real slapd: colleagues are known, and while it is gone secure mail that depends on it waits."""

import asyncio
import smtplib

import pytest

from gateway.adapters import directory
from gateway.admin.checks.table import inspect
from gateway.config.toml_file import load
from gateway.domain.address import address
from gateway.domain.vocabulary import Role
from gateway.errors import DirectoryDown
from tests.edge.test_smtp_out import certificate
from tests.peers.process import wait_for
from tests.peers.served import Served
from tests.peers.slapd import BASE, PASSWORD, READER, Slapd

pytestmark = pytest.mark.peer

ADA = "Dr Ada <ada@riverside.example>"
LIA, MAX = "lia@riverside.example", "max@riverside.example"


def settings(slapd, folder, url=""):
    (folder / "directory.password").write_text(PASSWORD)
    (folder / "directory.password").chmod(0o600)
    return {
        "DIRECTORY__URL": url or slapd.url,
        "DIRECTORY__BASE": BASE,
        "DIRECTORY__BIND_DN": READER,
        "DIRECTORY__PASSWORD_FILE": str(folder / "directory.password"),
        "DIRECTORY__ROLE_ATTRIBUTE": "employeeType",
        "DIRECTORY__CLINICIANS": '["physician"]',
        "DIRECTORY__TIMEOUT": "3",
    }


@pytest.fixture
def slapd(peers):
    server = Slapd()
    server.person(LIA)
    server.person(MAX)
    server.start()
    yield server
    server.kill()


def states(served):
    return dict(served.rows("SELECT address, state FROM invitation"))


def waits(served, to, subject="[secure] Results"):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        served.send(ADA, to, subject, "x")
    assert caught.value.smtp_code == 451
    assert caught.value.smtp_error.startswith(b"4.4.3")


def test_colleagues_are_known_and_without_the_directory_nothing_is_guessed(tmp_path, hop, slapd):
    served = Served(tmp_path / "gateway", hop.port, **settings(slapd, tmp_path))
    served.start()
    try:
        served.send(ADA, LIA, "[secure] Results", "x")
        served.send(ADA, "new@riverside.example", "[secure] Results", "x")
        known = {LIA: "invited", "new@riverside.example": "awaiting_details"}
        assert states(served) == known
        assert served.figure("gateway_directory_answers") == 1
        slapd.kill()
        waits(served, MAX)
        assert served.figure("gateway_directory_answers") == 0
        served.turn(hours=2)
        served.catch_up()
        served.send(ADA, LIA, "[secure] More", "x")  # an old answer is good meanwhile
        served.send(ADA, MAX, "Lunch?", "x")
        served.send(ADA, "pat@home.example", "[secure patient 1980-02-03] Results", "x")
        waits(served, MAX)
        assert states(served) == known | {"pat@home.example": "invited"}
        slapd.start()

        def goes_on():
            try:
                served.send(ADA, MAX, "[secure] Results", "x")
            except smtplib.SMTPDataError:
                return False
            return True

        wait_for(goes_on)
        assert states(served)[MAX] == "invited"
        assert served.figure("gateway_directory_answers") == 1
        served.said("the directory does not answer")
    finally:
        served.end()


def looked_up(slapd, folder, monkeypatch, url="", **more):
    for name, value in (settings(slapd, folder, url) | more).items():
        monkeypatch.setenv(f"GATEWAY_{name}", value)
    read = load(folder / "gateway" / "gateway.toml")

    async def look():
        found = directory(read)
        try:
            await found.check()
            return await found.look_up([address(LIA)])
        finally:
            found.close()

    return asyncio.run(look())


@pytest.fixture
def folder(tmp_path):
    Served(tmp_path / "gateway", 1)
    return tmp_path


def test_a_wrong_password_is_told(folder, slapd, monkeypatch):
    (folder / "wrong").write_text("wrong")
    with pytest.raises(DirectoryDown, match=r"signing in as .* is refused"):
        looked_up(slapd, folder, monkeypatch, DIRECTORY__PASSWORD_FILE=str(folder / "wrong"))


@pytest.mark.parametrize("name", ["localhost", "other.example", "untrusted"])
def test_a_certificate_has_to_be_right(peers, folder, monkeypatch, name):
    file, _ = certificate(folder, "localhost" if name == "untrusted" else name)
    trusted = certificate(folder, "trusted.example")[0] if name == "untrusted" else file
    server = Slapd(file)
    server.person(LIA)
    server.start()
    try:
        url, ca = f"ldaps://localhost:{server.port}", str(trusted)
        if name == "localhost":
            found = looked_up(server, folder, monkeypatch, url, DIRECTORY__CA_FILE=ca)
            assert found[LIA].role is Role.CLINICIAN
            return
        with pytest.raises(DirectoryDown):
            looked_up(server, folder, monkeypatch, url, DIRECTORY__CA_FILE=ca)
    finally:
        server.kill()


@pytest.mark.parametrize("name", ["localhost", "other.example"])
def test_what_begins_in_clear_is_made_tls_before_anybody_signs_in(peers, folder, monkeypatch, name):
    file, _ = certificate(folder, name)
    server = Slapd(file, from_start=False)
    server.person(LIA)
    server.start()
    monkeypatch.setattr("gateway.adapters.is_loopback", lambda _host: False)  # as to any other machine
    try:
        url = f"ldap://localhost:{server.port}"
        if name == "localhost":
            assert looked_up(server, folder, monkeypatch, url, DIRECTORY__CA_FILE=str(file))[LIA].practice_id
            return
        with pytest.raises(DirectoryDown):
            looked_up(server, folder, monkeypatch, url, DIRECTORY__CA_FILE=str(file))
    finally:
        server.kill()


def test_check_signs_in_and_searches(folder, slapd, monkeypatch):
    for name, value in settings(slapd, folder).items():
        monkeypatch.setenv(f"GATEWAY_{name}", value)
    read = load(folder / "gateway" / "gateway.toml")

    def line():
        return next(one.line for one in asyncio.run(inspect(read)) if "directory" in one.line)

    assert line() == f"ok       directory: {slapd.url} answers"
    slapd.kill()
    assert line().startswith("FAULT    directory.url: 127.0.0.1:")
