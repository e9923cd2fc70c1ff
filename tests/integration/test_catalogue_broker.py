"""The transparency log from the operator's command to a chip's vault, over the real broker and worker."""

import json
import os
import subprocess
import sys
from datetime import date

import msgspec
import pytest
from click.testing import CliRunner

from cloud.commands.catalogue import catalogue as cloud_catalogue
from cloud.store.sqlite.store import SqliteStore
from edge.chip.agent import link_settings
from edge.chip.chip import Chip
from edge.commands.catalogue import catalogue as edge_catalogue
from edge.identity.enrolment import signer_of
from edge.mqtt.link import ChipLink
from edge.vault.vault import Vault
from system.clock import SystemClock
from tests.support.broker import enrol_chip, wait_until
from tests.support.listing import Provider, Publisher, register


class RunningChip:
    """A chip without a meter: its core, its vault and its link, turned by the test."""

    def __init__(self, broker, directory) -> None:
        self.directory = directory
        self.identity = enrol_chip(broker.cloud, directory)
        self.heard = []

    def __enter__(self):
        self.vault = Vault.open(self.directory, signer_of(self.identity))
        self.chip = Chip(self.identity, self.vault, SystemClock())
        self.link = ChipLink(link_settings(self.identity), self.identity.tls_context)
        self.link.start()
        return self

    def __exit__(self, *_):
        self.link.stop()
        self.vault.close()

    def turn(self) -> None:
        for event in self.link.events():
            self.heard.append(event)
            self.chip.take(event)
        for publish in self.chip.outgoing():
            self.link.publish(publish)
        self.link.listen(self.chip.topics())

    def wait(self, condition, what: str) -> None:
        def turned() -> bool:
            self.turn()
            return condition()

        wait_until(turned, what)

    @property
    def catalogue(self):
        return self.chip.catalogue.copy


@pytest.fixture
def worker(broker):
    log = (broker.cloud / "worker.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "volet.main", "cloud", "run", "--dir", str(broker.cloud)],
        stdout=log,
        stderr=log,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    yield process
    process.kill()
    process.wait(20)
    log.close()


def run(command, *arguments, code=0):
    result = CliRunner().invoke(command, [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result.output


def add(broker, folder, *documents):
    store = SqliteStore.open(broker.cloud)
    register(store, *(signed for signed in documents if signed.kind == "Offer"))
    store.close()
    paths = []
    for signed in documents:
        path = folder / f"{signed.hash.hex()[:16]}.json"
        path.write_bytes(msgspec.json.encode(signed))
        paths.append(path)
    return run(cloud_catalogue, "add", "--dir", broker.cloud, *paths)


@pytest.mark.usefixtures("worker")
def test_what_the_operator_lists_is_on_every_chip_and_is_not_sent_twice(broker, tmp_path):
    provider, publisher = Provider(), Publisher()
    offer = provider.offer()
    add(broker, tmp_path, offer)
    with RunningChip(broker, tmp_path / "chip") as chip:
        chip.wait(lambda: offer.hash in chip.catalogue.catalogue, "the first offer to arrive")
        calendar = publisher.sign(publisher.calendar(date(2026, 1, 1), date(2026, 3, 1)))
        add(broker, tmp_path, calendar)
        chip.wait(lambda: calendar.hash in chip.catalogue.catalogue, "the calendar to arrive")
        head = chip.catalogue.head.hex()
    listed = json.loads(run(cloud_catalogue, "list", "--json", "--dir", broker.cloud))
    assert listed["head"] == head
    shown = json.loads(run(edge_catalogue, "--json", "--dir", chip.directory))
    assert [entry["hash"] for entry in shown["entries"]] == [offer.hash.hex(), calendar.hash.hex()]
    assert (shown["head"], shown["missing"], shown["alarms"]) == (head, 0, [])
    chip.heard.clear()
    with chip:
        chip.wait(lambda: any("list/0" in getattr(e, "topic", "") for e in chip.heard), "the page")
    documents = [e for e in chip.heard if offer.hash.hex() in getattr(e, "topic", "")]
    assert documents == []  # what is in the vault is not sent again
