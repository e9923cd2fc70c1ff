"""A message that the ingest cannot handle is buried once, and costs nothing when it comes again."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest import readings
from cloud.ingest.pipeline import Ingest
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import CipherError, DocumentRefused
from protocol.topics import Kind
from system.set_aside import SetAside
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 10, 5)
KEY = Ed25519PrivateKey.generate()
ERRORS = [KeyError("k"), DocumentRefused("An offer is wrong."), CipherError("no"), OverflowError()]


@pytest.fixture
def store(tmp_path):
    with_chip = SqliteStore.open(tmp_path)
    yield with_chip
    with_chip.close()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_it_is_looked_at_once_a_day_by_all_processes_together(tmp_path, store, monkeypatch, error):
    chip, met = FakeChip(), []
    store.enrol(chip.enrolment)
    bad, good = chip.block(DAY, 1), chip.block(DAY, 2)
    check = readings.check_block

    def fail_for_one(block):
        if block.sequence == 1:
            met.append(block)
            raise error
        check(block)

    monkeypatch.setattr(readings, "check_block", fail_for_one)
    for later, times in ((0, 2), (1, 2), (23, 2), (24, 4)):  # in its batch, then alone
        clock = partial(NOW.__add__, timedelta(hours=later))
        aside = SetAside(tmp_path / "set-aside-worker.json", clock)
        ingest = Ingest(store, "testville", KEY, clock, aside)
        processed = ingest.process([chip.epoch(DAY), bad, good])
        assert processed.stored[Kind.BLOCK] + processed.again > 0
        assert len(met) == times
    assert store.figures().blocks == 1
    details = {letter.detail for letter in store.dead_letters()}
    assert f"defect {type(error).__name__}" in details
