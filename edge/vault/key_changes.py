"""What follows when the keys of a year go, or come back."""

from datetime import timedelta

import structlog

from edge.vault.blocks import BlockTable
from edge.vault.epochs import Epochs
from edge.vault.keyring import Keyring
from edge.vault.rows import FULL_DAY
from edge.vault.values import Values
from protocol.calendar import day_number, days_between, next_month
from protocol.errors import ConfigError
from protocol.year_keys import last_year_without_keys

log = structlog.get_logger()


def destroy_old_keys(keyring: Keyring, blocks: BlockTable) -> None:
    """Destroy the keys of years whose last block has left the cloud.

    A day counts once the cloud has acknowledged it: one that a wrong clock closed may be reopened
    until then, and destroyed keys never come back.
    """
    if (stored := blocks.last_stored_day()) is None:
        return
    try:
        keyring.destroy_through(last_year_without_keys(stored + timedelta(days=1)))
    except ConfigError as exc:  # metering continues, and the next start tries again
        log.error("year_keys_not_destroyed", why=str(exc))  # noqa: TRY400 - dealt with


def forget_unopened(epochs: Epochs, blocks: BlockTable, values: Values) -> None:
    """Forget blocks that could not be opened if their keys have come, so that they are fetched.

    The caller holds the transaction.
    """
    for incarnation, month in epochs.match_keys():
        for day in days_between(month, next_month(month)):
            if blocks.forget(incarnation, day_number(day)):
                values.mark(day, blocks.coverage(day_number(day)), FULL_DAY)
