"""The pictures of the page in the documentation; VOLET_IMAGES=1 makes them anew."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from edge.language.choice import Lang
from tests.support.broker import make_cloud, wait_until
from tests.support.browser import NARROW, Look, Visitor, running_browser, visit
from tests.support.first_run import new_home
from tests.support.lived_home import lived_home
from tests.support.lived_story import lived
from tests.support.page_process import ENTER

pytestmark = pytest.mark.long

IMAGES = Path(__file__).parents[2] / "docs" / "images"
BYTES_MAX = 120_000
# A page of few colours, and the edges of its letters.
COLOURS = 32
LONG = (900, 1_000)
# Of a household that has lived through weeks, and of a chip that is not enrolled yet.
LIVED = {
    "page-bills-fr": ("/factures", Look(Lang.FR, size=LONG)),
    "page-budget-en": ("/budget", Look(Lang.EN, size=LONG)),
    "page-own-data-fr": ("/donnees", Look(Lang.FR, size=(900, 700))),
}
FIRST_RUN_PICTURE = ("page-first-run-en", "/installation", Look(Lang.EN, size=LONG))
PICTURES = {
    "page-today-en": ("/", Look(Lang.EN, size=(900, 760))),
    "page-shared-en": ("/partage", Look(Lang.EN, size=(1_100, 900))),
    "page-shared-fr": ("/partage", Look(Lang.FR, size=(1_100, 900))),
    "page-beside-en": ("/partage#quartier", Look(Lang.EN, size=(900, 760))),
    "page-today-fr-dark": ("/", Look(Lang.FR, "dark", NARROW)),
}


def test_pictures_of_a_household_that_has_bills(tmp_path):
    """All by one browser, and before the one that this module shares: two would share an event loop."""
    with (
        lived_home(lived(tmp_path)) as home,
        running_browser(tmp_path / "browser", home.page) as browser,
    ):
        for name, (place, look) in LIVED.items():
            with visit(browser, home.page, look) as visitor:
                visitor.go(ENTER)
                visitor.type_code(home.code())
                visitor.tab.wait_for_url(f"{visitor.address}/")
                visitor.go(place)
                take(visitor, name, tmp_path)


def test_a_picture_of_the_first_run(tmp_path):
    name, place, look = FIRST_RUN_PICTURE
    make_cloud(tmp_path / "cloud", "testville")
    with (
        new_home(tmp_path, tmp_path / "cloud") as home,
        running_browser(tmp_path / "browser", home.page) as browser,
        visit(browser, home.page, look) as visitor,
    ):
        wait_until(lambda: bool(home.shown().line), "the chip to read its meter")
        visitor.go(ENTER)
        visitor.type_code(home.page.code())
        visitor.tab.wait_for_url(f"{visitor.address}{place}")
        take(visitor, name, tmp_path)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_taken_and_is_small(browser, home, cookies, tmp_path, name):
    place, look = PICTURES[name]
    with visit(browser, home.page, look, cookies) as visitor:
        visitor.go(place)
        take(visitor, name, tmp_path)


def take(visitor: Visitor, name: str, folder: Path) -> None:
    """Take the picture of what is shown, and check that it and the documentation's are small."""
    folder = IMAGES if os.environ.get("VOLET_IMAGES") else folder
    picture = Image.open(BytesIO(visitor.tab.screenshot()))
    picture.quantize(COLOURS).save(folder / f"{name}.png", optimize=True)
    assert 5_000 < (folder / f"{name}.png").stat().st_size < BYTES_MAX
    assert (IMAGES / f"{name}.png").stat().st_size < BYTES_MAX
