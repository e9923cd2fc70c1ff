"""What chips say of themselves, taken in: the last word of each and no history.

A status is not signed, so nothing decides by it; the broker keeps a chip to its own topic.
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
    """A status that came, and the enrolment of the device on whose topic; None: there is none."""

    message: Incoming
    device: Device | None


class FleetIngest:
    """Notes who was heard in which hour, and what each said last."""

    def __init__(self, store: FleetStore) -> None:
        self._store = store
        self._hour: datetime | None = None
        self._heard = frozenset[DeviceId]()

    def take(
        self, statuses: Sequence[StatusMessage], senders: Iterable[DeviceId], at: datetime
    ) -> HandlerResult:
        """Note the senders of a batch and its statuses, within the batch's transaction.

        Raises:
            StoreBusy: the batch is to be given up and processed again.
        """
        hour = whole_hour(at)
        result = HandlerResult()
        reports = list[LastHeard]()
        for each in statuses:
            try:
                reports.append(_report(each, hour))
            except MessageRefused as exc:
                result.refused.append((each.message, exc))
        heard = self._heard if hour == self._hour else frozenset()
        reports += [LastHeard(each, hour) for each in senders if each not in heard]
        if reports:
            self._store.put_heard(reports)
        heard |= {each.device for each in reports if each.heard_at is not None}
        result.answers = lambda: self._remember(hour, heard)
        return result

    def _remember(self, hour: datetime, heard: frozenset[DeviceId]) -> tuple[Outgoing, ...]:
        """Remember who was heard, now that it is stored; there is nothing to answer."""
        self._hour, self._heard = hour, heard
        return ()


def _report(each: StatusMessage, hour: datetime) -> LastHeard:
    """Read a status; one that the broker says for a lost chip is not the chip's own word."""
    if each.device is None or each.device.is_revoked:
        raise MessageRefused(Reason.UNKNOWN_DEVICE, "revoked" if each.device else "not enrolled")
    status = decode_status(each.message.payload)
    return LastHeard(
        each.device.device,
        None if status.state is State.LOST else hour,
        status.state,
        status.software,
        status.not_after,
    )
