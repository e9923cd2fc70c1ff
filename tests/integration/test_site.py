"""The pages as a site: complete, without a broken link, and without anything of others' hosts."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.support.environments import ROOT

pytestmark = pytest.mark.long

_LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]*\bsrc=\"?([^\" >]+)|<link[^>]*\bhref=\"?([^\" >]+)"
)


@pytest.fixture
def project(tmp_path):
    """What the site is made of."""
    for name in ("docs", "hardware"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in (*ROOT.glob("*.md"), ROOT / "zensical.toml"):
        shutil.copy(path, tmp_path)
    # Links to source are made plain only where the source is there.
    for name in (
        "protocol",
        "edge",
        "cloud",
        "trustee",
        "provider",
        "monitor",
        "tests",
        "benchmarks",
    ):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("system", "mosquitto", "tariffs", "volet", "packaging", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def build(project):
    subprocess.run((sys.executable, "docs/stage.py"), cwd=project, check=True)
    return subprocess.run(
        (sys.executable, "-m", "zensical", "build", "--clean", "--strict"),
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_page_is_on_the_site_and_no_link_is_broken(project):
    done = build(project)
    assert done.returncode == 0, done.stdout + done.stderr
    site = project / "build/site"
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        path = page.relative_to(ROOT).with_suffix(".html")
        made = path.with_name("index.html") if page.stem == "README" else path
        assert (site / made).exists(), made
    assert len((site / "docs/how-to/enrol.html").read_text()) > 10_000


def test_a_reader_fetches_nothing_from_others(project):
    build(project)
    loaded = {
        first or second
        for page in (project / "build/site").rglob("*.html")
        for first, second in _LOADED.findall(page.read_text("utf-8"))
    }
    assert loaded
    assert [each for each in loaded if "://" in each or each.startswith("//")] == []


@pytest.mark.parametrize("target", ["nowhere.md", "../SECURITY.md#nothing-of-the-kind"])
def test_a_broken_link_ends_the_build(project, target):
    with (project / "docs/README.md").open("a") as page:
        page.write(f"\n[broken]({target})\n")
    assert build(project).returncode != 0
