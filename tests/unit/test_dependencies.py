"""What pyproject.toml says of other packages."""

import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUNTIME = [
    each
    for each in map(Requirement, (*PROJECT["dependencies"], *EXTRAS["edge"], *EXTRAS["cloud"]))
    if each.marker is None or each.marker.evaluate()
]
# Each of their releases is a major one, or their versions are dates.
WITHOUT_UPPER_BOUND = {"cryptography", "pyarrow", "rich", "structlog", "tzdata"}
# What a next release is known to take away.
BREAKING = {
    "aiomqtt": "3.0",
    "litestar": "3.0",
    "opendp": "0.17",
    "paho-mqtt": "3.0",
    "sqlite-utils": "5.0",
    "tenseal": "0.4",
}


def test_each_dependency_has_an_upper_bound_or_a_reason_for_none():
    unbounded = {
        each.name for each in RUNTIME if not any(part.operator == "<" for part in each.specifier)
    }
    assert unbounded == WITHOUT_UPPER_BOUND


def test_no_release_that_breaks_us_is_taken():
    assert [
        each.name
        for each in RUNTIME
        if each.name in BREAKING and each.specifier.contains(BREAKING[each.name])
    ] == []


def test_weasyprint_is_one_that_takes_the_fetcher():
    (specifier,) = [each.specifier for each in RUNTIME if each.name == "weasyprint"]
    assert not specifier.contains("69.0")


def test_what_is_installed_is_within_the_bounds():
    assert [each.name for each in RUNTIME if not each.specifier.contains(version(each.name))] == []
