"""Stores the latest status of each chip, without history.

A status is not signed, so no decision may depend on it. The broker restricts a chip to its own
topic.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud.ingest.handler import HandlerResult
from cloud.store import Device
from cloud.store.fleet import FleetStore, LastHeard
from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.status import State, decode_status, whole_hour
from system.mqtt.message import Incoming, Outgoing


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """A status message and the enrolment of its topic's device, if the device is enrolled."""

    message: Incoming
    device: Device | None


class FleetIngest:
    """Records in which hour each chip was last heard, and its latest status."""

    def __init__(self, store: FleetStore) -> None:
        self._store = store
        self._hour: datetime | None = None
        self._heard = frozenset[DeviceId]()

    def take(
        self, statuses: Sequence[StatusMessage], senders: Iterable[DeviceId], at: datetime
    ) -> HandlerResult:
        """Record the senders of a batch and its statuses within the batch's transaction.

        Raises:
            StoreBusy: give up the batch and process it again.
        """
        hour = whole_hour(at)
        result = HandlerResult()
        reports = list[LastHeard]()
        for message in statuses:
            try:
                reports.append(_report(message, hour))
            except MessageRefused as exc:
                result.refused.append((message.message, exc))
        heard = self._heard if hour == self._hour else frozenset()
        reports += [LastHeard(device, hour) for device in senders if device not in heard]
        if reports:
            self._store.put_heard(reports)
        heard |= {report.device for report in reports if report.heard_at is not None}
        result.answers = lambda: self._remember(hour, heard)
        return result

    def _remember(self, hour: datetime, heard: frozenset[DeviceId]) -> tuple[Outgoing, ...]:
        """Remember who was heard once that is stored; there is nothing to answer."""
        self._hour, self._heard = hour, heard
        return ()


def _report(message: StatusMessage, hour: datetime) -> LastHeard:
    """Read a status; the broker's status for a lost chip does not count as hearing the chip."""
    if message.device is None or message.device.is_revoked:
        raise MessageRefused(Reason.UNKNOWN_DEVICE, "revoked" if message.device else "not enrolled")
    status = decode_status(message.message.payload)
    return LastHeard(
        message.device.device,
        None if status.state is State.LOST else hour,
        status.state,
        status.software,
        status.not_after,
    )
