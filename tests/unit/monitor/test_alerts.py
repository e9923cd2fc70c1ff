"""The alerts: each fires and clears in promtool, by metrics that there are."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.support.environments import ROOT

FOLDER = ROOT / "monitoring"
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
CASES = [
    case
    for each in yaml.safe_load((FOLDER / "rules_test.yml").read_text("utf-8"))["tests"]
    for case in each["alert_rule_test"]
]
METRIC = re.compile(r"volet_[a-z_]+")
PART = re.compile(r"_(?:bucket|gcount|gsum)$")


@pytest.fixture(scope="module")
def promtool():
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; `./run test --all` installs Debian's prometheus")


@pytest.mark.usefixtures("promtool")
@pytest.mark.long  # two seconds of a core
def test_each_alert_fires_and_clears_as_its_cases_say():
    for command in (("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")):
        done = subprocess.run(
            ("promtool", *command), cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("promtool")
@pytest.mark.long
def test_a_rule_that_never_fires_is_found(tmp_path):
    for name in ("rules.yml", "rules_test.yml"):
        shutil.copy(FOLDER / name, tmp_path)
    text = (tmp_path / "rules.yml").read_text()
    (tmp_path / "rules.yml").write_text(text.replace("0.05 *", "0.5 *"))
    command = ("promtool", "test", "rules", "rules_test.yml")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "VoletChipsOffline" in done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_case_where_it_fires_and_one_where_it_does_not(rule):
    fires = {bool(case.get("exp_alerts")) for case in CASES if case["alertname"] == rule["alert"]}
    assert fires == {True, False}


def test_every_case_is_of_an_alert():
    assert {case["alertname"] for case in CASES} == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "action"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_that_a_monitor_has(rule):
    page = (ROOT / "docs/reference/monitor.md").read_text("utf-8")
    for metric in METRIC.findall(rule["expr"]):
        assert f"| `{PART.sub('', metric)}` |" in page, metric
