"""Quotes over the real broker and worker: asked by the command, answered encrypted, shown."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from edge.chip.chip import Chip, ChipSettings
from edge.commands.quotes import quotes as edge_quotes
from edge.mqtt.outbox import OutboxSettings
from edge.quotes.asking import ORDER, QuoteOptions
from edge.simulate.host import host_time_at
from protocol.calendar import QUARTER_HOUR, day_start, legal_day
from system.clock import SystemClock
from tests.integration.test_catalogue_broker import RunningChip, add, run, worker
from tests.support.broker import Took, enrol_chip
from tests.support.chip_bench import FRAMES_AT_START, SERIAL, BenchMeter
from tests.support.listing import Provider, Publisher, register_line

__all__ = ["worker"]

DAYS = 2


class MeteredChip(RunningChip):
    """A chip whose meter runs through two days as fast as it can."""

    def __init__(self, broker, directory, offer) -> None:
        today = legal_day(datetime.now(UTC))
        self.start = day_start(today - timedelta(days=DAYS))
        self.meter = BenchMeter(self.start)
        self.directory, self.heard = directory, []
        took = Took(offer, SERIAL, self.start.date())
        self.identity = enrol_chip(broker.cloud, directory, took)

    def __enter__(self):
        super().__enter__()
        self.chip = Chip(
            self.identity,
            self.vault,
            SystemClock(),
            ChipSettings(
                outbox=OutboxSettings(backlog_per_s=1_000.0, whole_pause_s=0.2),
                quotes=QuoteOptions(ORDER.watched(self.directory)),
            ),
        )
        return self

    def live(self) -> None:
        self.wait(lambda: self.vault.is_caught_up, "the cloud to say what it holds")
        for second in range(FRAMES_AT_START):
            at = self.start + timedelta(seconds=second)
            self.chip.observe(self.meter.frame(at), host_time_at(at))
        for number in range(1, 96 * DAYS + 2):
            at = self.start + number * QUARTER_HOUR
            self.chip.observe(self.meter.frame(at), host_time_at(at))
        self.wait(lambda: self.chip.is_drained, "everything to be stored")


@pytest.mark.usefixtures("worker")
def test_a_household_learns_which_offer_is_cheapest_over_the_real_broker(broker, tmp_path):
    provider, publisher = Provider(), Publisher()
    today = legal_day(datetime.now(UTC))
    year = today - timedelta(days=366), today + timedelta(days=2)
    own = provider.offer(product="own")
    cheap = provider.tariff(energy=(register_line((1, 2), "0.05"),), fixed=())
    night = provider.tariff(
        calendar="TEMPO",
        register_calendar=publisher.registers_by_calendar(),
        energy=(register_line((1,), "0.10"), register_line((2,), "0.30")),
    )
    spot = provider.tariff(energy=(publisher.market_line(),))
    documents = [
        *publisher.months("calendar", *year),
        *publisher.months("series", *year),
        own,
        provider.offer(cheap, product="<cheap>"),
        provider.offer(night, product="night"),
        provider.offer(spot, product="spot"),
    ]
    add(broker, tmp_path, *documents)
    with MeteredChip(broker, tmp_path / "chip", own) as chip:
        chip.live()
        shown = ("--dir", chip.directory)
        assert json.loads(run(edge_quotes, *shown, "--json"))["state"] == "not_asked"
        assert "at once" in run(edge_quotes, *shown, "--ask", "--now", "--lang", "en")
        chip.wait(
            lambda: any(row.answer for row in chip.vault.catalogue.quotes()), "the answer to come"
        )
        chip.wait(lambda: chip.catalogue.is_complete, "the documents to come")
        report = json.loads(run(edge_quotes, *shown, "--json"))
        picture = tmp_path / "offers.svg"
        english = run(edge_quotes, *shown, "--lang", "en", "--svg", picture)
        french = run(edge_quotes, *shown, "--lang", "fr")
    assert report["state"] == "ready"
    found = {quote["product"]: quote for quote in report["quotes"]["quotes"]}
    assert next(iter(found)) == "<cheap>"
    assert set(found) == {"own", "<cheap>", "night", "spot"}
    registers = zip(
        chip.meter.registers_wh(chip.start + timedelta(days=DAYS)), chip.meter.base_wh, strict=True
    )
    kwh = sum(after // 1000 - before // 1000 for after, before in registers)
    ttc = Decimal("0.05") * kwh
    assert abs(Decimal(found["<cheap>"]["total_ttc"]) - ttc * Decimal("1.2")) < Decimal("0.02")
    assert found["own"]["is_current"]
    assert found["night"]["basis"] == "estimate"
    assert "[your contract]" in english
    assert "[estimate]" in english
    assert "Compared over 2 days only" in english
    assert "estimation" in french
    assert re.search(r"\d+,\d\d\s€", french)
    bars = ET.fromstring(picture.read_text()).findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 4
