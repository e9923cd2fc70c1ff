"""The wheel, built and installed with what is locked for a chip: complete, and it starts."""

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.environments import ROOT, Environment, skip_without_registry
from tests.support.product import PRODUCT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.pyc", "data-*")
# Works on what the package itself holds, in another folder than the source.
PROGRAM = """
from importlib.resources import files
import edge.bills.render, tariffs
assert "site-packages" in tariffs.__file__, tariffs.__file__
assert list(files("edge.bills").joinpath("templates").iterdir())
assert list(files("tariffs").joinpath("data").iterdir())
"""


def sources() -> set[str]:
    """Return the files that make up the product, as git knows them or the disk has them."""
    return {
        str(path.relative_to(ROOT))
        for package in PRODUCT
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """An sdist, and the wheel that is made of it."""
    project = tmp_path_factory.mktemp("built") / "project"
    for package in PRODUCT:
        shutil.copytree(ROOT / package, project / package, ignore=LEFT_BEHIND)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    done = subprocess.run(
        (sys.executable, "-m", "build", "--no-isolation", "--outdir", project / "dist", project),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return project / "dist"


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Environment:
    """An environment of the packages locked for a chip, and the wheel."""
    directory = tmp_path_factory.mktemp("installed")
    skip_without_registry(directory)
    environment = Environment(directory / "env")
    subprocess.run((sys.executable, "-m", "venv", environment.directory), check=True)
    (wheel,) = built.glob("*.whl")
    pip = (environment.python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    locked = ("--require-hashes", "--only-binary", ":all:", "-r", ROOT / "packaging/lock/edge.txt")
    for arguments in (locked, ("--no-deps", wheel)):
        subprocess.run((*pip, *arguments), check=True, cwd=directory)
    return environment


def volet(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command where no source lies beside it."""
    return subprocess.run(
        (environment.directory / "bin" / "volet", *arguments),
        cwd=environment.directory,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_holds_every_file_of_the_product(built):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert sources() - names == set()
    assert {each for each in names - sources() if ".dist-info/" not in each} == set()


def test_the_sdist_holds_what_the_wheel_is_built_of(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*sources(), "pyproject.toml", "README.md", "LICENSE"} - names == set()


def test_the_installed_wheel_starts(installed):
    told = volet(installed, "--version")
    assert (told.returncode, told.stdout) == (0, "volet, version 0.1.0\n"), told.stderr
    helped = volet(installed, "edge", "--help")
    assert helped.returncode == 0, helped.stderr
    assert "simulate" in helped.stdout


def test_the_installed_wheel_finds_its_data(installed):
    done = subprocess.run(
        (installed.python, "-c", PROGRAM),
        cwd=installed.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_bill_of_materials_names_what_is_installed(installed, tmp_path):
    to = tmp_path / "sbom.json"
    arguments = ("environment", "--pyproject", ROOT / "pyproject.toml", "--output-file", to)
    subprocess.run((sys.executable, "-m", "cyclonedx_py", *arguments, installed.python), check=True)
    bill = json.loads(to.read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "volet")
    named = {each["name"].lower(): each["version"] for each in bill["components"]}
    assert {"tenseal", "opendp", "cryptography", "weasyprint"} <= set(named)
    pins = (ROOT / "packaging/lock/edge.txt").read_text()
    for name, version in named.items():
        assert name == "volet" or f"{name.replace('_', '-')}=={version}" in pins, name
