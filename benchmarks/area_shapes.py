"""The shapes of a trustee set beside each other: what each costs a chip, a trustee and the wire."""

import secrets
from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.area_household import SLOTS
from benchmarks.household import COLLECTIVITY
from benchmarks.mqtt_size import exchange_bytes
from benchmarks.row import Rows
from benchmarks.timing import cpu_s, per
from protocol.area_cipher import MaskContext, Shape, mask_values
from protocol.area_messages import SeedLetters, SeenHeads
from protocol.envelope import Address, seal_message
from protocol.governance import Trustee, TrusteeSet
from protocol.hpke import SealingKey
from protocol.ids import new_device_id
from protocol.sealing import SealingNotice, month_topic, sign_notice
from protocol.seeds import DrawnSeeds, draw_seeds, write_letters
from protocol.topics import Kind, device_topic
from trustee.masks import Draw, sums

# Three holders a seed instead of two: with one that lies, the two others have a majority.
SHAPES = (Shape(3, 4), Shape(4, 6))
MS, US = 1_000, 1_000_000
_DIGEST = bytes(32)
_KEY = bytes(16)
_CONTEXT = MaskContext(_DIGEST, "curve", "75101", SLOTS, 20_000)
_MONTHS_A_QUARTER = 3


def shapes(rows: Rows, households: int, runs: int) -> None:
    """Measure both shapes in one run."""
    bytes_of = [_chip(rows, shape, runs) for shape in SHAPES]
    for shape in SHAPES:
        _trustee(rows, shape, households, runs)
    small, large = bytes_of
    rows.add(
        f"wire, key shares of {_name(SHAPES[1])} instead of {_name(SHAPES[0])}, a month",
        (large - small) / _MONTHS_A_QUARTER,
        "bytes more",
        note="new ones each quarter",
    )


def _chip(rows: Rows, shape: Shape, runs: int) -> int:
    """Time a chip's masks and key shares; return the bytes that the key shares take in all."""
    seeds, values = draw_seeds(shape), np.arange(SLOTS, dtype=np.int64)
    masked_s = cpu_s(
        lambda: mask_values(values, seeds, _KEY, _CONTEXT, secrets.token_bytes(16)),
        runs=runs,
        times=20,
    )
    rows.add(
        f"chip: masks for a curve, {_name(shape)}",
        per(masked_s, 1 / US),
        "µs",
        note=f"{len(seeds)} seeds",
    )
    trustees = _trustee_set(shape)
    keys = [SealingKey.generate().public_bytes for _ in range(shape.trustees)]
    letters_s = cpu_s(lambda: _letters(seeds, trustees, keys), runs=runs)
    rows.add(
        f"chip: key shares, {_name(shape)}",
        per(letters_s, 1 / MS),
        "ms",
        note=f"to {shape.trustees} trustees",
    )
    device = new_device_id()
    address = Address(COLLECTIVITY, device, Kind.KEY)
    signing_key = Ed25519PrivateKey.generate()
    payload = seal_message(address, _letters(seeds, trustees, keys), signing_key)
    letters_bytes = exchange_bytes(device_topic(COLLECTIVITY, device, Kind.KEY), payload)
    keys_bytes = sum(sealing_key_bytes(f"trustee-{n}", key) for n, key in enumerate(keys))
    note = f"{keys_bytes} of them the trustees' sealing keys"
    rows.add(f"wire, key shares, {_name(shape)}", letters_bytes + keys_bytes, "bytes", note=note)
    return letters_bytes + keys_bytes


def sealing_key_bytes(trustee: str, sealing_key: bytes) -> int:
    """Return what it takes on the wire to subscribe to a trustee's sealing key and to get it."""
    month = 20_454
    topic = month_topic(COLLECTIVITY, trustee, month)
    payload = sign_notice(
        COLLECTIVITY, trustee, SealingNotice(month, sealing_key), Ed25519PrivateKey.generate()
    )
    # SUBSCRIBE and UNSUBSCRIBE name the topic once more each.
    return exchange_bytes(topic, payload) + 2 * exchange_bytes(topic, b"")


def _trustee(rows: Rows, shape: Shape, households: int, runs: int) -> None:
    sets = len(shape.sets_of(0))
    fresh = iter([_draws(households, sets) for _ in range(runs + 1)])
    seconds = cpu_s(lambda: sums(next(fresh), sets, _CONTEXT), runs=runs)
    rows.add(
        f"a trustee's sums, {_name(shape)}",
        [households / run_s for run_s in seconds],
        "households/s and core",
        note=f"{sets} seeds of each, {SLOTS} slots",
    )


def _draws(households: int, sets: int) -> list[Draw]:
    return [
        Draw(tuple(secrets.token_bytes(32) for _ in range(sets)), secrets.token_bytes(16))
        for _ in range(households)
    ]


def _letters(
    seeds: tuple[bytes, ...], trustees: TrusteeSet, sealing_keys: Sequence[bytes]
) -> SeedLetters:
    seen = SeenHeads(_DIGEST, _DIGEST, 1, _DIGEST)
    return write_letters(DrawnSeeds(_KEY, 1, 0, seeds), trustees, _DIGEST, sealing_keys, seen)


def _trustee_set(shape: Shape) -> TrusteeSet:
    members = tuple(Trustee(f"trustee-{number}", "", _DIGEST) for number in range(shape.trustees))
    return TrusteeSet(COLLECTIVITY, 1, None, 0, shape, members, _DIGEST, _DIGEST)


def _name(shape: Shape) -> str:
    return f"{shape.threshold} of {shape.trustees}"
