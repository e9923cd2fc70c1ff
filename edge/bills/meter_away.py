"""Times when another meter was taken for the home's, until the home's own was read again.

No statement can bill such days, because the values sent for them hold the other meter's energy.
The energy of the home's own meter follows from its readings before and after.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import msgspec

from edge.bills.judgement import Judgement
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.contracts.meter import meter_hash
from edge.identity.enrolment import load_identity
from edge.metering.events import DayClosed
from edge.vault.reader import VaultReader
from protocol.errors import ConfigError

# A register shows nine digits of Wh.
INDEX_MODULUS_KWH = 1_000_000


class MeterAway(msgspec.Struct, frozen=True):
    """One time when another meter was taken for the home's.

    Attributes:
        first, last: its days, both included.
        before_kwh, after_kwh: indices of registers 1…10 of the home's own meter at the end of the
            day before and of the last day; the energy between them is on no billable day. Both are
            the same where the own meter was read again on a later day, which then has that energy.
    """

    first: date
    last: date
    before_kwh: tuple[int, ...]
    after_kwh: tuple[int, ...]

    @property
    def register_kwh(self) -> tuple[int, ...]:
        """The energy that each register counted meanwhile, in kWh."""
        return tuple(
            (after - before) % INDEX_MODULUS_KWH
            for before, after in zip(self.before_kwh, self.after_kwh, strict=True)
        )

    @property
    def days(self) -> set[date]:
        """All days from `first` to `last`."""
        return {self.first + timedelta(n) for n in range((self.last - self.first).days + 1)}


def read_times_away(directory: Path, vault: VaultReader) -> list[MeterAway]:
    """Return the times when another meter was taken for one that a contract in `directory` names.

    Returns none where the directory lacks the chip's keys or contracts.
    """
    try:
        salt = load_identity(directory).meter_salt
        agreements = agreements_of(directory, load_agreement(directory))
    except ConfigError:
        return []
    days = [closed for closed, _ in vault.values.days(date.min, date.max)]
    named = {agreement.contract.meter for agreement in agreements.values()}
    return [time for meter in named for time in times_away(days, partial(_is_named, salt, meter))]


def _is_named(salt: bytes, meter: bytes, serial: str) -> bool:
    return meter_hash(salt, serial) == meter


def times_away(days: Iterable[DayClosed], is_own: Callable[[str], bool]) -> Iterator[MeterAway]:
    """Yield the times between readings of the home's own meter (known by its serial), in order.

    Another meter that stayed is not such a time: it has replaced the former meter.
    """
    before: DayClosed | None = None
    first = last = None
    for closed in sorted(days, key=lambda row: row.day):
        serials = {closed.meter_serial, *(part.meter_serial for part in closed.parts)} - {""}
        if before is not None and not all(map(is_own, serials)):
            first, last = first or closed.day, closed.day
        if is_own(closed.meter_serial):
            if before is not None and first is not None and last is not None:
                after = closed if last == closed.day else before
                yield MeterAway(first, last, before.register_index_kwh, after.register_index_kwh)
            before, first, last = closed, None, None


def away_in(judgement: Judgement, times: Iterable[MeterAway]) -> list[MeterAway]:
    """Return the times that caused a statement to be refused."""
    if judgement.other_meter is None:
        return []
    return [time for time in times if time.first < judgement.end and judgement.start <= time.last]
