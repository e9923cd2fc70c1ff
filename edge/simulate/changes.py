"""Changes of a simulated meter at an instant; each returns the meter that continues from there."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from edge.simulate.counters import Counters
from edge.simulate.faults import Faults
from edge.simulate.meter import SimulatedMeter
from edge.simulate.profile import random_serial
from edge.simulate.tariff import MeterOption
from edge.tic.frame import Mode

Change = Callable[[SimulatedMeter], SimulatedMeter]
# Keeps the serials of successive meters of one seed distinct.
SERIAL_STEP = 7_919


def changes(
    faults: Faults, counters_of: Callable[[MeterOption], Counters]
) -> list[tuple[datetime, Change]]:
    """Return the changes in order of time; `counters_of` counts the curve by a tariff option."""
    dated: list[tuple[datetime, Change]] = [
        *((at, other_mode) for at in faults.mode),
        *((at, new_meter(at, number)) for number, at in enumerate(faults.replace, 1)),
        *((at, register_reset(at)) for at in faults.reset),
        *((at, other_calendar(at, counters_of(option))) for at, option in faults.calendar),
    ]
    return sorted(dated, key=lambda item: item[0])


def other_mode(meter: SimulatedMeter) -> SimulatedMeter:
    """Switch the TIC output to the other mode."""
    other = Mode.STANDARD if meter.profile.mode is Mode.HISTORIQUE else Mode.HISTORIQUE
    return _altered(meter, mode=other)


def new_meter(at: datetime, number: int) -> Change:
    """Return a change to the `number`th new meter, with its registers at 0."""

    def change(meter: SimulatedMeter) -> SimulatedMeter:
        profile = meter.profile
        serial = random_serial(profile.seed + SERIAL_STEP * number, profile.phases)
        return _altered(meter, serial=serial, base_wh=(), injected_base_wh=0, counts_from=at)

    return change


def register_reset(at: datetime) -> Change:
    """Return a change that sets the running register to 0."""

    def change(meter: SimulatedMeter) -> SimulatedMeter:
        registers_wh = list(meter.registers_wh(at))
        registers_wh[meter.counters.register(int(at.timestamp()))] = 0
        return _continued(meter, at, meter.counters, tuple(registers_wh))

    return change


def other_calendar(at: datetime, counters: Counters) -> Change:
    """Return a change to another tariff option, which keeps the registers' indices."""
    return lambda meter: _continued(meter, at, counters, meter.registers_wh(at))


def _continued(
    meter: SimulatedMeter, at: datetime, counters: Counters, registers_wh: tuple[int, ...]
) -> SimulatedMeter:
    profile = msgspec.structs.replace(
        meter.profile,
        base_wh=registers_wh,
        injected_base_wh=meter.injected_wh(at),
        counts_from=at,
    )
    return SimulatedMeter(profile, counters)


def _altered(meter: SimulatedMeter, **fields: Any) -> SimulatedMeter:
    return SimulatedMeter(msgspec.structs.replace(meter.profile, **fields), meter.counters)
