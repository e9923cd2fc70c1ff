"""Who may see which route: what is not opened to those who see the curve only is closed to them."""

from pathlib import Path

import pytest

from edge.household.visitors import VisitorRole
from edge.language.choice import Lang
from edge.page.app import Page, application
from edge.page.places import MENU, may_see, menu
from edge.page.texts import TEXTS

VIEWERS_MENU = ["/", "/partage", "/budget", "/etat", "/aide"]


@pytest.fixture
def routes(tmp_path):
    page = Page(Path("no door"), tmp_path)
    return {route.path for route in application(page, ["localhost"])._app.routes}


def test_the_owner_sees_every_route(routes):
    assert all(may_see(VisitorRole.OWNER, path) for path in routes)
    assert menu(VisitorRole.OWNER) == list(MENU)


def test_the_menu_leads_to_routes_with_names_and_models(routes):
    for place in MENU:
        assert place.path in routes
        assert not place.model or f"/api/v1/{place.model}" in routes
        assert all(place.label in TEXTS[lang] for lang in Lang)


def test_before_the_enrolment_the_menu_lists_what_works_then():
    early = menu(VisitorRole.OWNER, is_early=True)
    assert [place.path for place in early] == ["/installation", "/aide"]
    assert [place.path for place in menu(VisitorRole.VIEWER, is_early=True)] == ["/aide"]
    assert all(place.label in TEXTS[lang] for place in early for lang in Lang)


def test_a_viewer_sees_the_curve_and_what_becomes_of_it():
    assert [place.path for place in menu(VisitorRole.VIEWER)] == VIEWERS_MENU
    for path in ("/factures", "/api/v1/bills", "/etat/sessions/{name}", "/to-come"):
        assert not may_see(VisitorRole.VIEWER, path)
