"""The latest values on the meter's line, for the household's own eyes; nothing of it is stored."""

from datetime import datetime

import msgspec

from edge.tic.frame import Frame, Mode

_DRAWN = {Mode.STANDARD: "SINSTS", Mode.HISTORIQUE: "PAPP"}
_REGISTER = {Mode.STANDARD: "LTARF", Mode.HISTORIQUE: "PTEC"}


class LiveValues(msgspec.Struct, frozen=True):
    """What the last frames showed; `at` is the host's time, None before the first one.

    Attributes:
        drawn_va: apparent power drawn, over all phases (SINSTS, PAPP).
        injected_va: apparent power injected (SINSTI).
        register: the tariff period now (LTARF, PTEC), as the meter names it.
    """

    at: datetime | None = None
    drawn_va: int | None = None
    injected_va: int | None = None
    register: str = ""


def seen_in(frame: Frame, at: datetime, before: LiveValues) -> LiveValues:
    """Return the values after a frame that came at `at`; what it lacks stays as before."""
    drawn = _number(frame, _DRAWN[frame.mode])
    if drawn is None:
        return before
    register = frame.groups.get(_REGISTER[frame.mode])
    return LiveValues(
        at=at,
        drawn_va=drawn,
        injected_va=_number(frame, "SINSTI"),
        register=before.register if register is None else register.value.strip(),
    )


def _number(frame: Frame, label: str) -> int | None:
    group = frame.groups.get(label)
    return int(group.value) if group is not None and group.value.isdecimal() else None
