"""What a judge may look up: the listed offers that a contract follows, calendars and series."""

from edge.bills.judge import Agreement, Shelf
from protocol.catalogue import Catalogue


def shelf_of(catalogue: Catalogue, agreement: Agreement | None) -> Shelf:
    """Return the listed documents that matter to a contract.

    Offers that extend the contract's are there where it follows them; the list admits none that
    adds a tariff for days before it was listed.
    """
    extensions = {}
    if agreement is not None and agreement.contract.follows:
        extensions = catalogue.extensions_of(agreement.contract.offer)
    return Shelf(extensions, catalogue.schedules())
