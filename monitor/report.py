"""What a running monitor tells its operator: each chip, and how the monitor does."""

from datetime import datetime

import msgspec

from monitor.intake import Intake
from protocol.calendar import Instant
from protocol.ids import DeviceId
from protocol.status import Count, State, Text


class ChipRow(msgspec.Struct, frozen=True):
    """One chip as it last told of itself; see `protocol.status.Status`. Times are whole hours.

    Attributes:
        device: its id; the collectivity knows whose it is.
        is_overdue: it says that it is there, and has not reported for 50 hours.
        heard_at: its latest report.
        since: when it came into its state, if the monitor has seen that.
    """

    device: DeviceId
    state: State
    is_overdue: bool
    heard_at: Instant | None
    since: Instant | None
    software: Text
    software_rolled_back_from: Text | None
    outbox_depth: Count
    line_quality: float | None
    not_after: Instant | None


class FleetReport(msgspec.Struct, frozen=True):
    """What the monitor knows.

    Attributes:
        connected_since: since when it has a session at the broker; None if it has none.
        last_at: when it last heard the broker.
        chips: all chips, those not heard of for longest first.
        dropped: chips that were dropped as too many.
        refused: messages that could not be used, by the reason.
        set_aside: messages that met a defect of the monitor's.
    """

    connected_since: Instant | None
    last_at: Instant | None
    chips: tuple[ChipRow, ...]
    dropped: Count
    refused: dict[str, Count]
    set_aside: Count


def make_report(intake: Intake, connected_since: datetime | None, now: datetime) -> FleetReport:
    """Return what the monitor knows now."""
    rows = tuple(
        ChipRow(
            device=device,
            state=chip.status.state,
            is_overdue=chip.is_overdue(now),
            heard_at=chip.heard_at,
            since=chip.since,
            software=chip.status.software,
            software_rolled_back_from=chip.status.software_rolled_back_from,
            outbox_depth=chip.status.outbox_depth,
            line_quality=chip.status.line_quality,
            not_after=chip.status.not_after,
        )
        for device, chip in intake.fleet.chips.items()
    )
    return FleetReport(
        connected_since=connected_since,
        last_at=intake.last_at,
        chips=rows,
        dropped=intake.fleet.dropped,
        refused={str(reason): count for reason, count in intake.refused.items()},
        set_aside=len(intake.set_aside.messages),
    )
