"""The day by this machine's clock, and how many days a trustee keeps what it answered."""

from datetime import UTC, datetime

from protocol.calendar import day_number, legal_day

# Six months: a figure waits while trustees are offline for weeks, but not longer than this.
KEPT_DAYS = 183


def today_number() -> int:
    """Return the number of the current legal day."""
    return day_number(legal_day(datetime.now(UTC)))
