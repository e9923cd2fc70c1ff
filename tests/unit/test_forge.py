"""What the forge and the editor are told: valid, pinned, and of what exists."""

import re
import tomllib

import pytest
import yaml
from click.testing import CliRunner

from tests.support.environments import ROOT
from tests.support.product import PRODUCT

FORGE = ROOT / ".github"
WORKFLOWS = sorted((FORGE / "workflows").glob("*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.dependabot": [FORGE / "dependabot.yml"],
    "vendor.github-issue-forms": sorted((FORGE / "ISSUE_TEMPLATE").glob("[0-9]*.yml")),
    "vendor.github-issue-config": [FORGE / "ISSUE_TEMPLATE/config.yml"],
}
_COMMIT = re.compile(r"^[a-z-]+/[a-z-]+@[0-9a-f]{40}$")


def steps():
    for workflow in WORKFLOWS:
        for job in yaml.safe_load(workflow.read_text())["jobs"].values():
            yield from job["steps"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_file_for_the_forge_is_of_its_schema(schema):
    assert SCHEMAS[schema]
    import check_jsonschema  # noqa: PLC0415 - takes seconds of each process that collects tests

    names = [str(path) for path in SCHEMAS[schema]]
    done = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, *names])
    assert done.exit_code == 0, done.output


def test_each_action_is_one_commit():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert [each for each in used if not _COMMIT.match(each)] == []


def test_workflows_run_what_the_project_runs():
    ran = [step["run"] for step in steps() if "run" in step]
    assert set(ran) == {"./run test", "./run test --all", "./run audit"}


def test_each_python_that_setup_takes_is_tested():
    taken = re.search(
        r"\(3, (\d+)\) <= sys.version_info < \(3, (\d+)\)", (ROOT / "run").read_text()
    )
    test = yaml.safe_load((FORGE / "workflows/test.yml").read_text())
    assert test["jobs"]["test"]["strategy"]["matrix"]["python"] == [
        f"3.{minor}" for minor in range(int(taken[1]), int(taken[2]))
    ]


def test_coverage_counts_branches_over_all_processes_and_has_a_floor():
    coverage = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]
    assert coverage["run"]["branch"]
    assert coverage["run"]["patch"] == ["subprocess"]
    assert set(coverage["run"]["source"]) == set(PRODUCT)
    assert coverage["report"]["fail_under"] >= 89


def test_each_hook_is_a_tool_of_the_environment():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    tools = {hook["entry"].split()[0] for repo in hooks for hook in repo["hooks"]}
    assert [tool for tool in tools if not (ROOT / tool).exists()] == []
