"""A household of the area lane for tests: its roster entry, seeds, contributions."""

import secrets
from dataclasses import dataclass, field
from datetime import date

from cloud.store.area import ContributionItem
from protocol.area_messages import AreaQuestion, Contribution, Part, SeedLetters, SeenHeads
from protocol.calendar import day_number
from protocol.roster import Roster, RosterEntry, SignedEntry, sign_entry
from protocol.topics import Kind
from tests.support.fake_chip import FakeChip

JOINED = day_number(date(2026, 1, 1))


@dataclass
class AreaHousehold:
    """A chip and its place in the roster; `entry` is its number there."""

    chip: FakeChip = field(default_factory=FakeChip)
    entry: int = 0
    cell: str = "751010101"
    provider: str = "blue"

    def signed_entry(self, roster: Roster, registrar_key, **changes) -> SignedEntry:
        """Make the household's next roster entry; its number becomes `entry`."""
        fields = {
            "number": len(roster),
            "previous": roster.head,
            "household_key": self.chip.household_key,
            "device": self.chip.device,
            "signing_key": self.chip.enrolment.signing_key,
            "point": self.chip.household_key * 2,
            "cell": self.cell,
            "provider": self.provider,
            "start": JOINED,
        }
        entry = RosterEntry(**(fields | changes))
        self.entry = entry.number
        return sign_entry(entry, registrar_key)

    def contribution(self, day: int, measures: bytes, parts=(("curve", "c", 3),), **changes):
        """Make a contribution of random words; `parts`: (measure, group, words)."""
        fields = {
            "household_key": self.chip.household_key,
            "day": day,
            "measures": measures,
            "generation": 1,
            "entry": self.entry,
            "nonce": secrets.token_bytes(16),
            "parts": tuple(
                Part(measure, group, secrets.token_bytes(8 * words))
                for measure, group, words in parts
            ),
        }
        return Contribution(**(fields | changes))

    def item(self, contribution: Contribution) -> ContributionItem:
        """Make the store's item of a contribution, signed by the chip."""
        payload = self.chip.message(Kind.AREA, contribution).payload
        return ContributionItem(self.chip.device, contribution, payload)

    def letters(self, generation=1, trustees=bytes(32)) -> SeedLetters:
        """Make seed letters of random bytes for 3-of-4 trustees."""
        return SeedLetters(
            self.chip.household_key,
            generation,
            20_000,
            trustees,
            tuple(secrets.token_bytes(32) for _ in range(6)),
            tuple(secrets.token_bytes(1_200) for _ in range(4)),
            SeenHeads(trustees, bytes(32), 1, bytes(32)),
        )

    def ask(self, document=None) -> AreaQuestion:
        """Make a request for terms, or for a document."""
        return AreaQuestion(self.chip.household_key, document)
