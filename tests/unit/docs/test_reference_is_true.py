"""The reference says what the code says; what can be compared is compared."""

import ast
import re
import subprocess
import sys
import typing
from pathlib import Path

import msgspec
import pytest

from cloud.registry.authority import DEVICE_VALIDITY
from edge.bills.judgement import Finding
from protocol import area_messages, catalogue, measures, messages, moving, quotes, release
from protocol.errors import Reason
from protocol.status import Status
from protocol.topics import Kind
from protocol.versions import VERSIONS
from tests.support.product import sources_with

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
LOGGERS = {"log", "_log", "logger"}


def read(name):
    return (DOCS / "reference" / name).read_text("utf-8")


def rows(text):
    """The cells of each row of the tables in `text`, heads and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0].startswith("`")]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def section(text, heading):
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"no heading {heading!r}"
    return found[1]


def test_the_generated_parts_are_as_the_code_makes_them():
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrun docs/generate.py"


@pytest.fixture(scope="module")
def logged():
    """(event, level, fields) of each log call in the product."""
    return list(log_calls())


def log_calls():
    for path in sources_with(f"{name}.{level}" for name in LOGGERS for level in LEVELS):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in LOGGERS
            ):
                event = node.args[0]
                assert isinstance(event, ast.Constant), f"{path}: an event is a fixed word"
                fields = frozenset(keyword.arg for keyword in node.keywords)
                yield event.value, node.func.attr, fields


def test_the_log_events_are_those_of_the_code(logged):
    listed = {
        (words(event)[0], level, frozenset(words(fields)))
        for event, level, fields, _ in rows(read("logs.md"))
    }
    assert listed == set(logged)


def test_log_events_are_past_or_state_in_snake_case(logged):
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", event) for event, _, _ in logged)


BODIES = [
    each
    for each in (
        *vars(messages).values(),
        moving.Leave,
        moving.Left,
        quotes.QuoteRequest,
        quotes.QuotePart,
        quotes.QuoteAnswer,
        quotes.BlockRange,
        catalogue.Segment,
        catalogue.Entry,
    )
    if isinstance(each, type) and issubclass(each, msgspec.Struct) and each.__name__[0] != "_"
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_body_has_the_fields_of_the_reference_in_their_order(body):
    listed = rows(section(read("wire.md"), body.__name__))
    assert [words(row[0])[0] for row in listed] == list(body.__struct_fields__)
    hints = typing.get_type_hints(body, include_extras=True)
    for (field, kind, _), name in zip(listed, body.__struct_fields__, strict=True):
        for meta in getattr(hints[name], "__metadata__", ()):
            for bound in (meta.min_length, meta.max_length):
                if bound is not None:
                    assert re.search(rf"\b{bound}\b", kind), f"{field}: {kind} lacks {bound}"


AREA_BODIES = (
    area_messages.SeedLetters,
    area_messages.Contribution,
    area_messages.AreaQuestion,
    area_messages.Terms,
    area_messages.Document,
    area_messages.AreaAck,
    measures.Measures,
    measures.Measure,
    measures.Shares,
    measures.Group,
    measures.Parent,
    release.FigureTerms,
)


@pytest.mark.parametrize("body", AREA_BODIES, ids=lambda body: body.__name__)
def test_an_area_body_has_the_fields_of_the_reference_in_their_order(body):
    listed = rows(section(read("area.md"), body.__name__))
    assert [word for row in listed for word in words(row[0])] == list(body.__struct_fields__)


def test_every_topic_is_in_the_reference():
    listed = [
        words(row[0])[0].partition("/{")[0] for row in rows(section(read("wire.md"), "Topics"))
    ]
    assert listed == list(Kind)


def test_the_fields_of_status_are_in_the_reference():
    listed = [words(row[0])[0] for row in rows(section(read("wire.md"), "Status"))]
    assert listed == list(Status.__struct_fields__)


def test_every_reason_of_refusal_is_in_the_reference():
    chip = {word for row in rows(section(read("wire.md"), "Reasons")) for word in words(row[0])}
    cloud = {words(row[0])[0] for row in rows(section(read("cloud.md"), "Reasons of refusal"))}
    assert chip == set(Reason)
    assert cloud == set(Reason) - {Reason.MAC}


def test_every_finding_is_explained_where_bills_are():
    text = section((DOCS / "explanation" / "billing.md").read_text("utf-8"), "Judgement")
    assert set(Finding) <= set(words(text))


def test_the_golden_vectors_have_the_sizes_told():
    golden = ROOT / "tests/unit/protocol/golden" / str(VERSIONS.newest)
    listed = {}
    for row in rows(section(read("wire.md"), "Golden vectors")):
        payload = bytes.fromhex((golden / words(row[0])[0]).read_text())
        body = "–" if row[2] == "–" else str(len(msgspec.msgpack.decode(payload)[1]))
        assert [str(len(payload)), body] == row[1:]
        listed[words(row[0])[0]] = payload
    assert set(listed) == {path.name for path in golden.glob("*.hex")}


def test_a_monitor_is_alarmed_only_once_a_renewal_is_overdue():
    page = (ROOT / "docs/how-to/watch-with-mosquitto-sub.md").read_text("utf-8")
    (days,) = re.findall(r"`not_after` within (\d+) days", page)
    assert int(days) < DEVICE_VALIDITY.days / 3
