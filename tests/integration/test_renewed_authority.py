"""An authority that is given more time, on a real broker: chips of before and after both get in."""

from datetime import UTC, datetime

import pytest

from cloud.registry.broker import DEFAULT_NAME, refresh_broker
from cloud.registry.renewal import renew, renew_authority
from tests.support.broker import enrol_chip
from tests.support.mqtt import SUCCESS, Peer, chip_pass, role_pass


@pytest.mark.parametrize("restarts", [False, True])
def test_a_renewed_authority_shuts_nobody_out(broker, tmp_path, restarts):
    before = enrol_chip(broker.cloud, tmp_path / "before")
    now = datetime.now(UTC)
    renew_authority(broker.cloud, now)
    renew(broker.cloud, now, is_forced=True)
    after = enrol_chip(broker.cloud, tmp_path / "after")
    assert before.ca_path.read_bytes() != after.ca_path.read_bytes()
    assert refresh_broker(broker.cloud, broker.cloud / DEFAULT_NAME)
    if restarts:
        broker.kill()
        broker.start()
    for each in (chip_pass(before), chip_pass(after), role_pass(broker.cloud, "monitor")):
        with Peer(broker.port, each.context()) as peer:
            assert peer.subscribe("volet/v1/town/#") in {SUCCESS, 1}
