"""The oracle: a household's true consumption, compared with its bills.

It is independent of the chip's metering. Windows allow deviations from the exact truth: they are
spans of time whose energy may be missing, since nobody can know it, or may count under the next
calendar, since only its end was seen.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from protocol.calendar import day_end, legal_day
from tests.support.true_meter import CALENDAR_OF_NAME, TrueMeter

MOMENT = timedelta(microseconds=1)
# How many frames a chip may lag behind the last one it has read.
FRAMES_BEHIND = 6


class Key(NamedTuple):
    """A counter: a meter's register (from 0) under a calendar."""

    serial: str
    calendar: str
    register: int


class Seen(NamedTuple):
    """The energy drawn by the time of a frame."""

    at: datetime
    total_wh: int
    by_key: Counter[Key]


@dataclass
class Window:
    """A span whose energy may be missing or, with `calendar`, may count under that calendar.

    It ends after `frames_left` more good frames; while that is None, it waits for a person. With
    `is_shuffled`, the energy may also count in another register, since registers were swapped.
    """

    why: str
    begun: Seen
    calendar: str | None = None
    frames: int | None = None
    frames_left: int | None = None
    ended: Seen | None = None
    is_shuffled: bool = False

    @property
    def energy_wh(self) -> int:
        return 0 if self.ended is None else self.ended.total_wh - self.begun.total_wh

    @property
    def energy(self) -> Counter[Key]:
        return Counter() if self.ended is None else self.ended.by_key - self.begun.by_key


@dataclass
class Ledger:
    """The consumption of one household since `begun_at`, when the chip's account begins."""

    begun_at: datetime
    by_key: Counter[Key] = field(default_factory=Counter)
    first_wh: dict[tuple[str, int], int] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._instants = [self.begun_at]
        self._totals_wh = [0]
        self.seen = self._kept = Seen(self.begun_at, 0, Counter())
        self._seen_at = [self.begun_at]
        self._kept_at = [self.begun_at]
        self._last_of_day: dict[date, Seen] = {}
        self._closed_ahead: dict[date, Seen] = {}
        self._excess_wh = 0
        self._untimed: list[tuple[datetime, datetime]] = []
        self._lost_since: datetime | None = None

    @property
    def total_wh(self) -> int:
        return self._totals_wh[-1]

    # Events.

    def meet(self, meter: TrueMeter) -> None:
        """Record the indices of the household's meter at its installation."""
        for number, index_wh in enumerate(meter.indices_wh):
            self.first_wh[meter.serial, number] = index_wh

    def draw(self, until: datetime, meter: TrueMeter, register: int, energy_wh: int) -> None:
        """Record the energy drawn since the previous instant, at an even rate."""
        self._instants.append(until)
        self._totals_wh.append(self.total_wh + energy_wh)
        if energy_wh:
            self.by_key[Key(meter.serial, meter.calendar, register)] += energy_wh

    def see(self) -> None:
        """Record a good frame of the household's meter."""
        self.seen = self._now()
        if self._lost_since is not None:
            self._untimed.append((self._lost_since, self.seen.at + timedelta(days=1)))
            self._lost_since = None
        self._seen_at.append(self.seen.at)
        self._last_of_day[legal_day(self.seen.at - MOMENT)] = self.seen
        for window in self.windows:
            if window.frames_left:
                window.frames_left -= 1
                if not window.frames_left:
                    window.ended = self.seen

    def close(self, day: date) -> None:
        """Record that the chip closes a day, which a wrong time may cause before it is over."""
        if day_end(day) > self._instants[-1]:
            self._closed_ahead[day] = self.seen
        else:
            self._closed_ahead.pop(day, None)

    def keep(self) -> None:
        """Record a commit of the chip."""
        self._kept = self.seen
        if self._kept_at[-1] != self.seen.at:
            self._kept_at.append(self.seen.at)

    def disturb(self) -> None:
        """Record an event after which the chip starts confirming again."""
        for window in self.windows:
            if window.frames_left:
                window.frames_left = window.frames

    def restart(self) -> None:
        """Record that the chip knows only what it has committed."""
        self._go_back(self._kept)

    def lose_after(self, day: date | None) -> bool:
        """Record that the chip knows only what the cloud has of days up to `day`.

        Returns whether the chip can know that the meter is the same.
        """
        known = [self._last_of_day[past] for past in self._last_of_day if day and past <= day]
        ahead = [self._closed_ahead[past] for past in self._closed_ahead if day and past <= day]
        latest = min([known[-1], *ahead[-1:]], key=lambda seen: seen.at) if known else None
        back = Seen(self.begun_at, 0, Counter()) if latest is None else self._billed_by(latest)
        self._lost_since = back.at if self._lost_since is None else min(self._lost_since, back.at)
        is_same = bool(known) and all(
            window.ended is not None and window.ended.at <= back.at for window in self.windows
        )
        self._kept = back
        self._go_back(back)
        return is_same

    def may_lack(self, why: str, frames: int | None, since: Seen | None = None) -> None:
        """Allow energy drawn since `since`, or else the last frame, to be missing."""
        begun = since or self.seen
        window = Window(why, begun, None, frames, frames, is_shuffled=frames is None)
        self.windows.append(window)

    def may_mistime(self, until: datetime) -> None:
        """Allow energy drawn from now to `until` to count at any time in that span."""
        self._untimed.append((self.seen.at, until + timedelta(days=1)))

    def may_exceed(self, excess_wh: int) -> None:
        """Allow `excess_wh` that nobody drew to be counted, since the meter shows them."""
        self._excess_wh += excess_wh

    def may_move(self, calendar: str, frames: int | None = None) -> None:
        """Allow energy drawn since the last frame to count under `calendar`.

        The chip may need `frames` more frames before it uses that calendar.
        """
        ended = self._now() if frames is None else None
        window = Window("another calendar", self.seen, calendar, frames, frames, ended)
        self.windows.append(window)

    def has_ended(self, why: str) -> bool:
        """Return whether no window of this kind is open."""
        return all(window.ended is not None for window in self.windows if window.why == why)

    def person_has_confirmed(self, frames: int) -> None:
        """Let windows that wait for a person end after `frames` more frames."""
        for window in self.windows:
            if window.frames is None and window.ended is None:
                window.frames = window.frames_left = frames

    def drawn_since_seen(self, serial: str, register: int) -> int:
        """Return the Wh that a register has counted since the last frame known to the chip."""
        since = self.by_key - self.seen.by_key
        return _by_register(since)[serial, register]

    # Verdicts.

    def wrong_curve(self, placed_wh: int) -> str | None:
        """Return what is wrong with a curve that adds up to `placed_wh`, if anything."""
        excess_wh = placed_wh - self.total_wh
        if excess_wh > self._excess_wh:
            return f"the curve has {excess_wh} Wh that nobody drew"
        lack_wh, may_lack_wh = self.total_wh - placed_wh, self._may_lack_wh()
        if lack_wh > may_lack_wh:
            return f"the curve lacks {lack_wh} Wh, of which {may_lack_wh} may"
        return None

    def wrong_times(self, intervals: Sequence) -> str | None:
        """Return the first day whose curve does not fit that day, if there is one."""
        placed_wh = 0
        may_lack_wh = self._may_lack_wh()
        untimed = self._untimed + [
            (window.begun.at, window.ended.at)
            for window in self.windows
            if window.calendar is None and window.ended is not None
        ]
        energies_wh: Counter[date] = Counter()
        for interval in intervals:
            energies_wh[interval.day] += interval.energy_wh
        for day in sorted(energies_wh):
            placed_wh += energies_wh[day]
            end = day_end(day)
            if any(begin < end < until for begin, until in untimed):
                continue
            low_wh = self._drawn_by(self._known_before(end)) - may_lack_wh
            high_wh = self._drawn_by(self._known_after(end)) + self._excess_wh
            if not low_wh - 1 <= placed_wh <= high_wh + 1:
                return (
                    f"the curve has {placed_wh} Wh by the end of {day}, "
                    f"right is {low_wh:.0f} to {high_wh:.0f}"
                )
        return None

    def wrong_bill(self, billed: Iterable[tuple[str, str, tuple[int, ...]]]) -> str | None:
        """Return what is wrong with steps (serial, calendar, kWh by register), if anything."""
        billed_kwh: Counter[Key] = Counter()
        for serial, name, steps_kwh in billed:
            calendar = CALENDAR_OF_NAME.get(name, name)
            for register, step_kwh in enumerate(steps_kwh):
                billed_kwh[Key(serial, calendar, register)] += step_kwh
        return self._wrong_registers(billed_kwh) or self._wrong_calendars(billed_kwh)

    def _wrong_registers(self, billed_kwh: Counter[Key]) -> str | None:
        """Compare by meter and register; only energy in windows may be missing."""
        drawn_wh = _by_register(self.by_key)
        found_kwh = _by_register(billed_kwh)
        lacks = [window for window in self.windows if window.calendar is None]
        lacking = [_by_register(window.energy) for window in lacks]
        for place in drawn_wh.keys() | found_kwh.keys():
            if place not in self.first_wh:
                if found_kwh[place]:
                    return f"{found_kwh[place]} kWh of another meter are billed"
                continue
            base_wh = self.first_wh[place]
            right_kwh = (base_wh + drawn_wh[place]) // 1_000 - base_wh // 1_000
            may_lack_wh = sum(energy_wh[place] for energy_wh in lacking)
            # Where a register restarts, parts of a kWh are lost or rounded up.
            slack_kwh = len(lacks)
            high_kwh = right_kwh + slack_kwh + -(-self._may_come_wh() // 1_000)
            low_kwh = right_kwh - -(-may_lack_wh // 1_000) - slack_kwh - (high_kwh - right_kwh)
            if not low_kwh <= found_kwh[place] <= high_kwh:
                return (
                    f"register {place[1] + 1} is billed {found_kwh[place]} kWh, "
                    f"right is {low_kwh} to {high_kwh}"
                )
        return None

    def _wrong_calendars(self, billed_kwh: Counter[Key]) -> str | None:
        """Compare by calendar, with a tolerance of a kWh per change and the energy in windows."""
        moves = [window for window in self.windows if window.calendar is not None]
        for key in billed_kwh.keys() | self.by_key.keys():
            low_wh = self.by_key[key] - self._may_come_wh()
            high_wh = self.by_key[key] + self._may_come_wh()
            for window in self.windows:
                if window.calendar == key.calendar:
                    high_wh += _by_register(window.energy)[key.serial, key.register]
                else:
                    low_wh -= window.energy[key]
            slack_wh = 1_000 * (1 + len(self.windows)) if high_wh else 0
            if not low_wh - slack_wh <= 1_000 * billed_kwh[key] <= high_wh + slack_wh:
                return (
                    f"register {key.register + 1} is billed {billed_kwh[key]} kWh under "
                    f"{key.calendar}, right is {low_wh / 1_000:.1f} to {high_wh / 1_000:.1f} "
                    f"after {len(moves)} changes"
                )
        return None

    # Inside.

    def _now(self) -> Seen:
        return Seen(self._instants[-1], self.total_wh, self.by_key.copy())

    def _go_back(self, known: Seen) -> None:
        self.seen = known
        self._last_of_day = {
            day: seen for day, seen in self._last_of_day.items() if seen.at <= known.at
        }
        for window in self.windows:
            if window.ended is None or window.ended.at > known.at:
                if window.begun.at > known.at:
                    window.begun = known
                if window.ended is not None and window.frames is not None:
                    window.ended, window.frames_left = None, window.frames

    def _may_lack_wh(self) -> int:
        return sum(window.energy_wh for window in self.windows if window.calendar is None)

    def _may_come_wh(self) -> int:
        """Return how much energy may be billed in a register other than its own."""
        shuffled = [window.energy_wh for window in self.windows if window.is_shuffled]
        return sum(shuffled) + self._excess_wh

    def _billed_by(self, seen: Seen) -> Seen:
        """Return the state up to which a day that closed at `seen` is billed.

        A day has one calendar, so energy counted since a change is billed on the next day.
        """
        day = legal_day(seen.at - MOMENT)
        changes = [
            window.begun
            for window in self.windows
            if window.begun.at < seen.at
            and (window.ended is None or legal_day(window.ended.at) >= day)
        ]
        return min([seen, *changes], key=lambda change: change.at)

    def _known_before(self, at: datetime) -> datetime:
        seen = self._seen_at[max(bisect_right(self._seen_at, at) - FRAMES_BEHIND, 0)]
        return self._kept_at[max(bisect_right(self._kept_at, seen) - 1, 0)]

    def _known_after(self, at: datetime) -> datetime:
        place = bisect_left(self._seen_at, at) + FRAMES_BEHIND
        return self._seen_at[min(place, len(self._seen_at) - 1)]

    def _drawn_by(self, at: datetime) -> float:
        after = bisect_right(self._instants, at)
        if after in (0, len(self._instants)):
            return self.total_wh if after else 0
        begin, end = self._instants[after - 1 : after + 1]
        low_wh, high_wh = self._totals_wh[after - 1 : after + 1]
        return low_wh + (high_wh - low_wh) * ((at - begin) / (end - begin))


def _by_register(counts: Counter[Key]) -> Counter[tuple[str, int]]:
    total: Counter[tuple[str, int]] = Counter()
    for key, count in counts.items():
        total[key.serial, key.register] += count
    return total
