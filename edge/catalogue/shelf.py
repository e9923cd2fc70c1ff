"""What a judge may look up: the household's contracts, and what the public list holds for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.bills.judge import Agreement, Shelf
from protocol.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Contracts:
    """The household's contracts beside the public list.

    Attributes:
        agreements: by the contracts' hashes, former ones included.
        meter_salt: under which they name their meters (32 bytes).
        listed: the admitted documents; it grows as they come.
    """

    agreements: Mapping[bytes, Agreement]
    meter_salt: bytes
    listed: Catalogue = field(default_factory=Catalogue)

    def shelf(self, agreement: Agreement) -> Shelf:
        """Return the listed documents that matter to a contract, as the list stands.

        Offers that extend the contract's are there where it follows them; the list admits none that
        adds a tariff for days before it was listed.
        """
        extensions = {}
        if agreement.contract.follows:
            extensions = self.listed.extensions_of(agreement.contract.offer)
        return Shelf(extensions, self.listed.schedules())
