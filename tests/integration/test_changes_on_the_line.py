"""A calendar that changes in silence, an hour of another meter: to a bill that equals the truth.

The real chip on a line of bytes, the real broker and worker, and the provider's statement.
"""

import json
from datetime import timedelta

import pytest

from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.tic.frame import Mode
from edge.tic.groups import encode_group
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start
from tests.integration.test_chip_process import metered_to
from tests.integration.test_moving_story import (
    PRM_1,
    Place,
    offer,  # noqa: F401 - a fixture
    open_store,
    volet,
    worker,  # noqa: F401 - a fixture
)
from tests.support.broker import wait_until
from tests.support.chip_town import MONTH
from tests.support.provider_side import accept, request_statement

DAYS = 5
CHANGED = MONTH + timedelta(days=2)
SECOND = timedelta(seconds=1)


class Line(Place):
    """A chip's line that can fall silent, show another calendar, or another meter."""

    def __init__(self, folder):
        super().__init__(folder, "home", 3, day_start(MONTH) - 8 * QUARTER_HOUR)
        curve = synthetic_curve(9, MONTH - timedelta(days=1), MONTH + timedelta(days=12))
        self.other = build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=11))
        self.source, self.calendar = self.home, "H PLEINE/CREUSE"

    def frame(self, at):
        frame = self.source.frame_at(at)
        ours = encode_group(Mode.STANDARD, "NGTF", f"{'H PLEINE/CREUSE':^16}")
        assert ours in frame
        return frame.replace(ours, encode_group(Mode.STANDARD, "NGTF", f"{self.calendar:^16}"))

    def send_until(self, end):
        """Send a frame a quarter-hour up to `end`, and a few at first that bear each other out."""
        for n in range(5):
            self.send(self.at + n * SECOND)
        while self.at + QUARTER_HOUR < end:
            self.at += QUARTER_HOUR
            self.send(self.at)
        self.at = end

    def send(self, at):
        self.link.send(self.frame(at))
        self.link.drain()


@pytest.fixture
def line(tmp_path):
    line = Line(tmp_path)
    yield line
    line.close()


def settle(line, broker, key, *periods):
    """Let the provider ask for statements of these periods; returns the bills as the chip sees them."""
    with open_store(broker) as store:
        (contract,) = store.contracts()
        for start, end in periods:
            request_statement(store, key, contract.hash, start, end)

    def bills():
        told = volet("edge", "bills", "--dir", line.directory, "--json", check=False)
        return json.loads(told)["bills"] if told.startswith("{") else []

    wait_until(lambda: len(bills()) == len(periods), f"the bills\n{line.program.log[-3000:]}")
    return {bill["start"]: bill for bill in bills()}


def live_on(line):
    """Send frames to the end of the period and a little on, until all has been closed."""
    line.send_until(day_start(MONTH + timedelta(days=DAYS)) + 4 * QUARTER_HOUR)
    last = MONTH + timedelta(days=DAYS - 1)
    wait_until(
        lambda: (metered_to(line.directory) or (MONTH, 0))[0] > last, line.program.log[-2000:]
    )


def begin(line, broker, offer):  # noqa: F811 - the fixture's value
    path, key = offer
    volet("edge", "init", "--dir", line.directory)
    line.enrol(broker.cloud, PRM_1, path)
    with open_store(broker) as store:
        (contract,) = store.contracts()
        accept(store, key, contract.hash)
    line.run()
    return key


def kwh_of(bill):
    """Return what the lines of registers 1 and 2 count; the excise counts both."""
    return [each["own_quantity"] for each in bill["opened"]][:2]


def risen(line, start, end):
    before, after = line.index_kwh(start), line.index_kwh(end)
    return [last - first for first, last in zip(before, after, strict=True)][:2]


@pytest.mark.usefixtures("worker")
def test_a_calendar_that_changes_in_silence_has_all_that_the_silence_counted(
    broker,
    line,
    offer,  # noqa: F811 - a fixture
):
    key = begin(line, broker, offer)
    line.calendar = "BASE"
    line.send_until(day_start(CHANGED) - 4 * QUARTER_HOUR)
    silent_from = line.at - QUARTER_HOUR
    line.calendar = "H PLEINE/CREUSE"
    line.at = day_start(CHANGED) + 32 * QUARTER_HOUR
    live_on(line)
    end = MONTH + timedelta(days=DAYS)
    bills = settle(line, broker, key, (MONTH, CHANGED), (CHANGED, end))
    refused, correct = bills[str(MONTH)], bills[str(CHANGED)]
    assert (refused["verdict"], refused["findings"]) == ("refused", ["calendar_differs"])
    assert correct["verdict"] == "correct", correct
    assert kwh_of(correct) == risen(line, silent_from, day_start(end))


@pytest.mark.usefixtures("worker")
@pytest.mark.long
def test_an_hour_of_another_meter_is_on_no_bill_and_the_own_one_is_whole(
    broker,
    line,
    offer,  # noqa: F811 - a fixture
):
    key = begin(line, broker, offer)
    line.send_until(day_start(CHANGED) + 48 * QUARTER_HOUR)
    line.source = line.other
    line.send_until(line.at + 4 * QUARTER_HOUR)
    wait_until(
        lambda: "other_meter" in noticed(line), f"the other meter\n{line.program.log[-2000:]}"
    )
    line.source = line.home
    live_on(line)
    end = MONTH + timedelta(days=DAYS)
    (bill,) = settle(line, broker, key, (MONTH, end)).values()
    assert bill["verdict"] == "correct", bill
    assert kwh_of(bill) == risen(line, day_start(MONTH), day_start(end))
    assert "other_meter_dropped" in noticed(line)
    assert line.other.meter_at(line.at).profile.serial not in line.program.log


def noticed(line):
    with read_vault(line.directory) as vault:
        return [str(notice.kind) for notice in vault.values.notices()]
