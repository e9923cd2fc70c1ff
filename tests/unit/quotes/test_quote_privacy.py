"""Asking says nothing: the same bytes whatever was drawn and whoever is cheapest, and then silence."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from cloud.catalogue.log import Publisher as ListPublisher
from cloud.catalogue.log import listed_in
from edge.chip.chip import ChipSettings
from edge.mqtt.message import Arrived, Publish
from edge.mqtt.moments import in_month
from edge.mqtt.outbox import OutboxSettings
from edge.quotes.asking import QuoteOptions, QuoteOrder, Quoting
from edge.quotes.comparing import QuestionState, compare
from protocol.calendar import legal_day
from protocol.quotes import QuoteRequest
from protocol.topics import Kind, device_topic, parse_device_topic
from tests.support.chip_bench import PLATFORM_KEY, Bench, BenchClock, instant, make_identity
from tests.support.chip_cloud import RealCloud
from tests.support.listing import Provider, register, register_line

START = instant(2026, 10, 4, 22)  # midnight in Paris
DAYS = 1
IDENTITY = make_identity()


class Home(Bench):
    """A household that draws in one register only, so that one of two offers is its best."""

    def __init__(self, folder, register: int, offers) -> None:
        folder.mkdir()
        (folder / "cloud").mkdir()
        self.order = None
        self.clock = BenchClock(START)
        cloud = RealCloud(IDENTITY, PLATFORM_KEY, folder / "cloud", lambda: self.clock.at)
        settings = ChipSettings(
            outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64),
            quotes=QuoteOptions(lambda: self.order, draw_id=lambda: bytes(16)),
        )
        super().__init__(folder / "chip", cloud, IDENTITY, START, settings=settings)
        self.meter.energy_wh = lambda number: 900 if number // 4 % 2 == register - 1 else 3
        self._offers = offers

    def live(self) -> None:
        """Let days pass, with a list of offers."""
        self.begin()
        self.run(96 * DAYS + 1)
        self.settle()
        listed = listed_in(self.cloud.store)
        for offer in self._offers:
            register(self.cloud.store, offer)
            listed.add(offer, legal_day(self.clock.at))
        publisher = ListPublisher(listed, IDENTITY.collectivity, PLATFORM_KEY)
        retained = {message.topic: message.payload for message in publisher.messages(0)[0]}
        for _ in range(2):  # the page first, then what it names
            for topic in self.chip.topics() & retained.keys():
                self.chip.take(Arrived(topic, retained[topic]))

    def ask(self) -> list[Publish]:
        """Ask, look at the quotes, and return all that leaves the chip from then on."""
        self.sent.clear()
        self.order = QuoteOrder(self.clock.at, self.clock.at)
        for minute in range(30):
            self.pump(rounds=2)
            self.clock.seconds += 61
            self.clock.at += timedelta(seconds=61)
            if minute % 10 == 0:
                self.compared()
        return list(self.sent)

    def compared(self):
        return compare(self.vault, self.identity, None, None)


@pytest.fixture
def homes(tmp_path):
    provider = Provider()
    offers = [
        provider.offer(
            provider.tariff(
                name=name,
                fixed=(),
                energy=(register_line((1,), low), register_line((2,), high)),
            ),
            product=name,
        )
        for name, low, high in (("day", "0.1", "0.3"), ("night", "0.3", "0.1"))
    ]
    made = [Home(tmp_path / str(register), register, offers) for register in (1, 2)]
    for home in made:
        home.live()
    yield made
    for home in made:
        home.kill()


def asked(home):
    """What left the chip, status aside: it is said hourly, and test_chip_messages holds it."""
    return [
        (each.topic, each.payload)
        for each in home.ask()
        if parse_device_topic(each.topic).kind is not Kind.STATUS
    ]


def test_what_leaves_the_chip_is_the_same_whatever_it_drew_and_whoever_wins(homes):
    first, second = (asked(home) for home in homes)
    assert [parse_device_topic(topic).kind for topic, _ in first] == [Kind.QUOTE]
    assert first == second
    winners = [home.compared().quotes.quotes[0].product for home in homes]
    assert winners == ["day", "night"]
    for home in homes:
        bill = home.compared().quotes.quotes[0].bill
        low, high = home.meter.registers_wh(START + timedelta(days=DAYS))
        kwh = [
            after // 1000 - before // 1000
            for after, before in zip((low, high), home.meter.base_wh, strict=True)
        ]
        assert [line.kwh for line in bill.lines] == kwh


class ToldWinner(Quoting):
    """Asks once more when it knows the cheapest offer, for that one only."""

    has_told = False

    def outgoing(self, now_s):
        out = super().outgoing(now_s)
        found = None if self._open or self.has_told else compare(self._vault, IDENTITY, None, None)
        if found is not None and found.quotes is not None:
            self.has_told = True
            winner = bytes.fromhex(found.quotes.quotes[0].offer)
            again = QuoteRequest(IDENTITY.household_key, bytes(16), 1, 2, winner)
            topic = device_topic(IDENTITY.collectivity, IDENTITY.device, Kind.QUOTE)
            out.append(Publish(topic, self._signer.seal(Kind.QUOTE, again)))
        return out


class NarrowPeriod(Quoting):
    """Asks for the days on which the household drew much."""

    def _question(self, row):
        question = super()._question(row)
        days = self._vault.day_rows(row.start, row.end)
        low, high = days[0].closed.register_steps_kwh[:2]
        start = question.start + (low > high)
        return QuoteRequest(question.household_key, question.id, start, question.end, question.head)


@pytest.mark.parametrize("sabotaged", [ToldWinner, NarrowPeriod])
def test_a_chip_that_lets_the_winner_or_its_consumption_show_is_noticed(homes, sabotaged):
    for home in homes:
        for each in home.chip._message_handlers._members:
            if isinstance(each, Quoting):
                each.__class__ = sabotaged
    first, second = (asked(home) for home in homes)
    assert first != second


def test_a_lost_answer_is_asked_for_again_with_the_same_question(homes):
    home = homes[0]
    losses = iter([True] * 2)
    home.drop = lambda message: (
        isinstance(message, Arrived) and "down/quote" in message.topic and next(losses, False)
    )
    sent = asked(home)
    assert len(sent) > 1
    assert len({payload for _, payload in sent}) == 1
    assert home.compared().state is QuestionState.READY


def test_an_answer_outlives_a_kill_and_a_second_order_is_a_new_question(homes):
    home = homes[0]
    assert home.compared().state is QuestionState.NOT_ASKED
    home.order = QuoteOrder(home.clock.at, home.clock.at)
    home.clock.seconds += 2
    home.chip.outgoing()
    assert home.compared().state is QuestionState.WAITING
    home.restart()
    assert asked(home)
    assert home.compared().state is QuestionState.READY
    total = home.compared().quotes.quotes[0].total_ttc
    assert total > Decimal(0)
    home.clock.at += timedelta(hours=1)
    assert len(asked(home)) == 1


# When the question leaves


def questions(home) -> int:
    return sum(parse_device_topic(each.topic).kind is Kind.QUOTE for each in home.sent)


def wait_until(home, at, step=timedelta(minutes=11)) -> None:
    """Let time pass up to the last step before `at`."""
    while home.clock.at + step < at:
        home.clock.at += step
        home.clock.seconds += step.total_seconds()
        home.pump(rounds=1)


def come_to(home, at) -> None:
    home.clock.at = max(home.clock.at, at)
    home.clock.seconds += 61
    home.pump(rounds=2)


def test_an_order_leaves_at_its_moment_and_names_that_day(homes):
    home = homes[0]
    home.sent.clear()
    leaves_at = home.clock.at + timedelta(hours=11)
    home.order = QuoteOrder(home.clock.at, leaves_at)
    wait_until(home, leaves_at)
    assert questions(home) == 0
    come_to(home, leaves_at)
    assert questions(home) == 1
    assert home.vault.catalogue.quotes()[0].end == legal_day(leaves_at)


@pytest.fixture
def monthly(tmp_path):
    """A household that orders nothing, whose chip asks by itself."""
    made = Home(tmp_path / "monthly", 1, [Provider().offer(product="one")])
    quotes = QuoteOptions(lambda: made.order, asks_monthly=True)
    made.settings = replace(made.settings, quotes=quotes)
    yield made
    made.kill()


def test_a_chip_asks_by_itself_once_a_month_at_the_households_moment(monthly):
    monthly.live()
    moments = [
        in_month(IDENTITY.household, date(2026, month, 1), "quotes") for month in (10, 11, 12)
    ]
    for number, moment in enumerate(moments):
        if moment > monthly.clock.at:
            wait_until(monthly, moment)
            assert questions(monthly) == number
            monthly.clock.at = moment + timedelta(minutes=1)
        monthly.kill()
        monthly.begin()
        for _ in range(3):
            monthly.clock.seconds += 61
            monthly.pump(rounds=2)
        assert questions(monthly) == number + 1
    asked_at = [row.asked_at for row in monthly.vault.catalogue.quotes()]
    assert sorted(asked_at) == moments


def test_an_order_changes_nothing_about_the_question_of_the_month(monthly):
    monthly.live()
    october, november = (
        in_month(IDENTITY.household, date(2026, month, 1), "quotes") for month in (10, 11)
    )
    wait_until(monthly, october)
    come_to(monthly, october)
    monthly.order = QuoteOrder(monthly.clock.at, monthly.clock.at)
    come_to(monthly, october)
    wait_until(monthly, november)
    come_to(monthly, november)
    assert november in {row.asked_at for row in monthly.vault.catalogue.quotes()}


def test_nothing_is_asked_before_a_day_is_closed(monthly):
    monthly.begin()
    come_to(monthly, in_month(IDENTITY.household, date(2026, 11, 1), "quotes"))
    assert monthly.vault.catalogue.quotes() == []
