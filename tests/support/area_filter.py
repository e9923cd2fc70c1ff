"""The area filter over many days at once."""

from collections.abc import Iterable

from cloud.estimation.filter import Estimate, Filter, Observation
from cloud.estimation.model import ReleaseModel


def replay(model: ReleaseModel, observations: Iterable[Observation]) -> tuple[Estimate, ...]:
    """Filter days again from their stored sums."""
    kalman = Filter(model)
    return tuple(map(kalman.step, observations))
