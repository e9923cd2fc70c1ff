"""The plan of the house: no cycle between rooms, lists that are true, a module for each command."""

import ast
import importlib
import keyword
import re
import tomllib
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import permutations

import grimp
import pytest

from tests.support.environments import ROOT
from tests.support.product import PRODUCT

# Each has rooms of its own; any other package at the top is one room.
HOUSES = ("edge", "cloud", "system", "trustee", "provider", "monitor", "volet")
PARTIES = ("edge", "cloud", "trustee", "provider", "monitor")
ROOMS_MAX = {"edge": 20, "cloud": 18}
_LISTED = re.compile(r"^([a-z_]+)/? {2,}\S", re.MULTILINE)


def room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in HOUSES else parts[0]


def arrows(imports: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for importer, imported in imports:
        if room(importer) != room(imported):
            found.setdefault(room(importer), set()).add(room(imported))
    return found


def product_imports() -> list[tuple[str, str]]:
    graph = grimp.build_graph(*PRODUCT, cache_dir=None)
    return [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    ]


def test_every_package_at_the_top_is_known_to_the_checks():
    """One that is not could carry any import between parties."""
    there = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert there - {"benchmarks"} == set(PRODUCT), "name it in tests/support/product.py"
    assert there == set(tools["importlinter"]["root_packages"]), "name it in root_packages"
    # The board's code is checked too, and is no package.
    assert there == set(tools["mypy"]["packages"]) - {"hardware"}, "name it in mypy's packages"
    packaged = {each.rstrip("*") for each in tools["setuptools"]["packages"]["find"]["include"]}
    assert packaged == set(PRODUCT), "name it in setuptools' include"


def test_modules_are_imported_by_name_in_three_known_places():
    """The import graph does not see such imports."""
    named = {
        f"{path.relative_to(ROOT)}: {ast.unparse(node.args[0])}"
        for name in PRODUCT
        for path in (ROOT / name).rglob("*.py")
        if "import_" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in {"import_module", "__import__"}
    }
    assert named == {
        "system/commands.py: module",
        "system/metrics.py: 'influxdb_client'",
        "system/metrics.py: 'influxdb_client.client.write_api'",
        "volet/price/cli.py: 'volet.price.encrypted'",
    }


def test_no_two_rooms_import_each_other_by_any_way():
    TopologicalSorter(arrows(product_imports())).prepare()


def test_one_import_upwards_closes_a_cycle():
    with pytest.raises(CycleError):
        TopologicalSorter(
            arrows([*product_imports(), ("edge.tic.decoder", "edge.chip.agent")])
        ).prepare()


def parties_that_meet(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    return {
        (party, other)
        for party, other in permutations(PARTIES, 2)
        if graph.find_shortest_chains(party, other)
    }


def test_no_party_imports_another_by_any_way():
    assert not parties_that_meet(grimp.build_graph(*PRODUCT, cache_dir=None))


def test_one_import_of_another_party_is_found():
    graph = grimp.build_graph(*PRODUCT, cache_dir=None)
    graph.add_import(importer="provider.receipts", imported="cloud.store")
    assert ("provider", "cloud") in parties_that_meet(graph)


@pytest.mark.parametrize("house", ROOMS_MAX)
def test_a_house_has_few_rooms_and_at_most_one_loose_file(house):
    folder = ROOT / house
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    loose = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert len(rooms) <= ROOMS_MAX[house]
    assert len(loose) <= 1


def listed(package: str) -> list[str]:
    return _LISTED.findall(importlib.import_module(package).__doc__ or "")


@pytest.mark.parametrize(
    "house", ["protocol", "edge", "cloud", "provider", "trustee", "monitor", "system"]
)
def test_a_house_lists_its_rooms_and_no_others(house):
    folder = ROOT / house
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    loose = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    differing = set(listed(house)) ^ rooms ^ loose
    assert not differing, f"name {differing} in the docstring of {house}/__init__.py, or delete it"


def test_each_package_lists_only_what_it_holds():
    for path in (each for name in PRODUCT for each in (ROOT / name).rglob("__init__.py")):
        package = ".".join(path.parent.relative_to(ROOT).parts)
        for name in listed(package):
            there = (path.parent / name).is_dir() or (path.parent / f"{name}.py").is_file()
            assert there, f"{package} lists {name}"


@pytest.mark.parametrize("party", PARTIES)
def test_a_command_is_found_in_the_module_of_its_name(party):
    group = getattr(importlib.import_module(f"{party}.commands.table"), party)
    for command, place in group.targets.items():
        name = command.replace("-", "_")
        module = f"{name}_" if keyword.iskeyword(name) else name
        assert place.split(":")[0] == f"{party}.commands.{module}"
        assert group.get_command(None, command) is not None
