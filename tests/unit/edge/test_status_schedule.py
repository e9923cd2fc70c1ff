"""When a chip speaks of itself: seldom, late, and whatever happens."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.status.schedule import (
    DELAY_S,
    LONGEST_S,
    MESSAGES_A_DAY,
    Facts,
    PublishedStatus,
    Schedule,
)
from protocol.calendar import day_number, legal_day
from protocol.status import State

START = datetime(2026, 3, 27, 9, tzinfo=UTC)  # the clock is put forward two nights later
STATES = (State.INIT, State.READY, State.ALERT)
STEP_S = 60


def facts(state=State.READY):
    return Facts(state, "standard", "0.1.0", None)


class World:
    """A chip's schedule and all that can happen to it; a step is a minute."""

    def __init__(self, seed=0):
        self.rng = random.Random(seed)
        self.schedule = Schedule(None, self.rng)
        self.now, self.now_s = START, 0.0
        self.state = State.INIT
        self.seen = State.INIT
        self.since_s = 0.0
        self.is_up = True
        self.differs_s = self.longest_s = 0.0  # what was told differed so long, and at most
        self.sent = []  # (instant, told facts, seconds for which they have been true)

    def restart(self):
        self.schedule = Schedule(self.schedule.published, self.rng)
        self.now_s = self.since_s = 0.0  # another process, which knows nothing of before

    def turn(self, state):
        self.state = state

    def wait(self, minutes):
        for _ in range(minutes):
            self.now += timedelta(seconds=STEP_S)
            self.now_s += STEP_S
            if self.state is not self.seen:  # what nobody looked at did not happen
                self.seen, self.since_s = self.state, self.now_s
            before = self.schedule.published
            is_told = before is None or before.facts == facts(self.state)
            self.differs_s = 0.0 if is_told else self.differs_s + STEP_S
            self.longest_s = max(self.longest_s, self.differs_s)
            told = self.schedule.step(facts(self.state), self.now, self.now_s, may_send=self.is_up)
            if told is not None:
                is_change = before is not None and before.facts != told.facts
                is_change &= before is None or self.now < before.daily_at
                self.sent.append((self.now, told.facts, is_change, self.now_s - self.since_s))

    def stop(self):
        told = self.schedule.goodbye(self.now)
        if told is not None:
            self.sent.append((self.now, told.facts, False, 0.0))


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("turn"), st.sampled_from(STATES)),
        st.tuples(st.just("wait"), st.integers(1, 90)),
        st.tuples(st.just("wait"), st.integers(600, 1_500)),
        st.tuples(st.sampled_from(("restart", "stop", "link", "lost", "early")), st.none()),
    ),
    max_size=60,
)


def play(world, events):
    for what, value in events:
        match what:
            case "turn":
                world.turn(value)
            case "wait":
                world.wait(value)
            case "restart":
                world.restart()
            case "stop":
                world.stop()
                world.restart()
            case "link":
                world.is_up = not world.is_up
            case "lost":
                world.schedule.shown(State.LOST)
            case "early":
                world.schedule.shown(State.LOST, is_early=True)


@settings(max_examples=150)
@given(EVENTS, st.integers(0, 2**32))
def test_whatever_happens_no_day_has_more_messages_than_agreed(events, seed):
    world = World(seed)
    play(world, events)
    days = [legal_day(at) for at, *_ in world.sent]
    assert all(days.count(day) <= MESSAGES_A_DAY for day in set(days))


@settings(max_examples=150)
@given(EVENTS, st.integers(0, 2**32))
def test_whatever_happens_a_change_is_told_only_when_it_has_lasted_its_delay(events, seed):
    world = World(seed)
    play(world, events)
    for _, _, is_change, true_s in world.sent:
        assert not is_change or true_s >= DELAY_S[0] or world.longest_s >= LONGEST_S[0]


@settings(max_examples=60)
@given(st.sampled_from(STATES), st.integers(0, 2**32))
def test_a_state_that_stays_is_told_within_twenty_minutes(state, seed):
    world = World(seed)
    world.wait(1)
    assert [each.state for _, each, *_ in world.sent] == [State.INIT]
    world.turn(state)
    world.wait(21)
    assert world.schedule.published.facts.state is state


def test_a_quiet_chip_speaks_once_a_day_at_another_minute_each_day():
    world = World()
    world.wait(30 * 24 * 60)
    first, *daily = [at for at, *_ in world.sent]
    assert first == START + timedelta(seconds=STEP_S)
    assert 29 <= len(daily) <= 30
    assert len({legal_day(at) for at in daily}) == len(daily)
    assert len({(at.hour, at.minute) for at in daily}) > 20


def test_a_change_that_is_taken_back_is_never_told():
    world = World()
    world.state = State.READY
    world.wait(1)
    for _ in range(20):
        world.turn(State.ALERT)
        world.wait(9)
        world.turn(State.READY)
        world.wait(9)
    assert [each.state for _, each, *_ in world.sent] == [State.READY]


@pytest.mark.parametrize("seed", range(10))
def test_a_change_that_turns_into_another_waits_anew(seed):
    world = World(seed)
    world.state = State.READY
    world.wait(1)
    for state in (State.ALERT, State.INIT) * 2:
        world.turn(state)
        world.wait(9)
    assert len(world.sent) == 1


@pytest.mark.parametrize("told", [State.LOST, State.INIT, State.READY, State.DISCONNECTED])
@pytest.mark.parametrize("minutes", [1, 5, 9])
def test_a_flickering_line_silences_nobody(told, minutes):
    """Also a chip that the broker has called lost, whose facts are never those that were told."""
    now, rng = START, random.Random(minutes)
    today = day_number(legal_day(now))
    schedule = Schedule(PublishedStatus(facts(told), today, 1, now + timedelta(hours=9)), rng)
    sent = []
    for minute in range(7 * 24 * 60):
        state = State.READY if minute // minutes % 2 else State.ALERT
        at = now + timedelta(minutes=minute)
        if schedule.step(facts(state), at, 60.0 * minute, may_send=True):
            sent.append((minute, legal_day(at)))
    days = [day for _, day in sent]
    assert len(set(days)) >= 7
    assert max(days.count(day) for day in days) <= MESSAGES_A_DAY
    if told not in {State.READY, State.ALERT}:
        assert sent[0][0] * 60 <= LONGEST_S[1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("behind", [timedelta(hours=24), timedelta(days=20_000)])
def test_power_that_returns_is_not_told_however_the_clock_begins(seed, behind):
    """A host without a clock of its own begins where it stopped, or in 1970, until it is set."""
    back = datetime(2026, 11, 3, 7, tzinfo=UTC)
    day, daily_at = day_number(legal_day(back)), back - timedelta(hours=2)
    schedule = Schedule(PublishedStatus(facts(), day - 1, 1, daily_at), random.Random(seed))
    for second in range(600):
        now = back + timedelta(seconds=second) - (behind if second < 20 else timedelta())
        state = State.INIT if second < 25 else State.READY
        assert not schedule.step(facts(state), now, float(second), may_send=second >= 22)


def test_starts_with_a_wrong_clock_say_nothing_either():
    told = PublishedStatus(facts(), day_number(legal_day(START)), 1, START + timedelta(hours=20))
    for start in range(5):
        schedule = Schedule(told, random.Random(start))
        for second in range(3_000):
            begun = START + timedelta(hours=start)
            now = datetime(1970, 1, 1, tzinfo=UTC) if second < 20 else begun
            now += timedelta(seconds=second)
            assert not schedule.step(facts(), now, float(second), may_send=second >= 22)
        told = schedule.published


def test_starts_alone_say_nothing_however_many_there_are():
    world = World()
    world.state = State.READY
    world.wait(1)
    for _ in range(200):
        world.restart()
        world.wait(1)
    assert len(world.sent) == 1


def test_stops_leave_a_message_for_the_return():
    world = World()
    world.state = State.READY
    world.wait(1)
    for _ in range(20):
        world.stop()
        world.restart()
        world.wait(21)
    assert len(world.sent) == MESSAGES_A_DAY - 1
    assert world.sent[-1][1].state is State.READY


def test_a_chip_that_the_broker_has_called_lost_says_that_it_is_back():
    world = World()
    world.state = State.READY
    world.wait(1)
    world.schedule.shown(State.LOST)
    world.wait(9)
    assert len(world.sent) == 1
    world.wait(12)
    assert [each.state for _, each, *_ in world.sent] == [State.READY] * 2


def test_a_will_that_came_early_is_replaced_at_once_and_by_nothing_new():
    world = World()
    world.state = State.READY
    world.wait(1)
    world.turn(State.ALERT)
    world.wait(1)
    world.schedule.shown(State.LOST, is_early=True)
    world.wait(1)
    assert [each.state for _, each, *_ in world.sent] == [State.READY] * 2
    world.wait(20)
    assert [each.state for _, each, *_ in world.sent] == [State.READY, State.READY, State.ALERT]


def test_an_early_will_that_no_longer_stands_is_not_replaced():
    world = World()
    world.state = State.READY
    world.wait(1)
    world.is_up = False
    world.schedule.shown(State.LOST, is_early=True)
    world.wait(1)
    world.schedule.shown(State.READY)
    world.is_up = True
    world.wait(30)
    assert len(world.sent) == 1


def test_early_wills_without_end_get_the_days_messages_and_the_next_days():
    world = World()
    world.state = State.READY
    for _ in range(36):
        world.wait(60)
        world.schedule.shown(State.LOST, is_early=True)
    days = [legal_day(at) for at, *_ in world.sent]
    assert [days.count(day) for day in sorted(set(days))] == [MESSAGES_A_DAY] * 2


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_was_wrong_silences_nobody(years):
    world = World()
    world.wait(1)
    world.now += timedelta(days=365 * years)
    world.turn(State.READY)
    world.wait(3 * 24 * 60)
    assert world.schedule.published.facts.state is State.READY
    world.now -= timedelta(days=365 * years)
    before = len(world.sent)
    world.turn(State.ALERT)
    world.wait(4 * 24 * 60)
    assert len(world.sent) >= before + 3


def test_nothing_is_told_without_a_session_and_the_state_of_then_with_one():
    world = World()
    world.is_up = False
    world.wait(3_000)
    assert world.sent == []
    world.turn(State.READY)
    world.is_up = True
    world.wait(1)
    assert [each.state for _, each, *_ in world.sent] == [State.READY]
