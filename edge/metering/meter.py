"""The state machine: frames in; closed quarter-hours, closed days and notices out."""

from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from edge.metering.beginning import move_beginning, settle_beginning
from edge.metering.changes import lacks_register_at_change
from edge.metering.closing import close_for_good
from edge.metering.counters import borne_out, is_leaping
from edge.metering.counting import begin, count
from edge.metering.events import DayClosed, Event, Notice, NoticeKind
from edge.metering.following import follow, needs_person, quarantine_notice, renew, replace
from edge.metering.gaps import end_spell
from edge.metering.other_meter import OtherTime, SetAside
from edge.metering.passage import passage, passage_of
from edge.metering.reading import Reading, read
from edge.metering.reopening import Undone, closed_ahead, reopen
from edge.metering.restore import misfit_of
from edge.metering.state import Account, MeteringSettings, MeterState, Misfit, misfit
from edge.metering.timekeeping import BelievedTime, Timekeeping, as_told, keep_time
from edge.tic.frame import Frame
from system.clock import HostTime

# A meter that has not named its calendar in so many readings in a row does not name it any more.
UNNAMED_MAX = 10
# A reading that goes on from another, however much later.
_GOES_ON = (None, Misfit.GAP)


class Meter:
    """Follows one meter. No I/O: the caller stores `state` with the events, in one transaction.

    If that transaction fails, this object has run ahead: drop it and build one from the state
    that is stored.

    Args:
        state: as it was stored, or from `restore`; None begins anew with the next frames.
        settings: how far readings may lie apart.
        is_named: whether a contract names the reading's meter; then it is followed at once.
    """

    def __init__(
        self,
        state: MeterState | None = None,
        settings: MeteringSettings | None = None,
        is_named: Callable[[Reading], bool] = lambda _: False,
    ) -> None:
        self._state = state or MeterState()
        self._settings = settings or MeteringSettings()
        self._is_named = is_named
        self._is_time_known = True
        self._step_back = timedelta()

    @property
    def state(self) -> MeterState:
        """All that has to be kept to go on exactly here; frozen, serialises with msgpack."""
        return self._state

    @property
    def is_time_known(self) -> bool:
        """Whether a clock is believed; while none is, nothing closes."""
        return self._is_time_known

    @property
    def is_beginning_open(self) -> bool:
        """Whether the time at which the account began may still turn out to be wrong."""
        account = self._state.account
        return account is not None and account.began_at is not None

    def observe(self, frame: Frame, host: HostTime) -> list[Event]:
        """Take a frame, return what it closes, in order. Never raises for what a frame says.

        `host` is when it came.
        """
        reading = read(frame, host.at)
        if reading is None or self._is_unnamed(reading):
            return []
        time = self._time_of(reading.serial)
        is_simulated = self._settings.is_simulated
        kept = as_told(time, reading) if is_simulated else keep_time(time, reading, host)
        self._keep_time_of(reading.serial, kept.state)
        self._is_time_known = kept.at is not None
        if kept.at is None:
            self._note_untimed()
            return [*kept.notices]
        events = self._move_beginning(kept.step) if self._is_own(reading.serial) else []
        events += self._take(msgspec.structs.replace(reading, at=kept.at))
        self._settle_beginning(kept)
        return [*kept.notices, *self._timed(events)]

    def confirm_index(self) -> list[Event]:
        """Go on from the quarantined index, as a person has confirmed that the meter shows it.

        All is counted from its first reading on, as if it had been followed from then. What the
        meter counted before, since the last reading that was believed, is billed to nobody. Without
        an index in quarantine nothing happens.
        """
        account, quarantined = self._state.account, self._state.quarantined
        if account is None or quarantined is None:
            return []
        account, events = renew(account, quarantined.in_order.readings, self._settings)
        self._follow(account)
        return self._timed(events)

    def confirm_meter(self) -> list[Event]:
        """Follow the meter that is set aside, as a person has confirmed that it is the household's.

        Its quarter-hours close as if it had been followed from its first reading on. Where none is
        set aside nothing happens.
        """
        account, other = self._state.account, self._state.other
        if account is None or other is None:
            return []
        time = self._time_of(other.serial)
        account, told = self._leave_quarantine(account)
        followed = replace(account, other.in_order, self._settings)
        self._follow(followed.account, followed.quarantined)
        self._state = msgspec.structs.replace(self._state, time=time)
        return self._timed(told + followed.events)

    @property
    def settings(self) -> MeteringSettings:
        """How far readings may lie apart."""
        return self._settings

    @property
    def closed_ahead(self) -> tuple[date, int] | None:
        """The quarter-hour (day, j) from which a wrong time closed; None: none did."""
        return closed_ahead(self._state)

    def reopen(self, undone: Undone) -> tuple[MeterState, Notice]:
        """Count again what a wrong time had closed; returns the new state and what is told of it.

        Raises ValueError where nothing is followed.
        """
        account = self._state.account
        if account is None:
            raise ValueError("nothing is followed that could be reopened")
        account, at = reopen(account, undone), account.last.at
        self._state = msgspec.structs.replace(self._state, account=account, held=None)
        return self._state, Notice(NoticeKind.DAYS_REOPENED, at)

    def close(self) -> list[Event]:
        """Close the open day at the last reading; afterwards nothing is followed any more.

        What another meter has shown meanwhile is not the household's, nor is what an index counted
        that waits for a person still.
        """
        account, told = self._state.account, self._drop_other()
        if account is not None:
            account, left = self._leave_quarantine(account)
            told = [*told, *left, *close_for_good(account)]
        self._state = MeterState()
        return told

    def _is_own(self, serial: str) -> bool:
        account = self._state.account
        return account is None or account.last.serial == serial

    def _time_of(self, serial: str) -> Timekeeping:
        """Return by which clocks a meter is timed: another one's clock says nothing of the own one."""
        state = self._state
        if self._is_own(serial):
            return state.time
        if state.other_time is not None and state.other_time.serial == serial:
            return state.other_time.time
        return state.time.of_another_meter()

    def _keep_time_of(self, serial: str, time: Timekeeping) -> None:
        if self._is_own(serial):
            self._state = msgspec.structs.replace(self._state, time=time)
        else:
            self._state = msgspec.structs.replace(self._state, other_time=OtherTime(serial, time))

    def _note_untimed(self) -> None:
        account = self._state.account
        if account is not None and not account.is_untimed:
            account = msgspec.structs.replace(account, is_untimed=True)
            self._state = msgspec.structs.replace(self._state, account=account)

    def _move_beginning(self, step: timedelta) -> list[Event]:
        """Move an account that began at a wrong time to the right one.

        A clock that goes back is believed at once: it counts once a second reading goes on from it.
        """
        step, self._step_back = max(step, timedelta()) + self._step_back, min(step, timedelta())
        account = self._state.account
        if account is None or account.began_at is None or not step:
            return []
        account, events = move_beginning(account, step, self._settings)
        self._state = msgspec.structs.replace(self._state, account=account, held=None)
        return events

    def _settle_beginning(self, time: BelievedTime) -> None:
        account = self._state.account
        if account is not None and account.began_at is not None:
            account = settle_beginning(account, time)
            self._state = msgspec.structs.replace(self._state, account=account)

    def _is_unnamed(self, reading: Reading) -> bool:
        """Return whether the reading must be passed over, since its calendar may be another one.

        Registers of a calendar that is not said mean nothing certain, and those of another one say
        what was drawn only together. A meter that names its calendar no more, or shows a register
        no more, is followed on all the same, after a while.
        """
        account, unnamed = self._state.account, 0
        if account is not None and (
            (reading.calendar is None and account.last.calendar is not None)
            or lacks_register_at_change(account.last, reading)
        ):
            unnamed = min(self._state.unnamed + 1, UNNAMED_MAX + 1)
        if unnamed != self._state.unnamed:
            self._state = msgspec.structs.replace(self._state, unnamed=unnamed)
        return 0 < unnamed <= UNNAMED_MAX

    def _take(self, reading: Reading) -> list[Event]:
        """Use a reading that continues the last one at once, any other once a second one agrees."""
        account, held = self._state.account, self._state.held
        if account is not None:
            why = self._misfit(account, reading)
            if why is None:
                return self._use(reading)
            if (
                why is Misfit.GAP
                and held is not None
                and self._misfit(account, held) not in _GOES_ON
            ):
                held = None  # what it continues is the last one, not a false frame before the gap
        if held is None or misfit(held, reading, self._settings) not in _GOES_ON:
            self._state = msgspec.structs.replace(self._state, held=reading)
            return []
        return self._use_confirmed(borne_out(held, reading)) + self._take(reading)

    def _use(self, reading: Reading) -> list[Event]:
        """Use a reading that continues the last one of its meter."""
        account, other = self._state.account, self._state.other
        if account is None:
            return []
        if account.last.serial != reading.serial:
            return [] if other is None else self._set_aside(other.with_next(reading))
        if self._goes_on_quarantined(reading):
            return self._quarantine(reading)
        account, told = end_spell(account, reading)
        account, events = count(account, reading, self._settings)
        return self._return_to(account, told + events)

    def _use_confirmed(self, reading: Reading) -> list[Event]:
        """Act on a reading that a second one has confirmed."""
        account, other = self._state.account, self._state.other
        if account is None:
            self._follow(begin(reading, self._state.first_day))
            return []
        if account.last.serial != reading.serial:
            if other is not None and other.serial == reading.serial:
                return self._set_aside(other.with_next(reading))
            dropped = self._drop_other()
            told = Notice(NoticeKind.OTHER_METER, reading.at)
            return [*dropped, *self._set_aside(SetAside((reading,)), told)]
        if self._goes_on_quarantined(reading) or self._needs_person(account, reading):
            return self._quarantine(reading)
        account, events = follow(account, reading, self._settings)
        return self._return_to(account, events)

    def _return_to(self, account: Account, events: list[Event]) -> list[Event]:
        """Go on with the account's meter; whatever was set aside meanwhile is not counted."""
        dropped = self._drop_other() + self._drop_quarantined()
        self._follow(account)
        return [*dropped, *events]

    def _set_aside(self, other: SetAside, *told: Event) -> list[Event]:
        """Keep another meter's readings until it is known whose it is; `told` while it is not."""
        self._state = msgspec.structs.replace(self._state, other=other, held=None)
        if other.has_stayed or self._is_named(other.last):
            return self.confirm_meter()
        return [*told]

    def _goes_on_quarantined(self, reading: Reading) -> bool:
        """Return whether a reading goes on from those in quarantine, the latest of its meter."""
        quarantined = self._state.quarantined
        if quarantined is None or quarantined.serial != reading.serial:
            return False
        last = quarantined.last
        if misfit(last, reading, self._settings) is Misfit.CALENDAR:
            return passage(last, reading).is_unbroken
        return not is_leaping(last, reading)

    def _needs_person(self, account: Account, reading: Reading) -> bool:
        """Return whether a reading cannot be used by itself; a quarantine ends for none that breaks."""
        if needs_person(account, reading, self._settings):
            return True
        if self._state.quarantined is None:
            return False
        is_changed = misfit(account.last, reading, self._settings) is Misfit.CALENDAR
        return is_changed and not passage_of(account, reading).is_unbroken

    def _quarantine(self, reading: Reading) -> list[Event]:
        """Keep readings of the account's meter until they go on from its last one, or are confirmed."""
        quarantined = self._state.quarantined
        told = [] if quarantined else [quarantine_notice(reading)]
        dropped = self._drop_other()
        quarantined = (
            SetAside((reading,)) if quarantined is None else quarantined.with_next(reading)
        )
        self._state = msgspec.structs.replace(
            self._state, quarantined=quarantined, other=None, held=None
        )
        return [*dropped, *told]

    def _drop_other(self) -> list[Event]:
        other = self._state.other
        return [] if other is None else [Notice(NoticeKind.OTHER_METER_DROPPED, other.last.at)]

    def _leave_quarantine(self, account: Account) -> tuple[Account, list[Event]]:
        """Bill what goes on beside an index in quarantine, which nobody will confirm any more."""
        quarantined = self._state.quarantined
        if quarantined is None:
            return account, []
        return renew(account, (quarantined.in_order.last,), self._settings)

    def _drop_quarantined(self) -> list[Event]:
        quarantined = self._state.quarantined
        if quarantined is None:
            return []
        return [Notice(NoticeKind.QUARANTINE_ENDED, quarantined.last.at)]

    def _follow(self, account: Account, quarantined: SetAside | None = None) -> None:
        state = self._state
        self._state = MeterState(
            account=account, time=state.time, unnamed=state.unnamed, quarantined=quarantined
        )

    def _timed(self, events: list[Event]) -> list[Event]:
        """Return days' ends as not read where clocks differ for good: nobody can say when they were."""
        if self._state.time.lasting is None:
            return events
        return [
            msgspec.structs.replace(event, is_index_read=False)
            if isinstance(event, DayClosed)
            else event
            for event in events
        ]

    def _misfit(self, account: Account, reading: Reading) -> Misfit | None:
        """Return why the reading does not simply continue the last one of its meter."""
        other, quarantined = self._state.other, self._state.quarantined
        if other is not None and other.serial == reading.serial:
            return misfit(other.last, reading, self._settings)
        own = misfit_of(account, reading, self._settings)
        if quarantined is None or quarantined.serial != reading.serial:
            return own
        later = misfit(quarantined.last, reading, self._settings)
        return own if later not in _GOES_ON and own in _GOES_ON else later
