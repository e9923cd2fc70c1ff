"""A household's socio-demographic profile and the 30 slots of the measure `profile`.

  slot    count                            slot    energy of the day, Wh
  0-4     households of 1, 2, 3, 4, 5+     15-19   of these households
  5-10    persons of each age band         20-25   by age band, a household's shared by its persons
  11-14   households with 0, 1, 2, 3+      26-29   of these households
          people employed

The classes are those of INSEE's census. A sum over households is "energy by household size in this
commune". A profile leaves the home only with noise and encrypted.
"""

from typing import Annotated

import msgspec
import numpy as np

from protocol.errors import DocumentRefused
from protocol.measures import PROFILE_CLASSES, PROFILE_SLOTS
from protocol.transform import Curve

SIZES = ("1", "2", "3", "4", "5+")
AGE_BANDS = ("0-14", "15-29", "30-44", "45-59", "60-74", "75+")
EMPLOYED = ("0", "1", "2", "3+")
PERSONS_MAX = 30

_Persons = Annotated[int, msgspec.Meta(ge=0, le=PERSONS_MAX)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The residents: persons in each age band (six numbers), and the number employed."""

    ages: Annotated[tuple[_Persons, ...], msgspec.Meta(min_length=6, max_length=6)]
    employed: _Persons

    @property
    def size(self) -> int:
        """The number of residents."""
        return sum(self.ages)


def check_profile(profile: Profile) -> None:
    """Raise DocumentRefused if the numbers of persons or of employed persons are impossible."""
    if any(persons < 0 for persons in (*profile.ages, profile.employed)):
        raise DocumentRefused("A number of persons is 0 or more.")
    if not 1 <= profile.size <= PERSONS_MAX:
        raise DocumentRefused(f"A household has 1 to {PERSONS_MAX} persons, not {profile.size}.")
    if profile.employed > profile.size:
        raise DocumentRefused("More people are employed than live here.")


def profile_values(profile: Profile, energy_wh: float) -> Curve:
    """Return the slots of a household that drew `energy_wh` on the day, float64[30]."""
    counts = np.zeros(PROFILE_CLASSES)
    shares = np.zeros(PROFILE_CLASSES)
    size = min(profile.size, len(SIZES)) - 1
    employed = len(SIZES) + len(AGE_BANDS) + min(profile.employed, len(EMPLOYED) - 1)
    ages = slice(len(SIZES), len(SIZES) + len(AGE_BANDS))
    for place in (size, employed):
        counts[place] = shares[place] = 1
    counts[ages] = profile.ages
    shares[ages] = np.array(profile.ages) / profile.size
    values = np.concatenate((counts, shares * energy_wh))
    if len(values) != PROFILE_SLOTS:  # pragma: no cover - two tables must not drift apart
        raise AssertionError("a count and an energy for each class")
    return values
