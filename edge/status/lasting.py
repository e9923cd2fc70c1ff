"""Which notices are still shown: the latest ones, and those that still ask for something."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from edge.metering.events import Notice, NoticeKind

# What happened is shown until the bill of its month has come: at most a month, and two weeks for it.
SHOWN_FOR = timedelta(days=45)
SHOWN_MAX = 20


def lasting(notices: Sequence[Notice], now: datetime, *, are_receipts_held: bool) -> list[Notice]:
    """Return the notices to show at `now`, from all notices in order.

    One that still asks the household for something stays: new keys, until there are newer ones, lost
    keys, and a rebuilt vault while `are_receipts_held`. What differs from the contract, or waits to
    be confirmed, is told apart from its notice.
    """
    keys = [each for each in notices if each.kind is NoticeKind.KEYS_DRAWN][-1:]
    keys += [each for each in notices if each.kind is NoticeKind.KEYS_LOST]
    rebuilt = [each for each in notices if each.kind is NoticeKind.VAULT_REBUILT][-1:]
    asking = keys + rebuilt * are_receipts_held
    recent = [each for each in notices if each.at > now - SHOWN_FOR][-SHOWN_MAX:]
    return [each for each in notices if each in asking or each in recent]
