"""Links lead somewhere, files and tests that pages name exist, and every page can be found."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SKIPPED = {".venv", ".git", "node_modules", "build", "dist", "demo-data"}
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not SKIPPED & set(path.relative_to(ROOT).parts) and not path.parts[-2].startswith(".")
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = "protocol|system|mosquitto|edge|cloud|volet|tests|benchmarks|docs|hardware"
NAMED = re.compile(rf"`((?:{FOLDERS})/[A-Za-z0-9_./-]*[A-Za-z0-9_/])(?:::(\w+))?`")


def name(path):
    return str(path.relative_to(ROOT))


def anchors(text):
    """The anchors that GitHub gives the headings of a page."""
    for heading in re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        yield plain.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(ROOT), f"{target} leads out of the project"
        assert file.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in set(anchors(file.read_text("utf-8"))), f"no heading for {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_and_tests_that_a_page_names_exist(page):
    for file, test in NAMED.findall(page.read_text("utf-8")):
        path = ROOT / file
        assert path.exists() or path.with_suffix(".py").exists(), f"there is no {file}"
        if test:
            assert f"def {test}(" in path.read_text("utf-8"), f"{file} has no {test}"


def test_every_page_of_the_docs_is_in_the_index():
    index = (ROOT / "docs/README.md").read_text("utf-8")
    linked = {
        (ROOT / "docs" / target.partition("#")[0]).resolve() for target in LINK.findall(index)
    }
    linked |= {
        (ROOT / "docs/decisions" / target).resolve()
        for target in LINK.findall((ROOT / "docs/decisions/README.md").read_text("utf-8"))
    }
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert not {name(page) for page in pages - linked - {ROOT / "docs/README.md"}}


def test_no_page_is_forgotten_by_git():
    known = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if known.returncode:
        pytest.skip("this is no git work tree")
    assert {name(page) for page in PAGES} <= set(known.stdout.splitlines())
