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
MOST_EXPOSED = 2.0


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


def test_what_the_containers_set_are_settings():
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    own = compose["services"]["gateway"]
    environment = own["environment"]
    for name in environment:
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


# ---------------------------------------------------------------------------------------------------- first half hour


def test_the_readme_leads_to_a_held_mail_in_less_than_ten_commands():
    lines = commands((CONFIG.parent / "README.md").read_text())
    assert 1 < len(lines) < MOST
    assert "gateway try" in lines[-1]
    for line in lines:
        assert shlex.split(line)
