"""Every decoder has a target, and no target raises over its seeds, its corpus and some mutations."""

import ast
import importlib.util
import random
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import structlog
from msgspec import inspect

from cloud.api.app import _HANDLERS
from protocol.packed import INT_MAX
from protocol.topics import Kind, PublicKind, TrusteeKind
from tests.fuzz import api, areas, chip, cloud, files, monitors, receipts, trustees
from tests.fuzz.mutator import mutate
from tests.fuzz.registry import OWN, TARGETS
from tests.fuzz.target import all_of
from tests.support.product import PRODUCT, sources_with

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
MUTATIONS = 20
SECONDS = 20
# Where each reader's argument says what type it reads.
TYPE_AT = {"read_packed": 1, "read_json": 1, "decode_body": 1, "open_document": 2}
TYPE_AT |= {"open_message": 3, "open_own": 2, "open_household": 2, "ChoiceFile": 1}
# Which kind of message each party reads; the others are read where they were sent.
KINDS = {*Kind, *TrusteeKind, *PublicKind}


def types_read(source: str) -> set[str]:
    """Return the names of the types that a module's source reads."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "decode" and "toml" in ast.unparse(node.func):
            found |= {ast.unparse(each.value) for each in node.keywords if each.arg == "type"}
        if name in TYPE_AT and len(node.args) > TYPE_AT[name]:
            of = node.args[TYPE_AT[name]]
            found |= {
                each.attr if isinstance(each, ast.Attribute) else each.id
                for each in ast.walk(of)
                if isinstance(each, ast.Name | ast.Attribute)
            }
    return {each for each in found if each.strip("_")[:1].isupper() and len(each) > 1}


def without_target(types: set[str]) -> set[str]:
    return types - all_of(target.decodes for target in TARGETS.values()) - OWN.keys() - BETWEEN


# Parts of a message that has a target, and types of values in the program's own tables.
BETWEEN = {"Reason", "Scope", "Signature", "Ranges", "FormerDevice"}


def test_every_type_that_is_read_has_a_target():
    read = {
        each
        for path in sources_with((*TYPE_AT, "toml"))
        for each in types_read(path.read_text("utf-8"))
    }
    assert without_target(read) == set()
    assert OWN.keys() - read == set()


@pytest.mark.parametrize(
    "source",
    [
        "read_packed(data, Novelty)",
        "ChoiceFile(NAME, Novelty(), unreadable=Novelty())",
        "read_json(data, tuple[Novelty, ...])",
        "open_message(address, payload, key, module.Novelty)",
        "msgspec.toml.decode(data, type=Novelty)",
    ],
)
def test_a_new_type_would_be_seen(source):
    assert without_target(types_read(source)) == {"Novelty"}


def structs_read():
    """Return every struct that a target reads, but for an operator's own configuration."""
    names = all_of(
        target.decodes for target in TARGETS.values() if not target.name.endswith("-config")
    )
    structs = {
        value
        for module in list(sys.modules.values())
        if module.__name__.partition(".")[0] in PRODUCT
        for name, value in vars(module).items()
        if name in names and isinstance(value, type) and issubclass(value, msgspec.Struct)
    }
    return sorted(structs, key=lambda each: each.__name__)


def numbers_without_bound(info, at):
    """Yield where a type takes numbers that no database holds."""
    match info:
        case inspect.Metadata(type=inner):
            yield from numbers_without_bound(inner, at)
        case inspect.IntType(ge=ge, gt=gt, le=le, lt=lt):
            most, least = le if lt is None else lt, ge if gt is None else gt
            if most is None or least is None or most > INT_MAX + 1 or least < -INT_MAX - 1:
                yield at
        case inspect.StructType(cls=cls, fields=fields):
            for each in fields:
                yield from numbers_without_bound(each.type, f"{cls.__name__}.{each.name}")
        case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
            for each in types:
                yield from numbers_without_bound(each, at)
        case inspect.VarTupleType(item_type=each) | inspect.ListType(item_type=each):
            yield from numbers_without_bound(each, at)


@pytest.mark.parametrize("kind", structs_read(), ids=lambda kind: kind.__name__)
def test_every_number_that_is_read_has_a_bound_that_a_database_holds(kind):
    assert set(numbers_without_bound(inspect.type_info(kind), "")) <= COMPARED


# Compared with what is known before anything else uses it.
COMPARED = {"_Envelope.version", "_Usage.kva"}


def tables_that_raise(source):
    """Yield functions that read CSV and do not catch its error."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            text = ast.unparse(node)
            if "csv.reader(" in text or "csv.DictReader(" in text:
                caught = [
                    ast.unparse(e.type) for e in ast.walk(node) if isinstance(e, ast.excepthandler)
                ]
                if not any("csv.Error" in each for each in caught):
                    yield node.name


def test_every_reader_of_a_table_refuses_what_is_none():
    paths = [*sources_with(["csv."])]
    assert paths
    assert [name for path in paths for name in tables_that_raise(path.read_text("utf-8"))] == []
    assert list(tables_that_raise("def read(text):\n    return csv.reader(text)")) == ["read"]


def test_every_kind_of_message_has_a_target():
    assert all_of(target.kinds for target in TARGETS.values()) == KINDS


def test_every_call_with_a_body_has_a_target():
    posts = {
        path.replace(":str", "")
        for handler in _HANDLERS
        if handler.http_methods - {"GET"}
        for path in handler.paths
    }
    assert posts == all_of(target.calls for target in TARGETS.values())


def test_a_corpus_belongs_to_a_target():
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} <= TARGETS.keys()


@pytest.fixture
def quiet():
    before = structlog.get_config()["logger_factory"]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(logger_factory=before)


@contextmanager
def prepared_target(name, directory):
    prepared = TARGETS[name].prepare(directory)
    try:
        yield prepared
    finally:
        prepared.close()


def inputs(name, seeds):
    """Return the seeds, what was found once, and the same mutations in each run."""
    kept = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    rng = random.Random(name)
    mutated = [
        mutate(rng.choice([*seeds, *kept]), 65_536, rng.getrandbits(32), _change(rng))
        for _ in range(MUTATIONS)
    ]
    return [*seeds, *kept, *mutated]


def _change(rng):
    def change(data, _max_size):
        changed = bytearray(data or b"\0")
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)

    return change


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_raises(tmp_path, name):
    with prepared_target(name, tmp_path) as prepared:
        for data in inputs(name, prepared.seeds):
            prepared.run(data)


BROKEN = {
    "chip-statement": "edge.bills.inbox.StatementInbox.take",
    "chip-letter-text": "edge.bills.letters.read_letter",
    "cloud-block": "cloud.ingest.readings.check_block",
    "trustee-peer": "trustee.peers.Peers.take",
    "monitor-message": "monitor.fleet.decode_status",
    "api-statements": "cloud.api.provider.ProviderService.request_statement",
    "tariff-file": "tests.fuzz.files.parse_tariff",
}


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", BROKEN)
def test_a_decoder_that_raises_is_found(tmp_path, monkeypatch, name):
    def fail(*_arguments, **_options):
        raise KeyError("a defect on purpose")

    with prepared_target(name, tmp_path) as prepared:
        monkeypatch.setattr(BROKEN[name], fail)
        with pytest.raises((KeyError, AssertionError)):
            list(map(prepared.run, prepared.seeds))
        monkeypatch.undo()


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="no atheris here")
@pytest.mark.parametrize(
    "module",
    [chip, areas, cloud, trustees, monitors, api, files, receipts],
    ids=lambda m: m.__name__,
)
def test_20_s_with_each_target_find_nothing(module):
    names = [target.name for target in module.TARGETS]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--each", str(SECONDS), *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
