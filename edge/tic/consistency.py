"""Checks whether a frame's values agree with those of earlier frames.

The checksum does not see swapped characters, or pairs of faults that cancel. On lines without
parity a wrong value may therefore pass every check of its group. But registers only rise, and no
faster than the installation can draw; serial numbers, ratings and calendars stay for months; and
the meter's clock advances. A value that breaks these rules is held back until the following frames
confirm it. They do if the meter was replaced or reset, and do not if it was noise. The first value
of a label is held back too, until a second one agrees. While a frame's meter or calendar is held
back, so are its registers, since they would count for another one. A meter may let more power
through than the contract allows: if frame after frame exceeds the limit of the subscribed power,
the limit of low voltage replaces it. Values that may change freely (power, current, tariff in
force) cannot be compared and pass.
"""

from datetime import datetime, timedelta

import msgspec

from edge.tic.frame import Frame, InformationGroup, Rejected
from edge.tic.groups import GroupRefusal
from edge.tic.labels import LABELS, Label

_DATE = "DATE"
_LOW_VOLTAGE_LIMIT_VA = 36_000
_NOMINAL_V = 230
# Meter and calendar; the meaning of a register depends on them.
_NAMES = frozenset({"ADSC", "ADCO", "NGTF", "OPTARIF"})
# Registers do not wait any longer for a name that differs in each frame.
_LONGEST_DOUBT_FRAMES = 10
# The frames in a row above the subscribed power, each within the limit of low voltage.
_CONTRADICTIONS = 4
_DRAWN = ("BASE", "HC", "EJP", "BBR", "EAST", "EASF", "EASD")
# A frame without its DATE came one frame after the last; the longest take 2.5 s.
_FRAME_PERIOD = timedelta(seconds=3)


class InstallationLimits(msgspec.Struct, frozen=True):
    """The limits of an installation.

    Attributes:
        subscribed_power_va: of the contract; None: the meter's (PREF or ISOUSC), else 36 kVA.
        overload: the multiple of it at which the meter cuts off.
        clock_step_s: how far the meter's clock may advance between two frames.
        confirmations: how many frames in a row must confirm a value that broke the rules.
    """

    subscribed_power_va: int | None = None
    overload: float = 1.5
    clock_step_s: int = 3600
    confirmations: int = 2


class _Seen(msgspec.Struct, frozen=True):
    group: InformationGroup
    at: datetime | None


class _Track:
    """One label: the trusted value, and the one that may replace it.

    Attributes:
        borne_out: frames in a row that confirm `claimed` within all limits.
        possible: frames in a row that confirm it if low voltage is the only limit.
    """

    __slots__ = ("borne_out", "claimed", "possible", "trusted")

    def __init__(self) -> None:
        self.trusted: _Seen | None = None
        self.claimed: _Seen | None = None
        self.borne_out = 0
        self.possible = 0

    def trust(self, seen: _Seen) -> None:
        self.trusted, self.claimed, self.borne_out, self.possible = seen, None, 0, 0


class ConsistencyCheck:
    """Moves groups that earlier frames contradict from `groups` to `rejected`.

    Attributes:
        has_limit_yielded: the line exceeds `overload` times the subscribed power, which is no limit
            until another power is subscribed.
    """

    def __init__(self, limits: InstallationLimits | None = None) -> None:
        self._limits = limits or InstallationLimits()
        self._tracks: dict[str, _Track] = {}
        self._stream_va = _LOW_VOLTAGE_LIMIT_VA
        self.has_limit_yielded = False
        self._dated: tuple[datetime, datetime | None] | None = None
        self._frames_in_doubt = 0

    def check(self, frame: Frame, received_at: datetime | None = None) -> Frame:
        """Return the frame without the groups that do not agree with earlier frames.

        Registers are timed by the meter's clock if it is sent and trusted, else by `received_at`
        (aware). With neither, registers are only required not to fall.
        """
        held: dict[str, None] = {}
        date = frame.groups.get(_DATE)
        if date and not self._passes(LABELS[_DATE], _Seen(date, received_at)):
            held[_DATE] = None
            date = None
        at = self._time(date, received_at)
        for name, group in frame.groups.items():
            label = LABELS[name]
            is_tracked = label.is_register or label.is_fixed
            if is_tracked and not self._passes(label, _Seen(group, at)):
                held[name] = None
        if self._is_in_doubt(held):
            held |= {name: None for name in frame.groups if LABELS[name].is_register}
        kept = {name: group for name, group in frame.groups.items() if name not in held}
        self._read_power(kept)
        if not held:
            return frame
        rejected = tuple(
            Rejected(f"{name} {frame.groups[name].value}".strip(), GroupRefusal.IMPLAUSIBLE)
            for name in held
        )
        return msgspec.structs.replace(
            frame, groups=kept, rejected=frame.rejected + rejected, is_complete=False
        )

    def _is_in_doubt(self, held: dict[str, None]) -> bool:
        """Return whether the frame's meter or calendar is in doubt."""
        self._frames_in_doubt = 0 if _NAMES.isdisjoint(held) else self._frames_in_doubt + 1
        return 0 < self._frames_in_doubt <= _LONGEST_DOUBT_FRAMES

    def _time(self, date: InformationGroup | None, received_at: datetime | None) -> datetime | None:
        """Return a frame's time by the meter's clock, carried over frames without DATE."""
        if date and date.at and not date.is_clock_degraded:
            self._dated = date.at, received_at
            return date.at
        if self._dated is None:
            return received_at
        last_at, last_received_at = self._dated
        if received_at and last_received_at:
            return last_at + (received_at - last_received_at)
        return last_at + _FRAME_PERIOD

    def _passes(self, label: Label, seen: _Seen) -> bool:
        track = self._tracks.setdefault(label.name, _Track())
        if track.trusted and self._agrees(label, track.trusted, seen):
            track.trust(seen)
            return True
        before = track.claimed or track.trusted
        is_possible = before is not None and self._is_possible(label, before, seen)
        track.possible = track.possible + 1 if is_possible else 0
        if track.possible >= _CONTRADICTIONS:
            self.has_limit_yielded = True
            track.trust(seen)
            return True
        if track.claimed and self._agrees(label, track.claimed, seen):
            track.borne_out += 1
        else:
            track.borne_out = 0
        track.claimed = seen
        if track.borne_out < (self._limits.confirmations if track.trusted else 1):
            return False
        track.trust(seen)
        return True

    def _agrees(self, label: Label, before: _Seen, after: _Seen) -> bool:
        if label.name == _DATE:
            return self._clock_agrees(before, after)
        if label.is_fixed:
            return before.group.value == after.group.value
        return self._rises(before, after, self._max_power_va(label))

    def _is_possible(self, label: Label, before: _Seen, after: _Seen) -> bool:
        """Return whether a register can have risen so much under any subscribed power."""
        most_va = _LOW_VOLTAGE_LIMIT_VA * self._limits.overload
        return label.is_register and self._rises(before, after, most_va)

    @staticmethod
    def _rises(before: _Seen, after: _Seen, max_power_va: float) -> bool:
        rise = int(after.group.value) - int(before.group.value)
        if rise < 0:
            return False
        if before.at is None or after.at is None:
            return True
        # Both the clock and the register are truncated to whole units: one second, one unit.
        elapsed_s = (after.at - before.at).total_seconds() + 1
        return rise <= max_power_va * max(elapsed_s, 1) / 3600 + 1

    def _clock_agrees(self, before: _Seen, after: _Seen) -> bool:
        if before.group.at is None or after.group.at is None:
            return False
        step = after.group.at - before.group.at
        allowed = timedelta(seconds=self._limits.clock_step_s)
        if before.at and after.at:
            allowed += after.at - before.at
        return timedelta() <= step <= allowed

    def _max_power_va(self, label: Label) -> float:
        subscribed = self._limits.subscribed_power_va or self._stream_va
        if self.has_limit_yielded or not label.name.startswith(_DRAWN):
            subscribed = _LOW_VOLTAGE_LIMIT_VA
        return subscribed * self._limits.overload

    def _read_power(self, groups: dict[str, InformationGroup]) -> None:
        """Read the subscribed power from PREF (kVA) or ISOUSC (A per phase)."""
        if "PREF" in groups:
            power_va = int(groups["PREF"].value) * 1000
        elif "ISOUSC" in groups:
            phases = 3 if "IINST1" in groups else 1
            power_va = int(groups["ISOUSC"].value) * _NOMINAL_V * phases
        else:
            return
        power_va = power_va or _LOW_VOLTAGE_LIMIT_VA
        if power_va != self._stream_va:
            self._stream_va, self.has_limit_yielded = power_va, False
