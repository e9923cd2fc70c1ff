"""Nothing of a household in clear: planted values are searched for wherever others could look.

Chip, broker and worker run as programs, all of them at debug. The searched values are the meter's
serial and delivery point, every index that it sent, and the household's secrets in the forms in
which they could slip out.
"""

import base64
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cloud.billing.progress import progress
from cloud.store import RequestState
from cloud.store.sqlite.store import SqliteStore
from edge.identity.keys import METER_SALT, load_keys
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.stage import HOUSEHOLD_KEY
from edge.tic.decoder import Decoder
from edge.vault.keyring import files_in
from protocol.calendar import QUARTER_HOUR, day_start
from protocol.hpke import SealingKey
from protocol.status import State, decode_status
from protocol.ternary import pack_ternary
from protocol.topics import Kind
from provider import service as provider
from tests.support.broker import COLLECTIVITY, Broker, Took, enrol_chip, make_cloud, wait_until
from tests.support.chip_town import MONTH
from tests.support.mqtt import Peer, role_pass
from tests.support.provider_side import accept, own_contracts, request_statement
from volet.demo.town import demo_tariff

END = MONTH + timedelta(days=2)
DAY_QUARTERS = 96
SLICE_BYTES, SLICE_STEP = 24, 512
KEYS_HEAD_BYTES = 18  # magic, version, year
# Values are below 2^20, ciphertexts spread over 2^60: hardly one in a million of these is smaller.
SMALL = 1 << 40
# The product logs at info; whatever it or a library would say at debug is to be read as well.
AT_DEBUG = """
import logging, structlog
logging.basicConfig(level=logging.DEBUG)
make = structlog.make_filtering_bound_logger
structlog.make_filtering_bound_logger = lambda level: make("debug")
from volet.main import main
main()
"""
NUMBER = re.compile(rb"(?<!\d)\d{5,}(?!\d)")


class Meter:
    """Three days of a simulated meter: what it sends, and every number in it worth hiding.

    `streams`: two days, and the third.
    """

    def __init__(self):
        curve = synthetic_curve(7, MONTH - timedelta(days=1), END + timedelta(days=2))
        home = build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=7))
        start = day_start(MONTH) - 4 * QUARTER_HOUR
        count = (day_start(END) - start) // QUARTER_HOUR + 3
        frames = [home.frame_at(start + n * QUARTER_HOUR) for n in range(count + DAY_QUARTERS)]
        self.streams = b"".join(frames[:count]), b"".join(frames[count:])
        decoder = Decoder()
        sent = *decoder.feed(b"".join(frames)), *decoder.finish()
        groups = [frame.groups for frame in sent]
        self.serial = groups[0]["ADSC"].value.encode()
        self.prm = groups[0]["PRM"].value.encode()
        indices = [label for label in groups[0] if label.startswith(("EAS", "EAI", "EASD"))]
        self.indices = {
            each[label].value.encode()
            for each in groups
            for label in indices
            if int(each[label].value) >= 10_000
        }

    @property
    def numbers(self):
        """Indices as the meter writes them, and as a program would."""
        return self.indices | {index.lstrip(b"0") for index in self.indices}


def secrets_of(chip: Path) -> list[bytes]:
    """Slices of the household's and the chip's secrets, raw and as text."""
    keys = load_keys(chip)
    whole = [
        (chip / "keys" / HOUSEHOLD_KEY).read_bytes(),
        (chip / "keys" / METER_SALT).read_bytes(),
        keys.household._root,
        *(path.read_bytes()[KEYS_HEAD_BYTES:] for path in files_in(chip / "keys")),
        *(keys.keyring.of_year(year)._root for year in keys.keyring.years),
        *(pack_ternary(keys.keyring.of_year(year).seal.ternary) for year in keys.keyring.years),
        keys.signing_key.private_bytes_raw(),
        keys.tls_key.private_numbers().private_value.to_bytes(32, "big"),
    ]
    slices = [
        secret[at : at + SLICE_BYTES]
        for secret in whole
        for at in range(0, len(secret) - SLICE_BYTES + 1, SLICE_STEP)
    ]
    text = [s.hex().encode() for s in slices] + [base64.b64encode(s) for s in slices]
    return slices + text


def found(data: bytes, meter: Meter, secrets: list[bytes]) -> set[str]:
    """Which kinds of planted values are in `data`."""
    kinds = {"serial": [meter.serial], "prm": [meter.prm], "secret": secrets}
    hits = {kind for kind, values in kinds.items() if any(value in data for value in values)}
    return hits | ({"index"} if meter.numbers & set(NUMBER.findall(data)) else set())


def coefficients_of(store: SqliteStore, household_key: bytes) -> list[int]:
    """What the store holds of the billed days, number by number."""
    return [
        value
        for block in store.blocks_of_days(household_key, MONTH, END)
        for value in np.frombuffer(block.coefficients, "<u8").tolist()
    ]


def files_below(directory: Path, *folders: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for folder in folders
        for path in (directory / folder).rglob("*")
        if path.is_file()
    }


def program(log: Path, *arguments: str) -> subprocess.Popen:
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-c", AT_DEBUG, *arguments],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
        )


def say(process: subprocess.Popen, data: bytes) -> None:
    process.stdin.write(data)
    process.stdin.flush()


def finish(process: subprocess.Popen) -> int:
    """Wait for a program that ends by itself; returns how it ended."""
    process.stdin.close()
    return process.wait(20)


def end(process: subprocess.Popen) -> int:
    """Stop a program if it still runs; returns how it ended."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return finish(process)


def loud_broker(cloud: Path) -> Broker:
    """A broker that logs all it can."""
    make_cloud(cloud)
    broker = Broker(cloud)
    broker.configure()
    config = broker.directory / "mosquitto.conf"
    config.write_text(config.read_text().replace("log_type notice", "log_type all"))
    broker.start()
    return broker


def assert_the_search_finds_what_is_there(chip: Path, meter: Meter, secrets: list[bytes]) -> None:
    """At home the values lie in clear."""
    assert {"serial"} <= found((chip / "vault.db").read_bytes(), meter, secrets)
    assert found((chip / "keys" / HOUSEHOLD_KEY).read_bytes(), meter, secrets) == {"secret"}
    assert {"serial", "prm", "index"} <= found(meter.streams[0], meter, secrets)


@pytest.mark.usefixtures("mosquitto_available")
def test_nothing_of_a_household_is_in_clear_anywhere_but_at_home(tmp_path):
    meter = Meter()
    cloud, chip, provider_home = tmp_path / "cloud", tmp_path / "chip", tmp_path / "provider"
    logs = {name: tmp_path / f"{name}.log" for name in ("chip", "worker", "contracts", "figures")}
    provider.draw_key(provider_home)
    key = provider.load_key(provider_home)
    with ExitStack() as stack:
        broker = loud_broker(cloud)
        stack.callback(broker.kill)
        offer = provider.make_offer([demo_tariff(MONTH)], key, SealingKey.generate())
        identity = enrol_chip(cloud, chip, Took(offer, meter.serial.decode(), MONTH))
        (chip / "edge.toml").write_text("send_window_s = 0\n")
        monitor = stack.enter_context(Peer(broker.port, role_pass(cloud, "monitor").context()))
        monitor.subscribe(f"volet/v1/{COLLECTIVITY}/d/+/status")
        worker = program(logs["worker"], "cloud", "run", "--dir", str(cloud))
        stack.callback(end, worker)
        store = SqliteStore.open(cloud, is_checked=False)
        stack.callback(store.close)
        (contract,) = own_contracts(store, key)
        accept(store, key, contract.hash)
        request = request_statement(store, key, contract.hash, MONTH, END)
        runs = program(logs["chip"], "edge", "run", "--dir", str(chip), "--source", "-")
        stack.callback(end, runs)
        say(runs, meter.streams[0])
        wait_until(
            lambda: progress(store, request).state is RequestState.SEEN,
            "the chip to see its statement",
        )
        for name, command in (
            ("contracts", ("provider", "contracts", "--dir", provider_home, "--cloud", cloud)),
            ("figures", ("cloud", "status", "--json", "--dir", cloud)),
        ):
            assert finish(program(logs[name], *map(str, command))) == 0
        # What is sent while the worker is away is what a broker keeps on its disk.
        assert end(worker) == 0
        sent = broker.log.count(Kind.BLOCK)
        say(runs, meter.streams[1])
        wait_until(lambda: broker.log.count(Kind.BLOCK) > sent, "a block for nobody")
        broker.save()
        assert end(runs) == 0
        statuses = [payload for topic, payload in monitor.fence() if topic.endswith(Kind.STATUS)]
        values = coefficients_of(store, identity.household_key)
        broker.stop()

    secrets = secrets_of(chip)
    places = {
        **{name: path.read_bytes() for name, path in logs.items()},
        "broker's log": broker.log.encode(),
        "status": b"\n".join(statuses),
        **files_below(tmp_path, "cloud", "provider"),
        "request.json": (chip / "request.json").read_bytes(),
        "enrolment.json": (chip / "enrolment.json").read_bytes(),
    }
    assert identity.device.encode() in places["broker's log"]
    assert b"PUBLISH" in places["broker's log"]
    assert Kind.BLOCK.encode() in places["cloud/broker/data/mosquitto.db"]
    assert identity.household_key.hex().encode() in places["contracts"]
    assert b'"blocks":' in places["figures"]
    assert b"statements_computed" in places["worker"]
    assert b"session_began" in places["chip"]
    assert decode_status(statuses[-1]).state is State.DISCONNECTED
    leaks = {place: hits for place, data in places.items() if (hits := found(data, meter, secrets))}
    assert leaks == {}
    assert len(values) == 2 * 128
    assert sum(value < SMALL for value in values) < 3
    assert_the_search_finds_what_is_there(chip, meter, secrets)
