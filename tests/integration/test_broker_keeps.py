"""What the deployed configuration keeps of what it was given: queues, restarts, kills."""

import pytest

from cloud.registry.broker import current_user, write_broker
from edge.identity.enrolment import Identity
from tests.support.broker import enrol_chip
from tests.support.mqtt import SUCCESS, Peer, chip_pass, role_pass

# More than mosquitto's defaults keep (1 000) or hand out at once (20).
BURST = 2500
BATCH = 512


@pytest.fixture
def identity(broker, tmp_path) -> Identity:
    return enrol_chip(broker.cloud, tmp_path / "chip")


def _worker(broker, **options) -> Peer:
    """Connect as programs of Volet do: mosquitto saves no session that began with a clean start."""
    context = role_pass(broker.cloud, "worker").context()
    return Peer(broker.port, context, session_expiry_s=3600, clean_start=False, **options)


def _leave_a_session(broker, topic: str) -> None:
    worker = _worker(broker)
    worker.subscribe(topic)
    worker.drop()


def test_burst_for_an_absent_worker_is_kept_whole(broker, identity):
    topic = f"volet/v1/testville/d/{identity.device}/up/block"
    _leave_a_session(broker, topic)
    sent = [number.to_bytes(2, "big") for number in range(BURST)]
    with Peer(broker.port, chip_pass(identity).context()) as chip:
        assert {chip.publish(topic, payload) for payload in sent} == {SUCCESS}
    with _worker(broker) as worker:
        worker.wait_for_count(BURST)
        assert [payload for _, payload in worker.received] == sent


def test_whole_batch_is_handed_out_before_the_first_acknowledgement(broker, identity):
    topic = f"volet/v1/testville/d/{identity.device}/up/block"
    with (
        Peer(broker.port, chip_pass(identity).context()) as chip,
        _worker(broker, is_acknowledging=False) as worker,
    ):
        worker.subscribe(topic)
        for number in range(BATCH + 88):
            chip.publish(topic, number.to_bytes(2, "big"))
        worker.wait_for_count(BATCH)
        assert len(worker.fence()) == BATCH


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_queue_of_an_absent_worker_outlives_the_broker(broker, identity, end):
    topic = f"volet/v1/testville/d/{identity.device}/up/block"
    _leave_a_session(broker, topic)
    with Peer(broker.port, chip_pass(identity).context()) as chip:
        assert chip.publish(topic, b"before") == SUCCESS
    broker.save()
    getattr(broker, end)()
    broker.start()
    with Peer(broker.port, chip_pass(identity).context()) as chip:
        assert chip.publish(topic, b"after") == SUCCESS
    with _worker(broker) as worker:
        worker.wait_for_count(2)
        assert [payload for _, payload in worker.received] == [b"before", b"after"]


def test_sessions_hold_while_the_directory_is_written_anew(broker, identity):
    topic = f"volet/v1/testville/d/{identity.device}/up/block"
    with Peer(broker.port, chip_pass(identity).context()) as chip, _worker(broker) as worker:
        worker.subscribe(topic)
        write_broker(broker.cloud, broker.directory, current_user())
        for number in range(20):
            assert chip.publish(topic, bytes([number])) == SUCCESS
        worker.wait_for_count(20)


def test_log_names_no_topic_and_no_payload(broker, identity):
    planted = "00c0ffee"
    topic = f"volet/v1/testville/d/{identity.device}/up/block"
    with Peer(broker.port, chip_pass(identity).context()) as chip:
        chip.publish(topic, planted.encode())
        chip.publish(f"volet/v1/testville/d/{'a' * 26}/up/block", planted.encode())
        chip.subscribe(f"volet/v1/testville/d/{'a' * 26}/down/#")
    assert identity.device in broker.log
    assert planted not in broker.log
    # At its start mosquitto repeats the rule for what everybody may read; it names nobody.
    said = [line for line in broker.log.splitlines() if "Warning: ACL pattern" not in line]
    assert not any("volet/v1" in line for line in said)
