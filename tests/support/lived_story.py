"""What a household has lived through whose page has something to show on each route."""

from pathlib import Path

from edge.privacy.ledger import Spend
from protocol.calendar import day_number, legal_day
from tests.support.billing_home import BillingHome, signed_offer

# Two bills, and a third that repeats the first one's days.
BILLS = {b"1" * 16: (0, 30), b"2" * 16: (30, 60), b"3" * 16: (0, 30)}
DAYS = 62


def lived(directory: Path, **changes) -> BillingHome:
    """Return a household of some weeks in the town at `directory`; `changes` are of its tariff."""
    home = BillingHome(directory / "town", offer=signed_offer(**changes))
    home.start()
    home.live(DAYS)
    for statement, (start, end) in BILLS.items():
        home.ask(start, end, statement)
    last = day_number(legal_day(home.clock.at)) - 1
    with home.vault.area_change() as area:
        area.put_spends(tuple(Spend(last - 7 * week, "curve", 0.1) for week in range(4)))
    return home
