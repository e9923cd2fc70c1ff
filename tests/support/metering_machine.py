"""A state machine of everything that may happen to metering: line, meter, clocks, store."""

import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.support.expected_notices import LIMIT
from tests.support.metered_household import MeteredHousehold
from tests.support.true_meter import CALENDARS, MODULUS_WH, TrueMeter

SHM = Path("/dev/shm")
STARTS = [
    datetime(2025, 1, 31, 20, 7, 13, tzinfo=UTC),
    datetime(2025, 3, 29, 21, 0, tzinfo=UTC),
    datetime(2025, 10, 25, 20, 59, 59, tzinfo=UTC),
    datetime(2025, 6, 10, 9, 14, 59, tzinfo=UTC),
]
# From here on, a reset to zero looks like a wrap.
NEAR_WRAP_WH = 998_000_000
# A smaller difference may have been drawn in a long silence.
LARGE_WH = 60_000_000
POWERS_VA = [0, 150, 1_200, 6_000, 9_000]
LULLS = [
    ("none", 0, 0, 0),
    ("frames", 600, 30, 1_200),
    ("frames", 7_200, 300, 6_000),
    ("silence", 1_800, 0, 3_000),
    ("silence", 40_000, 0, 6_000),
    ("silence", 200_000, 0, 1_200),
]
ERRORS = [timedelta(hours=hours) for hours in (-960, -30, -2, 2, 30, 120, 960)]
TRUSTED = ["meter", "host", "both"]


lulls = st.sampled_from(LULLS)
errors = st.sampled_from(ERRORS)


class MeteringMachine(RuleBasedStateMachine):
    """A household that meters, and everything that may happen to it.

    Attributes:
        steps: the number of steps of all machines together.
    """

    steps = 0

    @invariant()
    def count(self):
        MeteringMachine.steps += 1

    @initialize(
        start=st.sampled_from(STARTS),
        calendar=st.sampled_from(sorted(CALENDARS)),
        below_wrap_wh=st.sampled_from([990_000_000, 5_000, 100]),
        is_historique=st.booleans(),
        other_wh=st.sampled_from([0, 400_000]),
    )
    def begin(self, start, calendar, below_wrap_wh, is_historique, other_wh):
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.meters = 0
        self.settled_at = start
        meter = self._meter(calendar, is_historique=is_historique)
        meter.indices_wh[0] = 1_000_000_000 - below_wrap_wh
        meter.indices_wh[1] = 507_654_321
        meter.other_wh = other_wh
        self.directory = tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None)
        self.home = MeteredHousehold(Path(self.directory.name), start, meter)
        self.home.frames(240, 5, 0)

    def _meter(self, calendar, *, is_historique):
        self.meters += 1
        return TrueMeter(
            f"{41_961_000_000 + self.meters:012}", calendar, is_historique=is_historique
        )

    @rule(
        span_s=st.sampled_from([120, 600, 3_600, 20_000, 90_000]),
        pace_s=st.sampled_from([10, 60, 300, 840]),
        power_va=st.sampled_from(POWERS_VA),
    )
    def time_passes(self, span_s, pace_s, power_va):
        """Ten frames at least: a chip waits for more than two before it believes another serial."""
        self.home.frames(span_s, min(max(pace_s, span_s // 120), span_s // 10), power_va)

    @rule(
        span_s=st.sampled_from([60, 1_000, 4_000, 40_000, 200_000]),
        power_va=st.sampled_from(POWERS_VA),
    )
    def line_is_silent(self, span_s, power_va):
        self.home.silence(span_s, power_va)

    @rule(lull=lulls, seed=st.integers(0, 999))
    def noise_comes(self, lull, seed):
        self._lull(*lull)
        self.home.send_noise(seed)

    @rule(lull=lulls)
    def chip_restarts(self, lull):
        self._lull(*lull)
        self.home.restart()

    @rule(lull=lulls, calendar=st.sampled_from(sorted(CALENDARS)))
    def calendar_changes(self, lull, calendar):
        self._lull(*lull)
        if calendar != self.home.home.calendar:
            self.home.change_calendar(calendar)

    @rule(calendar=st.sampled_from(sorted(CALENDARS)), is_restarted=st.booleans())
    def calendar_changes_unseen(self, calendar, is_restarted):
        if calendar != self.home.home.calendar:
            self.home.change_calendar(calendar)
        self.home.silence(40_000, 6_000)
        if is_restarted:
            self.home.restart()
        self.home.frames(120, 10, 0)

    @rule(lull=lulls)
    def mode_changes(self, lull):
        self._lull(*lull)
        self.home.change_mode()

    @rule(
        lull=lulls,
        calendar=st.sampled_from(sorted(CALENDARS)),
        is_historique=st.booleans(),
        first_wh=st.sampled_from([0, 5_000, 212_345_678]),
    )
    def meter_is_replaced(self, lull, calendar, is_historique, first_wh):
        self._lull(*lull)
        meter = self._meter(calendar, is_historique=is_historique)
        meter.indices_wh[:2] = [first_wh, first_wh // 7]
        self.home.replace_meter(meter)

    @precondition(lambda self: self.home.is_followed)
    @rule(index_wh=st.sampled_from([3_000, 20_000_000]))
    def other_meter_is_heard(self, index_wh):
        meter = self._meter("HPHC", is_historique=False)
        meter.indices_wh[:2] = [index_wh, index_wh // 3]
        self.home.plug_into(meter)

    @precondition(lambda self: self.home.line is not self.home.home)
    @rule(lull=lulls)
    def own_meter_is_heard(self, lull):
        self._lull(*lull)
        self.home.plug_home()

    @rule(lull=lulls, number=st.integers(0, 1), is_in_total=st.booleans())
    def register_is_reset(self, lull, number, is_in_total):
        self._lull(*lull)
        index_wh = self.home.home.indices_wh[number] % MODULUS_WH
        if not self.home.asks_person and LARGE_WH < index_wh < NEAR_WRAP_WH:
            self.home.reset_register(number, is_in_total=is_in_total)

    @rule(lull=lulls)
    def registers_change_places(self, lull):
        self._lull(*lull)
        first_wh, second_wh = self.home.home.indices_wh[:2]
        is_large = LARGE_WH < abs(first_wh - second_wh) % MODULUS_WH < MODULUS_WH - LARGE_WH
        self.home.frames(300, 10, 0)
        if not self.home.asks_person and is_large and self.home.is_time_known:
            self.home.move_register(0, 1)
            self.home.frames(120, 10, 0)  # two swaps without frames could not be noticed

    @rule(lull=lulls, number=st.integers(0, 1), by_wh=st.sampled_from([150_000, 800_000]))
    def register_jumps(self, lull, number, by_wh):
        self._lull(*lull)
        self.home.frames(120, 10, 0)
        if self.home.is_followed:
            self.home.jump(number, by_wh)
            self.home.frames(120, 10, 0)

    @rule(lull=lulls, is_restarted=st.booleans())
    def more_is_drawn_than_subscribed(self, lull, is_restarted):
        self._lull(*lull)
        if is_restarted:
            self.home.restart()
        was_followed = self.home.is_followed
        self.home.frames(1_200, 10, 20_000)
        if was_followed and self.home.is_followed:
            self.home.expected.expect_ever(LIMIT)

    @rule()
    def person_confirms(self):
        self.home.confirm()

    @rule()
    def image_is_taken(self):
        self.home.chip.take_image()

    @precondition(lambda self: self.home.chip.image.exists())
    @rule(lull=lulls)
    def image_is_restored(self, lull):
        self._lull(*lull)
        self.home.restore_image()

    @rule(lull=lulls)
    def store_is_lost(self, lull):
        self._lull(*lull)
        self.home.lose_store()

    @rule(lull=lulls, error=errors, is_degraded=st.booleans())
    def meter_clock_goes_wrong(self, lull, error, is_degraded):
        self._lull(*lull)
        self.home.set_meter_clock(error, is_degraded=is_degraded)

    @rule(lull=lulls)
    def meter_clock_is_right(self, lull):
        self._lull(*lull)
        self.home.set_meter_clock(timedelta(), is_degraded=False)

    @rule(lull=lulls, error=errors, is_synchronised=st.booleans())
    def host_clock_goes_wrong(self, lull, error, is_synchronised):
        self._lull(*lull)
        self.home.set_host_clock(error, is_synchronised=is_synchronised)

    @rule(lull=lulls, error=errors)
    def machine_boots(self, lull, error):
        self._lull(*lull)
        self.home.reboot(error)

    @rule(lull=lulls, hours=st.sampled_from([1, 30, 50]))
    def wrong_time_is_believed(self, lull, hours):
        self._lull(*lull)
        if self.home.is_followed and not self.home.home.is_historique:
            self.home.believe_ahead(timedelta(hours=hours))

    @rule(lull=lulls)
    def host_clock_is_right(self, lull):
        self._lull(*lull)
        self.home.set_host_clock(timedelta(), is_synchronised=True)

    @precondition(lambda self: self.home.at - self.settled_at > timedelta(hours=12))
    @rule(trusted=st.sampled_from(TRUSTED))
    def all_is_right_again(self, trusted):
        self._settle(trusted)

    def _lull(self, kind, span_s, pace_s, power_va):
        if kind == "frames":
            self.home.frames(span_s, pace_s, power_va)
        elif kind == "silence":
            self.home.silence(span_s, power_va)

    def _settle(self, trusted):
        self.home.settle(trusted)
        self.home.check()
        self.settled_at = self.home.at

    def teardown(self):
        if not hasattr(self, "home"):
            return
        try:
            if not self.home.chip.is_wrong:
                self._settle("meter")
                self.home.chip.check_cloud()
        finally:
            self.home.chip.close()
            self.directory.cleanup()


class SteadyMachine(MeteringMachine):
    """A household with right clocks, a lasting card, and registers that only count.

    The tolerances for other events would hide small faults.
    """

    host_clock_goes_wrong = None
    image_is_restored = None
    machine_boots = None
    meter_clock_goes_wrong = None
    register_is_reset = None
    register_jumps = None
    registers_change_places = None
    store_is_lost = None
    wrong_time_is_believed = None
