"""Bills after a clock that was wrong: a real chip, broker and worker, and a provider that asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest

from cloud.store.sqlite.store import SqliteStore
from edge.bills.judgement import Verdict
from edge.bills.verifier import read_judgement
from edge.chip.agent import chip_settings
from edge.chip.chip import Chip
from edge.chip.config import EdgeConfig
from edge.contracts.agreement import load_agreement
from edge.mqtt.outbox import OutboxSettings
from edge.tic.frame import Frame, InformationGroup, Mode
from protocol.bill import price_bill, register_energies
from protocol.calendar import QUARTER_HOUR, day_start
from provider import service as provider
from system.clock import HostTime, SystemClock
from tests.integration.test_catalogue_broker import RunningChip, worker
from tests.support.broker import Took, enrol_chip
from tests.support.chip_bench import FRAMES_AT_START, SERIAL, BenchMeter
from tests.support.chip_town import MONTH
from tests.support.provider_side import accept, own_contracts, request_statement
from tests.support.tariffs import simple_tariff

__all__ = ["worker"]

DAYS = 3
END = MONTH + timedelta(days=DAYS)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)
WRONG_AT = day_start(MONTH) + DAY + 10 * HOUR


@dataclass
class Clocks:
    """What the clocks of meter and host say beside the true time."""

    meter_off: timedelta = timedelta()
    host_off: timedelta = timedelta()
    is_degraded: bool = False
    is_synchronised: bool = True
    boot: str = "first"


class TimedChip(RunningChip):
    """A chip with a contract, in either mode, whose meter runs as fast as it can."""

    def __init__(self, broker, directory, offer, mode: Mode) -> None:
        self.directory, self.heard, self.mode = directory, [], mode
        self.at = day_start(MONTH) - QUARTER_HOUR
        self.meter = BenchMeter(self.at)
        self.clocks = Clocks()
        self.identity = enrol_chip(broker.cloud, directory, Took(offer, SERIAL, MONTH))

    def __enter__(self):
        super().__enter__()
        sending = OutboxSettings(
            backlog_per_s=1_000.0, ack_timeout_s=1.0, ack_timeout_max_s=2.0, whole_pause_s=0.2
        )
        config = EdgeConfig(send_window_s=0, sending=sending)
        settings = chip_settings(self.directory, config, load_agreement(self.directory))
        self.chip = Chip(self.identity, self.vault, SystemClock(), settings)
        return self

    def reboot(self) -> None:
        """Start the machine again, with no clock but the host's wrong one."""
        self.__exit__()
        self.__enter__()
        self.clocks = Clocks(host_off=5 * DAY, is_synchronised=False, boot="second")

    def live(self, until, step: timedelta = QUARTER_HOUR) -> None:
        """Let the meter send a frame after each step."""
        while self.at < until:
            self.at = min(self.at + step, until)
            self.see()

    def see(self) -> None:
        clocks = self.clocks
        host = HostTime(
            self.at + clocks.host_off,
            is_synchronised=clocks.is_synchronised,
            monotonic_s=self.at.timestamp(),
            boot=clocks.boot,
        )
        self.chip.observe(self._frame(), host)
        self.turn()

    def _frame(self) -> Frame:
        frame = self.meter.frame(self.at)
        shown = self.at + self.clocks.meter_off
        groups = frame.groups | {
            "DATE": InformationGroup("", at=shown, is_clock_degraded=self.clocks.is_degraded)
        }
        if self.mode is Mode.HISTORIQUE:
            low_wh, high_wh = self.meter.registers_wh(self.at)
            registers = {
                "HCHC": InformationGroup(f"{low_wh:09}"),
                "HCHP": InformationGroup(f"{high_wh:09}"),
            }
            groups = {
                "ADCO": InformationGroup(SERIAL),
                "OPTARIF": InformationGroup("HC.."),
            } | registers
        return msgspec.structs.replace(frame, mode=self.mode, groups=groups)


def an_unsure_meter_is_ahead_for_ten_seconds(chip: TimedChip) -> None:
    chip.clocks = Clocks(meter_off=5 * DAY, is_degraded=True)
    chip.live(chip.at + 10 * SECOND, SECOND)
    chip.clocks = Clocks()


def a_sure_meter_is_ahead_for_two_minutes(chip: TimedChip) -> None:
    chip.clocks = Clocks(meter_off=5 * DAY, is_synchronised=False)
    chip.live(chip.at + 2 * MINUTE, SECOND)
    chip.clocks = Clocks(is_synchronised=False)
    chip.live(chip.at + 5 * MINUTE, SECOND)


def the_host_is_ahead_after_a_boot(chip: TimedChip) -> None:
    chip.reboot()
    chip.live(chip.at + 2 * HOUR, MINUTE)
    chip.clocks = Clocks(boot="second")


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("mode", "go_wrong"),
    [
        (Mode.STANDARD, an_unsure_meter_is_ahead_for_ten_seconds),
        (Mode.STANDARD, a_sure_meter_is_ahead_for_two_minutes),
        (Mode.HISTORIQUE, the_host_is_ahead_after_a_boot),
    ],
)
def test_a_bill_over_days_with_a_wrong_clock_is_what_the_meter_counted(
    broker, tmp_path, mode: Mode, go_wrong: Callable[[TimedChip], None]
):
    provider.draw_key(tmp_path / "provider")
    key = provider.load_key(tmp_path / "provider")
    sealing = provider.load_sealing_key(tmp_path / "provider")
    calendar = "HC" if mode is Mode.HISTORIQUE else "H PLEINE/CREUSE"
    tariff = simple_tariff(valid_from=MONTH, calendar=calendar)
    offer = provider.make_offer([tariff], key, sealing)
    store = SqliteStore.open(broker.cloud, is_checked=False)
    try:
        with TimedChip(broker, tmp_path / "chip", offer, mode) as chip:
            (contract,) = own_contracts(store, key)
            accept(store, key, contract.hash)
            chip.wait(lambda: chip.vault.is_caught_up, "the cloud to say what it holds")
            chip.live(chip.at + FRAMES_AT_START * SECOND, SECOND)
            chip.live(day_start(MONTH))
            chip.live(WRONG_AT)
            go_wrong(chip)
            chip.live(chip.at + 3 * SECOND, SECOND)
            chip.live(chip.at + QUARTER_HOUR - (chip.at - day_start(MONTH)) % QUARTER_HOUR)
            chip.live(day_start(END))
            chip.live(day_start(END) + QUARTER_HOUR)
            chip.wait(lambda: chip.chip.is_drained, "everything to be stored")
            request_statement(store, key, contract.hash, MONTH, END)
            chip.wait(lambda: [*chip.vault.statements()], "the statement to come")
            chip.wait(lambda: chip.vault.statements()[0].verdict, "the statement to be judged")
            judged = read_judgement(chip.vault.statements()[0])
    finally:
        store.close()
    begun, ended = (chip.meter.registers_wh(day_start(day)) for day in (MONTH, END))
    steps_kwh = [
        after // 1_000 - before // 1_000 for after, before in zip(ended, begun, strict=True)
    ]
    days = [MONTH + n * DAY for n in range(DAYS)]
    energies = register_energies(0, tariff, days, [*steps_kwh, *[0] * 8])
    assert judged.verdict is Verdict.CORRECT
    assert not judged.findings
    assert judged.bill == price_bill([tariff], MONTH, END, energies)
