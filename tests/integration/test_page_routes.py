"""The page of a household that has lived through some weeks: what each route shows, and to whom."""

import pytest

from tests.support.lived_home import lived_home
from tests.support.lived_story import lived


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with lived_home(lived(tmp_path_factory.mktemp("lived"))) as home:
        yield home


def test_the_budget_is_shown_in_words_and_numbers(home):
    with home.visitor() as visitor:
        shown = visitor.get("/budget").text
        told = visitor.get("/api/v1/budget").json()
    month = told["spent"][1]
    assert f"{100 * month['spent']:.0f}% of the cap" in shown
    assert told["next_day"] in shown
    assert "you have not confirmed the trustees" in shown
