"""Debian's Chromium, which trusts a page's authority and reaches that page alone.

Nothing is fetched for it: `./run test --all` installs the system's packages.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    StorageState,
    sync_playwright,
)

from edge.language.choice import Lang
from edge.page.names import AUTHORITY, address_at
from tests.support.page_process import ENTER, PageProcess
from tests.support.story_home import StoryHome

CHROMIUM = "/usr/bin/chromium"
LOCALES = {Lang.FR: "fr-FR", Lang.EN: "en-GB"}
WIDE = (1280, 900)
# WCAG 2.2, 1.4.10: a window of 1280 CSS pixels at 400 %.
NARROW = (320, 640)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Every place that is reached by Tab.
REACHED = 'a[href], button, select, input:not([type="hidden"]), summary, [tabindex="0"]'
_MARK = """
(nodes) => nodes.filter((node) => node.checkVisibility())
  .map((node, number) => { node.dataset.reached = number }).length
"""
_OPEN = "(nodes) => nodes.forEach((node) => { node.open = true })"
_FOCUSED = """
() => {
  const node = document.activeElement, style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return {
    number: node === document.body ? null : Number(node.dataset.reached),
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    isSeen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
      && box.top < innerHeight && box.left < innerWidth,
  };
}
"""
_NAME = """
() => (document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()
"""
# Day, month, year and calendar are a place each within a date.
DATE_PARTS = 4
_NOT_LOADED = "Failed to load resource: the server responded with a status of"
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
});
"""
_CUT = """[...document.querySelectorAll("select")].filter((list) => {
  const shown = list.offsetWidth;
  list.style.maxWidth = "none";
  const whole = list.offsetWidth;
  list.style.maxWidth = "";
  return whole > shown;
}).map((list) => list.id)"""
_WIDTHS = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@dataclass(frozen=True)
class Look:
    """How somebody looks at the page: language, colours, size in CSS pixels, scripts."""

    lang: Lang = Lang.EN
    colours: str = "light"
    size: tuple[int, int] = WIDE
    has_scripts: bool = True


@dataclass
class Visitor:
    """A browser of its own before the page; what it asked for, and what it complained about."""

    context: BrowserContext
    tab: Page
    home: PageProcess | StoryHome
    address: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        browser: Browser,
        home: PageProcess | StoryHome,
        look: Look,
        cookies: StorageState | None,
    ) -> Self:
        width, height = look.size
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=LOCALES[look.lang],
            color_scheme=look.colours,
            java_script_enabled=look.has_scripts,
            storage_state=cookies,
        )
        context.add_init_script(_TELL_VIOLATIONS)
        address = address_at(home.name, home.port).removesuffix("/")
        visitor = cls(context, context.new_page(), home, address)
        context.on("request", visitor._note_request)
        visitor.tab.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.tab.on("console", visitor._note_said)
        return visitor

    def go(self, place: str) -> int:
        """Open a place of the page; return the status of the answer."""
        answer = self.tab.goto(self.address + place)
        assert answer is not None
        return answer.status

    def enter(self, *options: str) -> None:
        """Pair by the code of the console."""
        self.go(ENTER)
        self.type_code(self.home.code(*options))
        self.tab.wait_for_url(f"{self.address}/")

    def type_code(self, code: str) -> None:
        """Type a code and send it."""
        self.tab.locator("#code").fill(code)
        self.tab.locator("main button").click()

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.tab.keyboard.press(key)

    def tab_to(self, name: str) -> None:
        """Press Tab until the place of that label or text has the focus."""
        for _ in range(self.reachable() + DATE_PARTS):
            self.press("Tab")
            if self.tab.evaluate(_NAME) == name:
                return
        pytest.fail(f"Tab does not reach {name!r} on {self.tab.url}")

    def said(self) -> list[str]:
        """Return the complaints, once the browser has told of those that were on their way."""
        self.tab.evaluate("() => null")
        return self.complaints

    def violations(self) -> str:
        """Return what axe finds against WCAG 2.2 AA and good practice; empty if nothing."""
        found = Axe().run(self.tab, options=RULES | {"resultTypes": ["violations"]})
        return found.generate_report() if found.violations_count else ""

    def overflow_px(self) -> int:
        """Return by how much the page is wider than its window."""
        whole, seen = self.tab.evaluate(_WIDTHS)
        return whole - seen

    def cut(self) -> list[str]:
        """Return the lists to choose from whose longest choice does not fit into the window."""
        found: list[str] = self.tab.evaluate(_CUT)
        return found

    def walk(self) -> list[dict[str, object]]:
        """Press Tab from the first to the last place; return the places, each once, as they came."""
        count = self.reachable()
        places: list[dict[str, object]] = []
        while True:
            self.tab.keyboard.press("Tab")
            place = self.tab.evaluate(_FOCUSED)
            # After the last one comes the browser itself, or the first one again.
            if place["number"] is None or (len(places) > 1 and place == places[0]):
                return places
            if not places or places[-1]["number"] != place["number"]:  # parts of a date
                assert len(places) <= count, "Tab goes round"
                places.append(place)

    def reachable(self) -> int:
        """Number the places that Tab must reach, in the order of the page; return how many."""
        return self.tab.eval_on_selector_all(REACHED, _MARK)

    def open_all(self) -> None:
        """Open what is folded."""
        self.tab.eval_on_selector_all("details", _OPEN)

    def strangers(self) -> list[str]:
        """Return what was asked of anybody but the page."""
        return [url for url in self.asked if not url.startswith((f"{self.address}/", "data:"))]

    def _note_said(self, said: ConsoleMessage) -> None:
        # That the page which was asked for is missing or refused is no fault of it.
        is_of_page = said.text.startswith(_NOT_LOADED) and said.location["url"] == self.tab.url
        if said.type in {"error", "warning"} and not is_of_page:
            self.complaints.append(f"{said.text} ({said.location['url']})")

    def _note_request(self, request: Request) -> None:
        self.asked.append(request.url)


@contextmanager
def running_browser(directory: Path, home: PageProcess | StoryHome) -> Iterator[Browser]:
    """Run Chromium with a home directory of its own.

    It knows no name but the home's own: what it would ask of others fails, and is noted.
    """
    for program, package in ((CHROMIUM, "chromium"), ("certutil", "libnss3-tools")):
        if shutil.which(program) is None:
            pytest.skip(f"{package} is not installed; `./run test --all browser` installs it")
    _trust(directory, home.directory / AUTHORITY)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                f"--host-resolver-rules=MAP {home.name} 127.0.0.1, MAP * ~NOTFOUND",
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
            ],
            env=dict(os.environ) | {"HOME": str(directory)},
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser,
    home: PageProcess | StoryHome,
    look: Look | None = None,
    cookies: StorageState | None = None,
) -> Iterator[Visitor]:
    """Open a browser window of its own, with no cookies but these."""
    visitor = Visitor.of(browser, home, look or Look(), cookies)
    try:
        yield visitor
    finally:
        visitor.context.close()


def _trust(directory: Path, authority: Path) -> None:
    store = directory / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for arguments in (
        ("-N", "--empty-password"),
        ("-A", "-n", "page", "-t", "C,,", "-i", str(authority)),
    ):
        subprocess.run(["certutil", "-d", f"sql:{store}", *arguments], check=True)
