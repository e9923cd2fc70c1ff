"""All keys of a collectivity are replaced while its town runs; nobody touches a chip.

Real broker, worker and chips. The chips are processes that meter; each must have every block of its
own stored, and go on with its session and its directory as they were.
"""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.registry.authority import Authority, issue_server, new_issuer
from cloud.registry.broker import refresh_broker
from cloud.registry.key_files import load_ec_key, load_key_list, load_root
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
from tests.support.rolling_town import RollingChip, program, worker
from volet.main import volet

pytestmark = pytest.mark.usefixtures("mosquitto_available")

UNBELIEVED = "certificate verify failed"
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
        self.refresh()

    def new_root(self):
        roll_over_root(self.cloud, self.root, self.folder / "second stick", datetime.now(UTC))
        self.root = self.folder / "second stick"
        self.refresh()

    def refresh(self):
        """Do what a person does who types the commands, and whose broker is no service."""
        refresh_broker(self.cloud, self.broker.directory)
        self.broker.restart()

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
        newest = (town.root / "root.pem").read_bytes()
        assert {(chip.directory / "ca.pem").read_bytes() for chip in town.chips} == {newest}
        listed = load_key_list(town.cloud)
    assert [len(listed.keys(use)) for use in KeyUse] == [3, 2]
    assert (len(listed.roots), len(listed.issuers)) == (2, 3)


@pytest.mark.long
def test_a_replaced_root_is_dropped_before_the_broker_has_another_certificate(tmp_path):
    """The broker's certificate is by an issuer that is listed, and its root counts no more.

    The chip begins its session anew with it. Then chip and worker are diverted to a broker of the
    old root's thief, who has certified an issuer of his own.
    """
    with ExitStack() as stack:
        town = Rolling(tmp_path, 1)
        stack.callback(town.close)
        (chip,) = town.chips
        first = town.root
        with worker(town.broker):
            chip.start()
            town.live(town.chips)
            roll_over_root(town.cloud, first, town.folder / "second stick", datetime.now(UTC))
            town.know(town.chips)
            chip.stop()
            chip.start()
            town.live(town.chips)
        divert(town.broker, load_root(first))
        log = tmp_path / "diverted.log"
        with program(log, "cloud", "run", "--dir", str(town.cloud)):
            for each in (log, chip.directory.with_name(f"{chip.directory.name}.log")):
                wait_until(lambda each=each: UNBELIEVED in each.read_text(), f"a refusal in {each}")
        assert '"broker_connected"' not in log.read_text()


def divert(broker, root):
    """Have the broker show what the thief of a root can sign for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    rogue = Authority(key, new_issuer(root, key.public_key(), COLLECTIVITY, now))
    own = load_ec_key(broker.cloud, "server.key").public_key()
    broker.kill()
    (broker.directory / "server.pem").write_bytes(
        rogue.chained(issue_server(rogue, ("127.0.0.1", "localhost"), own, now))
    )
    broker.start()


@pytest.mark.long
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


def test_a_trustee_that_has_the_list_believes_no_broker_by_a_replaced_root(tmp_path):
    """It goes on with the `ca.pem` that its operator installed, which names the first root alone."""
    with ExitStack() as stack:
        town = Rolling(tmp_path, 0)
        stack.callback(town.close)
        first, pki, own = town.root, town.cloud / "pki", tmp_path / "trustee"
        who = ("--collectivity", COLLECTIVITY, "--name", "trustee-a", "--title", "A")
        at = ("--broker-host", "localhost", "--broker-port", str(town.broker.port))
        run("trustee", "init", "--dir", own, *who, *at, "--ca", pki / "ca.pem")
        run("cloud", "issue", "--dir", town.cloud, "trustee-a", "--request", own / "tls.csr")
        town.refresh()
        run("trustee", "install", "--dir", own, pki / "trustee-a.pem")
        log = tmp_path / "trustee.log"
        stack.enter_context(worker(town.broker))
        stack.enter_context(program(log, "trustee", "run", "--dir", str(own)))
        for number in (1, 2):
            wait_until(lambda n=number: log.read_text().count("key_list_taken") == n, "the list")
            if number == 1:
                roll_over_root(town.cloud, first, tmp_path / "second stick", datetime.now(UTC))
        divert(town.broker, load_root(first))
        wait_until(lambda: UNBELIEVED in log.read_text(), "the trustee to refuse it")
        assert log.read_text().count('"broker_connected"') == 1


def run(*arguments):
    done = CliRunner().invoke(volet, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
