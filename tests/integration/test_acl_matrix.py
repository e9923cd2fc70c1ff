"""Everyone tries every topic: what the broker lets through is what the design allows, no more.

Then each line of the ACL is taken away, and lines that allow too much are put in: each time the
same trial must come out differently, or it would not notice.
"""

from collections.abc import Iterator

import pytest

from mosquitto.config import ACL, BrokerSettings, render
from tests.support.broker import COLLECTIVITY, running_broker
from tests.support.sweeps import swept
from tests.support.town import MONITOR, ROOT, TRUSTEE, WORKER, Town, observe, rights, settle


def _rules() -> list[str]:
    settings = BrokerSettings(COLLECTIVITY, ".", "", 0, "", 0, 0, (WORKER, MONITOR, TRUSTEE))
    acl = next(file.text for file in render(settings) if file.name == ACL)
    return acl.splitlines()


def _is_rule(line: str) -> bool:
    return line.startswith(("pattern ", "topic "))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("acl")
    with running_broker(folder / "cloud") as broker:
        yield settle(broker, folder)


@pytest.fixture
def rules(town: Town) -> Iterator[list[str]]:
    """Give the deployed rules to change; put the deployed ones back in the end."""
    path = town.broker.directory / ACL
    deployed = path.read_text("utf-8")
    yield deployed.splitlines()
    path.write_text(deployed, "utf-8")
    town.broker.restart()


def _apply(town: Town, lines: list[str]) -> None:
    (town.broker.directory / ACL).write_text("\n".join(lines) + "\n", "utf-8")
    town.broker.restart()


def test_everyone_reads_and_writes_what_the_design_allows_and_nothing_else(town):
    seen, due = observe(town), rights()
    assert sorted(seen.written ^ due.written) == []
    assert sorted(seen.read ^ due.read) == []


def test_the_rules_tried_are_the_rules_deployed(rules):
    assert rules == _rules()


@pytest.mark.parametrize(
    "number", swept([n for n, line in enumerate(_rules()) if _is_rule(line)], 8)
)
def test_each_line_of_the_acl_is_needed(town, rules, number):
    _apply(town, rules[:number] + rules[number + 1 :])
    assert observe(town) != rights(), f"nothing changed without: {rules[number]}"


@pytest.mark.parametrize(
    "line",
    [
        f"pattern read {ROOT}/d/+/up/block",
        f"pattern read {ROOT}/d/+/down/#",
        f"pattern write {ROOT}/d/+/status",
        f"pattern write {ROOT}/d/%u/down/ack",
        f"pattern write {ROOT}/d/%u/up/+",
        f"pattern write {ROOT}/d/%u/#",
        f"pattern read {ROOT}/area/#",
        f"pattern write {ROOT}/catalogue/#",
        "pattern read $SYS/#",
        f"pattern write {ROOT}/trustee/%u/response",
        "pattern write #",
    ],
)
def test_a_line_that_allows_too_much_is_noticed(town, rules, line):
    _apply(town, [*rules[:5], line, *rules[5:]])
    assert observe(town) != rights()
