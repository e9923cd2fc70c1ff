"""The household's contracts, and the documents that the transparency log holds for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge.contracts.agreement import Agreement, ListedDocuments
from edge.contracts.former import ended
from edge.contracts.meter import Meters
from edge.vault.moving import Departure
from edge.vault.rows import Metered
from protocol.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Contracts:
    """The household's contracts beside the transparency log.

    Attributes:
        agreements: agreements by contract hash, former ones included.
        meter_salt: salt of the meter hashes in contracts (32 bytes).
        listed: the admitted documents; it grows as they arrive.
        departure: returns the household's departure once it has left, which ends the contract.
    """

    agreements: Mapping[bytes, Agreement]
    meter_salt: bytes
    listed: Catalogue = field(default_factory=Catalogue)
    departure: Callable[[], Departure | None] = lambda: None

    def agreement(self, contract: bytes) -> Agreement | None:
        """Return the present agreement of a contract; None if it is not the household's."""
        agreement, departure = self.agreements.get(contract), self.departure()
        if agreement is None or departure is None:
            return agreement
        end = agreement.contract.end
        has_ended = end is not None and end <= departure.last_day
        return agreement if has_ended else ended(agreement, departure.last_day)

    def meters(self, metered: Metered, fingerprint_of: Callable[[str, str], int]) -> Meters:
        """Return the meters that have counted, for comparison with the contracts."""
        calendars = {
            tariff.calendar
            for agreement in self.agreements.values()
            for offer in (agreement.offer, *self.listed_for(agreement).extensions.values())
            for tariff in offer.tariffs
        }
        return Meters(self.meter_salt, metered, fingerprint_of, calendars)

    def listed_for(self, agreement: Agreement) -> ListedDocuments:
        """Return the listed documents that apply to a contract at present.

        They include the offers that extend the contract's if the contract follows them. The list
        admits no offer that adds a tariff for days before its listing.
        """
        extensions = {}
        if agreement.contract.follows:
            extensions = self.listed.extensions_of(agreement.contract.offer)
        return ListedDocuments(extensions, self.listed.schedules())
