"""What becomes of a batch of messages: stored once, acknowledged, or refused with a reason."""

import secrets
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from cloud.ingest import acks as acknowledge
from cloud.ingest.pipeline import Ingest
from cloud.store import Count, PublishedStatement, StatementOrder
from cloud.store.sqlite import batch
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number
from protocol.envelope import SIZE_MAX_BYTES, Address, seal_message
from protocol.errors import Reason, StoreBusy
from protocol.household import Q
from protocol.ids import new_incarnation
from protocol.messages import Refusal, holdings_digest
from protocol.topics import Kind
from system.mqtt.message import Incoming, Outgoing
from tests.support.fake_chip import FakeChip, coefficients

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 10, 5)
PLATFORM_KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def ingest(store):
    return Ingest(store, "testville", PLATFORM_KEY, lambda: NOW)


@pytest.fixture
def chip(store):
    chip = FakeChip()
    store.enrol(chip.enrolment)
    return chip


def acks(chip, processed):
    return chip.acks(processed.outgoing, PLATFORM_KEY.public_key())


def refused(processed):
    return {one.label: one.count for one in processed.refused}


# what is stored is acknowledged


def test_a_batch_is_stored_and_each_device_gets_one_ack_of_what_it_touched(ingest, store, chip):
    other = FakeChip()
    store.enrol(other.enrolment)
    processed = ingest.process(
        [
            chip.block(DAY, 1),  # before its header
            chip.epoch(DAY),
            other.epoch(DAY),
            chip.block(DAY + timedelta(days=1), 2),
            other.block(DAY, 3),
        ]
    )
    assert (processed.stored[Kind.BLOCK], processed.stored[Kind.EPOCH], processed.again) == (
        3,
        2,
        0,
    )
    assert len(processed.outgoing) == 2
    (ack,) = acks(chip, processed)
    (state,) = ack.states
    assert (state.incarnation, state.stored_through, state.beyond) == (chip.incarnation, 2, ())
    assert ack.household_tag == chip.household_key[:4]
    assert ack.store_generation == store.generation
    assert not ack.is_whole
    (other_ack,) = acks(other, processed)
    assert (other_ack.states[0].stored_through, other_ack.states[0].beyond) == (0, ((3, 4),))


def test_an_ack_tells_the_incarnations_touched_and_digests_all(ingest, store, chip):
    ingest.process([chip.epoch(DAY), chip.block(DAY, 1)])
    restarted = FakeChip(chip.collectivity, chip.device, chip.signing_key, chip.household_key)
    (ack,) = acks(restarted, ingest.process([restarted.epoch(DAY)]))
    assert [state.incarnation for state in ack.states] == [restarted.incarnation]
    (held,) = store.holdings([chip.household_key])
    assert len(held.states) == 2
    assert ack.holdings == holdings_digest(list(held.states))


def test_the_same_batch_again_is_acknowledged_again_alike(ingest, chip):
    batch = [chip.epoch(DAY), chip.block(DAY, 1)]
    first = ingest.process(batch)
    again = ingest.process(batch)
    assert again.outgoing == first.outgoing
    assert (again.stored[Kind.BLOCK], again.stored[Kind.EPOCH], again.again) == (0, 0, 2)


def test_an_empty_batch_sends_nothing(ingest):
    assert ingest.process([]).outgoing == ()


# what is refused is told, counted and dead-lettered


def test_a_block_without_its_header_is_told_as_no_epoch(ingest, store, chip):
    processed = ingest.process([chip.block(DAY, 7)])
    (ack,) = acks(chip, processed)
    assert ack.refused == (Refusal(chip.incarnation, 7, Reason.NO_EPOCH),)
    assert ack.states == ()
    assert refused(processed) == {"no_epoch": 1}
    assert store.dead_letters()[0].reason is Reason.NO_EPOCH


def test_a_conflicting_block_and_header_are_told_as_conflict(ingest, store, chip):
    ingest.process([chip.epoch(DAY), chip.block(DAY, 1)])
    processed = ingest.process([chip.epoch(DAY), chip.block(DAY, 1), chip.block(DAY, 2)])
    (ack,) = acks(chip, processed)
    assert set(ack.refused) == {
        Refusal(chip.incarnation, sequence, Reason.CONFLICT) for sequence in (0, 1, 2)
    }
    assert store.figures().dead_letters == (Count("conflict", 3),)


@pytest.mark.parametrize(
    "changes",
    [
        {"coefficients": bytes(8 * 10 + 1)},
        {"coefficients": coefficients(2), "j0": 127},
        {"coefficients": Q.to_bytes(8, "little")},
        {"coefficients": bytes(8) + b"\xff" * 8},
    ],
    ids=["half a coefficient", "beyond the day", "q itself", "all ones"],
)
def test_a_block_out_of_bounds_is_told_and_not_stored(ingest, store, chip, changes):
    processed = ingest.process([chip.epoch(DAY), chip.block(DAY, 1, **changes)])
    (ack,) = acks(chip, processed)
    assert ack.refused == (Refusal(chip.incarnation, 1, Reason.BOUNDS),)
    assert store.figures().blocks == 0


def test_a_header_whose_month_begins_in_its_middle_is_out_of_bounds(ingest, store, chip):
    processed = ingest.process([chip.epoch(DAY, month=day_number(DAY))])
    (ack,) = acks(chip, processed)
    assert ack.refused == (Refusal(chip.incarnation, 0, Reason.BOUNDS),)
    assert store.figures().epochs == 0


def test_a_body_for_another_household_key_is_refused(ingest, store, chip):
    other = FakeChip()
    store.enrol(other.enrolment)
    processed = ingest.process(
        [chip.epoch(DAY, household_key=other.household_key), chip.fetch(None), other.epoch(DAY)]
    )
    assert refused(processed) == {"unknown_device": 1}
    assert store.figures().epochs == 1
    assert store.holdings([other.household_key])[0].states[0].incarnation == other.incarnation


def test_a_device_that_is_unknown_or_revoked_gets_nothing(ingest, store, chip):
    stranger = FakeChip()
    store.revoke(chip.device)
    processed = ingest.process([stranger.epoch(DAY), chip.epoch(DAY), chip.fetch(None)])
    assert processed.outgoing == ()
    assert refused(processed) == {"unknown_device": 3}
    assert [letter.detail for letter in store.dead_letters()] == [
        "revoked",
        "revoked",
        "not enrolled",
    ]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "volet/v1/testville",
        "volet/v1/testville/d/{device}/up/other",
        "volet/v1/testville/d/{device}/up/block/00",
        "volet/v1/testville/d/{device}/down/ack",
        "volet/v1/elsewhere/d/{device}/up/block",
        "volet/v2/testville/d/{device}/up/block",
        "$SYS/broker",
    ],
)
def test_a_topic_on_which_no_chip_sends_is_refused(ingest, store, chip, topic):
    message = Incoming(topic.format(device=chip.device), chip.epoch(DAY).payload)
    assert refused(ingest.process([message])) == {"topic_does_not_fit": 1}
    assert store.figures().epochs == 0


def test_a_message_of_one_kind_or_device_does_not_pass_on_anothers_topic(ingest, store, chip):
    other = FakeChip()
    store.enrol(other.enrolment)
    header, block = chip.epoch(DAY), chip.block(DAY, 1)
    processed = ingest.process(
        [
            Incoming(chip.topic(Kind.BLOCK), header.payload),
            Incoming(chip.topic(Kind.EPOCH), block.payload),
            Incoming(other.topic(Kind.EPOCH), header.payload),
        ]
    )
    assert refused(processed) == {"bad_signature": 3}
    assert processed.outgoing == ()


def test_oversize_malformed_and_of_another_version_have_reasons_of_their_own(ingest, store, chip):
    topic = chip.topic(Kind.BLOCK)
    payloads = [
        bytes(SIZE_MAX_BYTES + 1),
        b"",
        b"\xc1",
        b"\x93\x01\xa1x\xc4\x00",
        msgspec.msgpack.encode((2, b"", b"")),
        b"\x93\xcc\x01" + chip.block(DAY, 1).payload[2:],  # the version in two bytes
        msgspec.msgpack.encode((1, b"", b"short")),
    ]
    processed = ingest.process([Incoming(topic, payload) for payload in payloads])
    assert refused(processed) == {
        "oversize": 1,
        "malformed": 3,
        "unknown_version": 1,
        "not_canonical": 1,
        "bad_signature": 1,
    }
    sizes = [letter.size_bytes for letter in store.dead_letters()]
    assert sizes == [len(payload) for payload in reversed(payloads)]


@pytest.mark.parametrize("kind", [Kind.EPOCH, Kind.BLOCK, Kind.FETCH, Kind.SEEN])
def test_a_signed_body_of_another_type_is_malformed(ingest, chip, kind):
    class Other(msgspec.Struct, array_like=True):
        text: str = "something else"

    assert refused(ingest.process([chip.message(kind, Other())])) == {"malformed": 1}


def test_a_refused_message_does_not_disturb_the_others_of_its_batch(ingest, chip):
    bad = Incoming(chip.topic(Kind.BLOCK), secrets.token_bytes(200))
    processed = ingest.process([bad, chip.epoch(DAY), bad, chip.block(DAY, 1), bad])
    assert (processed.stored[Kind.BLOCK], processed.stored[Kind.EPOCH]) == (1, 1)
    assert sum(refused(processed).values()) == 3


# fetches


def test_a_whole_ack_tells_every_incarnation_and_counts_as_the_ack_of_its_batch(
    ingest, store, chip
):
    others = [
        FakeChip(chip.collectivity, chip.device, chip.signing_key, chip.household_key)
        for _ in range(3)
    ]
    ingest.process([one.epoch(DAY) for one in others])
    processed = ingest.process(
        [chip.fetch(None), chip.epoch(DAY), chip.block(DAY, 5), chip.fetch(None)]
    )
    (ack,) = acks(chip, processed)
    assert ack.is_whole
    assert ack.states == store.holdings([chip.household_key])[0].states
    assert len(ack.states) == 4


def test_a_whole_ack_of_nothing_is_whole_all_the_same(ingest, chip):
    (ack,) = acks(chip, ingest.process([chip.fetch(None)]))
    assert (ack.is_whole, ack.states) == (True, ())
    assert ack.holdings == holdings_digest([])


def test_states_that_no_message_holds_go_out_in_parts_of_which_only_the_last_is_whole(
    ingest, store, chip, monkeypatch
):
    monkeypatch.setattr(acknowledge, "STATES_MAX_BYTES", 40)
    ones = [
        FakeChip(chip.collectivity, chip.device, chip.signing_key, chip.household_key)
        for _ in range(10)
    ]
    ingest.process([one.epoch(DAY) for one in ones])
    parts = acks(chip, ingest.process([chip.fetch(None)]))
    assert len(parts) > 2
    assert [part.is_whole for part in parts] == [False] * (len(parts) - 1) + [True]
    held = store.holdings([chip.household_key])[0].states
    assert tuple(state for part in parts for state in part.states) == held
    assert {part.holdings for part in parts} == {holdings_digest(list(held))}


def test_a_fetch_is_answered_with_the_original_payloads_and_ends_with_an_ack(ingest, chip):
    header = chip.epoch(DAY)
    blocks = [chip.block(DAY, n, j0=n, count=1) for n in range(1, 7)]
    ingest.process([header, *blocks])
    (request,) = ingest.process([chip.fetch(chip.incarnation, 3, 2)] * 2).requests
    answer = ingest.answer(request)
    assert answer[:-1] == (
        Outgoing(chip.topic(Kind.STORED_EPOCH), header.payload),
        Outgoing(chip.topic(Kind.STORED_BLOCK), blocks[2].payload),
        Outgoing(chip.topic(Kind.STORED_BLOCK), blocks[3].payload),
    )
    (ack,) = chip.acks(answer[-1:], PLATFORM_KEY.public_key())
    assert [state.stored_through for state in ack.states] == [6]


def test_a_fetch_of_an_incarnation_that_is_not_there_gives_an_ack_alone(ingest, chip):
    (request,) = ingest.process([chip.fetch(new_incarnation())]).requests
    (ack,) = chip.acks(ingest.answer(request), PLATFORM_KEY.public_key())
    assert ack.states == ()


def test_a_chip_fetches_nothing_of_another_household(ingest, store, chip):
    other = FakeChip()
    store.enrol(other.enrolment)
    ingest.process([other.epoch(DAY), other.block(DAY, 1)])
    (request,) = ingest.process([chip.fetch(other.incarnation)]).requests
    assert len(ingest.answer(request)) == 1


# statements


def test_a_statement_that_was_seen_is_marked_and_its_retained_message_cleared(ingest, store, chip):
    statement = b"s" * 16
    store.put_request(StatementOrder(statement, b"c" * 32, chip.household_key, b"r"), NOW)
    store.settle([PublishedStatement(statement, chip.device, b"signed")], [], NOW)
    processed = ingest.process([chip.seen(statement)])
    assert processed.outgoing == (
        Outgoing(chip.topic(Kind.STATEMENT, statement.hex()), b"", retain=True),
    )
    assert store.request(statement).seen_at == NOW
    assert refused(processed) == {}


def test_a_statement_that_nobody_knows_is_refused_and_cleared(ingest, chip):
    processed = ingest.process([chip.seen(b"x" * 16)])
    assert refused(processed) == {"out_of_bounds": 1}
    (cleared,) = processed.outgoing
    assert cleared == Outgoing(chip.topic(Kind.STATEMENT, (b"x" * 16).hex()), b"", retain=True)


# when the cloud itself fails


class Failing:
    """A store whose `put_batch` fails as told; everything else is the real one's."""

    def __init__(self, store, failure):
        self._store = store
        self._failure = failure

    def __getattr__(self, name):
        return getattr(self._store, name)

    def put_batch(self, batch):
        self._failure(batch)
        return self._store.put_batch(batch)


def test_a_busy_store_is_told_to_the_caller_who_calls_again(store, chip):
    failures = [StoreBusy("locked")]

    def fail_once(_batch):
        if failures:
            raise failures.pop()

    ingest = Ingest(Failing(store, fail_once), "testville", PLATFORM_KEY, lambda: NOW)
    batch = [chip.epoch(DAY), chip.block(DAY, 1)]
    with pytest.raises(StoreBusy):
        ingest.process(batch)
    assert store.figures().epochs == 0
    assert ingest.process(batch).stored[Kind.BLOCK] == 1


def test_a_message_that_a_defect_of_ours_chokes_on_stops_no_other(store, chip):
    poison = chip.block(DAY, 2, j0=64, count=64)

    def choke(batch):
        if any(item.payload == poison.payload for item in batch.blocks):
            raise ZeroDivisionError

    ingest = Ingest(Failing(store, choke), "testville", PLATFORM_KEY, lambda: NOW)
    processed = ingest.process([chip.epoch(DAY), chip.block(DAY, 1, count=64), poison])
    assert (processed.stored[Kind.BLOCK], processed.stored[Kind.EPOCH]) == (1, 1)
    assert refused(processed) == {"malformed": 1}
    (letter,) = store.dead_letters()
    assert letter.detail == "defect ZeroDivisionError"


def test_an_ack_is_signed_for_its_device_and_nothing_else(ingest, chip):
    (message,) = ingest.process([chip.epoch(DAY)]).outgoing
    (ack,) = chip.acks((message,), PLATFORM_KEY.public_key())
    address = Address("testville", chip.device, Kind.ACK)
    assert message == Outgoing(chip.topic(Kind.ACK), seal_message(address, ack, PLATFORM_KEY))


# what a certified chip may not do to the others


def test_acks_stay_within_what_a_message_holds_however_many_gaps_a_chip_makes(ingest, chip):
    months = [DAY.replace(day=1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    incarnations = [new_incarnation() for _ in range(16)]
    for number, incarnation in enumerate(incarnations):
        day = months[number // 4] + timedelta(days=4 * (number % 4))
        ingest.process([chip.epoch(day, incarnation=incarnation)])
        for later in range(4):
            ingest.process(
                [
                    chip.block(
                        day + timedelta(days=later),
                        10**6 + 1_000 * later + 2 * j,
                        j,
                        1,
                        incarnation=incarnation,
                    )
                    for j in range(128)
                ]
            )
    outgoing = ingest.process(
        [chip.epoch(DAY.replace(year=2025), incarnation=each) for each in incarnations]
    )
    assert len(outgoing.outgoing) > 1
    assert max(len(message.payload) for message in outgoing.outgoing) <= SIZE_MAX_BYTES
    told = {state.incarnation for ack in acks(chip, outgoing) for state in ack.states}
    assert told == set(incarnations)


def test_incarnations_and_months_that_no_honest_chip_needs_are_refused(ingest, chip, monkeypatch):
    monkeypatch.setattr(batch, "INCARNATIONS_MAX", 2)
    monkeypatch.setattr(batch, "MONTHS_MAX", 2)
    names = [new_incarnation() for _ in range(3)]
    assert refused(ingest.process([chip.epoch(DAY, incarnation=name) for name in names])) == {
        "out_of_bounds": 1
    }
    later = [DAY + timedelta(days=31 * n) for n in (1, 2)]
    assert refused(ingest.process([chip.epoch(day, incarnation=names[0]) for day in later])) == {
        "out_of_bounds": 1
    }
    (ack,) = acks(chip, ingest.process([chip.fetch(None)]))
    assert sorted(len(state.months) for state in ack.states) == [1, 2]


def test_a_request_that_brings_a_defect_to_light_gets_no_answer_and_is_logged(
    ingest, chip, monkeypatch
):
    def broken(*_):
        raise ZeroDivisionError

    ingest.process([chip.epoch(DAY), chip.block(DAY, 1)])
    (request,) = ingest.process([chip.fetch(chip.incarnation)]).requests
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(SqliteStore, "blocks", broken)
        assert ingest.answer(request) == ()
    assert [(each["event"], each["defect"]) for each in logs] == [
        ("answer_failed", "ZeroDivisionError")
    ]
    assert ingest.answer(request)
