"""What a serving gateway sees of the world around it, and that nothing is written while nothing changes."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.admin import lookout, sights
from gateway.admin.domains import unknown_domains
from gateway.admin.lookout import Lookout, Tally
from gateway.config.toml_file import build
from gateway.domain.needs import NeedKind
from gateway.edge.outbox.reach import Reach
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.metrics import Figures
from gateway.flow.upkeep import hours, troubles
from gateway.flow.upkeep.troubles import Seen
from gateway.ports import Outcome

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def settings(folder, **more):
    return build(
        {
            "site": {
                "name": "R",
                "domain": "secure.r.example",
                "portal_url": "https://secure.r.example",
                "timezone": "Europe/London",
            },
            "practices": [{"name": "R", "domains": ["r.example"]}],
            "next_hop": {"address": "127.0.0.1:2526"},
            **more,
        },
        folder,
    )


def certificate(file, ends):
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "r")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(days=1), ends)
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def test_a_certificate_is_seen_from_a_fortnight_before_its_end(tmp_path):
    ours = settings(tmp_path, smtp={"tls_cert": "cert.pem"})
    certificate(tmp_path / "cert.pem", NOW + timedelta(days=20))
    assert sights.all_seen(ours, NOW) == []
    [seen] = sights.all_seen(ours, NOW + timedelta(days=7))
    assert (seen.kind, seen.subject, seen.number) == (NeedKind.CERTIFICATE, "smtp.tls_cert", 13)
    (tmp_path / "cert.pem").write_text("no certificate")
    assert sights.certificate_ends(ours) == {}


def test_a_copy_of_the_ledger_on_a_disk_that_is_gone_is_seen(tmp_path):
    there, gone = tmp_path / "there.ledger", tmp_path / "gone" / "copy.ledger"
    seen = sights.all_seen(settings(tmp_path, ledger={"copies": [str(there), str(gone)]}), NOW)
    assert [(one.kind, one.subject) for one in seen] == [(NeedKind.LEDGER_COPY, str(gone))]


def test_a_full_disk_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sights, "ENOUGH_ROOM", 10**18)
    assert [one.kind for one in sights.all_seen(settings(tmp_path), NOW)] == [NeedKind.DISK]


async def test_a_hop_and_a_directory_that_do_not_answer_are_noted_once(world, tmp_path):
    figures, reach = Figures(), Reach()
    ours = settings(tmp_path, directory={"url": "ldaps://dc.r.example", "base": "dc=r"})
    looks = Lookout(lambda: ours, world.desk, figures, reach)
    await looks.look()
    assert await world.desk.ask(troubles.known) == []
    reach.heard("", Outcome(0, "connection refused", reached=False))
    figures.directory_answers(False)
    await looks.look()
    found = await world.desk.ask(troubles.known)
    assert [one.kind for one in found] == [NeedKind.HOP_DOWN, NeedKind.DIRECTORY]
    assert "127.0.0.1:2526" in found[0].subject
    before = await world.everything()
    await looks.look()
    assert await world.everything() == before
    reach.heard("", Outcome(250, "ok"))
    figures.directory_answers(True)
    await looks.look()
    assert await world.desk.ask(troubles.known) == []


async def test_each_process_adds_what_is_new(world):
    traffic = Traffic()
    tally = Tally(world.desk, traffic)
    traffic.came_in()
    await tally.tell()
    traffic.came_in()
    traffic.went_out(5)
    await tally.tell()
    await tally.tell()
    [hour] = (await world.desk.ask(hours.flow, 1)).hours
    assert (hour.taken, hour.sent) == (2, 5)
    assert lookout.TALLY_EVERY <= 60


def test_a_domain_that_dns_does_not_know_is_seen_and_a_dns_that_is_silent_says_nothing():
    known = {("mx.clinic.org", "MX"), ("a.clinic.org", "A"), ("v6.clinic.org", "AAAA")}

    def has(domain, kind):
        if domain == "silent.org":
            raise OSError("no answer")
        return (domain, kind) in known

    asked = ["gone.clinic.org", "mx.clinic.org", "a.clinic.org", "v6.clinic.org", "silent.org", "r.example", "x.test"]
    assert unknown_domains(asked, has) == [Seen(NeedKind.SENDER_DOMAIN, "gone.clinic.org")]


async def test_what_dns_said_is_noted_with_the_next_look(world, tmp_path, monkeypatch):
    unknown = lambda domains: [Seen(NeedKind.SENDER_DOMAIN, one) for one in domains]  # noqa: E731
    monkeypatch.setattr(lookout, "unknown_domains", unknown)
    looks = Lookout(lambda: settings(tmp_path), world.desk, Figures(), Reach())
    await looks.look_up()
    await looks.look()
    assert [one.subject for one in await world.desk.ask(troubles.known)] == ["r.example"]
    world.clock.advance(hours=1)
    assert [one.kind for one in await world.desk.ask(troubles.lasting)] == [NeedKind.SENDER_DOMAIN]
