"""The lock files: what they pin is what pyproject.toml asks for, whole, hashed and no more."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
# What each lock file installs, as `./run setup` and `./run setup edge` use them, and releases.
LOCKS = {
    "all": ("edge", "cloud", "trustee", "monitor", "dev", "bench"),
    "edge": ("edge",),
    "cloud": ("cloud", "trustee", "monitor"),
}
# `./run hardware` and `./run ansible` install these, beside them, from a dependency group; what SKiDL
# may do without is left out.
BESIDE = ("hardware", "fleet")
FILES = (*LOCKS, *BESIDE)
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
_PIN = re.compile(r"^(?P<requirement>[a-z0-9].*?) \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def text(lock: str) -> str:
    return (ROOT / "packaging" / "lock" / f"{lock}.txt").read_text()


def pins(lock: str) -> list[Requirement]:
    found = [_PIN.match(line) for line in text(lock).splitlines()]
    return [Requirement(match["requirement"]) for match in found if match]


def pinned(lock: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the version that an installation in `environment` gets of each package."""
    applying = [pin for pin in pins(lock) if pin.marker is None or pin.marker.evaluate(environment)]
    versions = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in applying}
    assert len(versions) == len(applying), "a package has two versions in one environment"
    return versions


def environments() -> list[dict[str, str]]:
    here = {key: str(value) for key, value in default_environment().items()}
    return [
        here
        | {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "platform_machine": machine,
        }
        for python in PYTHONS
        for machine in MACHINES
    ]


def asked(lock: str) -> list[Requirement]:
    if lock in BESIDE:
        groups = PYPROJECT["dependency-groups"]
        return [Requirement(each) for each in (*groups["build"], *groups[lock])]
    listed = [
        *PYPROJECT["build-system"]["requires"],
        *PYPROJECT["project"]["dependencies"],
        *(each for extra in LOCKS[lock] for each in EXTRAS[extra]),
    ]
    return [Requirement(each) for each in listed]


def reached(lock: str) -> set[str]:
    """Return every package that what is asked for needs, by what is installed here."""
    here = {key: str(value) for key, value in default_environment().items()}
    waiting = asked(lock)
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        each = waiting.pop()
        key = (canonicalize_name(each.name), frozenset(each.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            lines = requires(each.name) or []
        except PackageNotFoundError:
            pytest.fail(f"{each.name} is not installed: run `./run lock` and `./run setup`")
        for line in lines:
            needed = Requirement(line)
            for extra in ("", *each.extras):
                if needed.marker is None or needed.marker.evaluate(here | {"extra": extra}):
                    waiting.append(needed)
                    break
    return {name for name, _ in seen}


@pytest.mark.parametrize("lock", FILES)
@pytest.mark.parametrize("environment", environments(), ids=lambda e: e["python_version"])
def test_each_dependency_is_pinned_within_its_bounds(lock, environment):
    versions = pinned(lock, environment)
    outside = [
        str(each)
        for each in asked(lock)
        if (each.marker is None or each.marker.evaluate(environment))
        and not each.specifier.contains(versions.get(canonicalize_name(each.name), "0"))
    ]
    assert not outside, f"run `./run lock` and `./run setup`; not locked as asked for: {outside}"


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_pinned_is_what_is_needed_and_no_more(lock):
    here = {key: str(value) for key, value in default_environment().items()}
    assert set(pinned(lock, here)) == reached(lock)


@pytest.mark.parametrize("environment", environments(), ids=lambda e: e["python_version"])
@pytest.mark.parametrize("lock", ["edge", "cloud"])
def test_a_machine_gets_the_versions_that_the_tests_ran_with(environment, lock):
    assert pinned(lock, environment).items() <= pinned("all", environment).items()


def test_this_environment_is_the_locked_one():
    here = {key: str(value) for key, value in default_environment().items()}
    differing = {
        name: (version(name), locked)
        for name, locked in pinned("all", here).items()
        if version(name) != locked
    }
    assert differing == {}, "`./run setup` installs what is locked"


@pytest.mark.parametrize("environment", environments(), ids=lambda e: e["python_version"])
@pytest.mark.parametrize("lock", BESIDE)
def test_tools_are_of_the_versions_that_all_else_has(environment, lock):
    others, own = pinned("all", environment), pinned(lock, environment)
    assert {name: others.get(name, each) for name, each in own.items()} == own


@pytest.mark.parametrize("lock", FILES)
def test_each_pin_has_hashes_and_no_file_names_a_place_to_fetch_from(lock):
    lines = text(lock).splitlines()
    for number, line in enumerate(lines):
        if _PIN.match(line):
            assert _HASH.match(lines[number + 1]), line
        else:
            assert not line or line.lstrip().startswith("#") or _HASH.match(line), line
    assert "://" not in text(lock)


def test_the_build_backend_is_what_the_lock_brings():
    assert PYPROJECT["dependency-groups"]["build"] == PYPROJECT["build-system"]["requires"]
