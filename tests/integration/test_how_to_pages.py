"""The how-to pages, typed by a test as they stand, each on a machine of its own.

A page says what it takes for granted; a fixture makes such a machine once, and a page gets a copy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.billing_home import BillingHome
from tests.support.made_once import made_once
from tests.support.sweeps import swept
from tests.support.terminal import Terminal, copy_machine, machine
from tests.support.typed_page import HOW_TO, Step

LINK = "--link /dev/serial0 2> meter.log"
METER = "volet edge simulate --option hphc --kva 9 --seed 7"
OFFER = (
    "volet provider init",
    "volet provider tariff regulated --option hphc --kva 9 --since 2026-02-01 --out tariffs/",
    "volet provider offer --out offer.json tariffs/*.json",
)
TRUSTEE = (
    "volet trustee init --collectivity testville --name trustee-consumers --title Consumers "
    "--broker-host broker.testville.example --ca /var/lib/volet-cloud/pki/ca.pem"
)
REGISTERED = 'volet cloud provider add town --title EDF --key "$(volet provider key)"'
DEVICE = """$(volet cloud devices --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["devices"][0]["device"])')"""
RUBBISH = (
    "mosquitto_pub -V 5 -h broker.testville.example -p 8883 -q 1 --cafile /var/lib/volet/ca.pem "
    "--cert /var/lib/volet/device.pem --key /var/lib/volet/keys/tls.key -i $device "
    "-t volet/v1/testville/d/$device/up/block"
)
LINE = "timeout 60 sh -c 'until [ -e /dev/serial0 ]; do sleep 0.1; done'"
BROKER = (
    "OPENSSL_CONF=/etc/mosquitto/volet/openssl.cnf "
    "mosquitto -c /etc/mosquitto/volet/mosquitto.conf 2> broker.log &"
)
WORKER = "volet cloud run 2> worker.log &"
SIMULATED = "echo 'metering.is_simulated = true' >> /var/lib/volet/edge.toml"
WEEK = (
    "echo 'send_window_s = 0' >> /var/lib/volet/edge.toml",
    SIMULATED,
    f"{METER} --from 2026-02-28T22:00 --to 2026-03-10T23:00 --speed 86400 {LINK} &",
    LINE,
)
# The last of the week's days is whole when the next one begins to arrive.
STORED = """volet cloud devices --json | python3 -c '
import json, sys
sys.exit((json.load(sys.stdin)["devices"][0]["last_day"] or "") < "2026-03-08")'"""
CLOSED = "volet edge status --json 2> /dev/null | grep -q last_day_closed.:.2026-03"
CHIP = "volet edge run 2> chip.log &"

pytestmark = pytest.mark.usefixtures("mosquitto_available")


def run(typing: Terminal, *commands: str) -> None:
    """Run what a page takes for granted; its output is of no interest."""
    for command in commands:
        typing.type_step(Step(command, ["…"]))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Terminal]:
    with machine(tmp_path / "machine") as typing:
        yield typing


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collectivity, and a chip enrolled by what `enrol.md` says, on one machine."""

    def enrol(root: Path) -> None:
        with machine(root) as typing:
            run(typing, *OFFER)
            typing.type_page(HOW_TO / "enrol.md", until="Shut a chip out")

    return made_once(tmp_path_factory, "enrolled", enrol)


@pytest.fixture(scope="module")
def metered(enrolled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a week: the chip has metered 1 to 7 March, and the cloud has every day."""

    def meter(root: Path) -> None:
        with town(enrolled, root) as typing:
            run(typing, *WEEK, CHIP)
            run(typing, f"{STORED}  # later", "kill %4; wait %4 || true")

    return made_once(tmp_path_factory, "metered", meter)


@contextmanager
def town(root: Path, to: Path) -> Iterator[Terminal]:
    """Start broker and worker on the copy `to` of a machine."""
    with machine(copy_machine(root, to)) as typing:
        run(typing, BROKER, WORKER)
        yield typing


@pytest.mark.long
def test_enrol(empty):
    run(empty, *OFFER)
    assert empty.type_page(HOW_TO / "enrol.md") > 10


@pytest.mark.long
def test_back_up_and_restore(enrolled, tmp_path):
    """Every party's directory is there, the chip's with a vault that has a reading."""
    with machine(copy_machine(enrolled, tmp_path / "machine")) as typing:
        run(typing, BROKER, f"{METER} --link /dev/serial0 2> meter.log &", LINE, CHIP)
        run(typing, "timeout 60 sh -c 'until [ -s /var/lib/volet/vault.db ]; do sleep 0.1; done'")
        run(typing, "timeout 60 sh -c 'until grep -q chip_started chip.log; do sleep 0.1; done'")
        run(typing, "kill $! && wait $!", TRUSTEE, "volet cloud roster init")
        assert typing.type_page(HOW_TO / "back-up-and-restore.md") > 20


@pytest.mark.long
@pytest.mark.parametrize("page", ["repeat-the-line.md", "repeter-la-ligne.md"])
def test_repeat_the_line(enrolled, tmp_path, page):
    with machine(copy_machine(enrolled, tmp_path / "machine")) as typing:
        run(typing, f"{METER} --link /dev/serial0 2> meter.log &", LINE, CHIP)
        run(typing, "timeout 60 sh -c 'until grep -q chip_started chip.log; do sleep 0.1; done'")
        assert typing.type_page(HOW_TO / page) == 3


def test_read_line_quality(empty):
    run(empty, f"{METER} --link /dev/serial0 2> meter.log &", LINE)
    assert empty.type_page(HOW_TO / "read-line-quality.md") == 2


@pytest.mark.long  # it plays hours at a minute a second
def test_rehearse_the_unusual(enrolled, tmp_path):
    with machine(copy_machine(enrolled, tmp_path / "machine")) as typing:
        assert typing.type_page(HOW_TO / "rehearse-the-unusual.md") == 16


@pytest.mark.long
def test_watch_with_mosquitto_sub(enrolled, tmp_path):
    with town(enrolled, tmp_path / "machine") as typing:
        page = HOW_TO / "watch-with-mosquitto-sub.md"
        typing.type_page(page, until="All chips")
        # A broker that is restarted says of all chips that they are lost, until their next status.
        run(typing, f"{METER} --link /dev/serial0 2> meter.log &", LINE, CHIP)
        assert typing.type_page(page, since="All chips") > 2


@pytest.mark.long
def test_monitor(enrolled, tmp_path):
    with town(enrolled, tmp_path / "machine") as typing:
        # One chip has told of itself.
        run(typing, f"{METER} --link /dev/serial0 2> meter.log &", LINE, CHIP)
        run(typing, "timeout 60 sh -c 'until grep -q session_began chip.log; do sleep 0.1; done'")
        assert typing.type_page(HOW_TO / "monitor.md") > 10


@pytest.mark.long
def test_when_a_chip_misbehaves(metered, tmp_path):
    """The chip's own certificate and key send three messages that no chip writes."""
    with town(metered, tmp_path / "machine") as typing:
        # What comes before a worker has subscribed reaches nobody.
        run(
            typing,
            "timeout 60 sh -c 'until grep -q broker_connected worker.log; do sleep 0.1; done'",
        )
        run(typing, f"device={DEVICE}")
        for text in ("a", "b", "c"):
            run(typing, f"{RUBBISH} -m {text}")
        run(typing, "volet cloud senders | grep 'malformed 3'  # later")
        assert typing.type_page(HOW_TO / "when-a-chip-misbehaves.md") == 4


@pytest.mark.long
def test_write_a_tariff(empty):
    assert empty.type_page(HOW_TO / "write-a-tariff.md") > 10


@pytest.mark.long
def test_certificates(enrolled, tmp_path):
    with town(enrolled, tmp_path / "machine") as typing:
        assert typing.type_page(HOW_TO / "certificates.md") > 10


@pytest.mark.long
def test_keys_at_boot(enrolled, tmp_path):
    with machine(copy_machine(enrolled, tmp_path / "machine")) as typing:
        run(typing, "mkdir -p /var/lib/systemd")
        assert typing.type_page(HOW_TO / "keys-at-boot.md") == 3


def test_look_at_the_page(enrolled, tmp_path):
    with machine(copy_machine(enrolled, tmp_path / "machine")) as typing:
        run(typing, f"{METER} {LINK} &", LINE, CHIP)
        run(typing, "timeout 60 sh -c 'until grep -q chip_started chip.log; do sleep 0.1; done'")
        assert typing.type_page(HOW_TO / "look-at-the-page.md") == 8


@pytest.mark.long
def test_try_it_without_a_meter(empty):
    assert empty.type_page(HOW_TO / "try-it-without-a-meter.md") > 15


@pytest.mark.long
@pytest.mark.parametrize("page", ["compare-offers.md", "comparer-les-offres.md"])
def test_compare_offers(metered, tmp_path, page):
    with town(metered, tmp_path / "machine") as typing:
        run(typing, REGISTERED, "volet provider publish offer.json", CHIP)
        assert typing.type_page(HOW_TO / page) == 4


@pytest.mark.parametrize(
    "page", swept(["tell-your-smart-home.md", "prevenir-la-maison-connectee.md"], 2)
)
def test_tell_your_smart_home(enrolled, tmp_path, page):
    """The chip has run, and does not run now."""
    with machine(copy_machine(enrolled, tmp_path / "machine")) as typing:
        run(typing, f"{METER} {LINK} &", LINE, CHIP)
        run(typing, "timeout 60 sh -c 'until grep -q chip_started chip.log; do sleep 0.1; done'")
        run(typing, "kill %2 && wait %2")
        assert typing.type_page(HOW_TO / page) == 4


@pytest.mark.parametrize("page", swept(["your-own-data.md", "vos-donnees.md"], 2))
def test_your_own_data(tmp_path, page):
    """The chip has metered the first days of March, and does not run."""
    home = BillingHome(tmp_path / "town")
    home.start()
    home.live(7)
    home.kill()
    (tmp_path / "machine/var/lib").mkdir(parents=True)
    copy_machine(home.directory, tmp_path / "machine/var/lib/volet")
    with machine(tmp_path / "machine") as typing:
        assert typing.type_page(HOW_TO / page) == 6


@pytest.mark.long
def test_for_providers(metered, tmp_path):
    with town(metered, tmp_path / "machine") as typing:
        run(typing, CHIP)
        assert typing.type_page(HOW_TO / "for-providers.md") > 10


@pytest.mark.long
def test_move_house(enrolled, tmp_path):
    page = HOW_TO / "move-house.md"
    days = f"{METER} --from 2026-02-28T22:00 --speed 43200 --link /dev/serial0 2> meter.log &"
    with town(enrolled, tmp_path / "machine") as typing:
        run(typing, "echo 'send_window_s = 0' >> /var/lib/volet/edge.toml", SIMULATED)
        run(typing, days, LINE, CHIP)
        # Who moves out has lived here: the contract has begun.
        run(typing, f"timeout 60 sh -c 'until {CLOSED}; do sleep 0.1; done'")
        typing.type_page(page, until="Into the new home")
        run(typing, "kill %4; wait %4 || true; kill %3; wait %3 || true")
        run(typing, f"{METER}1 --link /dev/serial0 2> meter.log &", LINE)  # of the new home
        run(typing, "mv /var/lib/volet /var/lib/former")
        typing.type_page(page, since="Into the new home", until="The old chip")
        run(typing, "mv /var/lib/volet /var/lib/other", "mv /var/lib/former /var/lib/volet")
        typing.type_page(page, since="The old chip")
