"""Alert rules and the dashboard: checked and tried by promtool, and each figure that they ask for is there."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from gateway.edge.run.metrics import Figures, Shared
from tests.peers import fetch

pytestmark = pytest.mark.peer
CONFIG = Path(__file__).parents[2] / "config"
ALERTS = CONFIG / "prometheus" / "alerts.yml"
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OF_PROMETHEUS = {"up"}


def promtool(*words, folder=ALERTS.parent):
    words = [str(fetch.promtool()), *words]
    done = subprocess.run(words, check=False, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def figures() -> set[str]:
    """The names of all that a gateway shows."""
    every = Figures()
    Shared(every)
    every.hop_answers("", True)
    return {one.name + ending for one in every.registry.collect() for ending in ENDINGS[one.type]}


def asked(expressions) -> set[str]:
    return {name for one in expressions for name in re.findall(r"\b(?:gateway|process)_[a-z_]+|\bup\b", one)}


def queries() -> list[str]:
    board = json.loads((CONFIG / "grafana" / "dashboard.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_each_rule_is_right_and_does_what_it_is_for(peers):
    found = int(re.search(r"(\d+) rules found", promtool("check", "rules", "alerts.yml"))[1])
    promtool("test", "rules", "alerts_test.yml")
    named = re.findall(r"alert: (\w+)", ALERTS.read_text())
    tried = re.findall(r"^  - name: (\w+)", (ALERTS.parent / "alerts_test.yml").read_text(), re.MULTILINE)
    assert len(named) == found
    assert tried == named


def test_each_query_of_the_dashboard_is_right(peers, tmp_path):
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", "rules.yml", folder=tmp_path)


def test_each_figure_that_is_asked_for_is_there():
    shown = figures()
    rules = re.findall(r"expr: (.*)", ALERTS.read_text())
    assert asked([*queries(), *rules]) - shown - OF_PROMETHEUS == set()


def test_each_figure_of_ours_is_on_the_dashboard_or_in_a_rule():
    """But for those of which the dashboard shows another form."""
    shown = asked([*queries(), *re.findall(r"expr: (.*)", ALERTS.read_text())])
    roots = {re.sub(r"_(bucket|sum|count)$", "", name) for name in figures() if name.startswith("gateway_")}
    seen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    assert roots - seen == {"gateway_up", "gateway_commit_batch", "gateway_mailbox_mails_total"}
