"""The layout of a day's values among the coefficients of a month.

A day has 128 coefficients; coefficient number in a month: (day of month - 1)·128 + j < 3968 ≤ 4096.

  j         value                                                                   bound
  0-99      energy drawn in quarter-hour j, Wh (92, 96 or 100 used)                 9 000
  100-109   steps of supplier registers 1…10 that day, whole kWh                    2^16 - 1
  110       energy injected that day, Wh                                            2^20 - 1
  111       its whole-kWh step                                                      2^16 - 1
  112-121   index of supplier registers 1…10 at the day's close, whole kWh          2^20 - 1
  122, 123  index of all energy drawn that the curve accounts for, kWh and Wh part  2^20 - 1
  124, 125  the same of energy injected                                             2^20 - 1
  126       20-bit fingerprint of meter and calendar                                2^20 - 1
  127       bits: doubts about the day (protocol/doubt.py), the meter's TIC mode    2^20 - 1

A chip that lost its store rebuilds its registers from the indices (112-126) and the bits. Steps
alone are differences and give no base. Steps stay below 2^16 so that any price of all ten registers
over a month opens exactly; the rest of a longer gap's energy counts on the next day. See
docs/decisions/0003.
"""

from datetime import date

QUARTER_HOURS_MAX = 100
REGISTERS = 10
REGISTER_STEP = 100
INJECTED_WH = 110
INJECTED_STEP = 111
REGISTER_INDEX = 112
DRAWN_INDEX_KWH = 122
DRAWN_INDEX_WH = 123
INJECTED_INDEX_KWH = 124
INJECTED_INDEX_WH = 125
METER_FINGERPRINT = 126
DAY_BITS = 127

# The TIC mode at the day's close; the total drawn means something else in each.
HISTORIQUE_BIT = 4
STANDARD_BIT = 8

DAY_COEFFICIENTS = 128
MONTH_COEFFICIENTS = 31 * DAY_COEFFICIENTS

QUARTER_HOUR_MAX_WH = 9_000
STEP_MAX_KWH = (1 << 16) - 1
DAY_VALUE_MAX = (1 << 20) - 1


def coefficient(day: date, j: int) -> int:
    """Return the number of value `j` of `day` in its month, in [0, 3968)."""
    if not 0 <= j < DAY_COEFFICIENTS:
        raise ValueError(f"a day has coefficients 0 to 127, not {j}")
    return (day.day - 1) * DAY_COEFFICIENTS + j


def value_max(j: int) -> int:
    """Return the largest value that coefficient `j` of a day may carry."""
    if j < QUARTER_HOURS_MAX:
        return QUARTER_HOUR_MAX_WH
    is_step = REGISTER_STEP <= j < REGISTER_STEP + REGISTERS or j == INJECTED_STEP
    return STEP_MAX_KWH if is_step else DAY_VALUE_MAX
