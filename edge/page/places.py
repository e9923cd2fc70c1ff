"""The routes of the page: their names in the menu and in its JSON, and which a viewer may see.

A route that is not listed as a viewer's is the owner's: whoever adds one has to open it here.
"""

from typing import NamedTuple

from edge.household.visitors import VisitorRole

# Of what is for the household's own scripts: answers and errors are JSON.
API = "/api/v1/"
# Where a visitor is let in.
ENTER = "/entrer"
# A bill as PDF.
BILL_FILE = "/factures/facture.pdf"
# From the meter's line to the enrolment, while the chip shows nothing else.
FIRST_RUN = "/installation"


class Place(NamedTuple):
    """A page of the menu; `label` names its text, `model` its JSON under `API`."""

    path: str
    label: str
    model: str = ""


MENU = (
    Place("/", "today", "today"),
    Place("/partage", "shared", "shared"),
    Place("/budget", "budget", "budget"),
    Place("/factures", "bills", "bills"),
    Place("/lettres", "letters", "letters"),
    Place("/offres", "offers", "offers"),
    Place("/accords", "agreements", "agreements"),
    Place("/demenager", "moving", "moving"),
    Place("/donnees", "own_curve", "own-curve"),
    Place("/etat", "state", "state"),
    Place("/aide", "help"),
)
# On the first run: what needs no enrolment.
_EARLY_MENU = (Place(FIRST_RUN, "set_up"), *(place for place in MENU if not place.model))
# What shows the curve and what becomes of it, and nothing of money, contracts or letters.
_VIEWERS = frozenset(
    {
        *("/", "/partage", "/shared", "/budget", "/etat", "/aide"),
        *("/live", "/sortir"),
        *(f"{API}{model}" for model in ("today", "shared", "budget", "state", "live")),
    }
)


def place_above(path: str) -> Place | None:
    """Return the page of the menu that a route lies below, None if it lies below none."""
    return next((place for place in MENU[1:] if path.startswith(f"{place.path}/")), None)


def may_see(role: VisitorRole, path: str) -> bool:
    """Return whether a visitor may see the route of this pattern."""
    return role is VisitorRole.OWNER or path in _VIEWERS


def menu(role: VisitorRole, *, is_early: bool = False) -> list[Place]:
    """Return the pages that a visitor's menu lists; if `is_early`, those of a chip not enrolled yet."""
    places = _EARLY_MENU if is_early else MENU
    return [place for place in places if may_see(role, place.path)]
