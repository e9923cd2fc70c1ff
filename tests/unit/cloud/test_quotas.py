"""What a chip may send in a day, counted before anything is read; the rest is dropped and named."""

import pytest

from cloud.ingest.pipeline import Ingest
from cloud.ingest.quotas import DAILY, Beyond, Quotas
from cloud.store import Count
from cloud.store.sqlite.store import SqliteStore
from protocol.topics import SENT_BY_CHIPS, Kind
from system.mqtt.message import Incoming
from system.pace import AT_ONCE, DAY_S
from tests.support.fake_chip import FakeChip
from tests.unit.cloud.test_ingest_core import NOW, PLATFORM_KEY


class Clock:
    now_s = 5_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quotas(clock):
    return Quotas(clock=clock)


def sent(quotas, chip, kind, times):
    message = Incoming(chip.topic(kind), b"x")
    return sum(quotas.admits(message) for _ in range(times))


@pytest.mark.parametrize("kind", SENT_BY_CHIPS)
def test_every_kind_has_its_quota_of_which_a_part_may_come_at_once(quotas, kind):
    chip = FakeChip()
    assert sent(quotas, chip, kind, 20_000) == DAILY[kind] * AT_ONCE


def test_a_chip_that_is_cut_off_takes_nothing_from_others_or_from_its_other_kinds(quotas):
    chip, other = FakeChip(), FakeChip()
    sent(quotas, chip, Kind.FETCH, 10_000)
    assert not sent(quotas, chip, Kind.FETCH, 1)
    assert sent(quotas, chip, Kind.BLOCK, 1)
    assert sent(quotas, other, Kind.FETCH, 1)


def test_a_chip_that_was_cut_off_sends_again_later(quotas, clock):
    chip = FakeChip()
    sent(quotas, chip, Kind.FETCH, 10_000)
    clock.now_s += 2 * DAY_S
    assert sent(quotas, chip, Kind.FETCH, 10_000) == DAILY[Kind.FETCH] * AT_ONCE


def test_what_is_dropped_names_each_chip_and_kind_once_a_day(quotas, clock):
    chip, other = FakeChip(), FakeChip()
    for each in (chip, other):
        sent(quotas, each, Kind.SEEN, 260)
    sent(quotas, chip, Kind.LEAVE, 126)
    beyond = quotas.pop_beyond()
    assert {each.topic for each in beyond.named} == {
        chip.topic(Kind.SEEN), other.topic(Kind.SEEN), chip.topic(Kind.LEAVE)
    }  # fmt: skip
    assert len(beyond.named) == 3
    assert beyond.others == 18
    assert quotas.pop_beyond() == Beyond()
    clock.now_s += 2 * DAY_S
    sent(quotas, chip, Kind.SEEN, 251)
    assert len(quotas.pop_beyond().named) == 1


def test_what_no_chip_may_send_is_left_to_whoever_refuses_it(quotas):
    for topic in ("elsewhere", FakeChip().topic(Kind.ACK)):
        assert all(quotas.admits(Incoming(topic, b"x")) for _ in range(100_000 // 100))


@pytest.mark.parametrize("is_alone", [True, False])
def test_what_was_dropped_is_counted_and_the_named_are_dead_letters(tmp_path, is_alone):
    store = SqliteStore.open(tmp_path)
    ingest = Ingest(store, "testville", PLATFORM_KEY, lambda: NOW)
    chip = FakeChip()
    store.enrol(chip.enrolment)
    messages = () if is_alone else (chip.fetch(None),)
    processed = ingest.process(messages, Beyond((chip.fetch(None),), 7))
    assert processed.refused == (Count("over_quota", 8),)
    (letter,) = store.dead_letters()
    assert letter.topic == chip.topic(Kind.FETCH)
    assert bool(processed.outgoing) == bool(messages)
    store.close()


def test_a_defect_beside_it_does_not_lose_what_was_dropped(tmp_path, monkeypatch):
    store = SqliteStore.open(tmp_path)
    ingest = Ingest(store, "testville", PLATFORM_KEY, lambda: NOW)
    chip = FakeChip()
    store.enrol(chip.enrolment)

    def fail(*_arguments):
        raise KeyError("a defect on purpose")

    monkeypatch.setattr("cloud.ingest.pipeline.open_up", fail)
    for count in (1, 2):
        processed = ingest.process([chip.fetch(None)] * count, Beyond((chip.fetch(None),), 0))
        assert Count("over_quota", 1) in processed.refused
    store.close()
