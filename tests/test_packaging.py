"""What an administrator installs from: the unit, the package's files, the containers; held by reading them.

`tests/first_half_hour.py` builds and installs the Debian package in a root of its own, which takes minutes.
"""

import configparser
import inspect
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway.config.settings import Settings
from gateway.config.toml_file import build
from gateway.setup import recipe
from tests.first_half_hour import MOST, commands

CONFIG = Path(__file__).resolve().parent.parent / "config"
UNIT = CONFIG / "systemd/gateway.service"
CONTAINER = CONFIG / "container"
NODES = CONFIG / "nodes"
MOST_EXPOSED = 2.0
DRAIN_SECONDS = 10
"""What `config/nodes/haproxy.cfg` needs to notice that a node ends."""


def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    return unit["Service"]


def test_the_unit_is_exposed_as_little_as_was_promised():
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here; apt-get install systemd")
    said = subprocess.run(
        [tool, "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True, check=False
    )
    [level] = re.findall(r"Overall exposure level for gateway\.service: ([\d.]+)", said.stdout)
    assert float(level) < MOST_EXPOSED


def test_the_unit_says_when_it_is_ready_reloads_and_lets_a_stop_take_its_time():
    own = service()
    assert (own["Type"], own["User"]) == ("notify", "gateway")
    assert own["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert own["RestartPreventExitStatus"] == "78"
    assert int(own["TimeoutStopSec"]) > 25  # 10 s for sessions, 15 s for what is on the wire
    assert own["StateDirectory"] == "gateway"


def test_the_template_is_the_unit_with_what_makes_it_one_of_several(tmp_path):
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here; apt-get install systemd")
    unit = tmp_path / "gateway@.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/gateway", "/bin/true"))
    shutil.copytree(CONFIG / "systemd/gateway@.service.d", tmp_path / "gateway@.service.d")
    verified = subprocess.run([tool, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert "gateway@" not in verified.stdout + verified.stderr
    analysed = [tool, "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(analysed, capture_output=True, text=True, check=False).stdout
    assert float(re.findall(r"Overall exposure level for gateway@\w*\.service: ([\d.]+)", said)[0]) < MOST_EXPOSED


def test_a_node_has_a_name_and_a_ledger_of_its_own_and_time_to_drain():
    text = (CONFIG / "systemd/gateway@.service.d/node.conf").read_text()
    said = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
    assert ("Environment", "GATEWAY_DATABASE__NODE=%i") in said
    assert ("Environment", "GATEWAY_LEDGER__FILE=/var/lib/gateway/%i/gateway.ledger") in said
    assert [value for name, value in said if name == "StateDirectory"] == ["", "gateway/%i"]
    assert int(dict(said)["TimeoutStopSec"]) > DRAIN_SECONDS + 25


@pytest.mark.parametrize("script", ["build", "postinst", "prerm", "postrm"])
def test_the_packages_scripts_are_sound(script):
    file = CONFIG / "debian" / script
    assert file.read_text().startswith("#!/bin/sh\n")
    assert re.search(r"^set -eu?$", file.read_text(), re.MULTILINE)
    assert subprocess.run(["/bin/sh", "-n", str(file)], check=False).returncode == 0


def test_the_package_says_what_it_is():
    fields = dict(re.findall(r"^([\w-]+): (.*)$", (CONFIG / "debian/control.in").read_text(), re.MULTILINE))
    assert {"Package", "Version", "Architecture", "Maintainer", "Depends", "Description"} <= set(fields)
    assert len(fields["Description"]) <= 80


def test_the_package_has_the_pages_that_check_names_under_their_names(tmp_path):
    """The lines of the build that put them there, as they stand in it."""
    lines = re.search(r"^\(cd .*?^done$", (CONFIG / "debian/build").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    given = {"root": str(CONFIG.parent), "doc": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-euc", lines[0]], env=given, check=True)
    there = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")}
    pages = re.findall(r"config/\S+\.md", inspect.getsource(recipe))
    assert len(pages) == 3
    assert {*pages, "docs/index.md", "docs/incidents.md", "docs/pictures/invitation.png", "README.md"} <= there


def test_removing_the_package_removes_no_mail():
    for script in ("prerm", "postrm"):
        assert not re.search(r"\brm\s+-\w*r", (CONFIG / "debian" / script).read_text())


# -------------------------------------------------------------------------------------------------------- containers


def steps() -> Iterator[tuple[str, str]]:
    """The Containerfile's instructions, each with its words."""
    for line in (CONTAINER / "Containerfile").read_text().splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


def test_the_containerfile_has_steps_that_an_engine_knows_and_serves_as_nobody_special():
    words = [word for word, _ in steps()]
    known = "FROM COPY WORKDIR RUN ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD"
    assert set(words) <= set(known.split())
    assert words[0] == "FROM"
    named = dict(steps())
    assert named["USER"] == "gateway"
    assert named["ENTRYPOINT"] == '["gateway"]'
    assert words.index("USER") > max(number for number, word in enumerate(words) if word == "RUN")
    for word, rest in steps():
        if word == "RUN":
            assert shlex.split(rest)


@pytest.mark.parametrize(("file", "service"), [(CONTAINER, "gateway"), (NODES, "node-1")])
def test_what_the_containers_set_are_settings(file, service):
    compose = yaml.safe_load((file / "compose.yaml").read_text())
    environment = compose["services"][service]["environment"]
    for name in environment.keys() - {"GATEWAY_CONFIG"}:
        _, section, key = re.fullmatch(r"(GATEWAY)_(\w+?)__(\w+)", name).groups()
        assert key.lower() in Settings.model_fields[section.lower()].annotation.model_fields


def test_the_containers_settings_can_be_read(monkeypatch, tmp_path):
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    for name, value in compose["services"]["gateway"]["environment"].items():
        monkeypatch.setenv(name, value)
    data = {
        "site": {
            "name": "x",
            "domain": "secure.riverside.example",
            "timezone": "Etc/UTC",
            "portal_url": "https://secure.riverside.example",
        },
        "practices": [{"name": "Riverside", "domains": ["riverside.example"]}],
        "next_hop": {"address": "mail.riverside.example:25"},
    }
    settings = build(data, tmp_path)
    caddy = compose["services"]["caddy"]["networks"]["inside"]["ipv4_address"]
    assert str(settings.portal.trusted_proxies[0]) == f"{caddy}/32"
    assert settings.smtp.listen == "0.0.0.0:2525"


def test_nothing_of_the_gateway_is_reached_from_outside_but_by_caddy():
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["gateway"]["ports"])
    assert "reverse_proxy gateway:8080" in (CONTAINER / "Caddyfile").read_text()
    assert compose["services"]["gateway"]["read_only"] is True
    assert compose["services"]["gateway"]["cap_drop"] == ["ALL"]


# ------------------------------------------------------------------------------------------------------ several nodes


@pytest.fixture
def site():
    return yaml.safe_load((NODES / "compose.yaml").read_text())


def test_each_node_is_its_own_and_shares_what_has_to_be_the_same(site):
    nodes = {name: one for name, one in site["services"].items() if name.startswith("node-")}
    assert len(nodes) == 3
    own = {name: one["environment"].pop("GATEWAY_DATABASE__NODE") for name, one in nodes.items()}
    assert own == {name: name for name in nodes}
    assert {name: one.pop("volumes") for name, one in nodes.items()} == {
        name: [f"{name}:/var/lib/gateway"] for name in nodes
    }
    addresses = {name: one.pop("networks")["inside"]["ipv4_address"] for name, one in nodes.items()}
    first, *others = nodes.values()
    assert all(one == first for one in others)
    assert set(first["secrets"]) == set(site["secrets"])
    balanced = re.findall(r"server (\S+) (\S+):(\d+) check", (NODES / "haproxy.cfg").read_text())
    assert balanced == [(name, address, port) for port in ("2525", "8080") for name, address in addresses.items()]


def test_a_container_has_time_to_drain(site):
    node = site["services"]["node-1"]
    assert int(node["environment"]["GATEWAY_BALANCER__DRAIN_SECONDS"]) == DRAIN_SECONDS
    assert int(node["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS + 25


def test_only_the_balancer_is_reached_from_outside(site):
    assert [name for name, one in site["services"].items() if "ports" in one] == ["haproxy"]
    balancer = site["services"]["haproxy"]["networks"]["inside"]["ipv4_address"]
    environment = site["services"]["node-1"]["environment"]
    for listener in ("GATEWAY_SMTP__PROXY_PROTOCOL", "GATEWAY_PORTAL__TRUSTED_PROXIES"):
        assert environment[listener] == f'["{balancer}/32"]'


# ---------------------------------------------------------------------------------------------------- first half hour


def test_the_readme_leads_to_a_held_mail_in_less_than_ten_commands():
    lines = commands((CONFIG.parent / "README.md").read_text())
    assert 1 < len(lines) < MOST
    assert "gateway try" in lines[-1]
    for line in lines:
        assert shlex.split(line)
