"""The state machine: frames in; closed quarter-hours, closed days and notices out."""

from datetime import date

import msgspec

from edge.clock import HostTime
from edge.metering.closing import advance, bill, close_for_good, highest_power_va
from edge.metering.events import DayClosed, Event, Notice, NoticeKind
from edge.metering.reading import Reading, read
from edge.metering.reopening import Undone, closed_ahead, reopen
from edge.metering.state import (
    CLOCK_STEP,
    MAX_UNEXPLAINED_RISE_WH,
    NO_REGISTERS,
    Account,
    MeterState,
    Misfit,
    Settings,
    allowed_rise_wh,
    are_counters_continued,
    counters,
    merge,
    misfit,
    rise_wh,
)
from edge.metering.timekeeping import as_told, keep_time
from edge.tic.frame import Frame
from protocol.calendar import quarter_hour, quarter_hour_start


class Meter:
    """Follows one meter. No I/O: the caller stores `state` with the events, in one transaction.

    If that transaction fails, this object has run ahead: drop it and build one from the state
    that is stored.

    Args:
        state: as it was stored, or from `restore`; None begins anew with the next frames.
        settings: how far readings may lie apart.
    """

    def __init__(self, state: MeterState | None = None, settings: Settings | None = None) -> None:
        self._state = state or MeterState()
        self._settings = settings or Settings()
        self._is_time_known = True

    @property
    def state(self) -> MeterState:
        """All that has to be kept to go on exactly here; frozen, serialises with msgpack."""
        return self._state

    @property
    def is_time_known(self) -> bool:
        """Whether a clock is believed; while none is, nothing closes."""
        return self._is_time_known

    def observe(self, frame: Frame, host: HostTime) -> list[Event]:
        """Take a frame, return what it closes, in order. Never raises for what a frame says.

        `host` is when it came.
        """
        reading = read(frame, host.at)
        if reading is None:
            return []
        time = self._state.time
        is_simulated = self._settings.is_simulated
        kept = as_told(time, reading) if is_simulated else keep_time(time, reading, host)
        self._state = msgspec.structs.replace(self._state, time=kept.state)
        self._is_time_known = kept.at is not None
        if kept.at is None:
            return [*kept.notices]
        events = self._take(msgspec.structs.replace(reading, at=kept.at))
        if kept.state.lasting is not None:
            events = [_at_a_doubtful_time(event) for event in events]
        return [*kept.notices, *events]

    def confirm_index(self) -> list[Event]:
        """Go on from the quarantined index, as a person has confirmed that the meter shows it.

        What the meter counted in between is not billed: nobody can say what it was. Without an
        index in quarantine nothing happens.
        """
        account, held = self._state.account, self._state.held
        if account is None or held is None or not account.is_quarantined:
            return []
        account, events = _change_meter(account, held, self._settings)
        self._go_on(account)
        return events

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
        at = account.last.at
        self._go_on(reopen(account, undone))
        return self._state, Notice(NoticeKind.DAYS_REOPENED, at)

    def close(self) -> list[Event]:
        """Close the open day at the last reading; afterwards nothing is followed any more."""
        account = self._state.account
        self._state = MeterState()
        return [] if account is None else close_for_good(account)

    def _take(self, reading: Reading) -> list[Event]:
        account, held = self._state.account, self._state.held
        if account is not None:
            why = misfit(account.last, reading, self._settings)
            if why is None:
                account, events = _continue(account, reading, self._settings)
                self._go_on(account)
                return events
            if why is Misfit.GAP and held is not None and not self._continues(account.last, held):
                held = None  # what it continues is the account, not a false frame before the gap
        if held is None or not self._continues(held, reading):
            self._state = msgspec.structs.replace(self._state, account=account, held=reading)
            return []
        if account is None:
            account, events = _begin(held, self._state.first_day), []
        else:
            account, events = _confirm(account, held, self._settings)
        self._go_on(account)
        return events + self._take(reading)

    def _go_on(self, account: Account) -> None:
        self._state = MeterState(account=account, time=self._state.time)

    def _continues(self, last: Reading, reading: Reading) -> bool:
        """Return whether `reading` continues `last`, however much later."""
        return misfit(last, reading, self._settings) in (None, Misfit.GAP)


def _confirm(account: Account, reading: Reading, settings: Settings) -> tuple[Account, list[Event]]:
    """Act on a reading that a second one has confirmed."""
    last = account.last
    why = misfit(last, reading, settings)
    if why is Misfit.METER:
        events: list[Event] = [Notice(NoticeKind.METER_REPLACED, reading.at)]
        account, closed = _change_meter(account, reading, settings)
    elif why is Misfit.CALENDAR:
        detail = f"{last.calendar or 'unknown'} to {reading.calendar or 'unknown'}"
        events = [Notice(NoticeKind.CALENDAR_CHANGED, reading.at, detail)]
        account, closed = _change_calendar(account, reading, settings)
    elif not _is_possible(last, reading):
        return _quarantine(account, reading)
    else:
        is_wrapped = any(after_wh < before_wh for before_wh, after_wh in counters(last, reading))
        events = [Notice(NoticeKind.INDEX_WRAPPED, reading.at)] if is_wrapped else []
        account, closed = _continue(account, reading, settings)
    return account, _time_notices(last, reading, settings) + events + closed


def _begin(reading: Reading, first_day: date | None) -> Account:
    """Start an account: what the counters show is its base, and no step.

    Before `first_day` nothing is closed; what is counted until then falls on its first
    quarter-hours and its steps.
    """
    day, j = quarter_hour(reading.at)
    if first_day is not None and day < first_day:
        day, j = first_day, 0
    account = Account(
        last=reading,
        day=day,
        j=j,
        billed_kwh=NO_REGISTERS,
        is_start_metered=reading.at == quarter_hour_start(day, j),
    )
    return _at(_with_new_bases(account, reading), reading)


def _continue(
    account: Account, reading: Reading, settings: Settings
) -> tuple[Account, list[Event]]:
    """Count a reading of the same counters."""
    energy_wh = rise_wh(account.last.total_wh, reading.total_wh) or 0
    reading = merge(account.last, reading)
    account = _with_new_bases(account, reading)
    account, closed = advance(account, reading.at, energy_wh, reading, settings)
    return _at(account, reading), closed


def _change_meter(
    account: Account, reading: Reading, settings: Settings
) -> tuple[Account, list[Event]]:
    """Close the old meter at its last index and begin the new one at its first."""
    account, closed = advance(account, reading.at, 0, None, settings)
    account, _ = bill(account, account.last, reading.at, with_injection=True)
    account = msgspec.structs.replace(account, billed_kwh=NO_REGISTERS, billed_injected_wh=None)
    return _at(_with_new_bases(account, reading), reading), closed


def _change_calendar(
    account: Account, reading: Reading, settings: Settings
) -> tuple[Account, list[Event]]:
    """Go on in the registers of another calendar, or of the other TIC mode, of the same meter.

    The total goes on where it can. So do the registers if they can be the same counters: what
    they counted meanwhile is billed under the new calendar. Otherwise they start anew.
    """
    last = account.last
    energy_wh = rise_wh(last.total_wh, reading.total_wh)
    if energy_wh is None or energy_wh > allowed_rise_wh(reading.at - last.at):
        energy_wh = 0
    account, closed = advance(account, reading.at, energy_wh, None, settings)
    account, _ = bill(account, last, reading.at, with_injection=False)
    is_continued = are_counters_continued(last, reading)
    reading = msgspec.structs.replace(
        reading,
        injected_wh=last.injected_wh if reading.injected_wh is None else reading.injected_wh,
    )
    billed_kwh = [
        billed if is_continued and index_wh is not None else None
        for index_wh, billed in zip(reading.registers_wh, account.billed_kwh, strict=True)
    ]
    account = msgspec.structs.replace(account, billed_kwh=tuple(billed_kwh))
    return _at(_with_new_bases(account, reading), reading), closed


def _quarantine(account: Account, reading: Reading) -> tuple[Account, list[Event]]:
    if account.is_quarantined:
        return account, []
    detail = "an index fell, or rose by more than can have been used"
    notice = Notice(NoticeKind.INDEX_QUARANTINED, reading.at, detail)
    return msgspec.structs.replace(account, is_quarantined=True), [notice]


def _is_possible(last: Reading, reading: Reading) -> bool:
    """Return whether every counter rose, and by no more than needs no person to look at it."""
    limit_wh = max(allowed_rise_wh(reading.at - last.at), MAX_UNEXPLAINED_RISE_WH)
    rises_wh = [rise_wh(before_wh, after_wh) for before_wh, after_wh in counters(last, reading)]
    return all(step_wh is not None and step_wh <= limit_wh for step_wh in rises_wh)


def _with_new_bases(account: Account, reading: Reading) -> Account:
    """Return the account with a base for each counter that `reading` is the first to show."""
    billed_kwh = account.billed_kwh
    if None in billed_kwh:
        billed_kwh = tuple(
            [
                index_wh // 1_000 if billed is None and index_wh is not None else billed
                for index_wh, billed in zip(reading.registers_wh, billed_kwh, strict=True)
            ]
        )
    injected_wh = account.billed_injected_wh
    return msgspec.structs.replace(
        account,
        billed_kwh=billed_kwh,
        billed_injected_wh=reading.injected_wh if injected_wh is None else injected_wh,
    )


def _at(account: Account, reading: Reading) -> Account:
    """Return the account with `reading` as its last one."""
    return msgspec.structs.replace(
        account,
        last=reading,
        max_power_va=max(highest_power_va(account, reading), reading.power_va),
        is_quarantined=False,
    )


def _at_a_doubtful_time(event: Event) -> Event:
    """Return a day's end as not read where clocks differ for good: nobody can say when it was."""
    if isinstance(event, DayClosed):
        return msgspec.structs.replace(event, is_index_read=False)
    return event


def _time_notices(last: Reading, reading: Reading, settings: Settings) -> list[Event]:
    elapsed = reading.at - last.at
    if elapsed < -CLOCK_STEP:
        return [Notice(NoticeKind.CLOCK_JUMP, reading.at, "the clock went back")]
    if elapsed.total_seconds() > settings.gap_s:
        detail = "no reading for some time, or the clock was set forward"
        return [Notice(NoticeKind.GAP, reading.at, detail)]
    return []
