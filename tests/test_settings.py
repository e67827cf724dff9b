"""The settings file: the example is what the code says, and every mistake is answered with what to write."""

from contextlib import closing
from pathlib import Path

import pytest

from gateway.adapters import hops
from gateway.config import toml_file
from gateway.config.changes import changes
from gateway.config.shown import shown_settings
from gateway.database import content_of, database_of, objects
from gateway.domain.birthdate import Order
from gateway.errors import ConfigError
from gateway.store.content import SpooledContent
from gateway.store.postgres.content import ChunkedContent
from tests.peers import recipes

ROOT = Path(__file__).parent.parent
GOOD = """
[site]
name = "Riverside Secure Mail"
domain = "Secure.Riverside.example"
portal_url = "https://secure.riverside.example/"
timezone = "Europe/London"

[[practices]]
name = "Riverside Family Practice"
domains = ["riverside.example"]

[next_hop]
address = "127.0.0.1:2526"
tls = "none"
"""

SAME_WORD = 'tenant_header = "X-Sent: 4f0c9b2e7a61d835"\nprocessed_header = "X-Passed: 4f0c9b2e7a61d835"'
DELEGATES = 'delegates = ["{}"]\n[next_hop]'
OPENID = '[[openid]]\npractice = "{}"\nissuer = "{}"\nclient_id = "gateway"\n[next_hop]'

URL = "https://secure.riverside.example/"
HOP = "127.0.0.1:2526"
PRACTICE = "Riverside Family Practice"
STAMPS = 'tenant_header = "X-Sent: 4f0c9b2e7a61d835"\nprocessed_header = "X-SENT: 93d1a07c5be2f468"'
NO_URL = "cannot be used; write https://, a host"
NO_HOST = 'cannot be used; write "host:port", for example'
NO_CONTROL = "cannot be used; write it without line breaks, NUL"
NO_SIZE = "cannot be used; it should be greater than or equal to 1000000"

DIRECTORY = "[directory]\n{}\n[next_hop]"
OBJECTS = '[database]\nurl = "{}"\n[objects]\nbucket = "mail"\n{}\n[next_hop]'
RELAY = '[[relays]]\ndomain = "hospital.example"\naddress = "mx.hospital.example:25"\nwho = "directory"\n[next_hop]'


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "gateway.toml"
        file.write_text(text)
        return toml_file.load(file)

    return read


def test_the_example_is_generated_from_the_settings():
    assert (ROOT / "config/gateway.example.toml").read_text() == toml_file.example()


def test_the_example_can_be_used_as_it_is(read):
    policy = read(toml_file.example()).policy()
    assert policy.practices[0].id == "riverside"
    assert policy.rhythm.reminder_days == (3, 15, 30)


def test_values_are_put_into_their_one_form(read, tmp_path):
    settings = read(GOOD)
    site = settings.policy()
    assert (site.domain, site.portal_url) == ("secure.riverside.example", "https://secure.riverside.example")
    assert site.practices[0].id == "riverside-family-practice"
    assert int(settings.smtp.max_message_size) == 50_000_000
    assert settings.database_path == tmp_path / "gateway.db"


@pytest.mark.parametrize(
    ("table", "key", "typed"),
    [
        ("directory", "cache", "1h"),
        ("directory", "cache", "90m"),
        ("directory", "stale", "24h"),
        ("smtp", "max_message_size", "50MB"),
        ("smtp", "max_message_size", "20500KB"),
    ],
)
def test_times_and_sizes_are_shown_as_the_file_has_them(read, table, key, typed):
    settings = read(f'{GOOD}\n[{table}]\n{key} = "{typed}"\n')
    assert {one.key: one.value for one in shown_settings(settings)}[f"{table}.{key}"] == typed


def test_an_object_store_is_shown_without_its_secret(read, tmp_path):
    (tmp_path / "key").write_text("the secret of the key")
    said = 'endpoint = "https://s3.example"\naccess_key = "AK"\nsecret_key_file = "key"\nprefix = "/held/"'
    settings = read(GOOD.replace("[next_hop]", OBJECTS.format("postgresql://db/gateway", said)))
    shown = {one.key: one.value for one in shown_settings(settings) if one.key.startswith("objects.")}
    assert (shown["objects.secret_key_file"], shown["objects.prefix"], shown["objects.above"]) == ("key", "held", "1MB")
    store = objects(settings)
    assert "the secret of the key" not in repr(store._bucket)
    assert store._bucket.secret_key == "the secret of the key"
    (tmp_path / "key").unlink()
    with pytest.raises(ConfigError, match=r"objects\.secret_key_file"):
        objects(settings)


def test_the_home_of_content_goes_with_the_database(read, tmp_path):
    settings = read(GOOD)
    assert isinstance(content_of(settings, database_of(settings)), SpooledContent)
    settings = read(f'{GOOD}\n[database]\nurl = "postgresql://db/gateway"\n')
    with closing(content_of(settings, database_of(settings))) as content:
        assert isinstance(content, ChunkedContent)


def test_the_environment_wins(read, monkeypatch):
    monkeypatch.setenv("GATEWAY_SMTP__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("GATEWAY_INVITATIONS__REMINDER_DAYS", "[2, 4]")
    monkeypatch.setenv("GATEWAY_SITE__NAME", "Hillside Secure Mail")
    settings = read(GOOD)
    assert settings.smtp.listen == "127.0.0.1:0"
    assert settings.site.name == "Hillside Secure Mail"  # though the file says otherwise
    assert settings.site.timezone == "Europe/London"
    assert settings.policy().rhythm.reminder_days == (2, 4)


def test_relays_are_reached_over_verified_tls_whatever_the_next_hop_is(read):
    relay = '[[relays]]\ndomain = "hospital.example"\naddress = "mx.hospital.example:25"\n[next_hop]'
    way = hops(read(GOOD.replace("[next_hop]", relay)))
    assert {domain: hop.tls for domain, hop in way.items()} == {"": "none", "hospital.example": "verified"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[site]", "[site"), "not TOML"),
        (("timezone =", "timezon ="), "site.timezon: no such key; did you mean timezone?"),
        (("Europe/London", "Mars/Base"), "IANA time zone"),
        (("127.0.0.1:2526", "127.0.0.1"), 'next_hop.address: "127.0.0.1" cannot be used; write "host:port"'),
        (("127.0.0.1:2526", "192.0.2.1:25"), "next_hop.tls"),
        (('"none"', '"maybe"'), "next_hop.tls"),
        (("[next_hop]", "[next_hopp]"), "next_hopp: no such key; did you mean next_hop?"),
        (('name = "Riverside Secure Mail"', ""), 'site.name: is missing; write for example "Riverside Secure Mail"'),
        (('domains = ["riverside.example"]', ""), "practices"),
        (("[next_hop]", OPENID.format("elsewhere", "https://idp.example")), "openid.practice: there is no practice"),
        (
            ("[next_hop]", OPENID.format("riverside-family-practice", "http://idp.example")),
            'issuer: "http://idp.example" cannot be used; write it as',
        ),
        (
            ("[next_hop]", 'managers = ["max@elsewhere.example"]\n[next_hop]'),
            "max@elsewhere.example does not write for",
        ),
        (("[next_hop]", DELEGATES.format("kim@riverside.example for ada@other.example")), "ada@other.example does not"),
        (("[next_hop]", DELEGATES.format("kim@other.example for ada@riverside.example")), "kim@other.example does not"),
        (("[next_hop]", '[smtp]\nmax_message_size = "lots"\n[next_hop]'), "smtp.max_message_size"),
        (
            ("[next_hop]", DIRECTORY.format('url = "dc.example"')),
            'directory.url: "dc.example" cannot be used; write "ldaps://host"',
        ),
        (("[next_hop]", DIRECTORY.format('url = "ldaps://dc.example"')), "directory.base: write where its people are"),
        (
            ("[next_hop]", DIRECTORY.format('filter = "(mail=x)"')),
            'directory.filter: "(mail=x)" cannot be used; write an LDAP filter with',
        ),
        (("[next_hop]", '[smtp]\ntls_listen = "0.0.0.0:465"\n[next_hop]'), "smtp.tls_listen: write smtp.tls_cert too"),
        (("[next_hop]", '[smtp]\nshared_networks = ["40.92.0.0/15"]\n[next_hop]'), "write smtp.tenant_header too"),
        (("[next_hop]", '[smtp]\ntenant_header = "X-Sent: short"\n[next_hop]'), "a word that nobody guesses"),
        (("[next_hop]", f"[smtp]\n{SAME_WORD}\n[next_hop]"), "smtp.processed_header: write another word"),
        (
            ("[next_hop]", OBJECTS.format("sqlite:///gateway.db", "")),
            "objects.bucket: beside SQLite large content lies",
        ),
        (("[next_hop]", OBJECTS.format("postgresql://db/gateway", "")), "objects.endpoint: is missing; write it"),
        (
            ("[next_hop]", OBJECTS.format("postgresql://db/gateway", 'endpoint = "http://s3.example"')),
            'objects.endpoint: "http://s3.example" cannot be used; write the address of the object store',
        ),
        (("[next_hop]", RELAY), "relays.who: hospital.example asks the directory"),
        *(
            ((URL, f"https://{rest}"), f"site.portal_url: {toml_file.toml(f'https://{rest}')} {NO_URL}")
            for rest in ("[::1", "u:p@secure.example", "secure<b>.example", "secure..example", "x.example?", "1.2.3")
        ),
        *(((URL, f"https://secure.example:{port}"), NO_URL) for port in ("abc", "99999", "0", "")),
        *(
            ((HOP, f"{host}:25"), f"next_hop.address: {toml_file.toml(f'{host}:25')} {NO_HOST}")
            for host in ("https://mx.example", " mx.example", "mx..example", "[::1", "1.2.3", "-mx.example")
        ),
        ((HOP, "mx\\u0000.example:25"), f'next_hop.address: "mx\\u0000.example:25" {NO_CONTROL}'),
        (
            ("[next_hop]", '[database]\nurl = "sqlite:///a\\u0000b"\n[next_hop]'),
            f'database.url: "sqlite:///a\\u0000b" {NO_CONTROL}',
        ),
        (
            ("[next_hop]", '[secure_mail]\nmore_tags = ["[a\\nb]"]\n[next_hop]'),
            f'secure_mail.more_tags: ["[a\\nb]"] {NO_CONTROL}',
        ),
        ((PRACTICE, "Riverside\\r\\nX: y"), f'practices.0.name: "Riverside\\r\\nX: y" {NO_CONTROL}'),
        (
            ("[next_hop]", 'emergency = """Ring\n\u2028999"""\n[next_hop]'),
            f'practices.0.emergency: "Ring\\n\\u2028999" {NO_CONTROL}',
        ),
        (("[next_hop]", "[smtp]\nmax_message_size = 0\n[next_hop]"), f"smtp.max_message_size: 0 {NO_SIZE}"),
        (("[next_hop]", '[smtp]\nmax_buffered = "1KB"\n[next_hop]'), f'smtp.max_buffered: "1KB" {NO_SIZE}'),
        (("timezone", 'postmaster = "me"\ntimezone'), 'site.postmaster: "me" cannot be used; write a mail address'),
        (("Secure.Riverside.example", "192.0.2.1"), 'site.domain: "192.0.2.1" cannot be used; write a domain'),
        ((PRACTICE, "***"), 'practices.0.name: "***" cannot be used; write a name that people know'),
        (("Riverside Secure Mail", " "), 'site.name: " " cannot be used; write a name that people know'),
        ((PRACTICE, "診療所"), "practices.id: none can be made of 診療所; write one"),
        (("[[practices]]", '[[practices]]\nid = "a/b"'), 'practices.0.id: "a/b" cannot be used; write letters'),
        (("[next_hop]", f"[smtp]\n{STAMPS}\n[next_hop]"), "smtp.processed_header: write another name"),
        (
            ("[next_hop]", '[secure_mail]\nheaders = [": yes"]\n[next_hop]'),
            '": yes" cannot be used; write "Name: value"',
        ),
        (
            ("[next_hop]", '[secure_mail]\nsubject_tag = "[]"\n[next_hop]'),
            '"[]" cannot be used; write a word in brackets',
        ),
        (("[next_hop]", f'[admin]\nurl = "{URL.replace("secure", "SECURE")}"\n[next_hop]'), "admin.url: "),
        (("[next_hop]", f'[admin]\nurl = "{URL[:-1]}:443"\n[next_hop]'), "admin.url: write another host"),
        (
            ("[next_hop]", 2 * OPENID.format("riverside-family-practice", "https://idp.example")[:-10] + "[next_hop]"),
            "openid.practice: riverside-family-practice has 2 of these tables; leave one",
        ),
        (
            ("[next_hop]", OPENID.format("riverside-family-practice", "https://idp.example:abc")),
            'openid.0.issuer: "https://idp.example:abc" cannot be used; write it as',
        ),
        (("[next_hop]", '[mailbox]\nhost = "https://imap.example"\n[next_hop]'), "write the name of a host alone"),
        (("[next_hop]", '[mailbox]\ntoken_url = "http://x.example"\n[next_hop]'), "write where tokens are asked for"),
        (("[next_hop]", DIRECTORY.format('url = "ldaps://[::1"')), 'cannot be used; write "ldaps://host"'),
        (("[next_hop]", DIRECTORY.format('url = "ldaps://dc.example:abc"')), 'cannot be used; write "ldaps://host"'),
        (("[site]", 'folder = "/x"\n[site]'), "folder: no such key"),
        (("[site]", '"a\\nb" = 1\n[site]'), "a\\nb: no such key"),
        (("[next_hop]", '[smtp]\ntls_key = "key.pem"\n[next_hop]'), "smtp.tls_cert: is missing; write the certificate"),
        (('tls = "none"', 'tls = "none"\ntls_key = "key.pem"'), "next_hop.tls_cert: is missing; write the certificate"),
        (
            ("[next_hop]", '[keys]\ncommand = "kms --token T"\n[next_hop]'),
            "keys.command: (secret) cannot be used; it should",
        ),
        (
            ("[next_hop]", "[smtp]\ntenant_header = 5\n[next_hop]"),
            "smtp.tenant_header: (secret) cannot be used; it should",
        ),
        (("[[practices]]", "[practices]"), "practices: has another form; write [[practices]] in a line of its own"),
        (("[site]", "[[site]]"), "site: has another form; write [site] in a line of its own"),
        (
            ("[next_hop]", '[smtp]\ntrusted_networks = ["192.168.1.5/24"]\n[next_hop]'),
            'smtp.trusted_networks.0: "192.168.1.5/24" cannot be used; write "192.168.1.0/24" for the whole network',
        ),
        (
            ("[next_hop]", "[smtp]\nlisten = 2525\n[next_hop]"),
            'smtp.listen: 2525 cannot be used; it should be a valid string; write for example "127.0.0.1:2525"',
        ),
        (('["riverside.example"]', '"riverside.example"'), 'it should be a valid list; write ["riverside.example"]'),
    ],
)
def test_a_mistake_names_its_key_and_what_to_write(read, change, said):
    text = GOOD.replace(*change, 1)
    assert text != GOOD
    with pytest.raises(ConfigError) as told:
        read(text)
    [line] = [one for one in str(told.value).splitlines() if said in one]
    assert line.isprintable()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "GATEWAY_SMTP__TRUSTED_NETWORKS",
            "10.0.0.0/8",
            'is no JSON; write a list as JSON, for example ["127.0.0.0/8"',
        ),
        ("GATEWAY_INVITATIONS__REMINDER_DAYS", "3 15", "is no JSON; write a list as JSON, for example [3, 15, 30]"),
        ("GATEWAY_SMTP", "127.0.0.1:25", "is no JSON; write its keys as JSON"),
        ("GATEWAY_PRACTICES", "Riverside", "is no JSON; write its tables as JSON"),
        (
            "GATEWAY_PRACTICES__0__NAME",
            "x",
            "there may be several practices, of which a variable cannot set one; write [[",
        ),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(read, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as told:
        read(GOOD)
    [line] = str(told.value).splitlines()
    assert line.startswith(f"{name}: {said}")


def test_where_the_file_lies_is_no_setting(read, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWAY_FOLDER", "/elsewhere")
    assert read(GOOD).database_path == tmp_path / "gateway.db"


def test_an_address_of_the_web_has_one_form(read):
    for written, one in {
        "https://Secure.Riverside.example:443/": "https://secure.riverside.example",
        "http://localhost:80": "http://localhost",
        "https://[2001:DB8::1]:8443": "https://[2001:db8::1]:8443",
        "https://m\u00fcnchen.example": "https://xn--mnchen-3ya.example",
    }.items():
        assert read(GOOD.replace(URL, written)).site.portal_url == one


def test_hosts_may_be_addresses_and_names_of_containers(read):
    verified = GOOD.replace('"none"', '"verified"')
    for host in ("[::1]:25", "::1:25", "mail_server:25", "mx.riverside.example:587", "m\u00fcnchen.example:25"):
        assert read(verified.replace(HOP, host)).next_hop.address == host


def test_what_to_do_in_an_emergency_may_have_several_lines(read):
    told = read(GOOD.replace("[next_hop]", 'emergency = """Ring 999.\nAt once."""\n[next_hop]'))
    assert told.policy().practices[0].emergency == "Ring 999. At once."


def test_whom_the_directory_is_asked_about_follows_from_practices_and_relays(read):
    whole = 'url = "ldaps://dc.example"\nbase = "dc=x"\nsecure_mail_attribute = "s"'
    asked = read(GOOD.replace("[next_hop]", RELAY.replace("[next_hop]", DIRECTORY.format(whole)), 1)).policy().directory
    assert asked
    assert asked.domains == {"riverside.example", "hospital.example"}
    assert asked.relays == {"hospital.example"}
    assert not asked.knows_practices
    assert read(GOOD).policy().directory is None


@pytest.mark.parametrize("page", ["microsoft365.md", "google-workspace.md"])
def test_what_a_recipe_says_to_write_is_taken(read, page):
    own = recipes.files(recipes.section(page, "1. The gateway"))["gateway.toml"]
    settings = read(GOOD.partition("[next_hop]")[0] + own)
    site = settings.policy()
    assert site.tenant
    assert site.stamp
    assert site.tenant.word != site.stamp.word
    assert settings.smtp.shared_networks


def test_a_certificate_for_the_next_hop_that_cannot_be_read_is_told_at_once(read):
    with pytest.raises(ConfigError, match=r"next_hop\.tls_cert"):
        hops(read(GOOD + 'tls_cert = "nowhere.pem"\n'))


def test_another_database_is_refused_plainly(read):
    with pytest.raises(ConfigError, match=r'write "sqlite:///gateway\.db", or "postgresql'):
        read(GOOD + '[database]\nurl = "mysql://db/gateway"\n')


def test_what_is_done_with_a_file_says_so_of_another_database(read):
    settings = read(GOOD + '[database]\nurl = "postgresql://db/gateway"\n')
    with pytest.raises(ConfigError, match="with an SQLite file only"):
        _ = settings.database_path


def test_a_practice_says_in_which_order_it_writes_dates(read):
    for order in ("", "dmy", "mdy"):
        settings = read(toml_file.example().replace('date_order = ""', f'date_order = "{order}"'))
        assert settings.policy().practices[0].date_order is Order(order)
    with pytest.raises(ConfigError):
        read(toml_file.example().replace('date_order = ""', 'date_order = "ymd"'))


WORD = "0badc0de0badc0de"
OTHER = "feedfacefeedface"
SMTP = '[smtp]\ntenant_header = "X-Sent: {}"\n[keys]\ncommand = ["fetch", "{}"]\n[next_hop]'


def test_a_secret_word_is_shown_nowhere_and_its_change_is(read):
    before, after = (read(GOOD.replace("[next_hop]", SMTP.format(word, word))) for word in (WORD, OTHER))
    shown = {one.key: one.value for one in shown_settings(before)}
    assert (shown["smtp.tenant_header"], shown["keys.command"]) == ("X-Sent: (secret)", "(secret)")
    assert shown["smtp.processed_header"] == ""
    assert {(one.key, one.old, one.new) for one in changes(before, after, {}, {})} == {
        ("smtp.tenant_header", "X-Sent: (secret)", "X-Sent: (secret) (another one)"),
        ("keys.command", "(secret)", "(secret) (another one)"),
    }


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f'[smtp]\ntenant_header = "{WORD}"', "smtp.tenant_header: (secret) cannot be used; write"),
        (f'[smtp]\nprocessed_header = "X Bad: {WORD}"', "smtp.processed_header: X Bad: (secret) cannot be used; write"),
        (f'[keys]\ncommand = "{WORD}"', "keys.command: (secret) cannot be used; "),
    ],
)
def test_a_secret_word_that_cannot_be_used_is_not_shown_either(read, written, shown):
    with pytest.raises(ConfigError) as raised:
        read(GOOD.replace("[next_hop]", f"{written}\n[next_hop]"))
    assert str(raised.value).startswith(shown)
    assert WORD not in str(raised.value)
