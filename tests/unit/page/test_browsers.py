"""Browsers are listed by what their owner calls them."""

import pytest

from edge.language.choice import Lang
from edge.page.browsers import browser_in_words
from edge.page.sessions import BROWSER_LENGTH_MAX

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
PHONE = "Mozilla/5.0 (Linux; Android 10; K)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
            "Firefox on Android",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Firefox on Linux",
        ),
        (f"{WINDOWS} {KIT} Chrome/131.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS} {KIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge on Windows"),
        (f"{WINDOWS} {KIT} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0", "Opera on Windows"),
        (f"{PHONE} {KIT} Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"{PHONE} {KIT} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0", "Edge on Android"),
        (
            f"{PHONE} {KIT} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (f"{IPHONE} {APPLE} Version/17.4 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} {APPLE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{IPHONE} {APPLE} FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/17.4 Safari/605.1.15",
            "Safari on macOS",
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {KIT} Chrome/131.0.0.0", "Chrome on ChromeOS"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {KIT} HeadlessChrome/131.0.0.0", "Chrome on Linux"),
        ("curl/8.5.0", "curl"),
        ("python-httpx/0.28.1", "Python"),
        ("", ""),
        ("My own <script>", "My own <script>"),
    ],
)
def test_a_browser_is_named_as_its_owner_calls_it(agent, words):
    assert browser_in_words(agent[:BROWSER_LENGTH_MAX], Lang.EN) == words
    french = words.replace(" on ", " sur ")
    assert browser_in_words(agent[:BROWSER_LENGTH_MAX], Lang.FR) == french


def test_a_long_lie_costs_nothing():
    assert browser_in_words("Version/1 " * 100_000, Lang.EN).startswith("Version/1")
