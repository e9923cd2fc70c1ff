"""Keys between environments of other TenSEALs, and the oldest releases that pyproject.toml takes."""

import json
import tomllib
from datetime import date

import numpy as np
import pytest
from packaging.requirements import Requirement

from protocol.ids import new_incarnation
from protocol.keys import HouseholdSecret
from protocol.year_keys import YearKeys
from tests.support.environments import ROOT, make_environment

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

TENSEALS = ("0.3.16", "0.3.17", "0.3.18")
MONTH = date(2026, 3, 1)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What protocol/ imports; TenSEAL's version is chosen.
NEEDED = ("cryptography", "msgspec", "numpy", "pynacl", "zstandard")
# Tests that reach each library: a chip's process, SEAL, a PDF, the API.
REACHING = (
    "protocol/test_seeds_expand_alike.py",
    "protocol/test_secret_format.py",
    "edge/test_chip_scenarios.py",
    "bills/test_bill_document.py",
    "api/test_api_areas.py",
)
# Opens the keys on standard input, and the message under them; writes keys and a message of its own.
PROGRAM = """
import json, sys
from datetime import date
import numpy as np
import tenseal
from protocol.keys import HouseholdSecret
from protocol.year_keys import YearKeys

given = json.load(sys.stdin)
household = HouseholdSecret.from_bytes(bytes.fromhex(given["household"]))
keys = YearKeys.from_bytes(bytes.fromhex(given["keys"]), household)
coefficients = np.array(given["coefficients"], np.uint64)
own = YearKeys.generate(2026)
epoch = own.seal.new_epoch(date(2026, 3, 1), bytes(8))
json.dump({
    "tenseal": tenseal.__version__,
    "opened": keys.seal.open_own(bytes.fromhex(given["seed"]), coefficients),
    "keys": own.to_bytes(household).hex(),
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
def test_keys_of_this_code_open_under_another_tenseal_and_the_other_way_round(tenseal, tmp_path):
    environment = make_environment(tmp_path / "env", f"tenseal=={tenseal}", *NEEDED)
    household, keys = HouseholdSecret.generate(), YearKeys.generate(MONTH.year)
    epoch = keys.seal.new_epoch(MONTH, new_incarnation())
    given = {
        "household": household.to_bytes().hex(),
        "keys": keys.to_bytes(household).hex(),
        "seed": epoch.seed.hex(),
        "coefficients": [epoch.encrypt(MONTH, 0, 1234)],
    }
    answer = environment.run("-c", PROGRAM, stdin=json.dumps(given))
    assert answer.returncode == 0, answer.stderr
    theirs = json.loads(answer.stdout)
    assert theirs["tenseal"] == tenseal
    assert theirs["opened"] == [1234]
    own = YearKeys.from_bytes(bytes.fromhex(theirs["keys"]), household)
    coefficients = np.array(theirs["coefficients"], np.uint64)
    assert own.seal.open_own(bytes.fromhex(theirs["seed"]), coefficients) == [4321]


def test_the_oldest_releases_that_are_taken_do(tmp_path):
    extras = PROJECT["optional-dependencies"]
    runtime = [
        lowest(each) for each in (*PROJECT["dependencies"], *extras["edge"], *extras["cloud"])
    ]
    environment = make_environment(
        tmp_path / "env", *runtime, "hypothesis", "pypdf", "pytest", "pytest-timeout"
    )
    # A chip names its own version, which the metadata of an installed package tell.
    installed = environment.run("-m", "pip", "install", "-q", "--no-deps", "-e", str(ROOT))
    assert installed.returncode == 0, installed.stderr
    tests = [f"tests/unit/{each}" for each in REACHING]
    options = ("-q", "-x", "-p", "no:cacheprovider", "-o", "filterwarnings=")
    told = environment.run("-m", "pytest", *options, *tests, within_s=600)
    assert told.returncode == 0, told.stdout[-3_000:]
