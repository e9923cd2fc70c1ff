"""Encodes frames in standard mode like a Linky (Enedis-NOI-CPT_54E v3, pages 18-28)."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from edge.simulate.counters import COUNTER_MODULUS_WH, Counters, PowerMaximum
from edge.simulate.profile import (
    ETX,
    STX,
    GroupCache,
    MeterProfile,
    Snapshot,
    apparent_va,
    split_by_phase,
    voltage_v,
)
from edge.simulate.tariff import CALENDARS, REGISTERS, MeterOption, SimulatedTariff
from edge.tic.frame import Mode
from edge.tic.horodate import encode_horodate
from protocol.calendar import PARIS, legal_day

SUPPLIER_REGISTERS = 10
DISTRIBUTOR_REGISTERS = 4
CURVE_STEP_S = 1_800
WINDOW_S = 600
UNUSED = "NONUTILE"
SLOTS = 11
MESSAGE = "PAS DE          MESSAGE         "
# Dry contact open, TIC in standard mode, Euridis active, CPL associated.
STATUS = 0x003A0001
CONTACT_OPEN, CONTACT_CLOSED = 0x8000, 0xC000
TEMPO_CONFIGURATION = 0x4000


class StandardFrames:
    """Encodes the frames of one meter in standard mode.

    Everything but clock and energy is cached until power, tariff or the ten-minute window changes.
    """

    def __init__(self, profile: MeterProfile, counters: Counters) -> None:
        self._profile = profile
        self._counters = counters
        self._group = GroupCache(Mode.STANDARD).encode
        self._head = self._group("ADSC", profile.serial) + self._group("VTIC", "02")
        self._calendar = self._group("NGTF", f"{CALENDARS[counters.tariff.option][1]:^16}")
        self._rest = b""
        self._rest_key = (0, 0, False)

    def encode(self, snapshot: Snapshot) -> bytes:
        """Return the frame, STX to ETX."""
        at_s = snapshot.at_s
        is_degraded = self._profile.is_clock_degraded(at_s)
        begin_s, end_s, was_degraded = self._rest_key
        if not begin_s <= at_s < end_s or was_degraded is not is_degraded:
            self._rest = self._steady(at_s, is_degraded=is_degraded)
            self._rest_key = (*self._steady_span(at_s), is_degraded)
        clock = datetime.fromtimestamp(at_s, PARIS)
        register = self._counters.register(at_s)
        tariff_name = REGISTERS[self._counters.tariff.option][register][2]
        return b"".join(
            [
                STX,
                self._head,
                self._group("DATE", "", encode_horodate(clock, is_degraded=is_degraded)),
                self._calendar,
                self._group("LTARF", f"{tariff_name:^16}"),
                *self._energy(snapshot),
                self._rest,
                ETX,
            ]
        )

    def _energy(self, snapshot: Snapshot) -> list[bytes]:
        group = self._group
        total_wh = sum(snapshot.registers_wh) % COUNTER_MODULUS_WH
        unused = (0,) * (SUPPLIER_REGISTERS - len(snapshot.registers_wh))
        supplier_wh = (*snapshot.registers_wh, *unused)
        distributor_wh = (total_wh, *(0,) * (DISTRIBUTOR_REGISTERS - 1))
        groups = [group("EAST", f"{total_wh:09}")]
        groups += [group(f"EASF{n:02}", f"{wh:09}") for n, wh in enumerate(supplier_wh, 1)]
        groups += [group(f"EASD{n:02}", f"{wh:09}") for n, wh in enumerate(distributor_wh, 1)]
        if snapshot.injected_wh is not None:
            groups.append(group("EAIT", f"{snapshot.injected_wh:09}"))
            reactive = (total_wh // 4, total_wh // 50, snapshot.injected_wh // 8, total_wh // 15)
            groups += [group(f"ERQ{n}", f"{varh:09}") for n, varh in enumerate(reactive, 1)]
        return groups

    def _steady_span(self, at_s: int) -> tuple[int, int]:
        begin_s, end_s = self._counters.segment_span_s(at_s)
        window_s = at_s - at_s % WINDOW_S
        return max(begin_s, window_s), min(end_s, window_s + WINDOW_S)

    def _steady(self, at_s: int, *, is_degraded: bool) -> bytes:
        return b"".join(
            [
                *self._instants(at_s),
                *self._maxima(at_s),
                *self._load_curve(at_s),
                *self._mean_voltages(at_s),
                *self._contract(at_s, is_degraded=is_degraded),
            ]
        )

    def _phase_numbers(self) -> range:
        return range(1, self._profile.phases + 1)

    def _voltages_v(self, at_s: int) -> list[int]:
        window, seed = at_s // WINDOW_S, self._profile.seed
        return [voltage_v(seed, window, phase) for phase in self._phase_numbers()]

    def _instants(self, at_s: int) -> list[bytes]:
        group, phases = self._group, self._profile.phases
        drawn_w, _ = self._counters.power_w(at_s)
        power_va = min(apparent_va(drawn_w), 99_999)
        shares_va = split_by_phase(power_va, phases)
        volts = self._voltages_v(at_s)
        amperes = [
            (share_va + volt // 2) // volt for share_va, volt in zip(shares_va, volts, strict=True)
        ]
        kva = f"{self._profile.kva:02}"
        groups = [group(f"IRMS{n}", f"{ampere:03}") for n, ampere in enumerate(amperes, 1)]
        groups += [group(f"URMS{n}", f"{volt:03}") for n, volt in enumerate(volts, 1)]
        groups += [group("PREF", kva), group("PCOUP", kva), group("SINSTS", f"{power_va:05}")]
        if phases > 1:
            groups += [group(f"SINSTS{n}", f"{va:05}") for n, va in enumerate(shares_va, 1)]
        return groups

    def _maxima(self, at_s: int) -> list[bytes]:
        today = legal_day(datetime.fromtimestamp(at_s, UTC))
        yesterday = today - timedelta(days=1)
        groups = []
        for day, suffix in ((today, ""), (yesterday, "-1")):
            maximum = self._counters.maximum(day, at_s)
            groups.append(self._maximum(f"SMAXSN{suffix}", apparent_va(maximum.power_w), maximum))
            if self._profile.phases > 1:
                shares_va = split_by_phase(apparent_va(maximum.power_w), 3)
                groups += [
                    self._maximum(f"SMAXSN{n}{suffix}", va, maximum)
                    for n, va in enumerate(shares_va, 1)
                ]
        if self._profile.is_producer:
            injected_va = apparent_va(self._counters.power_w(at_s)[1])
            groups.append(self._group("SINSTI", f"{injected_va:05}"))
            for day, suffix in ((today, ""), (yesterday, "-1")):
                maximum = self._counters.maximum(day, at_s, is_injected=True)
                power_va = apparent_va(maximum.power_w)
                groups.append(self._maximum(f"SMAXIN{suffix}", power_va, maximum))
        return groups

    def _maximum(self, label: str, power_va: int, maximum: PowerMaximum) -> bytes:
        return self._group(label, f"{min(power_va, 99_999):05}", _horodate(maximum.at_s))

    def _load_curve(self, at_s: int) -> list[bytes]:
        end_s = at_s - at_s % CURVE_STEP_S
        lanes: list[tuple[str, Callable[[int], int]]] = [
            ("CCASN", lambda moment_s: sum(self._counters.drawn_ws(moment_s)))
        ]
        if self._profile.is_producer:
            lanes.append(("CCAIN", self._counters.injected_ws))
        groups = []
        for label, counted_ws in lanes:
            for suffix, point_s in (("", end_s), ("-1", end_s - CURVE_STEP_S)):
                energy_ws = counted_ws(point_s) - counted_ws(point_s - CURVE_STEP_S)
                mean_w = energy_ws // CURVE_STEP_S
                groups.append(self._group(f"{label}{suffix}", f"{mean_w:05}", _horodate(point_s)))
        return groups

    def _mean_voltages(self, at_s: int) -> list[bytes]:
        end_s = at_s - at_s % WINDOW_S
        volts = self._voltages_v(end_s - WINDOW_S)
        stamp = _horodate(end_s)
        return [self._group(f"UMOY{n}", f"{volt:03}", stamp) for n, volt in enumerate(volts, 1)]

    def _contract(self, at_s: int, *, is_degraded: bool) -> list[bytes]:
        group, tariff = self._group, self._counters.tariff
        at = datetime.fromtimestamp(at_s, UTC)
        register = self._counters.register(at_s)
        peak = tariff.peak_at(at)
        groups = [group("STGE", f"{self._status(at_s, is_degraded=is_degraded):08X}")]
        if peak is not None:
            begin, end = (f" {edge.astimezone(PARIS):%y%m%d%H%M%S}" for edge in peak)
            groups += [group("DPM1", "00", begin), group("FPM1", "00", end)]
        is_off_peak = tariff.option is MeterOption.HPHC and register == 0
        groups += [
            group("MSG1", MESSAGE),
            group("PRM", self._profile.prm),
            group("RELAIS", f"{int(is_off_peak):03}"),
            group("NTARF", f"{register + 1:02}"),
            group("NJOURF", "00"),
            group("NJOURF+1", "00"),
            group("PJOURF+1", day_profile(tariff)),
        ]
        if peak is not None:
            groups.append(group("PPOINTE", _slots([(time(7), 0x4002), (time(1), 0x4001)])))
        return groups

    def _status(self, at_s: int, *, is_degraded: bool) -> int:
        drawn_w, _ = self._counters.power_w(at_s)
        at = datetime.fromtimestamp(at_s, UTC)
        today, tomorrow = self._counters.tariff.colours_at(at)
        peak = self._counters.tariff.peak_at(at)
        is_notice = peak is not None and at < peak[0]
        is_peak = peak is not None and at >= peak[0]
        return (
            STATUS
            | (apparent_va(drawn_w) > self._profile.kva * 1_000) << 7
            | self._profile.is_producer << 8
            | self._counters.register(at_s) << 10
            | is_degraded << 16
            | today << 24
            | tomorrow << 26
            | is_notice << 28
            | is_peak << 30
        )


def day_profile(tariff: SimulatedTariff) -> str:
    """Return PJOURF+1: 11 slots of HHMM and action, in the order of the day."""
    if tariff.option is MeterOption.HPHC:
        slots = []
        for begin, end in tariff.off_peak:
            slots += [(begin, CONTACT_CLOSED | 1), (end, CONTACT_OPEN | 2)]
        slots.sort()
        if slots[0][0] != time(0):
            slots.insert(0, (time(0), slots[-1][1]))
        return _slots(slots)
    if tariff.option is MeterOption.TEMPO:
        return _slots(
            [(time(hour), TEMPO_CONFIGURATION | n) for hour, n in ((0, 1), (6, 2), (22, 1))]
        )
    return _slots([(time(0), CONTACT_OPEN | 1)])


def _slots(slots: list[tuple[time, int]]) -> str:
    used = [f"{begin:%H%M}{action:04X}" for begin, action in slots]
    return " ".join((used + [UNUSED] * SLOTS)[:SLOTS])


def _horodate(at_s: int) -> str:
    return encode_horodate(datetime.fromtimestamp(at_s, PARIS))
