"""What follows when the keys of a year go, or come back."""

from datetime import timedelta

import structlog

from edge.metering.events import Notice, NoticeKind
from edge.vault.blocks import BlockTable
from edge.vault.epochs import Epochs
from edge.vault.keyring import Keyring
from edge.vault.rows import FULL_DAY
from edge.vault.values import Values
from protocol.calendar import day_number, day_start, days_between, next_month
from protocol.errors import ConfigError
from protocol.year_keys import last_year_without_keys

LOOKED_BACK = timedelta(days=30)
METERED_DAYS_MIN = 7

log = structlog.get_logger()


def destroy_old_keys(keyring: Keyring, blocks: BlockTable, values: Values) -> None:
    """Destroy the keys of years whose last block has left the cloud.

    Destroyed keys never come back, and a clock may be years ahead. So a day counts only once the
    cloud has acknowledged it (until then it may be reopened), and once the chip has read the meter
    through several of the days before it, which a clock that has jumped takes a week to do.
    """
    if (stored := blocks.last_stored_day()) is None:
        return
    today = stored + timedelta(days=1)
    due = last_year_without_keys(today)
    if min(keyring.years, default=due + 1) > due:
        return
    if values.metered_days(today - LOOKED_BACK, today) < METERED_DAYS_MIN:
        return
    try:
        keyring.destroy_through(due)
    except ConfigError as exc:  # metering continues, and the next start tries again
        log.error("year_keys_not_destroyed", why=str(exc))  # noqa: TRY400 - dealt with


def look_at_keys(keyring: Keyring, epochs: Epochs, blocks: BlockTable, values: Values) -> None:
    """Take note, at a start, of keys that have come back or are lost; within a transaction."""
    _forget_unopened(epochs, blocks, values)
    _tell_lost_keys(keyring, epochs, blocks, values)


def _forget_unopened(epochs: Epochs, blocks: BlockTable, values: Values) -> None:
    """Forget blocks that could not be opened if their keys have come, so that they are fetched."""
    for incarnation, month in epochs.match_keys():
        for day in days_between(month, next_month(month)):
            if blocks.forget(incarnation, day_number(day)):
                values.mark(day, blocks.coverage(day_number(day)), FULL_DAY)


def _tell_lost_keys(keyring: Keyring, epochs: Epochs, blocks: BlockTable, values: Values) -> None:
    """Tell the household once of days whose keys were in this chip and are not due yet."""
    if (stored := blocks.last_stored_day()) is None:
        return
    today = stored + timedelta(days=1)
    told = {
        notice.detail.split()[0]
        for notice in values.notices()
        if notice.kind is NoticeKind.KEYS_LOST
    }
    for keys in epochs.key_ids():
        days = None if keyring.with_id(keys) else epochs.days_under(keys)
        if days is None or days[1].year <= last_year_without_keys(today):
            continue
        if str(days[0]) not in told:  # the last day may still have been open before
            detail = f"{days[0]} {days[1]}"
            values.put_notice(Notice(NoticeKind.KEYS_LOST, day_start(today), detail))
