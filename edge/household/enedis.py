"""Writes quarter-hours as Enedis lays out load curves for its customers.

Both layouts give the mean power of a step in W (four times its Wh) at the instant at which it ends.
As CSV (`Horodate;Valeur`, until 2024) an instant has its UTC offset, and a step that is not known
has no value. As JSON (`consumption_load_curve` of Data Connect) an instant is local time, and a step
that is not known is left out. `edge.simulate` reads both. Neither file names the meter.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

import msgspec

from edge.household.shown import Quarter
from protocol.calendar import PARIS, QUARTER_HOUR

_PER_HOUR = 4
# As Data Connect marks what was measured, and what was put in its place.
_READ, _ESTIMATED = "B", "C"


class _WrittenReading(msgspec.Struct, frozen=True):
    value: str
    date: str
    interval_length: str
    measure_type: str


def csv_lines(quarters: Iterable[Quarter]) -> Iterator[str]:
    """Yield the lines of a CSV file, the header first."""
    yield "Horodate;Valeur\n"
    for quarter in quarters:
        yield f"{_end(quarter).isoformat()};{_watts(quarter)}\n"


def json_parts(first: date, last: date, quarters: Iterable[Quarter]) -> Iterator[str]:
    """Yield the parts of a JSON document over the days from `first` to `last`.

    `end` is the day after `last`, as Data Connect has it.
    """
    head = msgspec.json.encode(
        {
            "usage_point_id": "",
            "start": first,
            "end": last + timedelta(days=1),
            "quality": "BRUT",
            "reading_type": {"unit": "W", "measurement_kind": "power", "aggregate": "average"},
        }
    ).decode()
    yield f'{{"meter_reading":{head.removesuffix("}")},"interval_reading":['
    separator = "\n"
    for quarter in quarters:
        if quarter.energy_wh is not None:
            yield separator + msgspec.json.encode(_written(quarter)).decode()
            separator = ",\n"
    yield "\n]}}\n"


def _written(quarter: Quarter) -> _WrittenReading:
    return _WrittenReading(
        _watts(quarter),
        f"{_end(quarter):%Y-%m-%d %H:%M:%S}",
        "PT15M",
        _ESTIMATED if quarter.is_estimated else _READ,
    )


def _end(quarter: Quarter) -> datetime:
    return (quarter.start + QUARTER_HOUR).astimezone(PARIS)


def _watts(quarter: Quarter) -> str:
    return "" if quarter.energy_wh is None else str(_PER_HOUR * quarter.energy_wh)
