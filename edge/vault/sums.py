"""Opens a month's sums with the keys and seeds of the epochs that encrypted its parts."""

from collections.abc import Callable, Iterable
from datetime import date

from edge.vault.keyring import Keyring
from edge.vault.rows import EpochRow
from protocol.household import Weights
from protocol.ids import Incarnation
from protocol.seal import open_sum

EpochOf = Callable[[Incarnation, date], EpochRow]


class KeysGone(Exception):
    """The keys of an epoch are not here: destroyed after retention, or lost with a chip."""


class SumOpener:
    """Opens sums under the household's keys; all of a sum's seeds are the chip's own."""

    def __init__(self, epoch_of: EpochOf, keyring: Keyring) -> None:
        """Open with the epochs that `epoch_of` returns and the keys of `keyring`."""
        self._epoch_of = epoch_of
        self._keyring = keyring

    def open(self, month: date, total: int, terms: Iterable[tuple[Incarnation, Weights]]) -> int:
        """Open a sum over a month, whose weights are split by incarnation.

        Raises:
            KeysGone: a part was encrypted under keys that are not here.
            CipherError: the sum does not open.
        """
        own = []
        for incarnation, weights in terms:
            epoch = self._epoch_of(incarnation, month)
            keys = self._keyring.with_id(epoch.keys)
            if keys is None:
                raise KeysGone
            own.append((keys.seal, epoch.seed, weights))
        return open_sum(total, own)
