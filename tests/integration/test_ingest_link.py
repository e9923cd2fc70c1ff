"""The worker's link on a real broker: nothing unacknowledged is lost, every refusal is heard."""

import asyncio
import contextlib
import gc

import aiomqtt
import pytest
from structlog.testing import capture_logs

from protocol.errors import ConfigError, PublishRefused, TransportError
from protocol.ids import new_device_id
from protocol.topics import Kind, device_topic, keys_topic
from system.mqtt import link as link_module
from system.mqtt.link import Link, LinkSettings, TlsFiles
from system.mqtt.message import Outgoing
from tests.support.broker import COLLECTIVITY, enrol_chip, free_ports, make_cloud
from tests.support.mqtt import NOT_AUTHORIZED, Peer, chip_pass, role_pass, run_link

WITHIN_S = 15
FILTER = f"$share/workers/volet/v1/{COLLECTIVITY}/d/+/up/block"


def settings(broker, **changes):
    own = role_pass(broker.cloud, "worker")
    tls = TlsFiles(own.ca, own.certificate, own.key)
    fields = {"host": "127.0.0.1", "port": broker.port, "client_id": "worker", "tls": tls}
    return LinkSettings(**(fields | changes))


@contextlib.asynccontextmanager
async def running(link):
    """Run a link; what ends it by itself ends the test."""
    task = asyncio.create_task(run_link(link))
    try:
        async with asyncio.timeout(WITHIN_S):
            yield link
            assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=WITHIN_S)
        assert task.cancelled()


async def take(link, count):
    """Take `count` messages, by batches of any size."""
    taken = []
    while len(taken) < count:
        taken += await link.batch(count - len(taken), 0.05)
    return taken


async def until(condition):
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.01)


def payloads(received):
    return [one.message.payload for one in received]


@pytest.fixture
def chip(broker, tmp_path):
    """A chip's session, and the topic on which it sends blocks."""
    identity = enrol_chip(broker.cloud, tmp_path / "chip")
    with Peer(broker.port, chip_pass(identity).context(), identity.device) as peer:
        yield peer, device_topic(COLLECTIVITY, identity.device, Kind.BLOCK)


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(broker, chip):
    peer, topic = chip

    async def scenario():
        async with running(Link(settings(broker), [FILTER])) as link:
            await link.connected()
            for n in range(4):
                await asyncio.to_thread(peer.publish, topic, b"%d" % n)
            received = await take(link, 4)
            received[1].ack()
            received[3].ack()
            # The order of one stream: once this is confirmed, the broker has the acks too.
            await link.publish(down(new_device_id()))
        async with running(Link(settings(broker), [FILTER])) as link:
            again = await take(link, 2)
            assert sorted(payloads(again)) == [b"0", b"2"]
            for one in again:
                one.ack()
            await link.publish(down(new_device_id()))

    asyncio.run(scenario())


def test_an_acknowledgement_after_the_connection_has_gone_acknowledges_nothing(broker, chip):
    peer, topic = chip

    async def scenario():
        async with running(Link(settings(broker), [FILTER])) as link:
            await link.connected()
            await asyncio.to_thread(peer.publish, topic, b"first")
            (old,) = await take(link, 1)
        async with running(Link(settings(broker), [FILTER])) as link:
            (again,) = await take(link, 1)
            old.ack()  # the same packet id, on a connection that is no more
            await link.publish(down(new_device_id()))
        async with running(Link(settings(broker), [FILTER])) as link:
            (third,) = await take(link, 1)
            assert payloads([again, third]) == [b"first", b"first"]

    asyncio.run(scenario())


def test_the_broker_delivers_no_more_than_may_be_unacknowledged(broker, chip):
    peer, topic = chip

    async def scenario():
        async with running(Link(settings(broker, receive_maximum=5), [FILTER])) as link:
            await link.connected()
            for n in range(8):
                await asyncio.to_thread(peer.publish, topic, b"%d" % n)
            received = await take(link, 5)
            assert await link.publish(down(new_device_id())) is None
            assert link._received.empty()
            for one in received:
                one.ack()
            assert len(await take(link, 3)) == 3

    asyncio.run(scenario())


def test_what_is_not_admitted_holds_up_nothing_and_does_not_come_again(broker, chip):
    peer, topic = chip

    def admits(message):
        return message.payload == b"good"

    async def scenario():
        async with running(Link(settings(broker, receive_maximum=5), [FILTER], admits)) as link:
            await link.connected()
            for n in range(20):
                await asyncio.to_thread(peer.publish, topic, b"%d" % n)
            await asyncio.to_thread(peer.publish, topic, b"good")
            (good,) = await take(link, 1)
            assert payloads([good]) == [b"good"]
            good.ack()
            await link.publish(down(new_device_id()))
        async with running(Link(settings(broker), [FILTER])) as link:
            await link.connected()
            await asyncio.to_thread(peer.publish, topic, b"last")
            assert payloads(await take(link, 1)) == [b"last"]

    asyncio.run(scenario())


def test_a_batch_ends_at_its_limit_or_with_its_window(broker, chip):
    peer, topic = chip

    async def scenario():
        async with running(Link(settings(broker), [FILTER])) as link:
            await link.connected()
            for n in range(5):
                await asyncio.to_thread(peer.publish, topic, b"%d" % n)
            first = await link.batch(2, WITHIN_S)
            rest = await link.batch(100, 0.2)
            assert payloads([*first, *rest]) == [b"0", b"1", b"2", b"3", b"4"]
            assert len(first) == 2

    asyncio.run(scenario())


def test_a_publication_that_the_broker_refuses_is_an_error_with_its_code(broker):
    async def scenario():
        async with running(Link(settings(broker), [])) as link:
            await link.connected()
            with pytest.raises(PublishRefused) as caught:
                await link.publish(Outgoing("somebody/elses/topic", b"x"))
            assert caught.value.reason_code == NOT_AUTHORIZED
            await link.publish(down(new_device_id()))

    asyncio.run(scenario())


def test_more_messages_than_the_brokers_window_are_all_confirmed(broker):
    async def scenario():
        async with running(Link(settings(broker), [])) as link:
            await link.connected()
            device = new_device_id()
            sent = [link.send(down(device)) for _ in range(3_000)]
            assert len(link._connection._in_flight) <= 512
            await link.confirmed(sent)

    asyncio.run(scenario())


def test_the_link_comes_back_after_its_broker_and_counts_its_connections(broker, chip):
    peer, topic = chip

    async def scenario():
        async with running(Link(settings(broker), [FILTER])) as link:
            assert await link.connected() == 1
            await asyncio.to_thread(peer.publish, topic, b"kept")
            await take(link, 1)
            await asyncio.to_thread(broker.save)
            sent = link.send(down(new_device_id()))
            await asyncio.to_thread(broker.restart)
            with contextlib.suppress(TransportError):  # confirmed before the end, or lost with it
                await link.confirmed([sent])
            await until(lambda: link._connections == 2)
            assert payloads(await take(link, 1)) == [b"kept"]

    asyncio.run(scenario())


def test_without_a_connection_nothing_is_sent_and_what_is_under_way_fails(broker):
    async def scenario():
        link = Link(settings(broker), [])
        with pytest.raises(TransportError, match="away"):
            link.send(down(new_device_id()))
        async with running(link):
            await link.connected()
            sent = link.send(down(new_device_id()))
            link._connection.close()
            with pytest.raises(TransportError, match="lost"):
                await link.confirmed([sent])

    asyncio.run(scenario())


# paho leaves the socket of a failed handshake to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_not_there_or_not_ours_is_tried_again_and_told_once(
    broker, tmp_path, monkeypatch
):
    attempts = []

    class Counted(link_module._Connection):
        def __init__(self, *args):
            attempts.append(args)
            super().__init__(*args)

    monkeypatch.setattr(link_module, "_Connection", Counted)
    make_cloud(tmp_path / "other")
    own = role_pass(broker.cloud, "worker")
    other = TlsFiles(role_pass(tmp_path / "other", "worker").ca, own.certificate, own.key)

    async def scenario():
        for wrong in ({"port": free_ports(1)[0]}, {"tls": other}):
            with capture_logs() as logs:
                async with running(Link(settings(broker, **wrong), [])) as link:
                    goal = len(attempts) + 4
                    await until(lambda goal=goal: len(attempts) >= goal)
                    assert link._connections == 0
            assert [entry["event"] for entry in logs] == ["broker_lost"]

    asyncio.run(scenario())
    gc.collect()


@pytest.mark.parametrize("moment_s", [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05])
def test_the_link_ends_when_told_at_any_moment_of_connecting(broker, moment_s):
    async def scenario():
        async with running(Link(settings(broker), [FILTER])):
            await asyncio.sleep(moment_s)

    asyncio.run(scenario())


@pytest.fixture
def swallowed(monkeypatch):
    """Let every answer of the broker come together with a cancellation, which is then swallowed."""

    async def wait_for(_client, future, **_timeout):
        answer = asyncio.ensure_future(future)
        while not answer.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([answer])
        return answer.result()

    monkeypatch.setattr(aiomqtt.Client, "_wait_for", wait_for)


@pytest.mark.usefixtures("swallowed")
@pytest.mark.parametrize("moment_s", [0.01, 0.03, 0.05])
def test_the_link_ends_when_its_cancellation_meets_an_answer(broker, moment_s):
    async def scenario():
        async with running(Link(settings(broker), [FILTER])):
            await asyncio.sleep(moment_s)

    asyncio.run(scenario())


@pytest.mark.usefixtures("swallowed")
def test_what_looks_up_a_retained_message_ends_when_its_cancellation_meets_an_answer(broker):
    async def looking(link):
        while True:
            await link.retained(keys_topic(COLLECTIVITY))

    async def scenario():
        async with running(Link(settings(broker), [FILTER])) as link:
            await link.connected()
            task = asyncio.create_task(looking(link))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait([task], timeout=WITHIN_S)
            assert task.cancelled()

    asyncio.run(scenario())


def test_what_an_earlier_session_left_can_be_answered_at_once(broker, chip):
    peer, topic = chip

    async def scenario():
        async with running(Link(settings(broker), [FILTER])) as link:
            await link.connected()
            await asyncio.to_thread(peer.publish, topic, b"left")
            await take(link, 1)
        for _ in range(3):
            async with running(Link(settings(broker), [FILTER])) as link:
                await take(link, 1)
                await link.publish(down(new_device_id()))

    asyncio.run(scenario())


def test_certificate_files_that_do_not_load_end_the_link(broker, tmp_path):
    tls = TlsFiles(*[tmp_path / "nothing"] * 3)

    async def scenario():
        with pytest.raises(ConfigError, match="nothing"):
            await run_link(Link(settings(broker, tls=tls), []))

    asyncio.run(scenario())


def test_a_retained_message_expires_and_an_empty_one_clears_it(broker, tmp_path):
    identity = enrol_chip(broker.cloud, tmp_path / "chip")
    topic = device_topic(COLLECTIVITY, identity.device, Kind.STATEMENT, "0a")

    async def scenario(payload):
        async with running(Link(settings(broker), [])) as link:
            await link.connected()
            await link.publish(Outgoing(topic, payload, retain=True))

    def retained():
        with Peer(broker.port, chip_pass(identity).context(), identity.device) as peer:
            peer.subscribe(device_topic(COLLECTIVITY, identity.device, Kind.STATEMENT) + "/#")
            return peer.fence()

    asyncio.run(scenario(b"statement"))
    assert retained() == [(topic, b"statement")]
    asyncio.run(scenario(b""))
    assert retained() == []


def test_retained_messages_come_once_to_a_process_and_again_to_the_next(broker, chip):
    peer, topic = chip
    key = topic.replace("up/block", "key")
    keys = f"volet/v1/{COLLECTIVITY}/d/+/key"
    peer.publish(key, b"seeds", retain=True)

    async def scenario():
        async with running(Link(settings(broker), [FILTER, keys])) as link:
            await link.connected()
            await asyncio.to_thread(peer.publish, topic, b"block")
            for received in await take(link, 2):
                if received.message.topic == key:
                    received.ack()
            await link.publish(down(new_device_id()))  # the broker has the acknowledgement, too
            await asyncio.to_thread(broker.save)
            await asyncio.to_thread(broker.restart)
            await until(lambda: link._connections == 2)
            await link.publish(down(new_device_id()))
            assert payloads(await link.batch(9, 0.05)) == [b"block"]
        async with running(Link(settings(broker), [FILTER, keys])) as link:
            assert sorted(payloads(await take(link, 2))) == [b"block", b"seeds"]

    asyncio.run(scenario())


def down(device):
    return Outgoing(device_topic(COLLECTIVITY, device, Kind.ACK), b"ack")
