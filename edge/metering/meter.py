"""The state machine of metering: takes frames, returns closed quarter-hours, days and notices."""

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
from edge.metering.passage import compare_readings, passage_of
from edge.metering.reading import Reading, read
from edge.metering.reopening import Undone, closed_ahead, reopen
from edge.metering.restore import misfit_of
from edge.metering.state import Account, MeteringSettings, MeterState, Misfit, misfit
from edge.metering.timekeeping import BelievedTime, Timekeeping, keep_time, trust_time
from edge.tic.frame import Frame
from system.clock import HostTime

# A meter that does not name its calendar in more readings in a row has stopped naming it.
UNNAMED_MAX = 10
# The reading continues the other one, however much later.
_GOES_ON = (None, Misfit.GAP)


class Meter:
    """Follows one meter without I/O: the caller stores `state` and the events in one transaction.

    If that transaction fails, this object is ahead of the store. Drop it and build a new one from
    the stored state.

    Args:
        state: the stored state, or one from `restore`; None begins anew with the next frames.
        settings: how far readings may lie apart.
        is_named: returns whether a contract names the reading's meter, which is then followed at
            once.
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
        """Everything needed to continue exactly here; frozen, serialises with msgpack."""
        return self._state

    @property
    def is_time_known(self) -> bool:
        """True if a clock is believed; otherwise nothing closes."""
        return self._is_time_known

    @property
    def is_beginning_open(self) -> bool:
        """True while the time at which the account began may still turn out to be wrong."""
        account = self._state.account
        return account is not None and account.began_at is not None

    def observe(self, frame: Frame, host: HostTime) -> list[Event]:
        """Take a frame and return the events it causes, in order. No frame makes it raise.

        `host` is the time at which the frame arrived.
        """
        reading = read(frame, host.at)
        if reading is None:
            return []
        time = self._time_of(reading.serial)
        is_simulated = self._settings.is_simulated
        kept = trust_time(time, reading) if is_simulated else keep_time(time, reading, host)
        self._keep_time_of(reading.serial, kept.state)
        self._is_time_known = kept.at is not None
        if kept.at is None:
            self._note_untimed()
            return [*kept.notices]
        events = self._move_beginning(kept.step) if self._is_own(reading.serial) else []
        if not self._is_unnamed(reading):
            events += self._take(msgspec.structs.replace(reading, at=kept.at))
        self._settle_beginning(kept)
        return [*kept.notices, *self._timed(events)]

    def confirm_index(self) -> list[Event]:
        """Continue from the quarantined index; a person has confirmed that the meter shows it.

        Everything is counted from its first reading on, as if it had been followed from then. What
        the meter counted between the last believed reading and that one is billed to nobody.
        Without an index in quarantine nothing happens.
        """
        account, quarantined = self._state.account, self._state.quarantined
        if account is None or quarantined is None:
            return []
        account, events = renew(account, quarantined.in_order.readings, self._settings)
        self._follow(account)
        return self._timed(events)

    def confirm_meter(self) -> list[Event]:
        """Follow the meter that is set aside; a person has confirmed that it is the household's.

        Its quarter-hours close as if it had been followed from its first reading on. If no meter is
        set aside nothing happens.
        """
        account, other = self._state.account, self._state.other
        if account is None or other is None:
            return []
        time = self._time_of(other.serial)
        account, events = self._leave_quarantine(account)
        followed = replace(account, other.in_order, self._settings)
        self._follow(followed.account, followed.quarantined)
        self._state = msgspec.structs.replace(self._state, time=time)
        return self._timed(events + followed.events)

    @property
    def settings(self) -> MeteringSettings:
        """How far readings may lie apart."""
        return self._settings

    @property
    def closed_ahead(self) -> tuple[date, int] | None:
        """The quarter-hour (day, j) from which a wrong time closed; None if it closed none."""
        return closed_ahead(self._state)

    def reopen(self, undone: Undone) -> tuple[MeterState, Notice]:
        """Count again what a wrong time had closed; return the new state and a notice.

        Raises ValueError if no meter is followed.
        """
        account = self._state.account
        if account is None:
            raise ValueError("nothing is followed that could be reopened")
        account, at = reopen(account, undone), account.last.at
        self._state = msgspec.structs.replace(self._state, account=account, held=None)
        return self._state, Notice(NoticeKind.DAYS_REOPENED, at)

    def close(self) -> list[Event]:
        """Close the open day at the last reading; afterwards no meter is followed.

        What another meter has shown meanwhile is not the household's. Neither is what an index
        counted that a person has not confirmed.
        """
        account, events = self._state.account, self._drop_other()
        if account is not None:
            account, left = self._leave_quarantine(account)
            events = [*events, *left, *close_for_good(account)]
        self._state = MeterState()
        return events

    def _is_own(self, serial: str) -> bool:
        account = self._state.account
        return account is None or account.last.serial == serial

    def _time_of(self, serial: str) -> Timekeeping:
        """Return a meter's timekeeping; another meter's clock says nothing about the account's."""
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

        A step back is believed at once, so it is applied only when the next reading confirms it.
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
        """Return whether to skip the reading because its calendar may be another one.

        Registers of an unnamed calendar have no certain meaning, and those of another calendar
        give the energy drawn only if all are there. After a while, a meter that no longer names its
        calendar or no longer shows a register is followed nevertheless.
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
        """Use a reading at once if it continues the last one, else once a second one agrees."""
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
                held = None  # it continues the last one, not a false frame before the gap
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
        account, notices = end_spell(account, reading)
        account, events = count(account, reading, self._settings)
        return self._return_to(account, notices + events)

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
            notice = Notice(NoticeKind.OTHER_METER, reading.at)
            return [*dropped, *self._set_aside(SetAside((reading,)), notice)]
        if self._goes_on_quarantined(reading) or self._needs_person(account, reading):
            return self._quarantine(reading)
        account, events = follow(account, reading, self._settings)
        return self._return_to(account, events)

    def _return_to(self, account: Account, events: list[Event]) -> list[Event]:
        """Continue with the account's meter; whatever was set aside meanwhile is not counted."""
        dropped = self._drop_other() + self._drop_quarantined()
        self._follow(account)
        return [*dropped, *events]

    def _set_aside(self, other: SetAside, *notices: Event) -> list[Event]:
        """Keep another meter's readings; return `notices` while its owner is not known."""
        self._state = msgspec.structs.replace(self._state, other=other, held=None)
        if other.has_stayed or self._is_named(other.last):
            return self.confirm_meter()
        return [*notices]

    def _goes_on_quarantined(self, reading: Reading) -> bool:
        """Return whether a reading continues those in quarantine, the latest of its meter."""
        quarantined = self._state.quarantined
        if quarantined is None or quarantined.serial != reading.serial:
            return False
        last = quarantined.last
        if misfit(last, reading, self._settings) is Misfit.CALENDAR:
            return compare_readings(last, reading).is_unbroken
        return not is_leaping(last, reading)

    def _needs_person(self, account: Account, reading: Reading) -> bool:
        """Return whether a reading needs a person.

        A reading in which a register breaks off never ends a quarantine by itself.
        """
        if needs_person(account, reading, self._settings):
            return True
        if self._state.quarantined is None:
            return False
        is_changed = misfit(account.last, reading, self._settings) is Misfit.CALENDAR
        return is_changed and not passage_of(account, reading).is_unbroken

    def _quarantine(self, reading: Reading) -> list[Event]:
        """Keep readings of the account's meter until they continue the last or are confirmed."""
        quarantined = self._state.quarantined
        notices = [] if quarantined else [quarantine_notice(reading)]
        dropped = self._drop_other()
        quarantined = (
            SetAside((reading,)) if quarantined is None else quarantined.with_next(reading)
        )
        self._state = msgspec.structs.replace(
            self._state, quarantined=quarantined, other=None, held=None
        )
        return [*dropped, *notices]

    def _drop_other(self) -> list[Event]:
        other = self._state.other
        return [] if other is None else [Notice(NoticeKind.OTHER_METER_DROPPED, other.last.at)]

    def _leave_quarantine(self, account: Account) -> tuple[Account, list[Event]]:
        """Bill the registers that go on beside an index in quarantine, which is given up."""
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
        """Mark days' ends as not read if clocks differ for good, since their time is not known."""
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
