"""The engine over pages and envelopes: any page may be lost or doubled, any step may be the last."""

import random
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cloud.release import engine as engine_module
from cloud.release.asking import ASK_AGAIN
from cloud.release.composing import compose_again
from cloud.release.engine import ReleaseEngine
from cloud.release.opening import WITNESS_WAIT, asked
from cloud.release.pages import request_pages
from cloud.store.area import FigureStage
from protocol.area_messages import AreaAck
from protocol.calendar import day_of_number
from protocol.envelope import Address, open_message
from protocol.errors import CipherError, MessageRefused, Reason
from protocol.release import TableRelease, decode, encode
from protocol.topics import parse_device_topic
from protocol.trustee_messages import (
    PAGE_BYTES,
    AnswerPage,
    Known,
    Refused,
    SetRequest,
    sign_request,
)
from tests.support.area_release import COLLECTIVITY, DAY, FarTrustee, SmallArea


class Town:
    """An engine and trustees, without a broker between them."""

    def __init__(self, area: SmallArea, away=()):
        self.area = area
        self.trustees = [FarTrustee(area, number) for number in range(4)]
        self.away = set(away)
        self.published = []
        self.to_chips = []
        self.now = area.after()
        self.now_s = 0.0
        self.start()

    def start(self):
        self.engine = ReleaseEngine(self.area.store, COLLECTIVITY, self.area.platform)

    def step(self):
        for message in self.engine.step(self.now):
            (self.published if "/area/" in message.topic else self.to_chips).append(message)

    def carry(self, loses=lambda: False):
        for message in list(self.engine.requests(self.now_s)):
            name = message.topic.split("/")[-2]
            trustee = next(each for each in self.trustees if each.name == name)
            if trustee.fake.number in self.away or loses():
                continue
            for payload in trustee.take(message.payload):
                if not loses():
                    self.engine.take(name, payload)
        self.now_s += ASK_AGAIN.cap_s

    def everything(self, trustee):
        """Return what a trustee is sent that knows nothing and was asked nothing."""
        self.step()
        known = Known(0, bytes(32), (), 0, bytes(32), is_ready=True)
        self.engine.take(trustee.name, trustee.seal(known))
        return [each for each in self.engine.requests(0.0) if trustee.name in each.topic]

    def run(self, rounds=60, **options):
        for _ in range(rounds):
            self.step()
            if self.engine.is_idle():
                return self.area.store.figure(self.area.key())
            self.carry(**options)
        raise AssertionError("no end")


def test_a_figure_is_published_with_its_terms():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    figure = town.run()
    assert figure.stage is FigureStage.RELEASED
    assert [message.topic for message in town.published] == [
        "volet/v1/test-city/area/classes/dep-75"
    ]
    assert town.published[0].retain
    release = decode(town.published[0].payload)
    assert isinstance(release, TableRelease)
    assert (release.terms.households, release.terms.roster, release.terms.coverage) == (120, 120, 1)
    assert (release.terms.epsilon, release.terms.delta, release.terms.crowd) == (2.0, 1e-6, 84)
    plain = area.plain_sum(area.members)
    assert release.values[0].value == pytest.approx(plain[0] / 2**16 / 1e-4, abs=1e-3)
    assert release.values[16].unit == "cent"
    assert town.area.store.figure(area.key()).release == town.published[0].payload


def test_a_release_is_the_same_bit_for_bit_from_the_store():
    area = SmallArea()
    area.contribute_all()
    figure = Town(area).run()
    assert encode(compose_again(area.store, area.roster, figure)) == figure.release


def test_who_was_left_out_is_told():
    area = SmallArea()
    wrong = area.members[2]
    area.contribute(wrong, seeds=(bytes(32),) * 6)
    area.contribute_all()
    town = Town(area)
    town.run()
    assert [m.topic for m in town.to_chips] == [f"volet/v1/test-city/d/{wrong.device}/down/area"]


def test_a_trustee_that_lost_all_seeds_is_ignored_and_chips_are_told_once_a_week():
    area = SmallArea()
    town = Town(area)
    town.trustees[0].fake.unknown |= {member.entry for member in area.members}
    told = {}
    for day in range(DAY, DAY + 9):
        area.contribute_all(day)
        town.now = area.after(day)
        town.to_chips.clear()
        town.run()
        figure = area.store.figure(area.key(day))
        told[day - DAY] = {_opened(area, each) for each in town.to_chips}
        assert figure.stage is FigureStage.RELEASED
        assert not figure.left_out
    acks = {AreaAck(each.household_key, (), (), lacks_seeds=True) for each in area.members}
    assert {day for day, each in told.items() if each} == {0, 7}
    assert told[0] == told[7] == acks


def _opened(area, message):
    topic = parse_device_topic(message.topic)
    address = Address(topic.collectivity, topic.device, topic.kind)
    return open_message(address, message.payload, area.platform.public_key(), AreaAck)


def test_who_was_left_out_before_anybody_was_asked_is_told():
    area = SmallArea()
    area.contribute_all()
    moved = area.members[0]
    area.join(0, cell=None, start=DAY)
    town = Town(area)
    town.run()
    assert [m.topic for m in town.to_chips] == [f"volet/v1/test-city/d/{moved.device}/down/area"]


def test_pages_that_are_lost_are_sent_again():
    area = SmallArea()
    area.contribute_all()
    dice = random.Random(3)
    assert Town(area).run(loses=lambda: dice.random() < 0.4).stage is FigureStage.RELEASED


def test_killed_before_every_step_it_asks_for_the_same_bytes():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    for _ in range(40):
        town.start()
        town.step()
        town.start()
        town.step()  # nothing was kept in memory; only what is stored goes on
        town.carry()
        town.step()
        if town.engine.is_idle():
            break
    assert area.store.figure(area.key()).stage is FigureStage.RELEASED
    for trustee in town.trustees[:3]:
        assert len(trustee.asked) == 2  # one set checked, one summed, however often asked


@pytest.mark.parametrize("error", [ZeroDivisionError, CipherError], ids=lambda e: e.__name__)
@pytest.mark.parametrize("broken", ["close", "compose"])
def test_a_figure_that_brings_a_defect_to_light_rests_until_the_next_start(
    monkeypatch, broken, error
):
    area = SmallArea()
    area.contribute_all()
    town = Town(area)

    def defect(*_):
        raise error

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(engine_module, broken, defect)
        for _ in range(5):
            town.step()
            town.carry()
        assert town.engine.is_idle()
        town.start()  # a restart tries it once more, and goes on
        for _ in range(5):
            town.step()
            town.carry()
    (first, again) = [each for each in logs if each["event"] == "figure_set_aside"]
    assert (first["code"], first["day"], first["defect"]) == (
        area.key().group,
        str(day_of_number(DAY)),
        error.__name__,
    )
    assert {**again, "where": ""} == {**first, "where": ""}
    assert not town.published
    town.start()
    assert town.run().stage is FigureStage.RELEASED


def test_killed_between_store_and_publication_the_release_is_published_again():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    figure = town.run()
    town.published.clear()
    town.start()
    assert [message.payload for message in town.engine.published(area.after())] == [figure.release]


def test_nothing_is_opened_while_two_are_away():
    area = SmallArea()
    area.contribute_all()
    town = Town(area, away=(2, 3))
    with pytest.raises(AssertionError, match="no end"):
        town.run(rounds=8)
    town.away = set()  # weeks later
    assert town.run().stage is FigureStage.RELEASED


def test_without_a_witness_a_figure_waits_a_week_and_is_marked():
    area = SmallArea()
    area.contribute_all()
    town = Town(area, away=(3,))
    with pytest.raises(AssertionError, match="no end"):
        town.run(rounds=8)
    town.now += WITNESS_WAIT - timedelta(seconds=1)
    with pytest.raises(AssertionError, match="no end"):
        town.run(rounds=8)
    town.now += timedelta(seconds=1)
    figure = town.run()
    assert not decode(figure.release).terms.is_witnessed
    assert figure.detail == (
        "Not witnessed: nobody else gave some of the masks of trustee-a, trustee-b, trustee-c."
    )
    assert encode(compose_again(area.store, area.roster, figure)) == figure.release


def test_a_witness_that_comes_back_within_the_week_ends_the_wait():
    area = SmallArea()
    area.contribute_all()
    town = Town(area, away=(3,))
    with pytest.raises(AssertionError, match="no end"):
        town.run(rounds=8)
    town.away = set()
    assert decode(town.run().release).terms.is_witnessed


def test_refusals_for_good_end_a_figure_and_say_why():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    for trustee in town.trustees[:2]:
        trustee.refuses = Reason.ANSWERED
    figure = town.run()
    assert figure.stage is FigureStage.DISCARDED
    assert "trustee-a: answered_already (not today)" in figure.detail
    assert not town.published


def test_a_refusal_for_now_is_asked_again():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    town.trustees[0].refuses = Reason.NOT_READY
    with pytest.raises(AssertionError, match="no end"):
        town.run(rounds=5)
    assert town.trustees[0].asked
    town.trustees[0].refuses = None
    assert town.run().stage is FigureStage.RELEASED


def test_a_trustee_is_taught_what_it_lacks_once():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    town.step()
    trustee = town.trustees[0]
    for answered in range(3):  # its log grows while the pages are on their way
        known = Known(20, bytes(32), (area.document.trustees,), answered, bytes(32), is_ready=True)
        town.engine.take(trustee.name, trustee.seal(known))
        town.now_s = float(answered)
        town.carry()
    names = [type(page).__name__ for page in trustee.taught]
    assert names == ["CosignedPage", "RosterPage"]
    assert trustee.taught[0].hash == area.measures
    assert (trustee.taught[1].first, len(trustee.taught[1].entries)) == (20, 100)
    area.join(500)
    town.step()
    town.carry()
    assert len(trustee.taught[-1].entries) == 101


def test_nobody_else_speaks_for_a_trustee():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    town.step()
    one, other = town.trustees[:2]
    message = one.seal(Refused(bytes(32), Reason.ANSWERED, ""))
    with pytest.raises(MessageRefused):
        town.engine.take(other.name, message)
    with pytest.raises(MessageRefused):
        town.engine.take("trustee-unknown", message)


def test_requests_of_many_households_come_in_pages():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    town.step()
    sizes = [len(message.payload) for message in town.engine.requests(0.0)]
    assert max(sizes) < 64 * 1024
    request = SetRequest(
        "check", bytes(32), "m", "g", DAY, 8, bytes(32), bytes(1), bytes(PAGE_BYTES)
    )
    signed = sign_request(request, COLLECTIVITY, area.platform)
    assert len(request_pages(signed)) == 2


def test_a_trustee_that_reports_something_new_each_second_is_not_sent_all_again_each_time():
    area = SmallArea()
    area.contribute_all()
    town = Town(area, away=(0, 1, 2, 3))
    town.step()
    liar = town.trustees[0]
    sent = 0
    for second in range(60):
        known = Known(second % 2, bytes(32), (), second, bytes(32), is_ready=True)
        town.engine.take(liar.name, liar.seal(known))
        messages = list(town.engine.requests(float(second)))
        sent += sum(len(message.payload) for message in messages if liar.name in message.topic)
    once = sum(len(message.payload) for message in Town(area, away=()).everything(liar))
    assert sent <= 7 * once


def test_pages_beyond_the_longest_answer_are_not_kept():
    area = SmallArea()
    area.contribute_all()
    town = Town(area)
    town.step()
    liar = town.trustees[0]
    (figure,) = area.store.unfinished()
    request = asked(figure)
    page = AnswerPage(request.id, 0, 4_000, bytes(PAGE_BYTES))
    with pytest.raises(MessageRefused, match="more pages"):
        town.engine.take(liar.name, liar.seal(page))
    assert town.run().stage is FigureStage.RELEASED
