"""An old notice goes, but none that the household still has to act on."""

from datetime import UTC, datetime, timedelta

import pytest

from edge.metering.events import Notice, NoticeKind
from edge.status.lasting import SHOWN_FOR, SHOWN_MAX, lasting

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
ASKING = {NoticeKind.KEYS_DRAWN, NoticeKind.KEYS_LOST, NoticeKind.VAULT_REBUILT}
OLD = NOW - SHOWN_FOR


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_notice_goes_once_the_bill_of_its_month_has_come(kind):
    old, recent = Notice(kind, OLD), Notice(kind, OLD + timedelta(seconds=1))
    assert lasting([recent], NOW, are_receipts_held=False) == [recent]
    assert lasting([old], NOW, are_receipts_held=True) == [old] * (kind in ASKING)


def test_a_rebuilt_vault_is_told_until_the_household_has_said_its_word():
    rebuilt = Notice(NoticeKind.VAULT_REBUILT, OLD)
    assert lasting([rebuilt], NOW, are_receipts_held=True) == [rebuilt]
    assert lasting([rebuilt], NOW, are_receipts_held=False) == []


def test_new_keys_are_told_until_there_are_newer_ones_and_each_loss_stays():
    first, second = (Notice(NoticeKind.KEYS_DRAWN, OLD, year) for year in ("2025", "2026"))
    losses = [Notice(NoticeKind.KEYS_LOST, OLD, days) for days in ("a b", "c d")]
    shown = lasting([first, losses[0], second, losses[1]], NOW, are_receipts_held=False)
    assert shown == [losses[0], second, losses[1]]


def test_what_asks_for_something_stands_among_many_recent_ones():
    """The latest alone are shown, which had pushed it out."""
    lost = Notice(NoticeKind.KEYS_LOST, OLD, "a b")
    gaps = [
        Notice(NoticeKind.GAP, NOW - timedelta(hours=n)) for n in reversed(range(SHOWN_MAX + 3))
    ]
    assert lasting([lost, *gaps], NOW, are_receipts_held=False) == [lost, *gaps[3:]]
