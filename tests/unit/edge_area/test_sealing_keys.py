"""The chip seals its seeds to keys of their month, draws new ones each quarter, clears old letters."""

from datetime import timedelta

import msgspec
import pytest

from edge.area.sealing import KEYS_WAIT_S
from protocol.area_messages import AreaAck
from protocol.calendar import day_number, day_of_number
from protocol.errors import Reason
from protocol.sealing import SealingNotice
from protocol.seeds import RENEWED_AFTER_DAYS, RENEWED_WITHIN_DAYS
from protocol.topics import Kind, parse_device_topic
from tests.support.chip_area import area_bench
from tests.support.chip_bench import instant

START = instant(2026, 5, 10, 8)
MAY = day_number(START.date().replace(day=1))
JUNE = MAY + 31
QUARTERS_A_DAY = 96


@pytest.fixture
def bench(tmp_path):
    made = area_bench(tmp_path, START)
    yield made
    made.kill()


def jump(bench, days):
    """Let days pass in which the chip had no current."""
    bench.clock.at += timedelta(days=days)
    bench.clock.seconds += 86_400 * days
    bench.restart()
    bench.pump()
    bench.run(4)


def letters(bench):
    return bench.cloud.letters


def is_in_vault(bench, share):
    """Say whether a piece of a key share is in the vault's files, which may cut it in two."""
    data = b"".join(path.read_bytes() for path in sorted(bench.directory.glob("vault.db*")))
    return any(share[place : place + 32] in data for place in range(0, len(share), 32))


def wait_for_keys(bench):
    """Let the chip ask for sealing keys, and wait as long as it does for those that do not come."""
    for passing_s in (2, KEYS_WAIT_S + 1):
        bench.clock.seconds += passing_s
        bench.pump()


def test_seeds_are_sealed_to_the_keys_of_their_month_which_are_heard_only_then(bench):
    bench.begin()
    bench.run(4)
    (sent,) = letters(bench)
    assert sent.month == MAY
    assert all(sent.letters)
    assert not any("/sealing/" in topic for topic in bench.chip.topics())
    bench.run(QUARTERS_A_DAY * 2)
    (day, *_) = sorted(bench.cloud.contributions)
    assert {slots[-1] for slots in bench.cloud.opened(day_of_number(day)).values()} == {1}


def test_a_chip_that_joins_in_the_middle_of_a_quarter_seals_to_the_month_that_it_is(tmp_path):
    bench = area_bench(tmp_path, instant(2026, 6, 17, 8))
    bench.begin()
    bench.run(4)
    assert [each.month for each in letters(bench)] == [JUNE]
    bench.kill()


def test_new_seeds_are_drawn_each_quarter_under_the_key_of_then(bench):
    bench.begin()
    bench.run(4)
    jump(bench, RENEWED_AFTER_DAYS - 1)
    assert len(letters(bench)) == 1
    jump(bench, RENEWED_WITHIN_DAYS + 1)
    assert [each.month for each in letters(bench)] == [MAY, MAY + 31 + 30 + 31]
    first, second = letters(bench)
    assert set(first.commitments).isdisjoint(second.commitments)


def test_a_chip_that_was_dark_over_the_quarters_end_seals_to_the_month_in_which_it_wakes(bench):
    bench.begin()
    bench.run(4)
    jump(bench, 200)
    *_, last = letters(bench)
    assert last.month == day_number(instant(2026, 11, 1, 12).date())


def test_a_letter_goes_from_vault_and_broker_when_its_month_is_closed(bench):
    """The deadline is 36 hours, so May is closed on the 13th of June."""
    bench.begin()
    bench.run(4)
    share = letters(bench)[0].letters[0]
    jump(bench, 33)
    assert bench.clock.at.date() == instant(2026, 6, 12, 8).date()
    assert bench.cloud.retained_letters
    assert is_in_vault(bench, share)
    jump(bench, 1)
    assert bench.cloud.retained_letters == b""
    assert not is_in_vault(bench, share)
    sent = len(cleared(bench))
    assert sent == 1
    bench.restart()
    bench.run(4)
    assert len(cleared(bench)) == sent
    assert len({each.generation for each in letters(bench)}) == 1
    bench.run(QUARTERS_A_DAY * 2)
    assert max(bench.cloud.contributions) > JUNE + 12


def cleared(bench):
    return [
        each
        for each in bench.sent
        if parse_device_topic(each.topic).kind is Kind.KEY and not each.payload
    ]


def test_clearing_is_repeated_until_the_broker_confirms(bench):
    bench.begin()
    bench.run(4)
    bench.drop = lambda each: each.topic.endswith("/key") and not each.payload
    jump(bench, 34)
    assert bench.cloud.retained_letters
    bench.drop = lambda _: False
    bench.restart()
    bench.run(4)
    assert bench.cloud.retained_letters == b""


def test_a_trustee_that_is_away_gets_no_letter_and_the_others_do(bench):
    bench.cloud.trustees.sealing.away.add("trustee-2")
    bench.begin()
    assert not letters(bench)
    wait_for_keys(bench)
    (sent,) = letters(bench)
    assert [bool(each) for each in sent.letters] == [True, True, False, True]


def test_seeds_that_a_trustee_lacks_are_drawn_anew_once_they_are_a_month_old(bench):
    def hears():
        lacks = AreaAck(bench.identity.household_key, (), (), lacks_seeds=True)
        bench.chip.take(bench.cloud.down(Kind.AREA_ACK, lacks))
        bench.run(4)
        return len({each.generation for each in letters(bench)})

    bench.begin()
    bench.run(4)
    assert hears() == 1
    jump(bench, 31)
    assert hears() == hears() == 2


def test_too_few_keys_seal_nothing(bench):
    bench.cloud.trustees.sealing.away |= {"trustee-1", "trustee-2"}
    bench.begin()
    bench.run(8)
    assert not letters(bench)
    bench.cloud.trustees.sealing.away.clear()
    bench.restart()
    bench.run(4)
    assert len(letters(bench)) == 1


def test_an_old_key_that_is_played_again_is_refused(bench):
    """It stands on the same topic: the trustee signed it a year ago, for the same month then."""
    keys = bench.retained
    bench.retained = lambda topic, at: keys(topic, at - timedelta(days=365))
    bench.begin()
    bench.run(8)
    assert not letters(bench)
    assert bench.chip.refused[Reason.BOUNDS] == 4


def test_a_key_that_its_trustee_did_not_sign_is_refused(bench):
    keys = bench.retained
    bench.retained = lambda topic, at: keys(topic.replace("trustee-1", "trustee-2"), at)
    bench.begin()
    wait_for_keys(bench)
    assert bench.chip.refused[Reason.SIGNATURE] == 1
    (sent,) = letters(bench)
    assert [bool(each) for each in sent.letters] == [True, False, True, True]


@pytest.mark.parametrize("part", ["post-quantum", "classical"])
def test_a_key_to_which_nothing_can_be_sealed_costs_its_trustee_alone(bench, part):
    """One trustee that lies would end the area lane of every chip, and so every figure."""
    good = bench.cloud.trustees.sealing.public("trustee-1", MAY)
    # Coefficients beyond the modulus; a point of low order.
    bad = bytes([255]) * 1184 + good[1184:] if part == "post-quantum" else good[:1184] + bytes(32)
    bench.cloud.trustees.sealing.learn("trustee-1", [SealingNotice(MAY, bad)])
    bench.begin()
    wait_for_keys(bench)
    assert not bench.chip.set_aside
    assert bench.chip.refused[Reason.BOUNDS] == 1
    (sent,) = letters(bench)
    assert [bool(each) for each in sent.letters] == [True, False, True, True]


def test_seeds_drawn_while_the_machines_clock_was_years_ahead_are_still_drawn_anew(bench):
    """Their generation is of then, and would be younger than a quarter for years."""
    bench.begin()
    bench.run(4)
    shares = bench.vault.area.key_shares()
    ahead = msgspec.structs.replace(
        shares.seeds, generation=shares.seeds.generation + 10 * 365 * 86_400
    )
    with bench.vault.area_change() as area:
        area.put_key_shares(msgspec.structs.replace(shares, seeds=ahead))
    jump(bench, RENEWED_AFTER_DAYS + RENEWED_WITHIN_DAYS + 31)
    drawn = {each.generation: each.month for each in letters(bench)}
    assert max(drawn) == ahead.generation + 1
    assert drawn[max(drawn)] > MAY
    bench.run(QUARTERS_A_DAY)
    assert {each.generation for each in letters(bench)} == set(drawn)


def test_seeds_that_were_drawn_with_a_clock_ahead_are_drawn_anew(bench):
    bench.begin()
    bench.run(4)
    shares = bench.vault.area.key_shares()
    ahead = msgspec.structs.replace(
        shares.seeds, generation=shares.seeds.generation + 1, month=JUNE
    )
    with bench.vault.area_change() as area:
        area.put_key_shares(msgspec.structs.replace(shares, seeds=ahead))
    bench.run(4)
    *_, last = letters(bench)
    assert last.month == MAY
    assert last.generation > ahead.generation
