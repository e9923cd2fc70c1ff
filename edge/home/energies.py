"""Energy values for a smart home, which adds up every rise of a counter and never forgets a false one.

A value is the one of the last reading that metering has accepted, so it has risen by no more than can
have been drawn or a person has confirmed. Whatever counts something else (another meter, calendar or
mode, an index that began anew) is another series, which a smart home shows as another entity.
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated

import msgspec

from edge.metering.reading import COUNTER_MODULUS_WH, Reading
from edge.metering.state import Account
from edge.tic.frame import Mode
from protocol.registers import standard_name

DRAWN, INJECTED, REGISTER = "energy", "injected_energy", "energy_{number}"
# A clock that was ahead takes readings back for a moment; an index that began anew stays lower.
FALLS_BELIEVED = 12

SeriesNumber = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
EnergyWh = Annotated[int, msgspec.Meta(ge=0, lt=COUNTER_MODULUS_WH)]


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One counter as one entity.

    Attributes:
        number: counts the series of a counter, from 1.
        mark: a hash of what is counted.
        told_wh: the last value.
        falls: how often in a row the counter was lower since.
    """

    number: SeriesNumber
    mark: str
    told_wh: EnergyWh
    falls: Annotated[int, msgspec.Meta(ge=0, lt=FALLS_BELIEVED)] = 0


def accepted(account: Account, salt: str) -> dict[str, tuple[str, int]]:
    """Return the mark and the value (Wh) of each counter that metering has accepted.

    There is none for an account that was restored and whose meter has not been read yet. `salt` is
    secret, so that a mark tells nothing about the meter.
    """
    last = account.last
    if account.closed is not None or last.mode is None:
        return {}
    # BASE, HC and so on are sums of a contract's registers in historique.
    calendar = None if last.calendar is None else standard_name(last.calendar)
    drawn = calendar if last.mode is Mode.HISTORIQUE else None
    values = {DRAWN: (_mark(salt, last, drawn), last.total_wh)}
    if last.injected_wh is not None:
        values[INJECTED] = (_mark(salt, last, None), last.injected_wh)
    if calendar is not None:
        values |= {
            REGISTER.format(number=n): (_mark(salt, last, calendar), index_wh)
            for n, index_wh in enumerate(last.registers_wh, 1)
            if index_wh is not None
        }
    return values


def follow(
    series: Mapping[str, Series], values: Mapping[str, tuple[str, int]]
) -> tuple[dict[str, Series], dict[str, int]]:
    """Return the series after `values`, and what may be told of them, in Wh by counter.

    A counter that has fallen is not told until it is back, or has stayed lower, which begins a series.
    """
    after, told = dict(series), dict[str, int]()
    for counter, (mark, energy_wh) in values.items():
        before = series.get(counter)
        if before is None:
            after[counter] = Series(1, mark, energy_wh)
        elif before.mark != mark:
            after[counter] = Series(before.number + 1, mark, energy_wh)
        elif energy_wh >= before.told_wh:
            after[counter] = Series(before.number, mark, energy_wh)
        elif before.falls + 1 < FALLS_BELIEVED:
            after[counter] = msgspec.structs.replace(before, falls=before.falls + 1)
            continue
        else:
            after[counter] = Series(before.number + 1, mark, energy_wh)
        told[counter] = energy_wh
    return after, told


def _mark(salt: str, last: Reading, calendar: str | None) -> str:
    named = "\n".join((salt, last.serial, str(last.mode), calendar or ""))
    return hashlib.sha256(named.encode()).hexdigest()[:16]
