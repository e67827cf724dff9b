"""`gateway dns`: what it prints can be published as it is, and then it finds nothing to say against it."""

import json
import re
from contextlib import contextmanager
from ipaddress import ip_address

import dns.zone
import pytest
from typer.testing import CliRunner

from gateway.admin.checks.finding import Level
from gateway.admin.dns.judged import judged
from gateway.admin.dns.resolver import Resolver
from gateway.admin.dns.spf_senders import lets_send
from gateway.cli.app import app
from gateway.config.toml_file import load
from gateway.setup import Answers, set_up
from tests.peers.dns_server import DnsServer, text

SITE = "secure.riverside.example"
HOME = {
    "riverside.example": {"MX": ["10 mail.riverside.example."], "TXT": [text("v=spf1 mx -all")]},
    "mail.riverside.example": {"A": ["192.0.2.25"]},
    SITE: {"A": ["192.0.2.80"]},
}
"""What a practice has in DNS before it installs a gateway."""


def gateway(*words, **settings):
    return CliRunner().invoke(app, list(map(str, words)), env={f"GATEWAY_{key}": one for key, one in settings.items()})


def made(folder):
    set_up(folder, Answers(SITE, "Riverside", "riverside.example", "127.0.0.1:2526", f"https://{SITE}"))
    return folder / "gateway.toml"


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return made(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def signing(tmp_path_factory):
    """With a key that signs, as the command says how to write it."""
    config = made(tmp_path_factory.mktemp("signing"))
    printed = gateway("dkim", "new", "one", "--config", config).stdout
    config.write_text(config.read_text() + "\n" + printed[printed.index("[[dkim]]") :])
    return config


def published(printed):
    """A zone with all that was printed, read as a name server reads it."""
    zone = dns.zone.from_text("$TTL 300\n@ IN SOA a. b. 1 1 1 1 1\n@ IN NS a.\n" + printed, SITE, relativize=False)
    return {
        name.to_text(omit_final_dot=True): {
            dns.rdatatype.to_text(one.rdtype): [record.to_text() for record in one] for one in node.rdatasets
        }
        for name, node in zone.items()
    }


def test_what_is_printed_can_be_published_as_it_is(signing):
    with DnsServer(HOME) as server:
        before = gateway("dns", "--config", signing, DNS__RESOLVER=server.address)
        server.zone |= published(before.stdout)
        after = gateway("dns", "--config", signing, DNS__RESOLVER=server.address)
    assert before.exit_code == 1  # a key signs that nobody can look up
    assert "; FAULT    DKIM: one._domainkey.secure.riverside.example is not there" in before.stdout
    assert (after.exit_code, re.findall("FAULT|warning", after.stdout)) == (0, [])
    assert server.zone[SITE]["TXT"] == [text("v=spf1 include:riverside.example -all")]
    assert server.zone[SITE]["MX"] == ["10 mail.riverside.example."]
    assert server.zone[f"_dmarc.{SITE}"]["TXT"] == [text("v=DMARC1; p=reject")]


@pytest.mark.parametrize(
    ("hop", "record"),
    [
        ("riverside-example.mail.protection.outlook.com:25", "v=spf1 include:spf.protection.outlook.com -all"),
        ("smtp-relay.gmail.com:587", "v=spf1 include:_spf.google.com -all"),
        ("smtp.provider.example:587", "v=spf1 include:riverside.example -all"),
    ],
)
def test_a_provider_that_sends_the_mail_is_the_one_that_may(signing, hop, record):
    with DnsServer(HOME) as server:
        hops = {"NEXT_HOP__ADDRESS": hop, "NEXT_HOP__TLS": "verified"}
        said = gateway("dns", "--config", signing, DNS__RESOLVER=server.address, **hops)
    assert f'"{record}"' in said.stdout


def test_a_hop_of_which_nothing_is_known_is_asked_about(signing):
    with DnsServer({}) as server:
        hops = {"NEXT_HOP__ADDRESS": "smtp.provider.example:587", "NEXT_HOP__TLS": "verified"}
        said = gateway("dns", "--config", signing, DNS__RESOLVER=server.address, **hops)
    assert "Whoever runs smtp.provider.example knows what to write" in said.stdout


def test_without_dns_the_records_are_printed_all_the_same(signing):
    with DnsServer({}) as server:
        server.silent = True
        address = server.address
        result = gateway("dns", "--config", signing, DNS__RESOLVER=address)
    assert result.exit_code == 0
    assert f'one._domainkey.{SITE}.  IN  TXT  ( "v=DKIM1; k=rsa; p=' in result.stdout
    assert f"; {SITE}.  IN  MX  …" in result.stdout
    assert f"; warning  dns: no answer from {address}; nothing was looked at" in result.stdout


def test_programs_get_a_line_of_json_for_each(signing):
    with DnsServer(HOME) as server:
        result = gateway("dns", "--json", "--config", signing, DNS__RESOLVER=server.address)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"name": f"_dmarc.{SITE}", "type": "TXT", "value": "v=DMARC1; p=reject", "for": rows[3]["for"]} in rows
    assert {row["level"] for row in rows if "level" in row} == {"ok", "warning", "fault"}


@contextmanager
def asked(config, zone):
    with DnsServer(HOME | zone) as server:
        yield judged(load(config), Resolver(server.address))


def many(count):
    return {f"n{number}.example": {"A": ["192.0.2.1"]} for number in range(count)}


def site(**records):
    return {SITE: {"A": ["192.0.2.80"], **records}}


def spf(value, *more):
    return site(TXT=[text(one) for one in (value, *more)])


WRONG = [
    (spf("v=spf1 mx -all", "v=spf1 a -all"), "FAULT", "SPF", "has 2 SPF records"),
    (spf("v=spf1 mx +all"), "FAULT", "SPF", "lets everybody send as it (+all)"),
    (spf("v=spf1 ip4:192.0.2.1 all"), "FAULT", "SPF", "lets everybody send as it (+all)"),
    (spf("v=spf1 ip4:192.0.2.1"), "warning", "SPF", "forbids nobody"),
    (spf("v=spf1 ip4:192.0.2.1 ?all"), "warning", "SPF", "forbids nobody"),
    (spf("v=spf1 include:gone.example -all"), "FAULT", "SPF", "gone.example, which it includes, has no SPF record"),
    (spf(f"v=spf1 include:{SITE} -all"), "FAULT", "SPF", "includes itself"),
    (spf("v=spf1 ipv4:192.0.2.1 -all"), "FAULT", "SPF", '"ipv4:192.0.2.1"'),
    (spf("v=spf1 ip4:192.0.2.999 -all"), "FAULT", "SPF", '"ip4:192.0.2.999"'),
    (spf("v=spf1 a:x.example a:y.example a:z.example -all"), "FAULT", "SPF", "3 of the names in it are not there"),
    (
        many(11) | spf("v=spf1 " + " ".join(f"a:n{number}.example" for number in range(11)) + " -all"),
        "FAULT",
        "SPF",
        "takes 11 look-ups",
    ),
    (
        spf("v=spf1 include:open.example -all") | {"open.example": {"TXT": [text("v=spf1 +all")]}},
        "FAULT",
        "SPF",
        "open.example, which it includes, lets everybody send",
    ),
    (
        spf("v=spf1 redirect=open.example") | {"open.example": {"TXT": [text("v=spf1 +all")]}},
        "FAULT",
        "SPF",
        "lets everybody send as it (+all)",
    ),
    (site(), "warning", "SPF", "has no record"),
    (site(), "warning", "MX", "has none"),
    (site(MX=["0 ."]), "FAULT", "MX", "takes no mail"),
    (site(MX=["10 gone.example."]), "FAULT", "MX", "gone.example, which has no address"),
    (
        site(MX=["10 far.example."]) | {"far.example": {"A": ["198.51.100.7"]}},
        "warning",
        "MX",
        "far.example (198.51.100.7), which is neither this machine",
    ),
    ({f"one._domainkey.{SITE}": {"TXT": [text("v=DKIM1; k=rsa; p=AAAA")]}}, "FAULT", "DKIM", "has another key"),
    ({f"one._domainkey.{SITE}": {"TXT": [text("v=DKIM1; p=")]}}, "FAULT", "DKIM", "was withdrawn"),
    ({f"one._domainkey.{SITE}": {"TXT": [text("p=AA"), text("p=BB")]}}, "FAULT", "DKIM", "has 2 records"),
    ({}, "FAULT", "DKIM", "is not there"),
    ({}, "warning", "DMARC", "is not there"),
    ({f"_dmarc.{SITE}": {"TXT": [text("v=DMARC1; p=none")]}}, "warning", "DMARC", "p=none"),
    ({f"_dmarc.{SITE}": {"TXT": [text("v=DMARC1; p=block")]}}, "FAULT", "DMARC", '"block"'),
    (
        {f"_dmarc.{SITE}": {"TXT": [text("v=DMARC1; p=none"), text("v=DMARC1; p=reject")]}},
        "FAULT",
        "DMARC",
        "2 records",
    ),
    ({"_dmarc.riverside.example": {"TXT": [text("v=DMARC1; p=reject; sp=none")]}}, "warning", "DMARC", "p=none"),
    ({SITE: {}}, "warning", "site.portal_url", "has no address"),
]


@pytest.mark.parametrize(("zone", "level", "key", "said"), WRONG, ids=[f"{one[2]} {one[3][:30]}" for one in WRONG])
def test_what_is_wrong_is_said_in_one_line(signing, zone, level, key, said):
    with asked(signing, zone) as findings:
        found = [one for one in findings if one.key == key and said in one.said]
    [one] = found
    assert (one.level, bool(one.do), "\n" in one.line) == (Level(level), True, False)


GOOD = [
    spf("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a:mail.riverside.example/28//64 mx:riverside.example -all"),
    spf("V=SPF1 include:riverside.example ~all"),
    spf("v=spf1 redirect=riverside.example"),
    spf("v=spf1 exists:%{i}.spf.example -all exp=why.example"),
]


@pytest.mark.parametrize("zone", GOOD)
def test_nothing_is_said_against_a_record_that_serves(signing, zone):
    with asked(signing, zone) as findings:
        assert [one.level for one in findings if one.key == "SPF"] == [Level.OK] * 2


def test_a_parents_policy_covers_the_site(signing):
    with asked(signing, {"_dmarc.riverside.example": {"TXT": [text("v=DMARC1; p=reject")]}}) as findings:
        assert [one.level for one in findings if one.key == "DMARC"] == [Level.OK]


def test_a_policy_needs_something_to_prove_mail_by(config):
    with asked(config, {f"_dmarc.{SITE}": {"TXT": [text("v=DMARC1; p=reject")]}}) as findings:
        [one] = [one for one in findings if one.key == "DMARC"]
    assert (one.level, "neither SPF nor DKIM proves" in one.said) == (Level.FAULT, True)


def test_a_key_file_exists_once(signing):
    result = gateway("dkim", "new", "one", "--config", signing)
    assert (result.exit_code, "exists already; nothing was written" in result.output) == (1, True)
    assert (signing.parent / "dkim.one.key").stat().st_mode & 0o777 == 0o600


def test_a_selector_is_a_name_in_dns(config):
    result = gateway("dkim", "new", "../x", "--config", config)
    assert (result.exit_code, "write letters, digits and hyphens" in result.output) == (1, True)


SENDER, OTHER, SIX = "198.51.100.7", "198.51.100.200", "2001:db8:7::1"
WIDE = {
    "mail.provider.example": {"A": [SENDER], "AAAA": [SIX]},
    "provider.example": {"MX": ["10 mail.provider.example."], "TXT": [text("v=spf1 ip4:198.51.100.0/25 ~all")]},
    "long.example": {"TXT": [text("v=spf1 " + " ".join(f"include:i{n}.example" for n in range(11)) + " +all")]},
} | {f"i{n}.example": {"TXT": [text("v=spf1 -all")]} for n in range(11)}


@pytest.mark.parametrize(
    ("record", "sender", "may"),
    [
        (f"v=spf1 ip4:{SENDER} -all", SENDER, True),
        (f"v=spf1 ip4:{SENDER} -all", OTHER, False),
        (f"v=spf1 ip4:{SENDER} -all", SIX, False),
        ("v=spf1 ip6:2001:db8:7::/48 -all", SIX, True),
        ("v=spf1 a:mail.provider.example -all", SENDER, True),
        ("v=spf1 a:mail.provider.example -all", OTHER, False),
        ("v=spf1 a:mail.provider.example/24 -all", OTHER, True),
        ("v=spf1 a:mail.provider.example/24 -all", SIX, True),
        ("v=spf1 mx:provider.example//48 -all", "2001:db8:7::2", True),
        ("v=spf1 mx:provider.example//48 -all", OTHER, False),
        ("v=spf1 include:provider.example -all", SENDER, True),
        ("v=spf1 include:provider.example -all", OTHER, False),  # its ~all is no pass (RFC 7208 §5.2)
        ("v=spf1 redirect=provider.example", SENDER, True),
        ("v=spf1 redirect=provider.example", OTHER, False),
        (f"v=spf1 -ip4:{SENDER} +all", SENDER, False),
        ("v=spf1 ?all", SENDER, False),
        ("v=spf1", SENDER, False),
        (f"v=spf1 ip4:{SENDER} exists:%{{i}}.x.example -all", SENDER, True),
        (f"v=spf1 ip4:{SENDER} exists:%{{i}}.x.example -all", OTHER, None),
        ("v=spf1 ptr -all", SENDER, None),
        ("v=spf1 include:gone.example -all", SENDER, None),
        ("v=spf1 include:long.example +all", SENDER, None),  # more than ten look-ups
        (f"v=spf1 include:{SITE} -all", SENDER, None),
    ],
)
def test_whether_a_record_lets_an_address_send(record, sender, may):
    with DnsServer(WIDE | {SITE: {"TXT": [text(record)]}}) as server:
        assert lets_send(Resolver(server.address), SITE, ip_address(sender)) is may


@pytest.mark.parametrize(
    ("changes", "level", "said"),
    [
        ({}, Level.OK, "not looked at"),
        ({"dns.sends_from": [SENDER]}, Level.OK, f"it lets {SENDER} send"),
        ({"dns.sends_from": [OTHER]}, Level.FAULT, f"does not let {OTHER} send"),
        ({"next_hop.address": "9.9.9.9:25"}, Level.WARNING, "does not let 9.9.9.9 send, which is next_hop.address"),
        ({"next_hop.address": "hop.example:25"}, Level.WARNING, "does not let 9.9.9.9 send"),
        ({"next_hop.address": "10.0.0.9:25"}, Level.OK, "not looked at"),
    ],
)
def test_the_record_has_to_let_the_mail_server_send_as_far_as_its_address_is_known(config, changes, level, said):
    settings = load(config)
    for key, value in changes.items():
        section, _, name = key.partition(".")
        found = [ip_address(one) for one in value] if isinstance(value, list) else value
        own = getattr(settings, section).model_copy(update={name: found})
        settings = settings.model_copy(update={section: own})
    zone = HOME | {SITE: {"TXT": [text(f"v=spf1 ip4:{SENDER} -all")]}, "hop.example": {"A": ["9.9.9.9"]}}
    with DnsServer(zone) as server:
        findings = [one for one in judged(settings, Resolver(server.address)) if one.key == "SPF"]
    assert (findings[-1].level, said in findings[-1].said) == (level, True)
