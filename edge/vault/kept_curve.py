"""For how long a chip keeps its household's quarter-hours, as the household chooses."""

from datetime import timedelta
from typing import Annotated

import msgspec

from system.watched import ChoiceFile

FILE_NAME = "curve.json"
LENGTHS_MONTHS = tuple(range(1, 13))
# A bill of two months may be requested a month later, and its curve is counted again here.
MONTHS_DEFAULT = 3
_MONTH_DAYS, _MARGIN_DAYS = 31, 7


class KeptCurve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's choice.

    Attributes:
        months: how many months of quarter-hours are kept, in the clear.
    """

    months: Annotated[int, msgspec.Meta(ge=LENGTHS_MONTHS[0], le=LENGTHS_MONTHS[-1])] = (
        MONTHS_DEFAULT
    )

    @property
    def span(self) -> timedelta:
        """How many days before the last closed one have their quarter-hours: months and a week."""
        return timedelta(days=_MONTH_DAYS * self.months + _MARGIN_DAYS)


# What is deleted by mistake is gone.
UNREADABLE = KeptCurve(LENGTHS_MONTHS[-1])

_FILE = ChoiceFile(FILE_NAME, KeptCurve(), unreadable=UNREADABLE)
watched_kept_curve, load_kept_curve, save_kept_curve = _FILE.watched, _FILE.load, _FILE.save
