"""The area lane: sums in the cloud, masks at a trustee, a chip's day, bytes; and its peers.

The same run measures the lower bounds for sums and masks: how fast this machine reads memory, and
how fast OpenSSL's ChaCha20 runs over long data (`area_trustee`).
"""

import secrets
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.area_household import SHAPE, SLOTS, AreaChip, measures
from benchmarks.area_peers import Ours, peers
from benchmarks.area_shapes import shapes
from benchmarks.area_trustee import trustee
from benchmarks.row import Bound, Rows
from benchmarks.row import Row as Figure
from benchmarks.timing import cpu_s, per, scaled
from cloud.store.area import ContributionItem, ContributionRow, FigureKey
from cloud.store.sqlite.store import SqliteStore
from edge.privacy.noise import draw_noise
from protocol.area_cipher import SLOT_BYTES, MaskContext, add_up, mask_values, unmask
from protocol.area_messages import Contribution, Part
from protocol.calendar import day_number
from protocol.ids import DeviceId, new_device_id
from protocol.topics import Kind

HOUSEHOLDS = 100_000
STORED = 4_000
RUNS = 9
PEER_HOUSEHOLDS = 200
SHAPE_HOUSEHOLDS = 3_000
SUMS_AT_LEAST = 1_000_000
MS, US, GIGA = 1_000, 1_000_000, 1e9

_DAY = date(2026, 1, 14)
_NUMBER = day_number(_DAY)
_MEASURE = "curve"
_GROUP = "75101"

Rectangle = npt.NDArray[np.uint64]


def run(scale: float) -> list[Figure]:
    """Measure; raises AssertionError if a result is wrong."""
    rows = Rows("area")
    runs = scaled(RUNS, scale, 3)
    ours_s, read = _sums(rows, scaled(HOUSEHOLDS, scale, 500), runs)
    with tempfile.TemporaryDirectory() as directory:
        _from_store(rows, scaled(STORED, scale, 100), runs, Path(directory))
    trustee(rows, scale, runs, read)
    shapes(rows, scaled(SHAPE_HOUSEHOLDS, scale, 50), runs)
    encryption_s = _chip(rows, runs)
    peers(rows, scaled(PEER_HOUSEHOLDS, scale, 4), runs, Ours(ours_s, encryption_s))
    return rows.rows


def _sums(rows: Rows, households: int, runs: int) -> tuple[float, float]:
    """Sum vectors in memory; returns the seconds per household-day, and the GB/s of reading."""
    words = np.random.default_rng(1).integers(0, 2**63, (households, SLOTS), np.uint64)
    _check_sum(words)
    total_bytes = words.nbytes
    copy = np.empty_like(words)
    copied_s = cpu_s(lambda: np.copyto(copy, words), runs=runs)
    read_s = cpu_s(lambda: np.add.reduce(words.reshape(-1)), runs=runs)
    read = rows.add(
        "memory: numpy reads and sums one long array",
        [total_bytes / seconds / GIGA for seconds in read_s],
        "GB/s",
        note=f"{total_bytes / 1e6:.0f} MB",
    )
    rows.add(
        "memory: numpy copies it",
        [2 * total_bytes / seconds / GIGA for seconds in copied_s],
        "GB/s",
        note="read and written",
    )
    summed_s = cpu_s(lambda: add_up(words), runs=runs)
    rate = rows.add(
        "sum in memory",
        [households / seconds for seconds in summed_s],
        "household-days/s and core",
        bound=Bound("at least", SUMS_AT_LEAST),
        note=f"{households} of {SLOTS} slots",
    )
    rows.add(
        "sum in memory, of the speed at which memory is read",
        100 * rate * SLOTS * SLOT_BYTES / GIGA / read,
        "%",
    )
    return 1 / rate, read


def _check_sum(words: Rectangle) -> None:
    expected = [int(column.astype(object).sum()) % 2**64 for column in words[:50].T]
    assert add_up(words[:50]).tolist() == expected


def _from_store(rows: Rows, households: int, runs: int, directory: Path) -> None:
    """Sum the rows of one figure as a release does: read from SQLite, join, add up."""
    store = SqliteStore.open(directory)
    key = FigureKey(bytes(32), _MEASURE, _GROUP, _NUMBER)
    items = [_item(entry) for entry in range(households)]
    begun_s = time.process_time()
    store.area.put_contributions(items, datetime.now(UTC))
    put_s = time.process_time() - begun_s
    expected = add_up(
        _stacked([ContributionRow(b"", DeviceId(""), 0, b"", 1, _words(item)) for item in items])
    )

    def summed() -> Rectangle:
        return add_up(_stacked(store.area.rows(key)))

    assert (summed() == expected).all()
    rows.add("contributions stored in one transaction", households / put_s, "a second and core")
    seconds = cpu_s(summed, runs=runs)
    rows.add(
        "sum from the store's rows",
        [households / run_s for run_s in seconds],
        "household-days/s and core",
        note="read from SQLite, warm; the sum is the smaller part",
    )
    loaded = store.area.rows(key)
    joined_s = cpu_s(lambda: add_up(_stacked(loaded)), runs=runs)
    rows.add(
        "sum from rows once read",
        [households / run_s for run_s in joined_s],
        "household-days/s and core",
        bound=Bound("at least", SUMS_AT_LEAST),
    )
    store.close()


def _stacked(contributions: Sequence[ContributionRow]) -> Rectangle:
    words = np.frombuffer(b"".join(row.words for row in contributions), "<u8")
    return words.reshape(len(contributions), -1)


def _item(entry: int) -> ContributionItem:
    part = Part(_MEASURE, _GROUP, secrets.token_bytes(SLOTS * SLOT_BYTES))
    contribution = Contribution(
        secrets.token_bytes(16), _NUMBER, bytes(32), 1, entry, secrets.token_bytes(16), (part,)
    )
    return ContributionItem(new_device_id(), contribution, part.words)


def _words(item: ContributionItem) -> bytes:
    return item.contribution.parts[0].words


def _chip(rows: Rows, runs: int) -> float:
    """Time a chip's day; returns the seconds for masking a curve."""
    chip = AreaChip.generate()
    document = measures()
    curve = document.measures[0]
    std = document.noise_units(curve.shares.plain, curve.groups[0])
    noise_s = cpu_s(lambda: draw_noise(SLOTS - 1, std), runs=runs, times=5)
    rows.add(
        "chip: noise for a curve", per(noise_s, 1 / MS), "ms", note=f"{SLOTS - 1} slots, OpenDP"
    )
    values = np.arange(SLOTS, dtype=np.int64)
    key = chip.entry.household_key
    context = MaskContext(bytes(32), _MEASURE, _GROUP, SLOTS, _NUMBER)

    def masked() -> Rectangle:
        return mask_values(values, chip.seeds, key, context, secrets.token_bytes(16))

    nonce = bytes(16)
    hidden = mask_values(values, chip.seeds, key, context, nonce)
    bare = mask_values(np.zeros_like(values), chip.seeds, key, context, nonce)
    assert (unmask(hidden, [bare]) == values).all()
    masked_s = cpu_s(masked, runs=runs, times=20)
    rows.add(
        "chip: masks for a curve", per(masked_s, 1 / US), "µs", note=f"{len(chip.seeds)} seeds"
    )
    day_s = cpu_s(
        lambda: chip.sign(Kind.AREA, chip.contribution(_DAY, with_profile=True)), runs=runs
    )
    rows.add(
        "chip: a whole contribution",
        per(day_s, 1 / MS),
        "ms",
        note="curve, classes, profile; noise, masks, signature",
    )
    letters_s = cpu_s(chip.letters, runs=runs)
    rows.add(
        "chip: seed letters",
        per(letters_s, 1 / MS),
        "ms",
        note=f"to {SHAPE.trustees} trustees, ML-KEM-768 and X25519",
    )
    return float(np.median(masked_s))
