"""A trustee's sealing keys: one for each month that is open, and for the next one.

Seeds of a month are sealed to its key. The private half is deleted with the month's seeds, so what
was sealed to it opens no more, wherever a copy of it is kept.
"""

from protocol.calendar import day_number, day_of_number, next_month
from protocol.hpke import SealingKey
from protocol.sealing import SealingNotice
from trustee.log import TrusteeLog


class SealingKeys:
    """The private keys that the database holds. Months are numbers of their first day."""

    def __init__(self, trustee_log: TrusteeLog) -> None:
        """Load the keys that were drawn before."""
        self._log = trustee_log
        self._keys = {
            month: SealingKey.from_bytes(key) for month, key in trustee_log.sealing_keys().items()
        }
        self._published = range(0)

    def of(self, month: int) -> SealingKey | None:
        """Return the key of a month; None if it has ended or is not drawn yet."""
        return self._keys.get(month)

    def notices(self) -> tuple[SealingNotice, ...]:
        """Return what chips must get, at most one for each calendar month."""
        return tuple(
            SealingNotice(month, key.public_bytes)
            for month, key in self._keys.items()
            if month in self._published
        )

    def forget(self, first: int) -> None:
        """Forget the keys of months before `first`, which are deleted from the database."""
        self._keys = {month: key for month, key in self._keys.items() if month >= first}

    def draw(self, first: int, today: int) -> None:
        """Draw the missing keys of the months from `first` to the one after the month of `today`."""
        last = day_number(next_month(day_of_number(today)))
        month = first
        while month <= last:
            if month not in self._keys:
                key = SealingKey.generate()
                self._log.put_sealing_key(month, key.to_bytes())
                self._keys[month] = key
            month = day_number(next_month(day_of_number(month)))
        self._published = range(first, last + 1)
