#!/usr/bin/env python3
"""Copy the project's pages to build/site-pages, from which `./run docs` builds the site.

Pages are unchanged except for links to source code, which is not on the site: these become text.
"""

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAGED = ROOT / "build" / "site-pages"
PAGES = ("*.md", "docs/**/*.md", "hardware/*.md", "hardware/**/*.svg")
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Return the site's files, relative to the project."""
    files = {path for pattern in PAGES for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(ROOT) for path in files)


def without_source_links(text: str, page: Path, known: set[Path]) -> str:
    """Return a page with links to files that are not on the site replaced by their text."""

    def plain(match: re.Match[str]) -> str:
        label, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match.group()
        path = Path(os.path.normpath(ROOT / page.parent / target.partition("#")[0]))
        is_source = path.exists() and path.relative_to(ROOT) not in known
        return label if is_source else match.group()

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(plain, part) for part in parts)


def stage() -> int:
    """Copy all pages afresh and return their number."""
    known = set(pages())
    shutil.rmtree(STAGED, ignore_errors=True)
    for page in known:
        to = STAGED / page
        to.parent.mkdir(parents=True, exist_ok=True)
        if page.suffix == ".md":
            to.write_text(without_source_links((ROOT / page).read_text("utf-8"), page, known))
        else:
            shutil.copyfile(ROOT / page, to)
    return len(known)


if __name__ == "__main__":
    sys.exit(stage() == 0)
