"""Keys between environments of other TenSEALs, and the oldest releases that pyproject.toml takes."""

import json
import tomllib

import numpy as np
import pytest
from packaging.requirements import Requirement

from protocol.keys import HouseholdSecret
from tests.support.environments import ROOT, make_environment
from tests.support.written_before import TENSEALS, Written

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What protocol/ imports; TenSEAL's version is chosen.
NEEDED = ("cryptography", "msgspec", "numpy", "pynacl", "zstandard")
# Tests that reach each library: a chip's process, SEAL, a PDF, the API.
REACHING = (
    "protocol/test_old_secrets.py",
    "protocol/test_secret_format.py",
    "edge/test_old_chip.py",
    "bills/test_bill_document.py",
    "api/test_api_areas.py",
)
# Opens the key on standard input, and the message under it; writes a key and a message of its own.
PROGRAM = """
import json, sys
from datetime import date
import numpy as np
import tenseal
from protocol.keys import HouseholdSecret

given = json.load(sys.stdin)
household = HouseholdSecret.from_bytes(bytes.fromhex(given["key"]))
coefficients = np.array(given["coefficients"], np.uint64)
own = HouseholdSecret.generate()
epoch = own.seal.new_epoch(date(2026, 3, 1), bytes(8))
json.dump({
    "tenseal": tenseal.__version__,
    "opened": household.seal.open_own(bytes.fromhex(given["seed"]), coefficients),
    "key": own.to_bytes().hex(),
    "seed": epoch.seed.hex(),
    "coefficients": [epoch.encrypt(date(2026, 3, 1), 0, 4321)],
}, sys.stdout)
"""


def lowest(each: str) -> str:
    """Return a requirement's lower bound as the only release that it takes."""
    requirement = Requirement(each)
    (bound,) = [part.version for part in requirement.specifier if part.operator == ">="] or [None]
    return requirement.name if bound is None else f"{requirement.name}=={bound}"


@pytest.mark.parametrize("tenseal", TENSEALS)
def test_a_key_of_this_code_opens_under_another_tenseal_and_the_other_way_round(tenseal, tmp_path):
    environment = make_environment(tmp_path / "env", f"tenseal=={tenseal}", *NEEDED)
    written = Written("0.3.16")
    given = {
        "key": HouseholdSecret.from_bytes(written.key_file).to_bytes().hex(),
        "seed": written.facts["seed"],
        "coefficients": [int(each) for each in written.facts["coefficients"]],
    }
    answer = environment.run("-c", PROGRAM, stdin=json.dumps(given))
    assert answer.returncode == 0, answer.stderr
    theirs = json.loads(answer.stdout)
    assert theirs["tenseal"] == tenseal
    assert theirs["opened"] == written.facts["values"]
    household = HouseholdSecret.from_bytes(bytes.fromhex(theirs["key"]))
    coefficients = np.array(theirs["coefficients"], np.uint64)
    assert household.seal.open_own(bytes.fromhex(theirs["seed"]), coefficients) == [4321]


def test_the_oldest_releases_that_are_taken_do(tmp_path):
    extras = PROJECT["optional-dependencies"]
    runtime = [
        lowest(each) for each in (*PROJECT["dependencies"], *extras["edge"], *extras["cloud"])
    ]
    environment = make_environment(
        tmp_path / "env", *runtime, "hypothesis", "pypdf", "pytest", "pytest-timeout"
    )
    tests = [f"tests/unit/{each}" for each in REACHING]
    options = ("-q", "-x", "-p", "no:cacheprovider", "-o", "filterwarnings=")
    told = environment.run("-m", "pytest", *options, *tests, within_s=600)
    assert told.returncode == 0, told.stdout[-3_000:]
