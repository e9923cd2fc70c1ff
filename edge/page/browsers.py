"""What a browser says of itself, in a few words: Firefox on Android.

A table of our own: those libraries that know every browser ever made take several times the memory
of the page. What is in no table is shown as it says it of itself.
"""

import re

from edge.language.choice import Lang
from edge.page.texts import TEXTS

# The first that matches: most browsers name those that they want to be taken for.
_BROWSERS = (
    ("Samsung Internet", r"SamsungBrowser/"),
    ("DuckDuckGo", r"DuckDuckGo/|Ddg/"),
    ("Opera", r"\bOPR/|\bOPT/|\bOPX/|Opera"),
    ("Vivaldi", r"Vivaldi/"),
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"HeadlessChrome/|\bChrome/|CriOS/"),
    ("Safari", r"Version/[\d.]+ .*Safari/"),
    ("curl", r"\Acurl/"),
    ("Python", r"\A(?:python-|Python-)"),
)
_SYSTEMS = (
    ("iPad", r"\biPad\b"),
    ("iPhone", r"\biPhone\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"Windows NT"),
    ("macOS", r"Macintosh"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
)
_LOOKED_AT = 512


def browser_in_words(agent: str, lang: Lang) -> str:
    """Return browser and system that a User-Agent names; the agent itself if it names no browser."""
    browser, system = (_first(table, agent[:_LOOKED_AT]) for table in (_BROWSERS, _SYSTEMS))
    if not browser:
        return agent
    if not system:
        return browser
    return TEXTS[lang]["browser_on"].format(browser=browser, system=system)


def _first(table: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for name, pattern in table if re.search(pattern, agent)), "")
