"""A revoked chip learns that it is revoked, and not only that nobody talks to it."""

from datetime import UTC, datetime

from structlog.testing import capture_logs

from cloud.registry.revocation import revoke_everywhere
from cloud.store.sqlite.store import SqliteStore
from edge.chip.agent import link_settings
from edge.mqtt.link import ChipLink
from edge.mqtt.message import Absence
from tests.support.broker import enrol_chip, wait_until


def test_a_revoked_chip_learns_that_it_is_revoked(broker, tmp_path):
    identity = enrol_chip(broker.cloud, tmp_path / "chip")
    store = SqliteStore.open(broker.cloud)
    now = datetime.now(UTC)
    revoke_everywhere(broker.cloud, store, identity.device, broker.directory, now)
    store.close()
    link = ChipLink(link_settings(identity), identity.tls_context)
    told = []
    with capture_logs() as logs:
        link.start()
        try:
            wait_until(lambda: told.extend(link.events()) or told, "what the link says")
        finally:
            link.stop()
    assert told[0].why is Absence.REVOKED
    assert [each["event"] for each in logs] == ["chip_revoked"]
