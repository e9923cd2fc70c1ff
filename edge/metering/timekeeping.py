"""Decides the time of a reading: which clock is believed, if any.

There are three clocks: the meter's own (DATE, if its letter says that it is reliable), the host's
(while the kernel reports it as synchronised), and the last believed time, carried on by the
monotonic clock of the same boot. While no time is believed nothing closes, and nothing is lost:
the meter counts on, and what it counted is spread over the wait as over a gap.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

import msgspec

from edge.metering.events import Notice, NoticeKind
from edge.metering.reading import Reading
from edge.tic.frame import Mode
from system.clock import HostTime

# Two clocks that are both trusted do not differ by more.
AGREEMENT = timedelta(minutes=10)
# How much further than the monotonic clock a clock may advance between two frames.
STEP_MARGIN = timedelta(minutes=1)
# A doubted clock is believed when it has agreed with the monotonic clock for this long.
STEADY_AFTER_S = 180.0
# A reboot of the machine takes less than this.
REBOOT = timedelta(minutes=15)
# Clocks that still differ after this long are not going to agree.
LASTING_AFTER_S = 86_400.0
DIFFERENCE_KEPT_EACH_S = 900.0
# Of no machine: a time of this boot is never carried on.
_NO_BOOT = ""

_AHEAD = "a clock went ahead by more time than has passed"
_DIFFER = "the meter's clock and this machine's differ by more than ten minutes"
_LASTING = "the meter's clock and this machine's have differed for a day; the likelier one is used"


class Source(StrEnum):
    """The clock that a time is from."""

    METER = "meter"
    HOST = "host"
    CARRIED = "carried"


class Fix(msgspec.Struct, frozen=True):
    """The time of a clock at a moment of the monotonic clock.

    Attributes:
        is_borne_out: meter and host agree on it, or did when this boot's monotonic clock, which it
            continues, was there to carry the time on.
    """

    at: datetime
    source: Source
    monotonic_s: float
    boot: str
    is_borne_out: bool = False

    def carried_to(self, host: HostTime) -> datetime | None:
        """Return the time now by the monotonic clock; None if that was reset by a boot."""
        if host.boot != self.boot:
            return None
        return self.at + timedelta(seconds=host.monotonic_s - self.monotonic_s)


class ClockDoubt(msgspec.Struct, frozen=True):
    """A time that is not believed yet.

    Attributes:
        last: the last time of the clock.
        since_s: the monotonic time since which it agrees with the monotonic clock.
        differed_s: how long two clocks have differed while the machine ran, over all its boots;
            None if they do not differ.
        is_told: the household has had a notice.
    """

    last: Fix
    since_s: float
    differed_s: float | None = None
    is_told: bool = False


class Timekeeping(msgspec.Struct, frozen=True):
    """What metering remembers about time.

    Attributes:
        fix: the last time that was believed.
        doubt: the time that is not believed yet; nothing closes meanwhile.
        lasting: the clock in use while meter and host differ for good; `difference` is how far the
            host's was ahead when both were last trusted.
        stepped_from: the time believed before the last step ahead that no other clock confirmed.
        is_degraded: the meter has reported that its clock is not reliable.
    """

    fix: Fix | None = None
    doubt: ClockDoubt | None = None
    lasting: Source | None = None
    difference: timedelta | None = None
    stepped_from: datetime | None = None
    is_degraded: bool = False

    @classmethod
    def after_loss(cls, at: datetime) -> Self:
        """Return the timekeeping to begin with when all that is known is a past time, `at`."""
        return cls(fix=Fix(at, Source.CARRIED, monotonic_s=0.0, boot=_NO_BOOT))

    def of_another_meter(self) -> Self:
        """Return the timekeeping to begin with for a meter whose clock is not known."""
        fix = self.fix and msgspec.structs.replace(self.fix, source=Source.CARRIED)
        return type(self)(fix=fix, stepped_from=self.stepped_from)

    @property
    def milestone(self) -> int:
        """How long two clocks have differed, in steps; this must outlive a power cut."""
        doubt = self.doubt
        return 0 if doubt is None else int((doubt.differed_s or 0.0) // DIFFERENCE_KEPT_EACH_S)


class BelievedTime(msgspec.Struct, frozen=True):
    """The outcome for one reading.

    Attributes:
        state: the timekeeping from now on.
        at: the reading's time; None while no time is believed.
        notices: the notices for the household.
        step: how far the time has stepped ahead of the one believed before, or back from it.
        is_borne_out: meter and host agree on it.
    """

    state: Timekeeping
    at: datetime | None
    notices: tuple[Notice, ...] = ()
    step: timedelta = timedelta()
    is_borne_out: bool = False


class _Clocks(msgspec.Struct, frozen=True):
    """The present time of each clock, None if it is not trusted."""

    meter: datetime | None
    host: datetime | None
    carried: datetime | None

    @property
    def are_agreed(self) -> bool:
        return self.is_meter_near(self.host)

    @property
    def difference(self) -> timedelta | None:
        """How far the host's clock is ahead of the meter's."""
        return None if self.meter is None or self.host is None else self.host - self.meter

    def is_meter_near(self, other: datetime | None) -> bool:
        if self.meter is None or other is None:
            return False
        return abs(self.meter - other) <= AGREEMENT

    def of(self, source: Source) -> datetime | None:
        return {
            Source.METER: self.meter,
            Source.HOST: self.host,
            Source.CARRIED: self.carried,
        }[source]


def keep_time(state: Timekeeping, reading: Reading, host: HostTime) -> BelievedTime:
    """Decide the time of a reading, whose `at` is its frame's time, or the host's in historique."""
    is_standard = reading.mode is Mode.STANDARD
    clocks = _Clocks(
        meter=reading.at if is_standard and not reading.is_clock_degraded else None,
        host=host.at.astimezone(UTC) if host.is_synchronised else None,
        carried=None if state.fix is None else state.fix.carried_to(host),
    )
    before = state.fix
    notices = _degraded_notices(state, reading, clocks, host)
    state = msgspec.structs.replace(state, is_degraded=reading.is_clock_degraded)
    if _do_differ(state, clocks):
        kept = _differing(state, clocks, host)
    else:
        if _are_agreed(state, clocks):
            state = msgspec.structs.replace(state, lasting=None)
        kept = _following(state, _first_known(clocks), clocks, host)
    return msgspec.structs.replace(
        kept,
        notices=(*notices, *kept.notices),
        step=_step(before, clocks, kept.at),
        is_borne_out=clocks.are_agreed,
    )


def _step(before: Fix | None, clocks: _Clocks, at: datetime | None) -> timedelta:
    """Return how far the time stepped; over a boot, only a step back can be known."""
    if before is None or at is None:
        return timedelta()
    step = at - clocks.carried if clocks.carried is not None else min(at - before.at, timedelta())
    return step if abs(step) > AGREEMENT else timedelta()


def trust_time(state: Timekeeping, reading: Reading) -> BelievedTime:
    """Take the time of a simulated or recorded meter as it is; a degraded clock gives None."""
    at = None if reading.is_clock_degraded else reading.at
    return BelievedTime(state, at, is_borne_out=True)


def _do_differ(state: Timekeeping, clocks: _Clocks) -> bool:
    """Return whether two trusted clocks differ; a clock that falls silent does not end that."""
    is_so_already = state.lasting is not None or _is_difference(state.doubt)
    if clocks.meter is None:
        return clocks.host is None and is_so_already
    if _are_agreed(state, clocks):
        return False
    return clocks.host is not None or is_so_already


def _is_difference(doubt: ClockDoubt | None) -> bool:
    return doubt is not None and doubt.differed_s is not None


def _are_agreed(state: Timekeeping, clocks: _Clocks) -> bool:
    """Return whether a second clock confirms the meter's.

    If the host's is not trusted, the second clock is the last believed time, carried on, since it
    was believed before the two differed. A time that is the meter's alone confirms nothing.
    """
    if clocks.host is not None or state.lasting is Source.METER:
        return clocks.are_agreed
    return clocks.is_meter_near(clocks.carried)


def _differing(state: Timekeeping, clocks: _Clocks, host: HostTime) -> BelievedTime:
    """Believe neither of two clocks for a day, then the one that closes less."""
    why = _DIFFER if state.lasting is None else None  # else the choice has given its notice
    source = state.lasting
    if _has_given_way(state, clocks, host):
        return _choose(state, Source.METER, clocks, host)
    if source is not None and _is_another_difference(state, source, clocks):
        state, source, why = msgspec.structs.replace(state, lasting=None), None, _DIFFER
    state = msgspec.structs.replace(state, difference=clocks.difference or state.difference)
    if source is not None and (clocks.of(source) or clocks.carried) is not None:
        doubt = None if _is_difference(state.doubt) else state.doubt
        return _following(msgspec.structs.replace(state, doubt=doubt), source, clocks, host)
    differed_s = _differed_s(state.doubt, host)
    source = _likelier(state, clocks)
    if differed_s >= LASTING_AFTER_S and source is not None:
        return _choose(state, source, clocks, host)
    last = Fix(clocks.meter or host.at, Source.METER, host.monotonic_s, host.boot)
    return _doubting(state, ClockDoubt(last, host.monotonic_s, differed_s), why)


def _choose(state: Timekeeping, source: Source, clocks: _Clocks, host: HostTime) -> BelievedTime:
    """Follow one of two clocks that are not going to agree, with a notice."""
    state = msgspec.structs.replace(state, lasting=source, doubt=None)
    if clocks.of(source) is None and clocks.carried is not None:  # its silence counts from now
        fix = _fix(state, clocks, Source.CARRIED, clocks.carried, host)
        state = msgspec.structs.replace(state, fix=fix)
    kept = _following(state, source, clocks, host)
    notice = Notice(NoticeKind.CLOCKS_DIFFER, kept.at or host.at, _LASTING)
    return msgspec.structs.replace(kept, notices=(notice, *kept.notices))


def _has_given_way(state: Timekeeping, clocks: _Clocks, host: HostTime) -> bool:
    """Return whether the chosen host's clock has not been trusted for a day, and the meter's is.

    A time that both clocks have borne out is carried on for as long as the machine runs.
    """
    fix = state.fix
    if state.lasting is not Source.HOST or clocks.meter is None or clocks.host is not None:
        return False
    if fix is None or fix.is_borne_out or clocks.carried is None:
        return False
    return host.monotonic_s - fix.monotonic_s >= LASTING_AFTER_S


def _is_another_difference(state: Timekeeping, source: Source, clocks: _Clocks) -> bool:
    """Return whether the choice is to be made anew, since the chosen clock may have gone ahead.

    It has left its own time, or the clocks differ by another amount than when it was chosen.
    """
    at, now, before, fix = clocks.of(source), clocks.difference, state.difference, state.fix
    if at is None or now is None:
        return False
    if clocks.carried is not None and at - clocks.carried <= AGREEMENT:
        return False
    is_from_its_own = clocks.carried is not None and fix is not None and fix.source is source
    return is_from_its_own or (before is not None and abs(now - before) > AGREEMENT)


def _differed_s(doubt: ClockDoubt | None, host: HostTime) -> float:
    """Return how long two clocks have differed, in seconds; a boot only interrupts that."""
    if doubt is None or doubt.differed_s is None:
        return 0.0
    is_same_boot = doubt.last.boot == host.boot
    return doubt.differed_s + (host.monotonic_s - doubt.last.monotonic_s if is_same_boot else 0.0)


def _likelier(state: Timekeeping, clocks: _Clocks) -> Source | None:
    """Return the clock that goes on from a time both bore out, else the one with less to close.

    The last believed time, carried on, replaces a host's clock that is not synchronised.
    """
    known = {
        source: at
        for source, at in (
            (Source.METER, clocks.meter),
            (Source.HOST, clocks.host or clocks.carried),
        )
        if at is not None
    }
    if not known:
        return None
    if state.fix is None:
        return min(known, key=lambda source: known[source])
    if state.fix.is_borne_out and clocks.carried is not None:
        steady = [s for s, at in known.items() if abs(at - clocks.carried) <= AGREEMENT]
        if len(steady) == 1:
            return steady[0]
    floor = state.fix.at - AGREEMENT
    ahead = [source for source, at in known.items() if at >= floor]
    if ahead:
        return min(ahead, key=lambda source: known[source])
    return max(known, key=lambda source: known[source])


def _first_known(clocks: _Clocks) -> Source:
    for source in (Source.METER, Source.HOST):
        if clocks.of(source) is not None:
            return source
    return Source.CARRIED


def _following(state: Timekeeping, source: Source, clocks: _Clocks, host: HostTime) -> BelievedTime:
    """Follow one clock: at once if nothing contradicts it, else when it has settled."""
    at, doubt = clocks.of(source), state.doubt
    if at is None or source is Source.CARRIED:
        return BelievedTime(state, clocks.carried)  # the clock in doubt is silent
    now = _fix(state, clocks, source, at, host)
    why = _against(state, now, clocks)
    if why is None and doubt is not None and doubt.last.source is not source:
        return BelievedTime(msgspec.structs.replace(state, fix=now), at)  # another clock is doubted
    if why is None and (doubt is None or not doubt.is_told):
        return _believe(state, now, clocks)
    if doubt is None or not _goes_on(doubt, now, host):
        is_told = doubt is not None and doubt.is_told
        return _doubting(state, ClockDoubt(now, host.monotonic_s, is_told=is_told), why)
    if host.monotonic_s - doubt.since_s < STEADY_AFTER_S:
        return _doubting(state, msgspec.structs.replace(doubt, last=now, differed_s=None), why)
    return _believe(state, now, clocks)


def _fix(state: Timekeeping, clocks: _Clocks, source: Source, at: datetime, host: HostTime) -> Fix:
    """Return the present time of a trusted clock."""
    before, carried = state.fix, clocks.carried
    is_borne_out = clocks.are_agreed
    if before is not None and carried is not None and abs(at - carried) <= STEP_MARGIN:
        is_borne_out = is_borne_out or before.is_borne_out
    return Fix(at, source, host.monotonic_s, host.boot, is_borne_out)


def _against(state: Timekeeping, now: Fix, clocks: _Clocks) -> str | None:
    """Return why a clock's time is in doubt; "" if just no other clock confirms it."""
    fix = state.fix
    if fix is not None and clocks.carried is not None:
        is_same = fix.source is now.source
        limit = STEP_MARGIN if is_same else AGREEMENT
        return _AHEAD if now.at - clocks.carried > limit else None
    if now.source is Source.HOST or clocks.are_agreed:
        return None
    is_near = fix is not None and now.at - fix.at <= REBOOT
    return None if is_near else ""


def _goes_on(doubt: ClockDoubt, now: Fix, host: HostTime) -> bool:
    expected = doubt.last.carried_to(host)
    is_same = doubt.last.source is now.source
    return is_same and expected is not None and abs(now.at - expected) <= STEP_MARGIN


def _believe(state: Timekeeping, now: Fix, clocks: _Clocks) -> BelievedTime:
    stepped_from = state.stepped_from
    if state.fix is not None:
        expected = clocks.carried or state.fix.at + REBOOT
        if now.at - expected > STEP_MARGIN:
            stepped_from = state.fix.at
    state = msgspec.structs.replace(state, fix=now, doubt=None, stepped_from=stepped_from)
    return BelievedTime(state, now.at)


def _doubting(state: Timekeeping, doubt: ClockDoubt, why: str | None) -> BelievedTime:
    """Close nothing; give a notice of `why` when a second reading in a row has a reason."""
    if state.doubt is None or state.doubt.is_told or not why:
        is_told = state.doubt is not None and state.doubt.is_told
        doubt = msgspec.structs.replace(doubt, is_told=is_told)
        return BelievedTime(msgspec.structs.replace(state, doubt=doubt), None)
    at = doubt.last.at if state.fix is None else state.fix.at
    doubt = msgspec.structs.replace(doubt, is_told=True)
    notice = Notice(NoticeKind.CLOCK_DOUBTED, at, why)
    return BelievedTime(msgspec.structs.replace(state, doubt=doubt), None, (notice,))


def _degraded_notices(
    state: Timekeeping, reading: Reading, clocks: _Clocks, host: HostTime
) -> list[Notice]:
    if not reading.is_clock_degraded or state.is_degraded:
        return []
    return [Notice(NoticeKind.CLOCK_DEGRADED, clocks.host or clocks.carried or host.at)]
