"""The clocks of a household, and whether the time can be known from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from system.clock import HostTime
from tests.support.true_meter import TrueMeter

SETTLES_AFTER = timedelta(minutes=4)
LONGEST_DIFFERENCE = timedelta(hours=20)


@dataclass
class HostClock:
    """The chip's clocks; `error` is how far the host's is ahead."""

    at: datetime
    seconds: float = 1_000.0
    error: timedelta = timedelta()
    is_synchronised: bool = True
    boots: int = 1

    def now(self) -> datetime:
        return self.at + self.error

    def monotonic_s(self) -> float:
        return self.seconds

    def host_time(self) -> HostTime:
        return HostTime(self.now(), self.is_synchronised, self.seconds, str(self.boots))


class TrueClocks:
    """The host's clock and the clock of the meter on the line.

    Attributes:
        is_disputed: whether two trusted clocks have differed and not agreed long enough since.
    """

    def __init__(self, at: datetime) -> None:
        self.host = HostClock(at)
        self.is_disputed = self._is_dispute_kept = False
        self._believed_boot: int | None = None
        self._differing_since: datetime | None = None
        self._known_since: datetime | None = at - SETTLES_AFTER

    @property
    def at(self) -> datetime:
        """The true time."""
        return self.host.at

    def pass_to(self, until: datetime) -> None:
        self.host.seconds += (until - self.at).total_seconds()
        self.host.at = until

    def boot(self, error: timedelta) -> None:
        """Reboot the machine, with a clock that nothing has set yet."""
        self.host.seconds, self.host.boots = 10.0, self.host.boots + 1
        self.host.error, self.host.is_synchronised = error, False

    def doubt(self, meter: TrueMeter | None = None) -> None:
        """Record that the time must be confirmed again; pass `meter` if a clock has changed."""
        self._known_since = None
        if meter is None:
            return
        if not self.do_differ(meter):
            self._differing_since = None
        elif self._differing_since is None:
            self._differing_since = self.at

    def keep_knowable(self, meter: TrueMeter) -> None:
        """End errors of clocks that no other clock contradicts, or that last too long."""
        since = self._differing_since
        is_lasting = since is not None and self.at - since > LONGEST_DIFFERENCE
        if timedelta() in _trusted_errors(meter, self.host) and not is_lasting:
            return
        if meter.clock_error:
            meter.is_clock_degraded = True
        if self.host.error:
            self.host.is_synchronised = False

    def do_differ(self, meter: TrueMeter) -> bool:
        """Return whether two trusted clocks differ now."""
        return len(_trusted_errors(meter, self.host)) > 1

    def is_believed(self, meter: TrueMeter) -> bool:
        """Return whether the time can be believed: trusted clocks have agreed on it long enough.

        If two clocks have differed, the silence of one does not settle which was right, unless the
        chip's own count from the last believed time does.
        """
        errors = _trusted_errors(meter, self.host)
        self.is_disputed |= len(errors) > 1
        is_alone = _is_trusted(meter) and not self.host.is_synchronised
        is_carried = self._believed_boot == self.host.boots
        if errors != {timedelta()} or (self.is_disputed and is_alone and not is_carried):
            self._known_since = None
            return False
        self._known_since = self._known_since or self.at
        is_believed = self.at - self._known_since >= SETTLES_AFTER
        if is_believed:
            self._believed_boot = self.host.boots
            if _is_trusted(meter) and self.host.is_synchronised:
                self.is_disputed = False
        return is_believed

    def keep(self) -> None:
        """Record that the chip has committed its state of the clocks."""
        self._is_dispute_kept = self.is_disputed

    def restart(self) -> None:
        """Record that the chip knows only what it has committed."""
        self.is_disputed |= self._is_dispute_kept
        self.doubt()

    def forget(self) -> None:
        """Record that the chip has no believed time to count from."""
        self._believed_boot = None
        self.doubt()


def _is_trusted(meter: TrueMeter) -> bool:
    return not meter.is_historique and not meter.is_clock_degraded


def _trusted_errors(meter: TrueMeter, host: HostClock) -> set[timedelta]:
    """Return how far each trusted clock is ahead."""
    errors = {meter.clock_error} if _is_trusted(meter) else set()
    return errors | {host.error} if host.is_synchronised else errors
