"""One home for all, and one browser for each module: its driver holds the thread's event loop."""

import pytest

from tests.support.browser import running_browser, visit
from tests.support.page_home import page_home


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    with page_home(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(home, tmp_path_factory):
    with running_browser(tmp_path_factory.mktemp("browser"), home.page) as running:
        yield running


@pytest.fixture(scope="module")
def cookies(browser, home):
    """Those of a visitor who has been let in."""
    with visit(browser, home.page) as visitor:
        visitor.enter()
        return visitor.context.storage_state()
