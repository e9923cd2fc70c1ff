"""What a household has lived through whose page has something to show on each route."""

from pathlib import Path

from edge.privacy.ledger import Spend
from protocol.calendar import day_number, legal_day
from tests.support.billing_home import BillingHome

DAYS = 40


def lived(directory: Path) -> BillingHome:
    """Return a household of some weeks in the town at `directory`."""
    home = BillingHome(directory / "town")
    home.start()
    home.live(DAYS)
    last = day_number(legal_day(home.clock.at)) - 1
    with home.vault.area_change() as area:
        area.put_spends(tuple(Spend(last - 7 * week, "curve", 0.1) for week in range(4)))
    return home
