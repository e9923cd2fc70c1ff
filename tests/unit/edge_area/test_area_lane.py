"""A chip in an area: one draw a day, paid for, sent until stored, or deleted."""

from datetime import date, timedelta

import numpy as np
import pytest

from edge.area.settings import AreaConfig
from edge.vault.area import AreaState
from edge.vault.vault import Vault
from protocol.area_messages import AreaAck
from protocol.calendar import day_number, days_between, legal_day, quarter_hours
from protocol.errors import BoundExceeded, Reason, StoreError
from protocol.socio import Profile
from protocol.topics import Kind, parse_device_topic
from tests.support.chip_area import ROWS, area_bench
from tests.support.chip_bench import instant

START = instant(2026, 3, 26, 22)  # the 29th has 92 quarter-hours
FIRST = date(2026, 3, 27)


def make_bench(tmp_path, start=START, **options):
    return area_bench(tmp_path, start, **options)


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    yield made
    made.kill()


def days_of(start, count):
    return [day_number(start + timedelta(days=n)) for n in range(count)]


def sent(bench, kind):
    return [each for each in bench.sent if parse_device_topic(each.topic).kind is kind]


def test_each_whole_day_is_contributed_once_and_paid_for(bench):
    bench.begin()
    bench.run(4 * 24 * 5)
    days = days_between(FIRST, legal_day(bench.clock.at))
    assert sorted(bench.cloud.contributions) == [day_number(day) for day in days]
    assert quarter_hours(days[2]) == 92
    measures = bench.cloud.measures
    slots = {"curve": ROWS + 1, "classes": 19, "profile": 31}
    # Four days a year have a part for the profile, disclosed or not.
    parts = {day: list(slots)[: 3 if number < 4 else 2] for number, day in enumerate(days)}
    for day in days:
        opened = bench.cloud.opened(day)
        assert {name: len(opened[name]) for name in opened} == {
            name: slots[name] for name in parts[day]
        }
        assert all(values[-1] == 1 for values in opened.values())
        for name, values in opened.items():
            measure = measures.measure(name)
            std = measures.noise_units(measure.shares.profile, measure.groups[0])
            assert np.abs(values[:-1]).max() < measures.grid + 8 * std
    spends = bench.vault.area.spends(0)
    assert {(each.day, each.measure) for each in spends} == {
        (day_number(day), name) for day, names in parts.items() for name in names
    }
    states = bench.vault.area.states(0)
    assert {state for _, state, _ in states} == {AreaState.STORED}
    assert bench.vault.area.payload(states[0][0]) is None


def test_a_day_of_an_hour_more_is_contributed(tmp_path):
    bench = make_bench(tmp_path, instant(2026, 10, 24, 21))
    bench.begin()
    bench.run(4 * 24 * 2)
    assert day_number(date(2026, 10, 25)) in bench.cloud.contributions
    bench.kill()


def test_nothing_is_contributed_before_the_trustees_are_confirmed(tmp_path):
    bench = make_bench(tmp_path, is_confirmed=False)
    bench.begin()
    bench.run(4 * 24 * 2)
    assert not sent(bench, Kind.AREA)
    assert not sent(bench, Kind.KEY)
    assert not bench.vault.area.spends(0)
    assert [row.hash for row in bench.vault.area.documents()] == [bench.cloud.signed_set.hash]
    assert len(bench.cloud.blocks) > 0  # bills go on
    bench.box.set(trustees=bench.cloud.signed_set.hash.hex())
    bench.run(4 * 24)
    assert len(bench.cloud.contributions) == 2  # the day of the confirmation and the next one
    bench.kill()


def test_switched_off_it_sends_nothing_and_deletes_what_was_waiting(bench):
    bench.cloud.is_silent = True
    bench.begin()
    bench.run(4 * 27)
    assert [state for _, state, _ in bench.vault.area.states(0)] == [AreaState.UNSENT]
    count = len(sent(bench, Kind.AREA))
    bench.box.set(is_on=False)
    bench.run(4 * 24)
    assert len(sent(bench, Kind.AREA)) == count
    assert bench.vault.area.states(0) == [(day_number(FIRST), AreaState.MISSED, "switched_off")]
    assert bench.vault.area.spends(0)  # what was noised stays paid for


def test_the_profile_goes_on_few_days_only(bench):
    bench.box.set(profile=Profile((0, 1, 2, 0, 0, 0), 2))
    bench.begin()
    bench.run(4 * 24 * 7)
    with_profile = [day for day in bench.cloud.received if len(day.parts) == 3]
    assert len(with_profile) == 4
    assert len(bench.cloud.received) == 7


def test_a_contribution_is_sent_again_until_it_is_stored(bench):
    bench.begin()
    bench.run(4 * 20)
    bench.cloud.is_silent = True
    bench.run(4 * 10)
    payloads = [each.payload for each in sent(bench, Kind.AREA)]
    assert len(payloads) > 2
    assert len(set(payloads)) == 1
    bench.restart()
    bench.cloud.is_silent = False
    bench.pump()
    assert bench.cloud.contributions == {day_number(FIRST): payloads[0]}
    bench.run(4 * 5)
    assert len(sent(bench, Kind.AREA)) == len(payloads) + 1


def test_what_misses_its_deadline_is_deleted_unsent_and_stays_paid_for(bench):
    bench.begin()
    bench.connect(is_online=True)
    bench.run(4 * 20)
    bench.connect(is_online=False)
    bench.run(4 * 60)
    bench.connect(is_online=True)
    bench.pump()
    states = {day: state for day, state, _ in bench.vault.area.states(0)}
    assert states[day_number(FIRST)] is AreaState.MISSED
    assert day_number(FIRST) not in bench.cloud.contributions
    assert day_number(FIRST) in {each.day for each in bench.vault.area.spends(0)}
    assert (
        b"".join(
            bench.vault.area.payload(day) or b""
            for day in states
            if states[day] is AreaState.MISSED
        )
        == b""
    )


def test_caps_stop_contributions_while_bills_go_on(tmp_path):
    bench = make_bench(tmp_path, config=AreaConfig(year_cap_rho=0.25))
    bench.begin()
    bench.run(4 * 24 * 6)
    assert len(bench.cloud.contributions) == 2  # 0.10 a day
    assert sum(each.rho for each in bench.vault.area.spends(0)) <= 0.25
    days = {row.closed.day for row in bench.vault.day_rows(FIRST, date(2027, 1, 1))}
    assert len(days) == 6
    assert bench.chip.is_drained
    bench.kill()


def test_a_day_waits_for_the_cloud_and_is_contributed_when_it_answers(bench):
    bench.is_online = False
    bench.begin()
    bench.run(4 * 10, with_pump=False)
    # The documents came while nobody could say what the cloud holds.
    bench.kill()
    bench.is_online = True
    bench.cloud.is_silent = True
    bench.begin()
    bench.run(4 * 20)
    assert [day for day, _, _ in bench.vault.area.states(0)] == [day_number(FIRST)]


def test_after_a_restart_without_network_days_are_noised_at_catch_up_unless_late(bench):
    bench.begin()
    bench.run(4 * 5)
    bench.kill()
    bench.is_online = False
    bench.start()
    bench.run(4 * 24 * 4, with_pump=False)
    assert not bench.vault.area.spends(0)
    bench.connect(is_online=True)
    bench.settle()
    now = bench.clock.at
    noised = {day for day, _, _ in bench.vault.area.states(0)}
    closed = days_of(FIRST, 4)
    assert noised  # the last ones
    assert noised < set(closed)
    assert {each.day for each in bench.vault.area.spends(0)} == noised
    assert max(noised) == day_number(legal_day(now)) - 1


def test_a_restored_image_never_brings_two_draws_of_a_day_into_the_store(bench, tmp_path):
    bench.begin()
    bench.run(4 * 23)
    bench.image(tmp_path / "image")
    bench.run(4 * 8)
    first = dict(bench.cloud.contributions)
    assert first
    bench.restore(tmp_path / "image")
    bench.begin()
    bench.run(4 * 24)
    assert first.items() <= bench.cloud.contributions.items()
    spent = [each.day for each in bench.vault.area.spends(0)]
    assert set(first) <= set(spent)  # charged, although the image knew nothing of it
    assert len({each.nonce for each in bench.cloud.received if each.day in first}) == len(first)


def test_generations_rise_over_a_lost_vault(bench):
    bench.begin()
    bench.run(1)
    bench.clock.at += timedelta(seconds=2)
    bench.kill()
    for path in bench.directory.glob("vault.db*"):
        path.unlink()
    bench.begin()
    bench.run(1)
    generations = [each.generation for each in bench.cloud.letters]
    assert len(set(generations)) == 2
    assert generations == sorted(generations)


def test_a_refusal_for_its_seeds_makes_the_chip_draw_new_ones(bench):
    bench.cloud.refuse = Reason.SEEDS
    bench.begin()
    bench.run(4 * 27)
    assert [reason for _, _, reason in bench.vault.area.states(0)] == [Reason.SEEDS]
    generations = [each.generation for each in bench.cloud.letters]
    assert len(set(generations)) == 2
    bench.cloud.refuse = None
    bench.run(4 * 24)
    assert len(bench.cloud.contributions) == 1


def leave_out(bench, day, reason):
    """Let the cloud say that a stored day was left out of its figure."""
    ack = AreaAck(bench.identity.household_key, (), ((day, reason),))
    bench.chip.take(bench.cloud.down(Kind.AREA_ACK, ack))
    bench.pump()


def generations(bench):
    return sorted({each.generation for each in bench.cloud.letters})


def test_who_is_left_out_sees_it_and_draws_new_seeds_once_a_month(bench):
    bench.begin()
    bench.run(4 * 24 * 3)
    days = sorted(bench.cloud.contributions)
    assert len(days) == 3
    leave_out(bench, days[0], Reason.SEEDS)
    assert bench.vault.area.states(0)[0][1:] == (AreaState.REFUSED, Reason.SEEDS)
    assert len(generations(bench)) == 1  # these seeds may still be on their way
    bench.clock.at += timedelta(days=30)
    for _ in range(3):
        leave_out(bench, days[1], Reason.CHECK_SLOT)
    assert len(generations(bench)) == 2
    assert bench.vault.area.states(0)[1][1:] == (AreaState.REFUSED, Reason.CHECK_SLOT)


@pytest.mark.parametrize("reason", [Reason.CONFLICT, Reason.LATE])
def test_what_is_stored_stays_so_whatever_became_of_another_message(bench, reason):
    bench.begin()
    bench.run(4 * 24 * 2)
    (day,) = bench.cloud.contributions
    leave_out(bench, day, reason)
    leave_out(bench, day - 1, Reason.SEEDS)  # a day of which nothing is known
    assert [state for _, state, _ in bench.vault.area.states(0)] == [AreaState.STORED]


def test_a_kill_between_draw_and_commit_spends_nothing_and_sends_nothing(bench, monkeypatch):
    bench.begin()
    bench.run(4 * 20)
    put = Vault._prune
    monkeypatch.setattr(Vault, "_prune", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        bench.run(4 * 10)
    monkeypatch.setattr(Vault, "_prune", put)
    assert not sent(bench, Kind.AREA)
    with pytest.raises(StoreError):
        bench.vault.record([], bench.chip._meter.state)
    bench.restart()
    assert not bench.vault.area.spends(0)
    bench.pump()
    bench.run(4 * 24)
    spends = bench.vault.area.spends(0)
    assert len({(each.day, each.measure) for each in spends}) == len(spends)
    assert set(bench.cloud.contributions) <= {each.day for each in spends}


def test_a_day_closed_again_is_not_noised_again(bench):
    bench.begin()
    bench.run(4 * 27)
    row = bench.vault.day_rows(FIRST, FIRST + timedelta(days=1))[0]
    before = bench.vault.area.spends(0)
    calls = []
    with bench.vault.area_change():
        # As a close that came again would.
        bench.vault._contribute(row.closed, lambda *args: calls.append(args))
    assert not calls
    assert bench.vault.area.spends(0) == before


def test_a_day_with_a_gap_is_not_contributed(bench):
    bench.begin()
    bench.run(4 * 8)
    bench.clock.at += timedelta(hours=2)
    bench.clock.seconds += 7_200
    bench.run(4 * 18)
    assert day_number(FIRST) not in bench.cloud.contributions
    bench.run(4 * 24)
    assert day_number(FIRST) + 1 in bench.cloud.contributions


def test_both_lanes_of_a_month_stay_below_90_kb(tmp_path):
    bench = make_bench(tmp_path, instant(2026, 4, 30, 22))
    bench.begin()
    bench.run(4 * 24 * 31)
    up = [
        each
        for each in bench.sent
        if parse_device_topic(each.topic).kind not in (Kind.STATUS, Kind.ASK)
    ]
    # The bench's measures are smaller than the widest: 96 slots of curve, 30 of profile on 4 days.
    widest = 31 * (96 - ROWS) * 8 + 4 * 31 * 8
    assert sum(len(each.payload) for each in up) + widest < 90_000
    bench.kill()


def test_a_fault_of_the_mechanism_leaves_bills_alone(tmp_path):
    def broken(*_):
        raise BoundExceeded("no noise to be had")

    bench = make_bench(tmp_path, sampler=broken)
    bench.begin()
    bench.run(4 * 24 * 2)
    assert not bench.vault.area.spends(0)
    assert not bench.cloud.contributions
    assert bench.chip.is_drained
    bench.kill()
