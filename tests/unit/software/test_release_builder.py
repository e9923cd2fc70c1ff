"""`./run release` takes the packages that the lock pins for the machine that it builds for."""

import importlib.util
import re
import subprocess

import pytest
from packaging.requirements import Requirement

from tests.unit.test_lock import ROOT, environments, pinned, text

SPEC = importlib.util.spec_from_file_location("release_builder", ROOT / "packaging/build.py")
BUILDER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BUILDER)


@pytest.mark.parametrize(
    "target", environments(), ids=lambda e: f"{e['platform_machine']}-{e['python_version']}"
)
def test_a_release_has_what_the_lock_pins_for_its_machine(target):
    chosen = BUILDER.pins_for(text("edge"), target["platform_machine"], target["python_version"])
    lines = [line for line in chosen.splitlines() if line[:1].isalnum()]
    taken = [Requirement(line.removesuffix("\\")) for line in lines]
    assert {pin.name: str(pin.specifier)[2:] for pin in taken} == pinned("edge", target)
    assert not any(pin.marker for pin in taken)
    assert len(taken) == len({pin.name for pin in taken})
    hashes = set(chosen.split()) - set(text("edge").split())
    assert not {each for each in hashes if each.startswith("--hash")}


def test_what_a_chip_has_needs_nothing_of_the_other_parties():
    """But the table of commands, which imports a command when it is called."""
    listed = subprocess.run(
        ("git", "ls-files", "*.py"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    left_out = BUILDER.LEFT_OUT["edge"]
    kept = [name for name in listed if not name.startswith(left_out)]
    packages = {name.split("/")[0] for name in kept if "/" in name}
    assert packages >= {"edge", "protocol", "system", "tariffs", "mosquitto", "volet"}
    assert (
        packages & {"cloud", "trustee", "provider", "monitor", "tests", "hardware", "benchmarks"}
        == set()
    )
    absent = "|".join(name.strip("/").replace("/", r"\.") for name in left_out)
    imported = re.compile(rf"^\s*(from|import) ({absent})\b", re.MULTILINE)
    assert [name for name in kept if imported.search((ROOT / name).read_text("utf-8"))] == []
