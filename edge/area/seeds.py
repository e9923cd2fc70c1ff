"""Draws the household's seeds and seals them to the trustees."""

from datetime import UTC, datetime

from edge.privacy.contribution import Seeds
from edge.vault.area import KeyShares
from edge.vault.signer import Signer
from protocol.governance import TrusteeSet
from protocol.seeds import draw_seeds, write_letters
from protocol.topics import Kind

# Generations count seconds since then: a lost or restored vault does not know its last generation,
# but the clock has advanced.
GENERATIONS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def next_generation(previous: int, now: datetime) -> int:
    """Return a generation above `previous` and above all that were drawn before `now`."""
    return max(previous + 1, int((now - GENERATIONS_SINCE).total_seconds()))


def draw_key_shares(
    signer: Signer, trustees: TrusteeSet, trustee_set: bytes, generation: int
) -> KeyShares:
    """Draw seeds for a set of trustees (its hash: `trustee_set`) and seal each trustee's share."""
    seeds = draw_seeds(trustees.shape)
    message = write_letters(seeds, trustees, trustee_set, signer.household.id, generation)
    return KeyShares(Seeds(generation, trustee_set, seeds), signer.seal(Kind.KEY, message))
