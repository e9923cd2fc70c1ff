"""What a chip says of itself, what it takes from the cloud, and how it yields to what is stored."""

import json

import msgspec
import pytest

from edge.bills.inbox import StatementInbox
from edge.mqtt.message import Arrived, Connected, Publish, Published, PublishRefused
from protocol.calendar import day_number
from protocol.envelope import Address, seal_message
from protocol.messages import Ack, IncarnationState, Seen, Statement, holdings_digest
from protocol.status import State, Status, decode_status, whole_hour
from protocol.topics import Kind, device_topic, parse_device_topic
from tests.support.chip_bench import PLATFORM_KEY, SERIAL, Bench, BenchMeter, instant, make_identity
from tests.support.chip_cloud import FakeCloud, opened

START = instant(2026, 5, 5, 10)


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    bench = Bench(tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, START)
    yield bench
    bench.kill()


def kind_of(message):
    return parse_device_topic(message.topic).kind


def statement_of(bench, **changes):
    fields = {
        "id": b"statement-number",
        "household_key": bench.identity.household_key,
        "contract": bytes(32),
        "start": day_number(START.date()),
        "end": day_number(START.date()) + 30,
        "covers": (),
        "lines": (),
        "request": b"",
        "acceptance": b"",
        "schedules": (),
    }
    return Statement(**(fields | changes))


def ack_of(bench, states, *, is_whole):
    identity = bench.identity
    ack = Ack(
        identity.household_key[:4],
        bench.cloud.generation,
        holdings_digest(states),
        is_whole,
        tuple(states),
        (),
    )
    address = Address(identity.collectivity, identity.device, Kind.ACK)
    topic = device_topic(identity.collectivity, identity.device, Kind.ACK)
    return Arrived(topic, seal_message(address, ack, PLATFORM_KEY))


def arrive(bench, statement, name=None, key=PLATFORM_KEY):
    identity = bench.identity
    address = Address(identity.collectivity, identity.device, Kind.STATEMENT)
    topic = device_topic(
        identity.collectivity, identity.device, Kind.STATEMENT, name or statement.id.hex()
    )
    bench.chip.take(Arrived(topic, seal_message(address, statement, key)))


def told(payload):
    """What a status says, without what is drawn and when it was said."""
    return {k: v for k, v in json.loads(payload).items() if k not in {"boot", "at"}}


def test_the_status_says_nothing_of_consumption(bench, tmp_path):
    other = Bench(tmp_path / "other", bench.cloud, bench.identity, START)
    other.meter = BenchMeter(START, seed=7)
    words = []
    for each in (bench, other):
        each.begin()
        each.run(96 * 2)
        assert each.statuses
        words.append([told(each.statuses[0]), told(each.chip.goodbye().payload)])
        for payload in each.statuses:
            assert set(json.loads(payload)) == set(Status.__struct_fields__)
            assert SERIAL.encode() not in payload
    other.kill()
    assert words[0] == words[1]


def test_the_status_tells_no_more_of_the_time_than_the_hour(bench):
    bench.begin()
    bench.run(96 * 2)
    for payload in bench.statuses:
        status = decode_status(payload)
        assert status.at == whole_hour(status.at)


def test_the_goodbye_is_offline_and_keeps_where_metering_stands(bench):
    bench.begin()
    bench.run(3)
    goodbye = bench.chip.goodbye()
    assert goodbye.retain
    assert decode_status(goodbye.payload).state is State.DISCONNECTED
    assert bench.vault.values.state() == bench.chip._meter.state


@pytest.mark.parametrize("days", [1, 3])
def test_the_status_counts_what_waits_when_it_is_made(bench, days):
    bench.begin()
    bench.connect(is_online=False)
    bench.run(96 * days, with_pump=False)
    waiting = bench.vault.outbox_depth()
    assert waiting > days
    assert decode_status(bench.chip.goodbye().payload).outbox_depth == waiting


def test_a_statement_is_kept_judged_and_reported_as_seen_without_a_word_on_it(bench):
    bench.begin()
    bench.kill()
    bench.start()
    judged = []
    (inbox,) = [
        each for each in bench.chip._message_handlers._members if isinstance(each, StatementInbox)
    ]
    inbox._on_statement = lambda statement: judged.append(statement.id) or '{"verdict": "x"}'
    arrive(bench, statement_of(bench))
    (row,) = bench.vault.statements()
    assert (row.id, row.verdict) == (b"statement-number", '{"verdict": "x"}')
    bench.pump()
    assert bench.cloud.seen == [b"statement-number"]
    (seen,) = [each for each in bench.sent if kind_of(each) is Kind.SEEN]
    body = msgspec.msgpack.decode(msgspec.msgpack.decode(seen.payload)[1], type=Seen)
    assert body == Seen(bench.identity.household_key, b"statement-number")


def test_seen_is_said_again_until_the_broker_has_it(bench):
    bench.begin()
    arrive(bench, statement_of(bench))
    assert [kind_of(each) for each in bench.chip.outgoing()] == [Kind.SEEN]
    assert bench.chip.outgoing() == []
    bench.chip.take(Connected())
    (seen,) = [each for each in bench.chip.outgoing() if kind_of(each) is Kind.SEEN]
    bench.chip.take(Published(seen, has_subscribers=True))
    bench.chip.take(Connected())
    assert Kind.SEEN not in [kind_of(each) for each in bench.chip.outgoing()]


@pytest.mark.parametrize("what", ["key", "household", "name", "empty", "garbage", "topic"])
def test_a_statement_that_is_not_ours_is_not_kept(bench, what):
    bench.begin()
    if what == "key":
        arrive(bench, statement_of(bench), key=make_identity().signing_key)
    elif what == "household":
        arrive(bench, statement_of(bench, household_key=b"another-family-k"))
    elif what == "name":
        arrive(bench, statement_of(bench), name="00" * 16)
    else:
        identity = bench.identity if what != "topic" else make_identity()
        topic = device_topic(identity.collectivity, identity.device, Kind.STATEMENT, "00" * 16)
        bench.chip.take(Arrived(topic, b"" if what == "empty" else b"\x93garbage"))
    assert bench.vault.statements() == []
    assert bench.chip.outgoing() == []
    reasons = {"key": "bad_signature", "garbage": "malformed", "empty": None}
    expected = reasons.get(what, "topic_does_not_fit")
    assert bench.chip.refused == ({} if expected is None else {expected: 1})


def test_refused_messages_are_counted_in_the_status(bench):
    bench.begin()
    for _ in range(3):
        arrive(bench, statement_of(bench), key=make_identity().signing_key)
    arrive(bench, statement_of(bench), name="00" * 16)
    assert bench.chip.refused == {"bad_signature": 3, "topic_does_not_fit": 1}
    assert json.loads(bench.statuses[0])["refused"] == 0
    assert json.loads(bench.chip.goodbye().payload)["refused"] == 4


@pytest.mark.parametrize(
    "state",
    [
        IncarnationState(b"x" * 8, 2**31, (), ()),
        IncarnationState(b"x" * 8, 0, ((2, 2**31),), ()),
    ],
)
def test_an_ack_that_names_billions_of_blocks_is_refused_and_starts_no_recovery(bench, state):
    bench.begin()
    bench.chip.take(ack_of(bench, [state], is_whole=True))
    assert bench.chip.refused == {"out_of_bounds": 1}
    assert Kind.FETCH not in [kind_of(each) for each in bench.chip.outgoing()]
    bench.run(96)
    bench.settle()
    assert opened(bench.cloud, bench.identity)


def test_an_ack_out_of_grammar_is_refused(bench):
    bench.begin()
    bench.chip.take(ack_of(bench, [IncarnationState(b"x" * 8, 2**40, (), ())], is_whole=True))
    bench.chip.take(ack_of(bench, [IncarnationState(b"x" * 8, -1, (), ())], is_whole=True))
    assert bench.chip.refused == {"malformed": 2}


def test_what_the_broker_refuses_rests_and_is_sent_later(bench):
    bench.begin()
    bench.drop = lambda message: isinstance(message, Publish) and kind_of(message) is Kind.BLOCK
    bench.run(96, with_pump=False)
    block, _ = [each for each in bench.chip.outgoing() if kind_of(each) is Kind.BLOCK]
    bench.chip.take(PublishRefused(block, 0x87))
    bench.clock.seconds += 600
    assert block not in bench.chip.outgoing()
    bench.clock.seconds += 600
    assert block in bench.chip.outgoing()


def test_a_chip_yields_to_what_its_lost_process_had_sent_already(bench, tmp_path):
    """The old process's block is still on its way when its image is put back."""
    bench.begin()
    bench.run(96 + 30)
    bench.image(tmp_path / "image")
    late = []

    def hold_back(message):
        if isinstance(message, Publish) and kind_of(message) is Kind.BLOCK:
            late.append(message)
            return True
        return False

    bench.drop = hold_back
    bench.run(60)
    assert len({each.payload for each in late}) == 1
    bench.restore(tmp_path / "image")
    bench.drop = lambda _: False
    bench.start()
    bench.chip.take(Connected())
    first = [each for each in bench.chip.outgoing() if kind_of(each) is not Kind.BLOCK]
    for publish in first:
        for message in bench.cloud.take(publish):
            bench.chip.take(message)
    bench.cloud.take(late[0])
    bench.run(96)
    bench.settle()
    assert {str(refusal.reason) for refusal in bench.cloud.refused} == {"conflict"}
    values = opened(bench.cloud, bench.identity)
    days = sorted({day for day, j in values if j == 127})
    assert len(days) == 3
    at = instant(2026, 5, 7, 22)
    drawn = sum(value for (day, j), value in values.items() if j < 100 and day <= days[-1])
    assert drawn == sum(bench.meter.registers_wh(at)) - sum(bench.meter.base_wh)
    assert bench.chip.is_drained
