"""What the outbox sends, when, and when it stops."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.outbox import Outbox, OutboxSettings
from edge.vault.rows import Key
from protocol.errors import Reason
from protocol.messages import Ack, IncarnationState, Refusal, holdings_digest

LIFE = b"incarnat"
OTHER = b"anotherr"
HEADER = Key(LIFE, 0, 20_454)
FOREVER_S = 1e6


class Queue:
    """A vault in memory: what is unsent."""

    def __init__(self, *keys):
        self.keys = list(keys)
        self.asked = 0

    def unsent(self, limit):
        self.asked += 1
        return self.keys[:limit]


def blocks(*sequences, incarnation=LIFE):
    return [Key(incarnation, n) for n in sequences]


def state(through, *beyond, incarnation=LIFE, months=(20_454,)):
    return IncarnationState(incarnation, through, tuple(beyond), months)


def ack(*states, is_whole=False, refused=(), holdings=None, generation=b"store--1"):
    digest = holdings_digest(list(states)) if holdings is None else holdings
    return Ack(b"h" * 4, generation, digest, is_whole, tuple(states), tuple(refused))


def started(*keys, settings=None, **more):
    """An outbox that knows what the cloud holds: nothing."""
    outbox = Outbox(Queue(*keys), settings or OutboxSettings(), random.Random(1), **more)
    outbox.connect()
    assert outbox.ask_whole(0.0)
    outbox.take(ack(is_whole=True), 0.0)
    outbox.allow_blocks(are_allowed=True)
    return outbox


def test_nothing_is_sent_without_a_session():
    outbox = Outbox(Queue(*blocks(1)), rng=random.Random(1))
    outbox.add(blocks(1), 0.0)
    assert outbox.due(1.0) == []
    assert not outbox.ask_whole(1.0)


def test_a_first_pause_longer_than_the_longest_holds_all_the_same():
    settings = OutboxSettings(whole_pause_s=5_000.0)
    outbox = Outbox(Queue(), settings, random.Random(1))
    outbox.connect()
    assert outbox.ask_whole(0.0)
    assert outbox.ask_whole(FOREVER_S)


def test_only_headers_go_out_before_it_is_known_what_the_cloud_holds():
    outbox = Outbox(Queue(HEADER, *blocks(1, 2)), rng=random.Random(1))
    outbox.connect()
    assert outbox.due(0.0) == [HEADER]


def test_headers_go_before_blocks():
    outbox = started()
    outbox.add([*blocks(1, 2), HEADER], 0.0)
    assert outbox.due(0.0)[0] == HEADER


def test_a_new_block_waits_for_its_turn_in_the_window_but_a_header_does_not():
    outbox = started()
    outbox.add([HEADER, *blocks(1)], 0.0, delay_s=100.0)
    assert outbox.due(0.0) == [HEADER]
    outbox.take(ack(state(0)), 1.0)
    assert outbox.due(99.0) == []
    assert outbox.due(100.0) == blocks(1)


def test_sending_ends_with_the_clouds_ack_and_not_before():
    outbox = started(settings=OutboxSettings(ack_timeout_s=60.0))
    outbox.add(blocks(1), 0.0)
    sent = [at for at in range(0, 20_000, 5) if outbox.due(float(at))]
    assert len(sent) > 5
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert gaps == sorted(gaps) or max(gaps) <= 3_600 * 1.3
    outbox.take(ack(state(1)), 20_000.0)
    assert not outbox._in_flight
    assert outbox.due(FOREVER_S) == []


def test_the_backlog_is_drained_at_a_bounded_rate():
    queue = Queue(*blocks(*range(1, 1_000)))
    outbox = Outbox(queue, OutboxSettings(backlog_per_s=2.0, backlog_window=8), random.Random(1))
    outbox.connect()
    outbox.take(ack(is_whole=True), 0.0)
    outbox.allow_blocks(are_allowed=True)
    sent = []
    for second in range(100):
        keys = outbox.due(float(second))
        sent += keys
        for key in keys:
            queue.keys.remove(key)
        outbox.take(ack(state(len(sent))), second + 0.5)
    assert 150 <= len(sent) <= 8 + 2 * 100
    assert sent == blocks(*range(1, len(sent) + 1))


def test_a_backlog_does_not_starve_a_live_block():
    outbox = started(*blocks(*range(1, 500)))
    outbox.due(0.0)
    live = Key(OTHER, 1)
    outbox.add([live], 0.1)
    assert live in outbox.due(0.1)


def test_what_is_under_way_is_bounded_while_the_cloud_is_silent():
    outbox = started(settings=OutboxSettings(in_flight_max=10))
    for n in range(1, 5_000):
        outbox.add(blocks(n), float(n))
        outbox.due(float(n))
        assert len(outbox._in_flight) <= 10


def test_a_new_session_sends_again_what_was_under_way():
    outbox = started(*blocks(1))
    assert outbox.due(0.0) == blocks(1)
    assert outbox.due(1.0) == []
    outbox.disconnect()
    outbox.connect()
    assert outbox.due(2.0) == blocks(1)


def test_a_refused_message_rests():
    outbox = started(*blocks(1), settings=OutboxSettings(refused_pause_s=900.0))
    (key,) = outbox.due(0.0)
    outbox.refuse(key, 0.0)
    assert not any(outbox.due(float(at)) for at in range(0, 899, 10))
    assert outbox.due(900.0) == [key]


def test_conflicts_are_handed_on_and_not_sent_again():
    queue = Queue(*blocks(1))
    outbox = Outbox(queue, rng=random.Random(1))
    outbox.connect()
    outbox.take(ack(is_whole=True), 0.0)
    outbox.allow_blocks(are_allowed=True)
    outbox.due(0.0)
    taken = outbox.take(ack(state(0), refused=[Refusal(LIFE, 1, Reason.CONFLICT)]), 1.0)
    assert list(taken.conflicts) == blocks(1)
    assert not outbox._in_flight


def test_a_block_without_its_epoch_goes_again_with_the_header():
    queue = Queue(HEADER, *blocks(1))
    outbox = Outbox(queue, rng=random.Random(1))
    outbox.connect()
    outbox.take(ack(is_whole=True), 0.0)
    outbox.allow_blocks(are_allowed=True)
    assert outbox.due(0.0) == [HEADER, *blocks(1)]
    refusal = Refusal(LIFE, 1, Reason.NO_EPOCH)
    outbox.take(ack(state(0, months=()), refused=[refusal]), 1.0)
    assert outbox.due(1.0) == [HEADER]
    assert outbox.due(6.5) == blocks(1)


def test_a_digest_that_does_not_fit_makes_the_chip_ask():
    outbox = started()
    outbox.add(blocks(1), 100.0)
    outbox.due(100.0)
    outbox.take(ack(state(1), holdings=b"another!"), 101.0)
    assert outbox.ask_whole(102.0)


def test_another_store_makes_the_chip_ask():
    outbox = started()
    outbox.take(ack(state(1), generation=b"store--2"), 100.0)
    assert outbox.ask_whole(101.0)


def test_it_does_not_ask_while_blocks_are_under_way():
    outbox = started()
    outbox.add(blocks(1, 2), 100.0)
    outbox.due(100.0)
    outbox.take(ack(state(1), holdings=b"another!"), 101.0)
    assert not outbox.ask_whole(102.0)
    outbox.take(ack(state(2), holdings=b"another!"), 103.0)
    assert outbox.ask_whole(104.0)


def test_asking_in_vain_becomes_rare():
    outbox = Outbox(Queue(), rng=random.Random(1))
    outbox.connect()
    asked = [at for at in range(20_000) if outbox.ask_whole(float(at))]
    assert 5 < len(asked) < 100


def test_a_whole_state_in_parts_counts_once_all_parts_are_there():
    parts = [state(1), state(4, incarnation=OTHER)]
    digest = holdings_digest(parts)
    outbox = Outbox(Queue(), rng=random.Random(1))
    outbox.connect()
    outbox.ask_whole(0.0)
    assert outbox.take(ack(parts[1], is_whole=True, holdings=digest), 1.0).whole is None
    outbox.ask_whole(1_000.0)
    assert outbox.take(ack(parts[0], holdings=digest), 1_001.0).whole is None
    whole = outbox.take(ack(parts[1], is_whole=True, holdings=digest), 1_002.0).whole
    assert sorted(whole, key=str) == sorted(parts, key=str)


@given(
    st.lists(st.tuples(st.sampled_from(["add", "ack", "lose", "reconnect"]), st.integers(1, 30)))
)
def test_whatever_happens_an_unacknowledged_block_goes_again(steps):
    """Any order of adding, acknowledging, losing and reconnecting ends with all acknowledged."""
    queue, now_s, through = Queue(), 0.0, 0
    outbox = Outbox(queue, rng=random.Random(1))
    outbox.connect()
    outbox.take(ack(is_whole=True), 0.0)
    outbox.allow_blocks(are_allowed=True)
    made, held = 0, set()

    def store(keys):
        held.update(key.sequence for key in keys)

    def tell():
        nonlocal through
        while through + 1 in held:
            through += 1
        beyond = tuple((n, n + 1) for n in sorted(held) if n > through)
        told = IncarnationState(LIFE, through, beyond, (20_454,))
        queue.keys = [key for key in queue.keys if key.sequence not in held]
        outbox.take(ack(told), now_s)

    for step, count in steps:
        now_s += count
        if step == "add":
            made += 1
            queue.keys.append(Key(LIFE, made))
            outbox.add([Key(LIFE, made)], now_s)
        elif step == "ack":
            store(outbox.due(now_s))
            tell()
        elif step == "lose":
            outbox.due(now_s)
        else:
            outbox.disconnect()
            outbox.connect()
    for _ in range(300):
        now_s += 4_000.0
        store(outbox.due(now_s))
        tell()
    assert held == set(range(1, made + 1))
    assert not outbox._in_flight


@pytest.mark.parametrize("count", [1, 1_000])
def test_an_idle_outbox_does_not_search_the_vault(count):
    queue = Queue()
    outbox = Outbox(queue, rng=random.Random(1))
    outbox.connect()
    outbox.take(ack(is_whole=True), 0.0)
    outbox.allow_blocks(are_allowed=True)
    for at in range(count):
        outbox.due(float(at))
    assert queue.asked == 1
