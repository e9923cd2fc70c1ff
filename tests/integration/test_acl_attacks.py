"""What a chip with a valid certificate may try against others, beyond plain topics."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cloud.registry.authority import issue_client
from cloud.registry.key_files import load_authority, share_group
from protocol.envelope import SIZE_MAX_BYTES
from tests.support.broker import running_broker
from tests.support.mqtt import (
    NO_SUBSCRIBERS,
    NOT_AUTHORIZED,
    PACKET_TOO_LARGE,
    SUCCESS,
    UNSPECIFIED,
    Pass,
    Peer,
    Refused,
    Will,
    role_pass,
)
from tests.support.town import (
    ALICE,
    BOB,
    CURVE,
    MONITOR,
    OTHER_FIGURES,
    ROOT,
    TRUSTEE,
    WORKER,
    Town,
    settle,
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("attacks")
    with running_broker(folder / "cloud") as broker:
        yield settle(broker, folder)


def test_client_id_of_another_gets_neither_session_nor_messages(town):
    statement = town.device(ALICE, "down/statement/01")
    alice = town.connect(ALICE, session_expiry_s=3600)
    alice.subscribe(town.device(ALICE, "down/#"))
    alice.drop()
    with town.connect(WORKER) as worker:
        worker.publish(statement, b"queued for alice")
    with town.connect(BOB, client_id=town.passes[ALICE].name, clean_start=False) as bob:
        assert bob.fence() == []
    with town.connect(ALICE, clean_start=False) as alice:
        assert alice.wait_for(statement) == b"queued for alice"


def test_client_id_of_another_does_not_end_its_connection(town):
    with town.connect(ALICE) as alice, town.connect(BOB, client_id=town.passes[ALICE].name) as bob:
        bob.fence()
        assert alice.publish(town.device(ALICE, "status")) in (SUCCESS, NO_SUBSCRIBERS)


def test_will_on_the_status_of_another_is_never_published(town):
    with town.connect(MONITOR) as monitor:
        monitor.subscribe(f"{ROOT}/d/+/status")
        bob = town.connect(BOB, will=Will(town.device(ALICE, "status"), b"offline"))
        bob.drop()
        # A new connection of the same client ends the old one, so that its will is due.
        with town.connect(BOB) as again:
            again.publish(town.device(BOB, "status"), b"online")
        assert monitor.wait_for(town.device(BOB, "status")) == b"online"
        assert [topic for topic, _ in monitor.fence()] == [town.device(BOB, "status")]


def test_own_will_is_published_retained_when_the_connection_breaks(town):
    status = town.device(BOB, "status")
    with town.connect(MONITOR) as monitor:
        monitor.subscribe(status)
        town.connect(BOB, will=Will(status, b"offline")).drop()
        assert monitor.wait_for(status) == b"offline"
    with town.connect(MONITOR) as later:
        later.subscribe(status)
        assert later.wait_for(status) == b"offline"


def test_chip_leaves_no_retained_message_on_a_topic_that_the_protocol_does_not_have(town):
    with town.connect(ALICE) as alice:
        for rest in ("up/0", "up/invented", "up/Block", "down/invented", "key/0", "status/0", "up"):
            assert alice.publish(town.device(ALICE, rest), b"kept", retain=True) == NOT_AUTHORIZED


def test_retained_statement_is_not_replaced_or_deleted_by_another_chip(town):
    statement = town.device(ALICE, "down/statement/02")
    with town.connect(WORKER) as worker, town.connect(BOB) as bob:
        worker.publish(statement, b"true", retain=True)
        assert bob.publish(statement, b"forged", retain=True) == NOT_AUTHORIZED
        assert bob.publish(statement, b"", retain=True) == NOT_AUTHORIZED
    with town.connect(ALICE) as alice:
        alice.subscribe(town.device(ALICE, "down/#"))
        assert alice.wait_for(statement) == b"true"


def test_retained_statement_is_not_shown_to_another_chip(town):
    with town.connect(WORKER) as worker:
        worker.publish(town.device(ALICE, "down/statement/03"), b"hers", retain=True)
    with town.connect(BOB) as bob:
        bob.subscribe(town.device(ALICE, "down/#"), f"{ROOT}/d/+/down/#", "+/+/+/+/+/#")
        assert {topic for topic, _ in bob.fence()} <= {town.device(BOB, "status")}


def test_chip_changes_and_clears_no_released_figure(town):
    with town.connect(WORKER) as worker, town.connect(BOB) as bob:
        for topic in (CURVE, *OTHER_FIGURES):
            worker.publish(f"{ROOT}/{topic}", b"true", retain=True)
            for payload in (b"forged", b""):
                assert bob.publish(f"{ROOT}/{topic}", payload, retain=True) == NOT_AUTHORIZED
    with town.connect(ALICE, will=Will(f"{ROOT}/{CURVE}", b"forged")) as alice:
        alice.drop()
    with town.connect(ALICE) as again, town.connect(MONITOR) as monitor:
        again.fence()
        monitor.subscribe(f"{ROOT}/area/#")
        assert {payload for _, payload in monitor.fence()} == {b"true"}


def test_chip_reads_curves_of_neighbourhoods_and_no_other_figure(town):
    with town.connect(WORKER) as worker, town.connect(ALICE) as alice:
        alice.subscribe(f"{ROOT}/area/#", "+/+/+/area/+/+")
        for topic in (CURVE, *OTHER_FIGURES, f"{CURVE}/more", "area/curve"):
            worker.publish(f"{ROOT}/{topic}", b"a figure")
        assert {topic for topic, _ in alice.fence()} == {f"{ROOT}/{CURVE}"}


def test_shared_subscription_shows_nothing_of_another(town):
    with town.connect(BOB) as bob, town.connect(ALICE) as alice:
        bob.subscribe(f"$share/spies/{ROOT}/d/+/up/block")
        alice.publish(town.device(ALICE, "up/block"))
        assert bob.fence() == []


def test_chip_that_does_not_know_the_share_group_takes_nothing_from_the_workers(town):
    """Who knows it takes every second message away: the reason why its name is a secret."""
    group = share_group(town.broker.cloud)
    shared = f"{ROOT}/d/+/up/block"
    with town.connect(WORKER) as worker, town.connect(BOB) as bob, town.connect(ALICE) as alice:
        worker.subscribe(f"$share/{group}/{shared}")
        bob.subscribe(f"$share/workers/{shared}")
        bob.subscribe(f"$share/+/{shared}")
        for number in range(10):
            alice.publish(town.device(ALICE, "up/block"), bytes([number]))
        assert [payload for _, payload in worker.fence()] == [bytes([n]) for n in range(10)]

        bob.subscribe(f"$share/{group}/{shared}")
        for number in range(10):
            alice.publish(town.device(ALICE, "up/block"), bytes([number]))
        assert len(worker.fence()) < 20


def test_largest_message_of_the_protocol_passes(town):
    topic = town.device(ALICE, "up/block")
    with town.connect(WORKER) as worker, town.connect(ALICE) as alice:
        worker.subscribe(topic)
        assert alice.publish(topic, bytes(SIZE_MAX_BYTES)) == SUCCESS
        assert len(worker.wait_for(topic)) == SIZE_MAX_BYTES


@pytest.mark.parametrize("size_bytes", [SIZE_MAX_BYTES + 1024, 16 * SIZE_MAX_BYTES])
def test_larger_message_ends_the_connection_and_reaches_nobody(town, size_bytes):
    topic = town.device(ALICE, "up/block")
    with town.connect(WORKER) as worker:
        worker.subscribe(topic)
        with town.connect(ALICE) as alice:
            alice.send(topic, bytes(size_bytes))
            # The broker's word may be lost when it closes with bytes of ours unread.
            assert alice.wait_until_ended() in (PACKET_TOO_LARGE, UNSPECIFIED)
        assert worker.fence() == []


@pytest.mark.parametrize("name", ["+", "#", "d/+", "+worker"])
def test_wildcard_as_common_name_opens_nothing_even_if_the_authority_erred(town, tmp_path, name):
    who = _certified(town, tmp_path, name)
    with town.connect(WORKER) as worker, town.connect(ALICE) as alice:
        worker.publish(town.device(ALICE, "down/ack"), b"hers", retain=True)
        with Peer(town.broker.port, who.context()) as wild:
            wild.subscribe("#")
            for topic in (town.device(ALICE, "up/block"), f"{ROOT}/d/{name}/up/block"):
                if not set(name) & {"+", "#"} or topic == town.device(ALICE, "up/block"):
                    assert wild.publish(topic) == NOT_AUTHORIZED
            alice.publish(town.device(ALICE, "up/block"))
            assert wild.fence() == []
        worker.publish(town.device(ALICE, "down/ack"), b"", retain=True)


def test_common_names_that_differ_in_case_are_different(town, tmp_path):
    who = _certified(town, tmp_path, "Worker")
    with Peer(town.broker.port, who.context()) as almost, town.connect(ALICE) as alice:
        almost.subscribe(f"{ROOT}/d/+/up/block")
        alice.publish(town.device(ALICE, "up/block"))
        assert almost.fence() == []


def test_operator_listener_lets_no_chip_and_no_worker_in(town):
    for who in (ALICE, WORKER, MONITOR):
        with pytest.raises(Refused):
            Peer(town.broker.config.operator_port, town.passes[who].context())


def test_operator_writes_topics_of_devices_and_trustees_only_and_reads_the_keys_too(town):
    operator = role_pass(town.broker.cloud, "operator").context()
    listed, keys = f"{ROOT}/catalogue/list/0", f"{ROOT}/keys"
    with (
        Peer(town.broker.config.operator_port, operator, "watching") as watching,
        town.connect(WORKER) as worker,
    ):
        watching.subscribe("#", "$SYS/broker/version")
        worker.publish(f"{ROOT}/area/curve/1")
        worker.publish(listed)
        worker.publish(keys)
        for topic in (listed, keys):
            assert watching.publish(topic, b"", retain=True) == NOT_AUTHORIZED
        assert watching.publish("anything") == NOT_AUTHORIZED
        read = [topic for topic, _ in watching.fence() if f"{ROOT}/d/" not in topic]
        assert read == [keys]
        for topic in (town.device(ALICE, "key"), f"{ROOT}/trustee/{TRUSTEE}/log"):
            assert watching.publish(topic, b"", retain=True) in (SUCCESS, NO_SUBSCRIBERS)


def test_operator_certificate_is_unknown_to_the_listener_of_the_chips(town):
    with pytest.raises(Refused):
        Peer(town.broker.port, role_pass(town.broker.cloud, "operator").context())


def _certified(town: Town, folder: Path, name: str) -> Pass:
    """Certify a name that the product would never sign."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = load_authority(town.broker.cloud)
    certificate = issue_client(
        authority, name, key.public_key(), datetime.now(UTC), timedelta(days=1)
    )
    (folder / "odd.pem").write_bytes(authority.chained(certificate))
    (folder / "odd.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    ca = town.passes[ALICE].ca
    return Pass(name, ca, folder / "odd.pem", folder / "odd.key")
