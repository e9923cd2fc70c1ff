"""A household that meters: its true meter, its line, its clocks, and the real chip."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from edge.metering.events import DayClosed, NoticeKind
from protocol.calendar import (
    QUARTER_HOUR,
    day_end,
    day_of_number,
    legal_day,
    quarter_hour,
    quarter_hour_start,
)
from protocol.registers import count_alike
from tests.support.expected_notices import (
    ANEW,
    ANOTHER_CALENDAR,
    JUMP,
    ExpectedNotices,
)
from tests.support.line_noise import corrupt
from tests.support.metered_chip import MeteredChip
from tests.support.true_clocks import LONGEST_DIFFERENCE, TrueClocks
from tests.support.true_ledger import Ledger
from tests.support.true_meter import (
    CALENDAR_OF_NAME,
    CALENDARS,
    MODULUS_WH,
    REGISTERS,
    TrueMeter,
)

# The decoder's check delays a surprise by two frames, metering by one more.
FRAMES_TO_BELIEVE = 5
WH_PER_KWH = 1_000
METER_REPLACED = "a meter replaced"


class MeteredHousehold:
    """One household from its meter to the cloud.

    `home` is the meter that counts the household's consumption, `line` the one whose frames reach
    the chip.
    """

    def __init__(self, directory: Path, at: datetime, meter: TrueMeter) -> None:
        self.home = self.line = meter
        self.clocks = TrueClocks(at)
        self.ledger = Ledger(at)
        self.ledger.meet(meter)
        self.expected = ExpectedNotices(at)
        self._is_adopted, self._installed = True, self.ledger.seen
        self._plugged_at = at
        self._rest_ws = 0
        # How many more frames the chip may need to know that the meter is in standard mode.
        self._frames_to_standard = FRAMES_TO_BELIEVE if meter.is_historique else 0
        self._is_account_known = True  # to the chip, from its store or the cloud
        self.chip = MeteredChip(
            directory, self.clocks.host, self._note, self.ledger.close, self._keep
        )

    @property
    def at(self) -> datetime:
        """The true time."""
        return self.clocks.at

    # Events on the line.

    def frames(self, span_s: int, pace_s: int, power_va: int) -> None:
        """Let time pass with a frame every `pace_s` and at each midnight."""
        end = self.at + timedelta(seconds=span_s)
        step = timedelta(seconds=pace_s)
        while self.at < end:
            self._keep_knowable()
            self.pass_time(min(self.at + step, end, day_end(legal_day(self.at))), power_va)
            self.send()
        self.chip.pump()

    def silence(self, span_s: int, power_va: int) -> None:
        """Let time pass without a frame."""
        end = self.at + timedelta(seconds=span_s)
        while self.at < end:
            self._keep_knowable()
            self.pass_time(min(self.at + QUARTER_HOUR, end), power_va)

    def pass_time(self, until: datetime, power_va: int) -> None:
        """Let the household draw energy evenly until `until`."""
        passed_s = int((until - self.at).total_seconds())
        energy_wh, self._rest_ws = divmod(self._rest_ws + power_va * passed_s, 3_600)
        self.home.power_va = power_va
        register = self.home.count(self.at, energy_wh)
        self.ledger.draw(until, self.home, register, energy_wh)
        if self.line is not self.home:
            self.line.count(self.at, power_va * passed_s // 7_200)
        self.clocks.pass_to(until)

    def send(self) -> None:
        """Feed a frame of the meter on the line."""
        self.chip.feed(self.line.encode(self.at))
        is_own = self.line is self.home
        if self.clocks.is_believed(self.line):
            if not self.clocks.is_disputed:
                self.expected.settle_dispute()
            self.expected.observe(self.at, self.line, is_own=is_own, is_put_aside=self.asks_person)
            if is_own:
                self.ledger.see()
                self._frames_to_standard = max(self._frames_to_standard - 1, 0)
        elif self.clocks.do_differ(self.line):
            self.expected.observe_disputed()
        if is_own and self.line.is_historique:
            self._frames_to_standard = FRAMES_TO_BELIEVE

    def send_noise(self, seed: int) -> None:
        """Feed a frame corrupted by noise."""
        self.pass_time(self.at + timedelta(seconds=2), 0)
        self.chip.feed(corrupt(self.line.encode(self.at), Random(seed)))
        self.clocks.doubt()  # its date may be wrong
        self._disturb()

    def plug_into(self, meter: TrueMeter) -> None:
        """Connect the line to a meter that is not the household's."""
        self._may_be_forgotten()
        self.line = meter
        self._plugged_at = self.at
        self._disturb()

    def plug_home(self) -> None:
        """Connect the line to the household's own meter again."""
        self.line = self.home
        self._disturb()

    # Events at the meter.

    def replace_meter(self, meter: TrueMeter) -> None:
        """Replace the household's meter by another one."""
        self._may_be_forgotten()
        self._is_adopted, self._installed = False, self.ledger.seen
        self.home = self.line = meter
        self.clocks.doubt()
        self.ledger.meet(meter)
        self.ledger.may_lack(METER_REPLACED, FRAMES_TO_BELIEVE)
        self.expected.drop(ANEW)

    def change_calendar(self, calendar: str) -> None:
        """Change the contract's calendar; the registers continue."""
        self.ledger.may_move(calendar)
        if self.expected.followed is None:
            self.ledger.may_lack("a calendar changed while the meter is unknown", FRAMES_TO_BELIEVE)
        if self.home.is_historique or self._frames_to_standard:
            self._hide_registers()
        self.home.calendar = calendar

    def change_mode(self) -> None:
        """Switch the TIC output to the other mode."""
        self.home.is_historique = not self.home.is_historique
        self.ledger.may_move(self.home.calendar, FRAMES_TO_BELIEVE)
        followed = self.expected.followed
        is_known = followed == (self.home.serial, self.home.calendar)
        # After a loss, registers are known only in whole kWh.
        if followed is None or (self.home.is_historique and not is_known):
            self._hide_registers()
        self.clocks.doubt()
        self._disturb()

    def reset_register(self, number: int, *, is_in_total: bool) -> None:
        """Reset a register to zero; the total falls with it, or continues."""
        self._begin_anew(number)
        if not is_in_total:
            self.home.other_wh += self.home.indices_wh[number]
        self.home.indices_wh[number] = 0

    def move_register(self, source: int, target: int) -> None:
        """Swap two registers."""
        indices_wh = self.home.indices_wh
        self._begin_anew(source, target)
        indices_wh[source], indices_wh[target] = indices_wh[target], indices_wh[source]

    def jump(self, number: int, by_wh: int) -> None:
        """Let a register rise by energy that nobody drew, and stay there."""
        self.ledger.may_exceed(by_wh)
        self.home.indices_wh[number] += by_wh
        if number < self._shown:
            self.expected.expect(JUMP)

    def confirm(self) -> None:
        """Confirm what the chip asks, as a person."""
        if self.line is self.home and self.asks_person:
            self.chip.confirm(self.home.serial)
            self.ledger.person_has_confirmed(FRAMES_TO_BELIEVE)

    # Events at the clocks.

    def set_meter_clock(self, error: timedelta, *, is_degraded: bool) -> None:
        """Set the meter's clock wrong, with or without its degraded flag."""
        self.home.clock_error, self.home.is_clock_degraded = error, is_degraded
        self._doubt_time()

    def set_host_clock(self, error: timedelta, *, is_synchronised: bool) -> None:
        """Set the host's clock wrong, synchronised according to its kernel or not."""
        host = self.clocks.host
        host.error, host.is_synchronised = error, is_synchronised
        self._doubt_time()

    def believe_ahead(self, error: timedelta) -> None:
        """Let the meter's clock be ahead for a while, with no other clock to contradict it."""
        self.set_host_clock(timedelta(days=-3), is_synchronised=False)
        self.home.clock_error = error
        until = max(self.chip.may_close_to, self.at + error + QUARTER_HOUR)
        self.chip.may_close_to = until
        self.ledger.may_mistime(until)
        self.expected.take_for_gaps(until)
        self._disturb()
        for _ in range(40):
            self.pass_time(self.at + timedelta(seconds=15), 1_200)
            self.chip.feed(self.home.encode(self.at))
        self.chip.pump()
        self.home.clock_error = timedelta()
        self.clocks.doubt()
        self.frames(120, 10, 0)  # without frames, the step back could not be noticed

    # Events at the chip.

    def reboot(self, error: timedelta) -> None:
        """Reboot the machine, with a clock that nothing has set yet."""
        self.clocks.boot(error)
        self._doubt_time()
        self.restart()

    def restart(self) -> None:
        """Kill the chip's process and start another."""
        self.chip.kill()
        self.ledger.restart()
        self.clocks.restart()
        self._disturb()
        self.chip.start()

    def restore_image(self) -> None:
        """Restore the copy of the card."""
        self._lose(for_image=True)

    def lose_store(self) -> None:
        """Lose the card, and insert an empty one."""
        self._lose(for_image=False)

    def _lose(self, *, for_image: bool) -> None:
        self.plug_home()  # an empty chip could not recognise the household's meter
        self.chip.pump()
        last = self.chip.vault.values.last_closed()
        day = None if last is None else day_of_number(last)
        is_same = self.ledger.lose_after(day)
        self._is_adopted &= self.ledger.has_ended(METER_REPLACED)
        self._installed = min(self._installed, self.ledger.seen, key=lambda seen: seen.at)
        self._is_account_known = is_same and not self._has_begun_a_register()
        if not self._is_account_known:
            self.ledger.may_lack("a store lost beside a change", FRAMES_TO_BELIEVE)
        self.expected.forget(self.at)
        self.clocks.forget()
        self.chip.lose(for_image=for_image)

    # Observations.

    def settle(self, trusted: str) -> None:
        """Correct everything, stop drawing, and wait until the chip has reported all it knows.

        `trusted` is `meter`, `host` or `both`: the clocks that can be trusted from now on.
        """
        self.plug_home()
        if self.clocks.is_disputed:  # reported; it ends when both are right
            self.set_meter_clock(timedelta(), is_degraded=False)
            self.set_host_clock(timedelta(), is_synchronised=True)
            self.frames(1_800, 30, 0)
        error = timedelta() if trusted == "both" else timedelta(days=2)
        is_meter_right = trusted != "host"
        is_host_right = trusted != "meter" or self.home.is_historique
        self.set_meter_clock(
            timedelta() if is_meter_right else error, is_degraded=not is_meter_right
        )
        self.set_host_clock(timedelta() if is_host_right else error, is_synchronised=is_host_right)
        for _ in range(2):  # first the meter is confirmed, then its index
            self.frames(300, 20, 0)
            self.confirm()
        self.ledger.person_has_confirmed(FRAMES_TO_BELIEVE)
        self.frames(300, 20, 0)
        until = max(self.at, self.chip.may_close_to) + timedelta(days=1)
        while self.at < until:  # energy under another calendar may wait for the next day
            self.silence(int((day_end(legal_day(self.at)) - self.at).total_seconds()) - 60, 0)
            self.frames(60, 20, 0)
        self.frames(60, 20, 0)

    @property
    def asks_person(self) -> bool:
        """Return whether the chip waits for a person to confirm an index or a meter."""
        return self.chip.is_meter_set_aside or self.chip.is_index_quarantined

    @property
    def is_time_known(self) -> bool:
        """Return whether the chip can know the time of the line's frames."""
        return self.clocks.is_believed(self.line)

    @property
    def is_followed(self) -> bool:
        """Return whether the chip has just read the household's meter, and follows it."""
        is_read = self.line is self.home and self.expected.observed_at == self.at
        is_known = self.expected.followed == (self.home.serial, self.home.calendar)
        return is_read and is_known and not self.asks_person

    def check(self) -> None:
        """Compare what was closed with the truth; only after `settle`."""
        if self.chip.reached != quarter_hour_start(*quarter_hour(self.at)):
            raise self.chip.wrong(
                f"metering does not go on: it is {self.at}, closed is all to {self.chip.reached}"
            )
        curve, days = self.chip.intervals(), self.chip.days()
        for wrong in (
            self.ledger.wrong_curve(sum(interval.energy_wh for interval in curve)),
            self.ledger.wrong_times(curve),
            self.ledger.wrong_bill(_billed(days)),
            _wrong_calendar(days),
            self.expected.missing(),
        ):
            if wrong is not None:
                raise self.chip.wrong(wrong)

    # Inside.

    @property
    def _shown(self) -> int:
        """The number of registers in the meter's frames."""
        return len(CALENDARS[self.home.calendar].labels) if self.home.is_historique else REGISTERS

    def _note(self, kind: NoticeKind) -> None:
        self.expected.note(kind)
        self._is_adopted |= kind is NoticeKind.METER_REPLACED

    def _keep(self) -> None:
        self.ledger.keep()
        self.clocks.keep()

    def _keep_knowable(self) -> None:
        """End states that last so long that their meaning would be ambiguous."""
        if self.line is not self.home and self.at - self._plugged_at > LONGEST_DIFFERENCE:
            self.plug_home()
        self.clocks.keep_knowable(self.line)

    def _disturb(self) -> None:
        self.ledger.disturb()
        self.expected.disturb()
        if self._frames_to_standard:
            self._frames_to_standard = FRAMES_TO_BELIEVE

    def _doubt_time(self) -> None:
        self.clocks.doubt(self.line)
        self._disturb()

    def _may_be_forgotten(self) -> None:
        """Prepare for a third meter: an unconfirmed second one is dropped with its readings."""
        if not self._is_adopted:
            self.ledger.may_lack("a meter never followed", FRAMES_TO_BELIEVE, self._installed)
            self.expected.drop(ANOTHER_CALENDAR)

    def _begin_anew(self, *numbers: int) -> None:
        """Prepare for registers that will not continue from their last index."""
        self.ledger.may_lack(ANEW, frames=None)
        is_known = self._is_account_known or self.expected.followed is not None
        if is_known and min(numbers) < self._shown and not self.asks_person:
            self.expected.expect(ANEW)

    def _has_begun_a_register(self) -> bool:
        """Return whether a register counts whose restored index is only known to be below a kWh.

        It looks like a register that was not shown and contains an earlier contract's energy.
        """
        for number, index_wh in enumerate(self.home.indices_wh):
            drawn_wh = self.ledger.drawn_since_seen(self.home.serial, number)
            if drawn_wh and (index_wh - drawn_wh) % MODULUS_WH < WH_PER_KWH:
                return True
        return False

    def _hide_registers(self) -> None:
        """Prepare for registers that historique does not show under the current calendar."""
        self.ledger.may_lack("registers not shown", FRAMES_TO_BELIEVE)


def _billed(days: list[DayClosed]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [
        (part.meter_serial, part.calendar, part.register_steps_kwh)
        for closed in days
        for part in closed.parts or (closed,)
    ]


def _wrong_calendar(days: list[DayClosed]) -> str | None:
    """Return the first problem of a day whose calendar is not the contract's in either mode."""
    for closed in days:
        key = CALENDAR_OF_NAME.get(closed.calendar)
        if key is not None and not count_alike(closed.calendar, CALENDARS[key].ngtf):
            return f"{closed.day} fits no contract of its calendar"
    return None
