"""`gateway check` and the mistakes that people make: a line for each, with its key, what is wrong and what to do."""

import asyncio
import datetime
import shutil
import socket
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.admin.checks import listeners, others, store
from gateway.admin.checks.finding import Level
from gateway.admin.checks.table import look_at
from gateway.config.toml_file import load_in_part
from gateway.setup import Answers, _toml, set_up
from tests.admin.test_dns import HOME, SITE
from tests.peers.dns_server import DnsServer
from tests.peers.hop import Hop
from tests.peers.object_store import ObjectStore


@dataclass
class Place:
    """A gateway's folder, as a mistake may spoil it."""

    folder: Path
    hop: Hop
    environment: dict[str, str]
    data: dict[str, Any] = field(default_factory=dict)
    written: str = ""
    """The text of the settings, where it is no TOML."""

    def write(self, name: str, text: str | bytes, mode: int = 0o600) -> str:
        file = self.folder / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
        return name

    def certificate(self, name: str, days: int = 30, password: str = "") -> tuple[bytes, bytes]:
        """A certificate for a host, valid for so many days from now on, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        built = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 1, until - datetime.timedelta(days=60), until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        locked = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        return built.public_bytes(serialization.Encoding.PEM), secret

    def check(self) -> list[dict[str, str]]:
        """What is not as it should be."""
        file = self.folder / "gateway.toml"
        file.write_text(self.written or _toml(self.data))
        with pytest.MonkeyPatch.context() as patched:
            for name, value in self.environment.items():
                patched.setenv(name, value)
            _, findings = asyncio.run(look_at(file))
        return [finding.row for finding in findings if finding.level is not Level.OK]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A gateway with nothing wrong, its hop and its name server; and what is said of it all the same."""
    folder = tmp_path_factory.mktemp("good") / "gateway"
    hop = Hop()
    hop.start()
    set_up(
        folder,
        Answers(SITE, "Riverside", "riverside.example", f"127.0.0.1:{hop.port}", f"https://{SITE}", recovery_key=False),
    )
    data = tomllib.loads((folder / "gateway.toml").read_text())
    for section in ("smtp", "portal", "metrics"):
        data[section] = {"listen": "127.0.0.1:0"}
    with DnsServer(HOME) as server:
        environment = {"GATEWAY_DNS__RESOLVER": server.address}
        place = Place(folder, hop, environment, data)
        yield SimpleNamespace(place=place, said=place.check())
    hop.stop()


@pytest.fixture
def place(good, tmp_path):
    folder = tmp_path / "gateway"
    shutil.copytree(good.place.folder, folder)
    hop = Hop()
    hop.start()
    data = tomllib.loads(_toml(good.place.data))
    data["next_hop"]["address"] = f"127.0.0.1:{hop.port}"
    yield Place(folder, hop, dict(good.place.environment), data)
    hop.stop()


def setting(section: str, **keys: Any) -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        table = place.data.setdefault(section, {})
        (table[0] if isinstance(table, list) else table).update(keys)

    return spoil


def also(section: str, **keys: Any) -> Callable[[Place], None]:
    """One more table of a list."""
    return lambda place: place.data.setdefault(section, []).append(keys)


def text(change: Callable[[str], str]) -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        place.written = change(_toml(place.data))

    return spoil


def variable(name: str, value: str) -> Callable[[Place], None]:
    return lambda place: place.environment.update({name: value})


def refusing(sender: str) -> Callable[[Place], None]:
    def script(step, said, session):
        return "550 5.7.1 No such sender" if step == "MAIL" and f"<{sender}" in said else ""

    return lambda place: setattr(place.hop, "script", script)


def taken_port(place: Place) -> None:
    place.data["smtp"] = {"listen": f"127.0.0.1:{place.hop.port}"}


def loop(place: Place) -> None:
    place.data["smtp"] = {"listen": "0.0.0.0:2525"}
    place.data["next_hop"]["address"] = "127.0.0.1:2525"


def same_port(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place.data["smtp"] = place.data["portal"] = {"listen": f"127.0.0.1:{port}"}


def same_port_everywhere(place: Place) -> None:
    same_port(place)
    place.data["smtp"] = {"listen": place.data["portal"]["listen"].replace("127.0.0.1", "0.0.0.0")}  # noqa: S104


def same_port_by_name(place: Place) -> None:
    same_port(place)
    place.data["portal"] = {"listen": place.data["portal"]["listen"].replace("127.0.0.1", "localhost")}


def nobody_there(place: Place) -> None:
    place.hop.stop()


def listener_tls(
    days: int = 30, other_key: bool = False, section: str = "smtp", host: str = SITE, password: str = ""
) -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        certificate, key = place.certificate(host, days, password)
        key = place.certificate(host)[1] if other_key else key
        place.data[section] |= {
            "tls_cert": place.write("cert.pem", certificate),
            "tls_key": place.write("key.pem", key),
        }

    return spoil


def folder_as(section: str, key: str, **more: Any) -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        (place.folder / "folder").mkdir()
        setting(section, **{key: "folder"}, **more)(place)

    return spoil


def secret(mode: int = 0o600, content: str = "secret") -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        file = place.write("password", content, mode)
        # the hop offers no sign-in, so that the mailbox's password stands for all
        place.data["openid"] = [
            {"practice": "riverside", "issuer": "http://127.0.0.1:9", "client_id": "x", "client_secret_file": file}
        ]

    return spoil


def key_in_the_certificate(place: Place) -> None:
    place.data["smtp"]["tls_cert"] = place.write("both.pem", b"".join(reversed(place.certificate(SITE, password="x"))))


def password_of_the_hop(content: str) -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        place.data["next_hop"] |= {"username": "us", "password_file": place.write("password", content)}

    return spoil


def own_template(name: str, content: str = "") -> Callable[[Place], None]:
    def spoil(place: Place) -> None:
        file = place.folder / "own" / name
        file.parent.mkdir(parents=True)
        file.write_text(content)
        setting("site", templates="own")(place)

    return spoil


def database_folder(place: Place) -> None:
    (place.folder / "own").mkdir(0o700)
    setting("database", url="sqlite:///own")(place)


def no_database(place: Place) -> None:
    place.write("notes.txt", "These are notes, and no database.\n" * 100)
    setting("database", url="sqlite:///notes.txt")(place)


def mode(name: str, bits: int) -> Callable[[Place], None]:
    return lambda place: (place.folder / name).chmod(bits)


def clock_file(place: Place) -> None:
    place.write("now", "2026-03-02T10:00:00+00:00")
    place.environment["GATEWAY_CLOCK_FILE"] = str(place.folder / "now")


def no_room(place: Place) -> None:
    place.environment["NO_ROOM"] = "1"


@pytest.mark.peer
def test_a_bucket_is_tried_out(place):
    store = ObjectStore()
    store.start()
    place.data["database"] = {"url": "postgresql://db.example/gateway"}
    place.data["objects"] = {
        "bucket": "mail",
        "endpoint": store.bucket.endpoint,
        "access_key": "gateway",
        "secret_key_file": place.write("key", "secret"),
    }

    def said() -> list[tuple[Level, str]]:
        (place.folder / "gateway.toml").write_text(_toml(place.data))
        settings, _ = load_in_part(place.folder / "gateway.toml")
        return [(one.level, one.key) for one in asyncio.run(others.bucket(settings))]

    assert said() == [(Level.OK, "objects")]
    assert store.objects() == {}
    place.data["objects"]["bucket"] = "another"
    assert said() == [(Level.FAULT, "objects.bucket")]
    store.stop()
    assert said() == [(Level.FAULT, "objects.bucket")]


SIGN_IN = {"issuer": "http://127.0.0.1:9", "addresses": ["ada@riverside.example"]}
RELAY = {"domain": "hospital.example", "address": "mx.hospital.example:25"}
MISTAKES: list[tuple[str, Callable[[Place], None], str, str, str]] = [
    (
        "TOML syntax",
        text(lambda one: one.replace("[site]", "[site")),
        "gateway.toml",
        "not TOML",
        "write texts in quotes",
    ),
    (
        "no quotes",
        text(lambda one: one.replace('"Riverside"', "Riverside")),
        "gateway.toml",
        "line 11",
        "write texts in",
    ),
    (
        "a table twice",
        text(lambda one: one + '\n[next_hop]\naddress = "127.0.0.1:25"\n'),
        "gateway.toml",
        "the table [next_hop] is there twice (at line ",
        "put its keys together under one",
    ),
    (
        "a key twice",
        text(lambda one: one.replace("[next_hop]", '[next_hop]\ntls = "none"\ntls = "none"')),
        "gateway.toml",
        "a key is there twice (at line ",
        "remove one of the two",
    ),
    ("a key misspelt", setting("smtp", lisen="127.0.0.1:0"), "smtp.lisen", "no such key", "did you mean listen?"),
    ("a section misspelt", setting("smpt", listen="x"), "smpt", "no such key", "did you mean smtp?"),
    (
        "a variable's section misspelt",
        variable("GATEWAY_SMPT__LISTEN", "127.0.0.1:25"),
        "GATEWAY_SMPT__LISTEN",
        "no such key",
        "did you mean GATEWAY_SMTP__LISTEN?",
    ),
    (
        "a variable's key misspelt",
        variable("GATEWAY_SMTP__LISTN", "127.0.0.1:25"),
        "smtp.listn",
        "no such key",
        "did you mean listen?",
    ),
    (
        "a variable almost ours",
        variable("GATEWAY_CLOCKFILE", "now"),
        "GATEWAY_CLOCKFILE",
        "no setting has that name",
        "did you mean GATEWAY_CLOCK_FILE?",
    ),
    (
        "a bad colour",
        setting("practices", colour="teal"),
        "practices.0.colour",
        '"teal"',
        'write a colour as "#rrggbb"',
    ),
    ("a bad zone", setting("site", timezone="London"), "site.timezone", '"London"', "write an IANA time zone"),
    ("no templates", setting("practices", language="nl"), "practices.0.language", '"nl"', "'en', 'es', 'fr' or 'de'"),
    ("no port", setting("portal", listen="127.0.0.1"), "portal.listen", '"127.0.0.1"', 'write "host:port"'),
    (
        "a network for a list",
        setting("smtp", trusted_networks="10.0.0.0/8"),
        "smtp.trusted_networks",
        '"10.0.0.0/8"',
        "a valid list",
    ),
    (
        "a path in the portal's address",
        setting("site", portal_url="https://a.example/x"),
        "site.portal_url",
        "",
        "write",
    ),
    ("the portal in clear", setting("site", portal_url=f"http://{SITE}"), "site.portal_url", "in clear", "https://"),
    (
        "a practice's domain",
        setting("practices", domains=["riverside.example", SITE]),
        "site.domain",
        "also a domain",
        "own",
    ),
    (
        "a reminder too late",
        setting("invitations", reminder_days=[3, 45]),
        "invitations.reminder_days",
        "day 45",
        "to 30",
    ),
    (
        "a domain twice",
        also("practices", name="Hillside", domains=["riverside.example"]),
        "practices.domains",
        "Riverside and Hillside",
        "practices.senders",
    ),
    (
        "two practices of one name",
        also("practices", name="Riverside", domains=["hillside.example"]),
        "practices",
        "two of them have the same id",
        "give each",
    ),
    (
        "a stranger as manager",
        setting("practices", managers=["max@elsewhere.example"]),
        "practices.managers",
        "does not write for Riverside",
        "",
    ),
    (
        "mail to ourselves",
        setting("site", postmaster=f"admin@{SITE}"),
        "site.postmaster",
        "which has no mailbox",
        "write an address of a practice",
    ),
    (
        "an open relay",
        setting("smtp", trusted_networks=["0.0.0.0/0"]),
        "smtp.trusted_networks",
        "open relay",
        "address",
    ),
    (
        "every proxy trusted",
        setting("portal", trusted_proxies=["::/0"]),
        "portal.trusted_proxies",
        "any address",
        "your TLS proxy's address alone",
    ),
    *(
        (
            f"{key} from everywhere: {', '.join(networks)}",
            setting(section, **{key: networks}),
            f"{section}.{key}",
            said,
            "address",
        )
        for section, key, said in (
            ("smtp", "proxy_protocol", "lets strangers say that they are a client whom you trust"),
            ("smtp", "trusted_networks", "open relay"),
            ("smtp", "submission_networks", "in anybody's name"),
            ("portal", "trusted_proxies", "any address"),
        )
        for networks in (
            ["0.0.0.0/0"],
            ["0.0.0.0/1", "128.0.0.0/1"],
        )
    ),
    (
        "a domain twice in one practice",
        setting("practices", domains=["riverside.example", "Riverside.example"]),
        "practices.domains",
        "riverside.example stands twice in Riverside",
        "leave one of them",
    ),
    (
        "a sender twice in one practice",
        setting("practices", senders=["ada@riverside.example", "ada@riverside.example"]),
        "practices.senders",
        "ada@riverside.example stands twice in Riverside",
        "leave one of them",
    ),
    ("a port twice, once everywhere", same_port_everywhere, "portal.listen", "is smtp.listen, too", "another port"),
    ("a port twice, once by name", same_port_by_name, "portal.listen", "is smtp.listen, too", "another port"),
    (
        "a port that is none",
        setting("site", portal_url=f"https://{SITE}:abc"),
        "site.portal_url",
        ":abc",
        "write https",
    ),
    ("a bracket", setting("site", portal_url="https://[::1"), "site.portal_url", "[::1", "write https"),
    ("no mail domain", setting("site", domain="localhost"), "site.domain", '"localhost"', "write a domain"),
    *(
        (
            f"a network of many owners: {wide}",
            setting("smtp", trusted_networks=["127.0.0.0/8", "10.0.0.0/8", "fc00::/7", "17.0.0.0/8", wide]),
            "smtp.trusted_networks",
            f"{wide} lets strangers",
            "write your mail server's address alone",
        )
        for wide in ("64.0.0.0/7", "2000::/3")
    ),
    ("a port twice", same_port, "portal.listen", "is smtp.listen, too", "write another port"),
    ("no address of ours", setting("smtp", listen="192.0.2.1:0"), "smtp.listen", "no address 192.0.2.1", "127.0.0.1"),
    ("no host of that name", setting("metrics", listen="nowhere.invalid:0"), "metrics.listen", "no host", "127.0.0.1"),
    ("a hop that is ourselves", loop, "next_hop.address", "is smtp.listen", "write the mail server that takes mail on"),
    ("a hop that is not there", nobody_there, "next_hop.address", "nothing listens", "start it"),
    (
        "a hop without a name",
        setting("next_hop", address="nowhere.invalid:25", tls="verified"),
        "next_hop.address",
        "no host",
        "finds",
    ),
    (
        "a hop without TLS",
        setting("next_hop", tls="verified"),
        "next_hop.tls",
        "offers no TLS",
        "give it a certificate",
    ),
    ("bounces refused", refusing("bounce+"), "next_hop.address", "refuses mail from <bounce+", "have it take"),
    ("reports refused", refusing(">"), "next_hop.address", "refuses mail from <>", "have it take"),
    ("no password", setting("next_hop", username="us"), "next_hop.password_file", "is missing", "write both"),
    (
        "a password's folder",
        folder_as("mailbox", "password_file", host="127.0.0.1", port=9, username="bot"),
        "mailbox.password_file",
        "Is a directory",
        "name a file that holds the secret",
    ),
    ("keys in a folder", folder_as("keys", "file"), "keys.file", "", ""),
    ("an expired certificate", listener_tls(-1), "smtp.tls_cert", "has expired on", "renew it"),
    (
        "a certificate for another host",
        listener_tls(host="mail.elsewhere.example"),
        "smtp.tls_cert",
        f"is for mail.elsewhere.example, and not for {SITE}",
        "get one for that name",
    ),
    *(
        (
            f"the password of a key of {section}",
            listener_tls(section=section, password="secret"),
            f"{section}.tls_key",
            "key.pem has a password, and nobody is there to type it",
            "openssl pkey -in ",
        )
        for section in ("smtp", "next_hop")
    ),
    ("a password in the chain", key_in_the_certificate, "smtp.tls_cert", "both.pem has a password", "openssl pkey"),
    ("an empty password", password_of_the_hop("\n"), "next_hop.password_file", "is empty", "write the secret into it"),
    ("no sign-in at the hop", password_of_the_hop("x"), "next_hop.username", "offers no sign-in", "leave username"),
    ("a certificate's last days", listener_tls(5), "smtp.tls_cert", "expires in 4 days", "renew it"),
    ("another certificate's key", listener_tls(other_key=True), "smtp.tls_key", "is not the key of", "name the one"),
    (
        "another key than the hop knows us by",
        listener_tls(other_key=True, section="next_hop"),
        "next_hop.tls_key",
        "is not the key of",
        "name the one",
    ),
    (
        "a folder for a certificate",
        folder_as("next_hop", "tls_cert"),
        "next_hop.tls_cert",
        "Is a directory",
        "name a file that holds it",
    ),
    (
        "a certificate that is none",
        lambda place: place.data["smtp"].update(tls_cert=place.write("cert.pem", "none")),
        "smtp.tls_cert",
        "holds no certificate",
        "name a file that does",
    ),
    (
        "a CA bundle that is none",
        lambda place: place.data["next_hop"].update(ca_file=place.write("ca.pem", "none")),
        "next_hop.ca_file",
        "has no certificates",
        "name a file of CA",
    ),
    ("all can read keys", mode("gateway.keys", 0o604), "keys", "others can read", "chmod 600"),
    ("all can write the database", mode("gateway.db", 0o606), "database.url", "others can write", "chmod 600"),
    ("another database", setting("database", url="mysql://db/x"), "database.url", "cannot be used", 'write "sqlite'),
    (
        "no folder for it",
        setting("database", url="sqlite:////nowhere/x.db"),
        "database.url",
        "cannot be written",
        "name",
    ),
    ("a folder for it", folder_as("database", "url"), "database.url", "cannot be used", 'write "sqlite'),
    ("a folder of that name", database_folder, "database.url", "is a folder", "name a file"),
    ("notes for it", no_database, "database.url", "notes.txt is no database, or it is damaged", "restore it from"),
    (
        "a copy of the ledger nowhere",
        setting("ledger", copies=["/nowhere/gateway.ledger"]),
        "ledger",
        "there is no folder /nowhere",
        "make it, or name another place in ledger.copies",
    ),
    ("heads into a folder", folder_as("audit", "heads_to"), "audit.heads_to", "is a folder", "name a file in it"),
    (
        "heads nowhere",
        setting("audit", heads_to="nowhere/heads"),
        "audit.heads_to",
        "there is no folder",
        "make it",
    ),
    (
        "a template misspelt",
        own_template("mail/invitatoin.j2"),
        "site.templates",
        "mail/invitatoin.j2",
        "did you mean mail/invitation.j2?",
    ),
    ("a template elsewhere", own_template("invitation.j2"), "site.templates", "invitation.j2", "mail/invitation.j2?"),
    ("a full disk", no_room, "disk", "mail is refused when it is full", "make room"),
    ("a relay of our own", also("relays", **RELAY | {"domain": SITE}), "relays.domain", "the gateway's own", "take"),
    ("no templates' folder", setting("site", templates="own"), "site.templates", "is no folder", ""),
    ("a logo that is not there", setting("practices", logo="logo.svg"), "practices.logo", "cannot be read", ""),
    (
        "a signing key that is not there",
        also("dkim", selector="one", key_file="one.key"),
        "dkim.key_file",
        "cannot be read",
        "`gateway dkim new one` makes one",
    ),
    (
        "administrators' secret that is not there",
        setting("admin", client_id="x", client_secret_file="nowhere", **SIGN_IN),
        "admin.client_secret_file",
        "cannot be read",
        "name a file that holds the secret",
    ),
    (
        "a clock from a file",
        clock_file,
        "GATEWAY_CLOCK_FILE",
        "from a file",
        "take it out",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "key", "said", "do"), [one[1:] for one in MISTAKES], ids=[one[0] for one in MISTAKES]
)
def test_each_mistake_gives_one_line(good, place, monkeypatch, spoil, key, said, do):
    spoil(place)
    if place.environment.pop("NO_ROOM", ""):
        monkeypatch.setattr(store.shutil, "disk_usage", lambda _: SimpleNamespace(free=1, total=10**12))
    rows = [row for row in place.check() if row not in good.said]
    assert [row["key"].removeprefix(f"{place.folder}/") for row in rows] == [key], rows
    [row] = rows
    assert said in row["said"], row
    assert do in row["do"], row
    assert row["do"], row
    assert not any("[Errno" in value or "\n" in value for value in row.values())


def test_there_are_forty_mistakes_and_more():
    assert len(MISTAKES) >= 40


def test_all_mistakes_are_said_at_once(good, place):
    setting("practices", colour="teal")(place)
    setting("smtp", lisen="x")(place)
    setting("portal", listen="8080")(place)
    setting("invitations", reminder_days=[45])(place)
    variable("GATEWAY_SMPT__LISTEN", "x")(place)
    nobody_there(place)
    rows = [row["key"] for row in place.check() if row not in good.said]
    assert sorted(rows) == [
        "GATEWAY_SMPT__LISTEN",
        "invitations.reminder_days",
        "next_hop.address",
        "portal.listen",
        "practices.0.colour",
        "smtp.lisen",
    ]


def test_what_is_wrong_between_keys_is_said_by_each_rule(good, place):
    setting("smtp", users_file="users")(place)
    setting("practices", managers=["max@elsewhere.example"])(place)
    setting("admin", issuer="http://127.0.0.1:9")(place)
    assert sorted(row["key"] for row in place.check()) == ["admin.issuer", "practices.managers", "smtp.users_file"]


def test_of_a_gateway_that_was_just_set_up_there_are_only_warnings(good):
    assert {row["level"] for row in good.said} == {"warning"}


def test_the_hop_is_asked_for_both_kinds_of_sender_and_gets_no_mail(place):
    heard = []

    def script(step, said, session):
        heard.append(said.split("<")[-1] if step == "MAIL" else step)
        return ""

    place.hop.script = script
    place.check()
    told = [one for one in heard if one in ("RSET", "DATA", "dot") or one.startswith(("bounce+", ">"))]
    assert told == [f"bounce+check@{SITE}>", "RSET", ">", "RSET"]


def test_a_low_port_is_the_services_with_some_lines_and_is_no_fault_once_it_serves(monkeypatch):
    def refused(host, port):
        raise PermissionError

    with socket.create_server(("127.0.0.1", 0)) as served:
        port = served.getsockname()[1]
        monkeypatch.setattr(listeners, "listen", refused)
        assert listeners._cannot_listen("0.0.0.0", port) is None  # noqa: S104 - as the recipes have it
    said, remedy = listeners._cannot_listen("0.0.0.0", port)  # noqa: S104
    assert said == f"this user may not listen at port {port}"
    assert "systemctl edit gateway" in remedy
