"""Gaps between readings: one notice when a spell of them begins, and their number when it ends."""

from datetime import timedelta

import msgspec

from edge.metering.events import Event, Notice, NoticeKind
from edge.metering.reading import Reading
from edge.metering.state import Account, GapSpell

# A line that has been read for this long without a gap has recovered.
RECOVERED_AFTER = timedelta(hours=1)


def note_gap(account: Account, reading: Reading) -> tuple[Account, list[Event]]:
    """Count a gap that ends at `reading`; the first of a spell gives a notice."""
    spell = account.gap_spell
    count = 0 if spell is None else spell.count
    spell = GapSpell(count + 1, reading.at)
    account = msgspec.structs.replace(account, gap_spell=spell)
    if count:
        return account, []
    detail = "no reading for some time, or the clock was set forward"
    return account, [Notice(NoticeKind.GAP, reading.at, detail)]


def end_spell(account: Account, reading: Reading) -> tuple[Account, list[Event]]:
    """End a spell once the line has recovered; more than one gap gives a notice of their number."""
    spell = account.gap_spell
    if spell is None or reading.at - spell.last_at < RECOVERED_AFTER:
        return account, []
    account = msgspec.structs.replace(account, gap_spell=None)
    if spell.count == 1:
        return account, []
    return account, [Notice(NoticeKind.GAPS_ENDED, reading.at, str(spell.count))]
