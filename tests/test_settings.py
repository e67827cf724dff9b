"""The settings file: the example is what the code says, and every mistake is answered with what to write."""

from pathlib import Path

import pytest

from gateway.adapters import hops
from gateway.config import toml_file
from gateway.config.shown import shown_settings
from gateway.domain.birthdate import Order
from gateway.errors import ConfigError
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

DIRECTORY = "[directory]\n{}\n[next_hop]"
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
        (("[next_hop]", RELAY), "relays.who: hospital.example asks the directory"),
    ],
)
def test_a_mistake_names_its_key_and_what_to_write(read, change, said):
    text = GOOD.replace(*change, 1)
    assert text != GOOD
    with pytest.raises(ConfigError) as told:
        read(text)
    assert said in str(told.value)


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
    settings = read(GOOD + '[database]\nurl = "postgresql://db/gateway"\n')
    with pytest.raises(ConfigError, match="only SQLite"):
        _ = settings.database_path


def test_a_practice_says_in_which_order_it_writes_dates(read):
    for order in ("", "dmy", "mdy"):
        settings = read(toml_file.example().replace('date_order = ""', f'date_order = "{order}"'))
        assert settings.policy().practices[0].date_order is Order(order)
    with pytest.raises(ConfigError):
        read(toml_file.example().replace('date_order = ""', 'date_order = "ymd"'))
