"""All keys of a collectivity are replaced while its town runs; nobody touches a chip.

Real broker, worker and chips. The chips are processes that meter; each must have every block of its
own stored, and go on with its session and its directory as they were.
"""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from cloud.registry.broker import refresh_broker
from cloud.registry.key_files import load_key_list
from cloud.registry.roll_over import (
    roll_over_issuer,
    roll_over_platform,
    roll_over_registrar,
    roll_over_root,
)
from cloud.roster import registrar
from edge.identity.platform_keys import PlatformKeys
from protocol.calendar import legal_day
from protocol.key_list import KeyUse
from tests.support.broker import COLLECTIVITY, Broker, make_cloud, wait_until
from tests.support.rolling_town import RollingChip, worker

pytestmark = pytest.mark.usefixtures("mosquitto_available")

# What nobody may touch, nor the chip itself change.
UNTOUCHED = (
    "enrolment.json",
    "keys/tls.key",
    "keys/signing.key",
    "keys/household.key",
    "edge.toml",
)


class Rolling:
    """A town, and its collectivity's directory and roots."""

    def __init__(self, folder, chips):
        make_cloud(folder / "cloud")
        self.folder, self.cloud = folder, folder / "cloud"
        self.root = self.cloud / "root"
        self.root.rename(folder / "stick")  # offline
        self.root = folder / "stick"
        self.broker = Broker(self.cloud)
        self.broker.start()
        self.chips = [
            RollingChip(self.broker, folder / f"chip-{number:02}", seed=number)
            for number in range(1, chips + 1)
        ]
        registrar.draw(folder / "registrar")

    def close(self):
        for chip in self.chips:
            chip.stop()
        self.broker.kill()

    def platform(self):
        now = datetime.now(UTC)
        today = legal_day(now)
        roll_over_platform(self.cloud, self.root, now, today, today + timedelta(days=1))

    def issuer(self):
        roll_over_issuer(self.cloud, self.root, datetime.now(UTC))
        refresh_broker(self.cloud, self.broker.directory)

    def new_root(self):
        roll_over_root(self.cloud, self.root, self.folder / "second stick", datetime.now(UTC))
        self.root = self.folder / "second stick"
        refresh_broker(self.cloud, self.broker.directory)

    def registrar(self):
        own, successor = self.folder / "registrar", self.folder / "next registrar"
        today = legal_day(datetime.now(UTC))
        succession = registrar.succeed(own, successor, COLLECTIVITY, today)
        roll_over_registrar(self.cloud, self.root, succession)

    def know(self, chips):
        """Wait until chips have the present list."""
        listed = load_key_list(self.cloud)

        def knows(chip):
            keys = chip.identity.platform_key
            return isinstance(keys, PlatformKeys) and keys.key_list == listed

        wait_until(
            lambda: all(map(knows, chips)),
            f"the list on all chips\n{chips[0].log[-2000:]}",
            lambda: [knows(chip) for chip in chips],
        )

    def live(self, chips):
        """Let chips meter an hour, and wait until the cloud has acknowledged all of it."""
        before = [chip.figures()[0] for chip in chips]
        for chip in chips:
            chip.meter()
        for chip, metered in zip(chips, before, strict=True):
            chip.wait_until_stored(metered)


def kept(chips):
    return [[(chip.directory / name).read_bytes() for name in UNTOUCHED] for chip in chips]


@pytest.mark.parametrize("chips", [2, pytest.param(20, marks=pytest.mark.long)])
def test_all_keys_are_replaced_and_no_block_is_lost(tmp_path, chips):
    with ExitStack() as stack:
        town = Rolling(tmp_path, chips)
        stack.callback(town.close)
        before = kept(town.chips)
        stack.enter_context(worker(town.broker))
        for chip in town.chips:
            chip.start()
        town.live(town.chips)
        for replace in (town.platform, town.issuer, town.registrar, town.new_root, town.platform):
            replace()
            town.know(town.chips)
            town.live(town.chips)
        town.broker.restart()  # all sessions anew, under the roots and issuers of now
        town.live(town.chips)
        assert kept(town.chips) == before
        assert all(chip.log.count('"chip_started"') == 1 for chip in town.chips)
        assert all("message_refused" not in chip.log for chip in town.chips)
        assert [chip.stored() for chip in town.chips] == [chip.made() for chip in town.chips]
        listed = load_key_list(town.cloud)
    assert [len(listed.keys(use)) for use in KeyUse] == [3, 2]
    assert (len(listed.roots), len(listed.issuers)) == (2, 3)


def test_a_chip_away_over_old_and_new_follows_when_it_is_back(tmp_path):
    """It was enrolled under keys of which none is in force when it returns."""
    with ExitStack() as stack:
        town = Rolling(tmp_path, 1)
        stack.callback(town.close)
        (chip,) = town.chips
        with worker(town.broker):
            chip.start()
            town.live(town.chips)
            chip.stop()
        for replace in (town.platform, town.issuer, town.new_root, town.platform):
            replace()
        with worker(town.broker):
            chip.start()
            town.know(town.chips)
            town.live(town.chips)
            chip.stop()
            chip.start()
            town.live(town.chips)
        assert "message_refused" not in chip.log
