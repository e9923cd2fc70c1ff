"""The same sums under homomorphic encryption: TenSEAL's vectors and python-paillier.

All of them sum under one key, so its holder can read every household. With them, a trustee would
see what Volet's trustees never see. Only speed and size are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.area_household import SLOTS
from benchmarks.he_peers import BfvVector, CkksVector, Paillier
from benchmarks.row import Rows
from benchmarks.timing import cpu_s, per
from protocol.area_cipher import SLOT_BYTES

PAILLIER_HOUSEHOLDS = 20
PAILLIER_SLOTS = 8
SUM_RUNS = 3
MS = 1_000

Vectors = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ours:
    """Volet's figures for comparison, in CPU seconds per household-day."""

    sum_s: float
    encryption_s: float


def peers(rows: Rows, households: int, runs: int, ours: Ours) -> None:
    """Sum the same vectors with each peer, and check the opened sums."""
    vectors = np.random.default_rng(2).integers(0, 1_000, (households, SLOTS))
    for peer in (BfvVector(4096, 20), CkksVector(8192)):
        _tenseal(rows, peer, vectors, runs, ours)
    _paillier(rows, vectors[:PAILLIER_HOUSEHOLDS, :PAILLIER_SLOTS], ours)


def _tenseal(
    rows: Rows, peer: BfvVector | CkksVector, vectors: Vectors, runs: int, ours: Ours
) -> None:
    encrypted = [peer.encrypt(row) for row in vectors.tolist()]
    opened = np.array(peer.open_all(peer.sum_up(encrypted), SLOTS))
    assert np.abs(opened - vectors.sum(axis=0)).max() < 0.5
    sum_s = per(cpu_s(lambda: peer.sum_up(encrypted), runs=SUM_RUNS), len(vectors) - 1)
    one_s = cpu_s(lambda: peer.encrypt(vectors[0].tolist()), runs=runs)
    _compare(rows, peer.name, sum_s, one_s, ours)
    times = peer.size_bytes(encrypted[0]) / (SLOTS * SLOT_BYTES)
    rows.add(f"{peer.name} / ours: a household-day on the wire", times, "times")


def _paillier(rows: Rows, vectors: Vectors, ours: Ours) -> None:
    """Measure some households and slots; with one ciphertext per slot, the rest scales."""
    peer = Paillier()
    encrypted = [peer.encrypt(row) for row in vectors.tolist()]
    totals = peer.sum_up(encrypted)
    assert [peer.open(total) for total in totals] == vectors.sum(axis=0).tolist()
    share = vectors.shape[1] / SLOTS
    sum_s = per(cpu_s(lambda: peer.sum_up(encrypted), runs=SUM_RUNS), (len(vectors) - 1) * share)
    one_s = per(cpu_s(lambda: peer.encrypt(vectors[0].tolist()), runs=1), share)
    _compare(rows, peer.name, sum_s, one_s, ours)
    times = peer.size_bytes / SLOT_BYTES
    rows.add(f"{peer.name} / ours: a household-day on the wire", times, "times")


def _compare(
    rows: Rows, name: str, sum_s: Sequence[float], one_s: Sequence[float], ours: Ours
) -> None:
    rows.add(f"{name}: sum", [1 / run_s for run_s in sum_s], "household-days/s and core")
    rows.add(f"{name}: encryption, a household-day", per(one_s, 1 / MS), "ms")
    rows.add(f"{name} / ours: sum", per(sum_s, ours.sum_s), "times")
    rows.add(
        f"{name} / ours: encryption", per(one_s, ours.encryption_s), "times", note="of a curve"
    )
