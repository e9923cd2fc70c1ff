"""The pictures of the page in the documentation; VOLET_IMAGES=1 makes them anew."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from edge.language.choice import Lang
from tests.support.browser import NARROW, Look, visit

pytestmark = pytest.mark.long

IMAGES = Path(__file__).parents[2] / "docs" / "images"
BYTES_MAX = 120_000
# A page of few colours, and the edges of its letters.
COLOURS = 32
PICTURES = {
    "page-today-en": ("/", Look(Lang.EN, size=(900, 760))),
    "page-shared-en": ("/partage", Look(Lang.EN, size=(1_100, 900))),
    "page-shared-fr": ("/partage", Look(Lang.FR, size=(1_100, 900))),
    "page-beside-en": ("/partage#quartier", Look(Lang.EN, size=(900, 760))),
    "page-today-fr-dark": ("/", Look(Lang.FR, "dark", NARROW)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_taken_and_is_small(browser, home, cookies, tmp_path, name):
    place, look = PICTURES[name]
    folder = IMAGES if os.environ.get("VOLET_IMAGES") else tmp_path
    folder.mkdir(exist_ok=True)
    with visit(browser, home.page, look, cookies) as visitor:
        visitor.go(place)
        picture = Image.open(BytesIO(visitor.tab.screenshot()))
    picture.quantize(COLOURS).save(folder / f"{name}.png", optimize=True)
    assert 5_000 < (folder / f"{name}.png").stat().st_size < BYTES_MAX
    assert (IMAGES / f"{name}.png").stat().st_size < BYTES_MAX
