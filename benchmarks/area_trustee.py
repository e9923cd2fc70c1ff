"""A trustee: masks of keys never used before, and whole requests from its database."""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from structlog.testing import capture_logs

from benchmarks.area_household import SHAPE, SLOTS
from benchmarks.row import Bound, Rows
from benchmarks.timing import cpu_s, scaled
from cloud.release.pages import cosigned_pages, roster_pages
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import SEED_BYTES, SLOT_BYTES, MaskContext, add_up, mask, month_number
from protocol.calendar import day_number, next_month
from protocol.governance import fingerprint
from protocol.roster import RosterEntry
from protocol.seeds import heads_seen
from protocol.trustee_messages import (
    Ask,
    SetRequest,
    SignedRequest,
    bitmap_of,
    draws_of,
    sign_request,
)
from trustee.core import TrusteeCore
from trustee.log import StoredSeeds, TrusteeLog
from trustee.masks import Draw, check_masks, sums
from volet.area.town import CELL, COLLECTIVITY, MEASURE, SimulatedTown

MASKED = 10_000
ASKED = 5_000
MASKS_AT_LEAST = 100_000
GIGA = 1e9
_SETS = len(SHAPE.sets_of(0))
_LONG_BYTES = 1 << 16
_EPSILON = 2.0
_DAY = date(2026, 1, 14)
_NUMBER = day_number(_DAY)
_CONTEXT = MaskContext(bytes(32), MEASURE, CELL, SLOTS, _NUMBER)


def trustee(rows: Rows, scale: float, runs: int, read: float) -> None:
    """Measure; `read` is the speed at which memory was read in this run, GB/s."""
    _masks(rows, scaled(MASKED, scale, 200), runs, read)
    _requests(rows, scaled(ASKED, scale, 200), runs)


def _masks(rows: Rows, households: int, runs: int, read: float) -> None:
    fresh = [_draws(households) for _ in range(runs + 1)]
    _check(fresh[0][:200])
    count = _SETS * households
    turn = iter(fresh)
    seconds = cpu_s(lambda: sums(next(turn), _SETS, _CONTEXT), runs=runs)
    rate = rows.add(
        "masks at a trustee",
        [count / run_s for run_s in seconds],
        "masks/s and core",
        bound=Bound("at least", MASKS_AT_LEAST),
        note=f"{SLOTS} slots, keys never used before",
    )
    check_s = cpu_s(lambda: check_masks(fresh[0], _SETS, _CONTEXT), runs=runs)
    rows.add(
        "masks of the check slot alone", [count / run_s for run_s in check_s], "masks/s and core"
    )
    encryptor = Cipher(ChaCha20(bytes(32), bytes(16)), mode=None).encryptor()
    zeros, buffer = bytes(_LONG_BYTES), bytearray(_LONG_BYTES)
    raw_s = cpu_s(lambda: encryptor.update_into(zeros, buffer), runs=runs, times=200)
    raw = rows.add(
        "ChaCha20 over long data", [_LONG_BYTES / run_s / GIGA for run_s in raw_s], "GB/s"
    )
    speed = rate * SLOTS * SLOT_BYTES / GIGA
    rows.add("masks at a trustee, of ChaCha20's speed", 100 * speed / raw, "%")
    rows.add("masks at a trustee, of the speed at which memory is read", 100 * speed / read, "%")


def _draws(households: int) -> list[Draw]:
    return [
        Draw(tuple(secrets.token_bytes(32) for _ in range(_SETS)), secrets.token_bytes(16))
        for _ in range(households)
    ]


def _check(draws: list[Draw]) -> None:
    summed = sums(draws, _SETS, _CONTEXT)
    for number in range(_SETS):
        masks = [mask(one.keys[number], _CONTEXT, one.nonce) for one in draws]
        assert (summed[number] == add_up(np.array(masks))).all()


def _requests(rows: Rows, households: int, runs: int) -> None:
    """Time a trustee's answers from its database: checks on a month's first two days, a sum."""
    questions = {
        "a month's first, check slots": (Ask.CHECK, 0, "month's keys from seeds"),
        "a day's first, check slots": (Ask.CHECK, 1, "month's keys known"),
        "a day's second, the sum": (Ask.SUM, 1, f"{SLOTS} slots"),
    }
    rates: dict[str, list[float]] = {name: [] for name in questions}
    month = _DAY.replace(day=1)
    with (
        capture_logs(),
        tempfile.TemporaryDirectory() as directory,
        _area(households, Path(directory)) as area,
    ):
        for _ in range(runs):
            month = next_month(month)
            for name, (ask, place, _) in questions.items():
                request = area.request(ask, day_number(month) + place)
                begun_s = time.process_time()
                answer = area.trustee.answer(request)
                rates[name].append(_SETS * households / (time.process_time() - begun_s))
                assert answer is not None
                assert len(answer.sums) == _SETS
                assert not answer.unknown
    for name, (_, _, note) in questions.items():
        rows.add(
            f"a trustee's questions: {name}",
            rates[name],
            "masks/s and core",
            note=f"{households} households, SQLite, rules and log in it; {note}",
        )


class _Area:
    """A town, and one of its trustees with the seeds of all its households."""

    def __init__(self, households: int, directory: Path) -> None:
        self._town = town = SimulatedTown(_DAY)
        store = SqliteStore.open(directory)
        self._entries = [entry for entry, _ in town.enrol(store.area, households)]
        roster = store.area.roster()
        store.close()
        _, cosigned = town.make_measures(households, _EPSILON, SLOTS - 1, bytes(32))
        self._measures, self._head = cosigned.hash, roster[-1].hash
        kept = TrusteeLog.open(directory)
        for entry in self._entries:
            kept.put_seeds(_seeds(entry, town.signed_set.hash, cosigned.hash), _NUMBER)
        self.log = kept
        self.trustee = TrusteeCore(town.members[0], kept, lambda: _NUMBER, is_alone=True)
        self.trustee.confirm(fingerprint(town.signed_set))
        for page in (*cosigned_pages(town.signed_set), *cosigned_pages(cosigned)):
            self.trustee.take(page)
        for page in roster_pages(0, roster):
            self.trustee.take(page)

    def request(self, ask: Ask, day: int) -> SignedRequest:
        """Return a request for all households; each nonce is its household's key."""
        length = len(self._entries)
        request = SetRequest(
            ask,
            self._measures,
            MEASURE,
            CELL,
            day,
            length,
            self._head,
            bitmap_of(range(length), length),
            draws_of([(entry.household_key, 1) for entry in self._entries]),
        )
        return sign_request(request, COLLECTIVITY, self._town.platform)


@contextmanager
def _area(households: int, directory: Path) -> Iterator[_Area]:
    area = _Area(households, directory)
    try:
        yield area
    finally:
        area.log.close()


def _seeds(entry: RosterEntry, trustees: bytes, measures: bytes) -> StoredSeeds:
    return StoredSeeds(
        entry.household_key,
        1,
        trustees,
        bytes(32),
        secrets.token_bytes(_SETS * SEED_BYTES),
        month_number(_NUMBER),
        msgspec.msgpack.encode(heads_seen(trustees, measures, entry)),
    )
