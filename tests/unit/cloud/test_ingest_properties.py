"""Whatever the network does, the store holds the same; whatever is changed in a message shows."""

import random
import tempfile
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.ingest.pipeline import Ingest
from cloud.store.sqlite import ranges
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import Reason
from protocol.topics import Kind
from system.mqtt.message import Incoming
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = date(2026, 10, 30)
DAYS = 4  # over the end of a month
PLATFORM_KEY = Ed25519PrivateKey.generate()
PUBLIC = PLATFORM_KEY.public_key()


@contextmanager
def cloud(*chips):
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteStore.open(Path(directory))
        for chip in chips:
            store.enrol(chip.enrolment)
        try:
            yield store, Ingest(store, "testville", PLATFORM_KEY, lambda: NOW)
        finally:
            store.close()


def content(store, chips):
    """Everything that the store says of the chips."""
    keys = [chip.household_key for chip in chips]
    return [
        store.holdings(keys),
        [store.epochs(key) for key in keys],
        [store.blocks_of_days(key, FIRST, FIRST + timedelta(days=DAYS)) for key in keys],
    ]


def incarnations(rng):
    """Two households, one of which has lived through a restart in the middle of a day."""
    first, other = FakeChip(), FakeChip()
    restarted = FakeChip(first.collectivity, first.device, first.signing_key, first.household_key)
    cut = _within_a_day(rng.randrange(1, DAYS * 128))
    return (first, 0, cut), (restarted, cut, DAYS * 128), (other, 0, DAYS * 128)


def _within_a_day(number):
    """Move a cut to the day's end where it would part what closes the day."""
    return number if number % 128 <= 100 else (number // 128 + 1) * 128


def messages_of(chip, start, end, rng):
    """Headers of both months and blocks that cut [start, end) anyhow, but for a day's end."""
    messages = {0: chip.epoch(FIRST), -1: chip.epoch(FIRST + timedelta(days=3))}
    sequence = 0
    while start < end:
        day_end = (start // 128 + 1) * 128
        stop = _within_a_day(min(end, day_end, start + rng.choice([1, 7, 64, 128])))
        sequence += 1
        day = FIRST + timedelta(days=start // 128)
        messages[sequence] = chip.block(day, sequence, start % 128, stop - start)
        start = stop
    return messages


def deliver(ingest, waiting, rng, *, is_last):
    """Send what waits in some order, some of it twice, some not at all, in batches of any size."""
    sent = [m for messages in waiting.values() for m in messages.values()]
    rng.shuffle(sent)
    if not is_last:
        sent = [m for m in sent if rng.random() < 0.7 for _ in range(rng.choice([1, 1, 2, 3]))]
    outgoing = []
    while sent:
        size = rng.randint(1, 40)
        outgoing += ingest.process(sent[:size]).outgoing if rng.random() < 0.8 or is_last else ()
        sent = sent[size:]
    return outgoing


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_order_duplication_and_loss_with_resend_gives_the_same_store(seed):
    rng = random.Random(seed)
    lives = incarnations(rng)
    chips = [chip for chip, _, _ in lives]
    everything = {
        chip.incarnation: messages_of(chip, start, end, rng) for chip, start, end in lives
    }
    with cloud(chips[0], chips[2]) as (store, ingest):
        for messages in everything.values():
            ingest.process([messages[0], messages[-1]])
            for sequence in range(1, len(messages) - 1):
                ingest.process([messages[sequence]])
        wanted = content(store, chips)
        assert store.figures().dead_letters == ()

    with cloud(chips[0], chips[2]) as (store, ingest):
        waiting = {name: dict(messages) for name, messages in everything.items()}
        for attempt in range(12):
            outgoing = deliver(ingest, waiting, rng, is_last=attempt > 9)
            for chip in (chips[0], chips[2]):
                for ack in chip.acks(tuple(outgoing), PUBLIC):
                    assert not {one.reason for one in ack.refused} - {Reason.NO_EPOCH}
                    for state in ack.states:
                        settle(waiting[state.incarnation], state)
        assert not any(waiting.values())
        assert content(store, chips) == wanted


def settle(waiting, state):
    """Strike off what an ack says is stored."""
    for sequence in [s for s in waiting if s > 0]:
        if ranges.contains(state.stored_through, state.beyond, sequence):
            del waiting[sequence]
    if len(state.months) == 2:
        waiting.pop(0, None)
        waiting.pop(-1, None)


KINDS = {
    Kind.EPOCH: lambda chip: chip.epoch(FIRST),
    Kind.BLOCK: lambda chip: chip.block(FIRST, 1),
    Kind.FETCH: lambda chip: chip.fetch(None),
    Kind.SEEN: lambda chip: chip.seen(b"s" * 16),
}


@pytest.fixture(scope="module")
def one_cloud():
    chip = FakeChip()
    with cloud(chip) as (store, ingest):
        yield chip, store, ingest


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), place=st.floats(0, 1), flip=st.integers(1, 255))
def test_any_byte_changed_in_any_message_is_refused_with_a_reason_and_nothing_is_stored(
    one_cloud, kind, place, flip
):
    chip, store, ingest = one_cloud
    message = KINDS[kind](chip)
    payload = bytearray(message.payload)
    payload[round(place * (len(payload) - 1))] ^= flip
    refuse(store, ingest, Incoming(message.topic, bytes(payload)))


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), place=st.floats(0, 1), flip=st.integers(1, 127))
def test_any_byte_changed_in_a_topic_is_refused_with_a_reason_and_nothing_is_stored(
    one_cloud, kind, place, flip
):
    chip, store, ingest = one_cloud
    message = KINDS[kind](chip)
    topic = list(message.topic)
    index = round(place * (len(topic) - 1))
    topic[index] = chr(ord(topic[index]) ^ flip)
    refuse(store, ingest, Incoming("".join(topic), message.payload))


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), cut=st.floats(0, 0.999), tail=st.binary(max_size=8))
def test_any_message_cut_short_or_continued_is_refused_with_a_reason(one_cloud, kind, cut, tail):
    chip, store, ingest = one_cloud
    message = KINDS[kind](chip)
    refuse(store, ingest, Incoming(message.topic, message.payload + (tail or b"\0")))
    short = message.payload[: int(cut * len(message.payload))]
    refuse(store, ingest, Incoming(message.topic, short))


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), payload=st.binary(max_size=300))
def test_any_bytes_that_no_chip_signed_are_refused_with_a_reason(one_cloud, kind, payload):
    chip, store, ingest = one_cloud
    refuse(store, ingest, Incoming(chip.topic(kind), payload))


def refuse(store, ingest, message):
    """Process a message that must be refused, and see that it is all that has happened."""
    before = sum(one.count for one in store.figures().dead_letters)
    processed = ingest.process([message])
    assert processed.outgoing == ()
    assert processed.requests == ()
    (refusal,) = processed.refused
    assert Reason(refusal.label)
    figures = store.figures()
    assert sum(one.count for one in figures.dead_letters) == before + 1
    assert figures.blocks == figures.epochs == 0
    assert "defect" not in store.dead_letters(1)[0].detail


@given(st.lists(st.integers(1, 40), unique=True))
def test_ranges_hold_exactly_what_was_added_in_any_order(sequences):
    through, beyond = 0, ()
    for count, sequence in enumerate(sequences, 1):
        assert not ranges.contains(through, beyond, sequence)
        through, beyond = ranges.add(through, beyond, sequence)
        held = set(range(1, through + 1)) | {n for a, b in beyond for n in range(a, b)}
        assert held == set(sequences[:count])
        edges = [through + 1, *(edge for part in beyond for edge in part)]
        assert edges == sorted(set(edges))
    assert [n for n in range(1, 42) if ranges.contains(through, beyond, n)] == sorted(sequences)
