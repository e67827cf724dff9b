"""A site's own templates: used where they can be, told of and replaced by ours where they cannot."""

import json

import pytest
import structlog.testing

from gateway.config.toml_file import build
from gateway.domain.vocabulary import Audience, Notice
from gateway.edge.render import Templates
from gateway.prepare import templates_of
from tests import practice
from tests.edge.samples import FILE, samples
from tests.practice import ADA, PAT, PATIENT_TAG, SITE, TEMPLATES, World

SAMPLES = {(one["notice"], one["audience"]): one["facts"] for one in json.loads(FILE.read_text())}
GOOD = "{% extends layout %}{% block subject %}Our own{% endblock %}{% block body %}Hello {{ to }}{% endblock %}"
BAD = {
    "a tag that is not closed": "{% if %}",
    "a fact that there is not": GOOD.replace("to", "unknown"),
    "a filter that there is not": GOOD.replace("to }}", "to | shout }}"),
    "a part of a fact that there is not": GOOD.replace("to", "inviters.first.name"),
}


@pytest.fixture
def own(tmp_path):
    (tmp_path / "mail").mkdir()
    (tmp_path / "portal").mkdir()
    return tmp_path


async def test_the_samples_are_what_flows_queue():
    assert FILE.read_text("utf-8") == await samples(), "run python -m tests.edge.samples"


async def test_a_template_of_the_sites_own_stands_in_for_ours(own):
    (own / "mail/invitation.j2").write_text(GOOD)
    templates = Templates(SITE, own)
    assert templates.faults(("en", "de")) == []
    world = World(templates)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    assert world.last(Notice.INVITATION).rendered.subject == "Our own"


@pytest.mark.parametrize("source", BAD.values(), ids=BAD)
async def test_one_that_cannot_be_used_is_told_and_ours_is_in_its_place(own, source):
    (own / "mail/invitation.j2").write_text(source)
    templates = Templates(SITE, own)
    assert templates.faults(("en", "de"))[0].startswith("mail/invitation.j2: ")
    facts = SAMPLES["invitation", "invitee"]
    with structlog.testing.capture_logs() as log:
        written = [templates.mail(Notice.INVITATION, Audience.INVITEE, "en", facts) for _ in range(2)]
    assert written == 2 * [TEMPLATES.mail(Notice.INVITATION, Audience.INVITEE, "en", facts)]
    assert [line["template"] for line in log] == ["mail/invitation.j2"]


def test_a_part_that_is_wrong_spoils_no_mail(own):
    (own / "mail/footer.j2").write_text("{{ nothing }}")
    templates = Templates(SITE, own)
    assert templates.faults()
    for (notice, audience), facts in SAMPLES.items():
        assert templates.mail(Notice(notice), Audience(audience), "en", facts).text


async def test_a_page_that_is_wrong_is_told_and_ours_is_shown(own, monkeypatch):
    (own / "portal/account").mkdir()
    (own / "portal/account/sign_in.html").write_text("{% for %}")
    templates = Templates(SITE, own)
    assert templates.faults()[0].startswith("portal/account/sign_in.html: line 1")
    monkeypatch.setattr(practice, "templates", lambda _site: templates)
    browser = World().browser()
    with structlog.testing.capture_logs() as log:
        await browser.go("/sign-in")
    assert browser.status == 200
    assert [line["template"] for line in log if "template" in line] == ["portal/account/sign_in.html"]


def test_the_folder_is_a_setting(own, tmp_path):
    data = {
        "site": {
            "name": "Riverside",
            "domain": "secure.riverside.example",
            "portal_url": "https://secure.riverside.example",
            "timezone": "Europe/London",
            "templates": str(own),
        },
        "practices": [{"name": "Riverside", "domains": ["riverside.example"]}],
        "next_hop": {"address": "127.0.0.1:1", "tls": "none"},
    }
    (own / "mail/locked.j2").write_text("{% if %}")
    assert templates_of(build(data, tmp_path)).faults()
