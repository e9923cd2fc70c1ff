"""The area filter over many days at once."""

from collections.abc import Iterable

from cloud.estimation.filter import Estimate, Filter, Observation
from cloud.estimation.model import ReleaseModel


def replay(
    model: ReleaseModel, observations: Iterable[Observation], share_std: float | None = None
) -> tuple[Estimate, ...]:
    """Filter days again from their stored sums."""
    kalman = Filter(model, share_std)
    return tuple(
        kalman.step(observation.day, observation.code_sum, observation.households)
        for observation in observations
    )
