"""Drawing the household's seeds and handing them to the trustees."""

from datetime import UTC, datetime

from edge.privacy.contribution import Seeds
from edge.vault.area import KeyShares
from edge.vault.signer import Signer
from protocol.governance import TrusteeSet
from protocol.seeds import draw_seeds, write_letters
from protocol.topics import Kind

# Generations are counted in seconds since then: a vault that was lost or set back does not know
# how far it had come, but the clock has gone on.
GENERATIONS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def next_generation(previous: int, now: datetime) -> int:
    """Return a generation above `previous`, and above all that were drawn before `now`."""
    return max(previous + 1, int((now - GENERATIONS_SINCE).total_seconds()))


def draw_letters(
    signer: Signer, trustees: TrusteeSet, trustee_set: bytes, generation: int
) -> KeyShares:
    """Draw seeds for a set of trustees (its hash: `trustee_set`) and seal them to each of it."""
    seeds = draw_seeds(trustees.shape)
    message = write_letters(seeds, trustees, trustee_set, signer.household.id, generation)
    return KeyShares(Seeds(generation, trustee_set, seeds), signer.seal(Kind.KEY, message))
