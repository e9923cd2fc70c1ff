"""A month ends: its seeds go from file and log, what was answered stays, and the rest is refused."""

import shutil
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.area_cipher import month_keys, month_number, ratchet
from protocol.calendar import day_number
from protocol.errors import Reason
from protocol.governance import draw_up
from protocol.seeds import RELEASE_DAYS, WITNESS_DAYS, draw_seeds, first_open_day
from protocol.trustee_messages import Answer, Ask
from tests.support.trustee_area import DAY, MONTH, TrusteeArea, ask
from trustee.database import FILE_NAME, TrusteeDatabase
from trustee.log import TrusteeLog

# With a deadline of two days, all figures of March are opened or given up by the 12th of April.
LAST = day_number(date(2026, 3, 31))
OPEN_UNTIL = day_number(date(2026, 4, 12))
CLOSED = OPEN_UNTIL + 1
APRIL = day_number(date(2026, 4, 1))
MAY = day_number(date(2026, 5, 1))
MONTHS = st.dates(date(2020, 1, 1), date(2040, 1, 1)).map(day_number).map(month_number)


@pytest.fixture
def area():
    return TrusteeArea(far=0)


def files_of(folder) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{FILE_NAME}*")))


def holds_seeds(area, folder) -> bool:
    """Say whether a seed of March is anywhere in a trustee's files."""
    data = files_of(folder)
    return any(seed in data for home in area.near for seed in home.seeds)


def is_closed(trustee, request) -> bool:
    answer = ask(trustee, request)
    return not isinstance(answer, Answer) and answer.reason is Reason.ANSWERED


@given(st.binary(min_size=32, max_size=96).filter(lambda seeds: len(seeds) % 32 == 0), MONTHS)
def test_a_seed_of_a_month_gives_those_of_all_later_ones_in_steps_or_at_once(seeds, month):
    middle, last = month_number(month + 45), month_number(month + 100)
    assert ratchet(seeds, month, month) == seeds
    later = ratchet(seeds, month, middle)
    assert ratchet(later, middle, last) == ratchet(seeds, month, last)
    assert later not in (seeds, ratchet(seeds, month, last))
    key = b"k" * 16
    assert not set(month_keys(later, key, middle)) & set(month_keys(seeds, key, middle))


def test_a_month_is_closed_when_deadline_witness_week_and_three_days_have_passed():
    assert first_open_day(OPEN_UNTIL, 48) == LAST
    assert first_open_day(CLOSED, 48) == APRIL
    assert first_open_day(100, 25) == 100 - 2 - WITNESS_DAYS - RELEASE_DAYS


def test_seeds_of_a_closed_month_are_gone_from_file_and_log(area, tmp_path):
    trustee = area.stored(tmp_path)
    area.today = OPEN_UNTIL
    trustee.expire()
    assert holds_seeds(area, tmp_path)
    area.today = CLOSED
    trustee.expire()
    assert not holds_seeds(area, tmp_path)
    stored = trustee._log.seeds()
    assert len(stored) == len(area.near)
    assert {each.month for each in stored} == {APRIL}
    again = area.trustee(0, TrusteeLog.open(tmp_path), teaches=False)
    assert isinstance(ask(again, area.request(day=APRIL)), Answer)


def test_sabotage_seeds_that_stay_in_the_write_ahead_log_are_found(area, tmp_path, monkeypatch):
    monkeypatch.setattr(TrusteeDatabase, "truncate_wal", lambda _: True)
    trustee = area.stored(tmp_path)
    area.today = CLOSED
    trustee.expire()
    assert holds_seeds(area, tmp_path)


def test_a_reader_at_that_moment_only_delays_it(area, tmp_path):
    trustee = area.stored(tmp_path)
    area.today = CLOSED
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM seed").fetchone()
        trustee.expire()
        assert holds_seeds(area, tmp_path)
    trustee.expire()
    assert not holds_seeds(area, tmp_path)


def test_a_day_that_was_contributed_late_opens_until_its_month_is_closed(area, tmp_path):
    """Contributions of the 31st come until the 2nd, and a figure waits a week for a witness."""
    trustees = [area.stored(tmp_path / str(number), number) for number in range(3)]
    area.today = OPEN_UNTIL
    request = area.request(day=LAST)
    answers = {n: ask(trustee, request) for n, trustee in enumerate(trustees)}
    expected = sum(home.values for home in area.near)
    assert (area.opened(area.near, answers, LAST) == expected).all()
    area.today = CLOSED
    assert is_closed(trustees[0], area.request(day=LAST - 1))


def test_what_was_answered_is_answered_again_and_the_rest_never(area, tmp_path):
    """So a figure can be released again from its stored answers."""
    trustee = area.stored(tmp_path)
    asked = [area.request(ask=kind) for kind in Ask]
    given_before = [ask(trustee, request) for request in asked]
    area.today = CLOSED
    assert [ask(trustee, request) for request in asked] == given_before
    assert is_closed(trustee, area.request(day=DAY + 1))
    assert is_closed(trustee, area.request(day=DAY + 1, ask=Ask.CHECK))
    # A clock that goes back brings nothing back.
    area.today = DAY
    assert ask(trustee, area.request(day=DAY + 1)).reason is Reason.SEEDS


def test_a_trustee_whose_clock_was_months_ahead_takes_new_seeds_once_it_is_right(area, tmp_path):
    trustee = area.stored(tmp_path)
    area.today = DAY + 70
    trustee.expire()
    assert not holds_seeds(area, tmp_path)
    area.today = DAY
    trustee.expire()
    assert {notice.month for notice in trustee.notices()} >= {MONTH, APRIL}
    assert ask(trustee, area.request(day=DAY + 1)).reason is Reason.SEEDS
    area.sealing.learn("trustee-a", trustee.notices())
    for home in area.near:
        home.generation, home.seeds = 2, draw_seeds(area.shape)
        assert trustee.take_key_shares(home.topic, area.letters(home))
    assert isinstance(ask(trustee, area.request()), Answer)


def test_a_trustee_that_was_away_over_the_months_end_opens_what_is_open(area, tmp_path):
    trustee = area.stored(tmp_path, teaches=False)
    area.teach(trustee)
    area.today = OPEN_UNTIL
    area.seed(trustee)
    assert isinstance(ask(trustee, area.request(day=LAST)), Answer)
    assert isinstance(ask(trustee, area.request(day=APRIL)), Answer)


def test_a_trustee_that_reads_the_letters_after_the_month_cannot_open_them(area, tmp_path):
    trustee = area.stored(tmp_path, teaches=False)
    area.teach(trustee)
    letters = [(home.topic, area.letters(home)) for home in area.near]
    area.today = CLOSED
    assert not any(trustee.take_key_shares(*each) for each in letters)
    assert not holds_seeds(area, tmp_path)
    assert trustee._log.counters() == {"refused_out_of_bounds": len(letters)}
    assert is_closed(trustee, area.request(day=LAST))
    answer = ask(trustee, area.request(day=APRIL, ask=Ask.CHECK))
    assert answer.unknown == tuple(home.entry for home in area.near)


def test_new_letters_let_such_a_trustee_open_the_days_from_then_on(area, tmp_path):
    trustee = area.stored(tmp_path, teaches=False)
    area.teach(trustee)
    area.today = CLOSED
    for home in area.near:
        home.generation, home.month = 2, APRIL
    assert [notice.month for notice in trustee.notices()] == [APRIL, MAY]
    area.sealing.learn("trustee-a", trustee.notices())
    for home in area.near:
        assert trustee.take_key_shares(home.topic, area.letters(home))
    assert isinstance(ask(trustee, area.request(day=APRIL)), Answer)


def test_a_restored_trustee_forgets_before_it_answers(area, tmp_path):
    trustee = area.stored(tmp_path / "now")
    trustee._log.truncate_wal()
    shutil.copytree(tmp_path / "now", tmp_path / "backup")
    area.today = CLOSED
    trustee.expire()
    assert holds_seeds(area, tmp_path / "backup")
    restored = area.trustee(0, TrusteeLog.open(tmp_path / "backup"), teaches=False)
    assert is_closed(restored, area.request(day=LAST))
    assert not holds_seeds(area, tmp_path / "backup")
    assert ask(restored, area.request(day=APRIL)) == ask(trustee, area.request(day=APRIL))


def test_seeds_of_a_month_without_a_sealing_key_are_refused(area):
    trustee = area.trustee(teaches=False)
    area.teach(trustee)
    home = area.near[0]
    months = [MONTH + 1, month_number(MONTH - 40), MAY]
    for month in months:
        assert not trustee.take_key_shares(home.topic, area.letters(home, month=month))
    assert trustee._log.counters() == {"refused_out_of_bounds": len(months)}
    assert trustee.take_key_shares(home.topic, area.letters(home))


def test_seeds_that_newer_ones_replaced_are_deleted_a_quarter_later(area, tmp_path):
    trustee = area.stored(tmp_path)
    home = area.near[0]
    old, home.generation, home.seeds = home.seeds, 2, draw_seeds(area.shape)
    assert trustee.take_key_shares(home.topic, area.letters(home))
    later = day_number(date(2026, 5, 14))
    for area.today in (later, day_number(date(2026, 6, 14))):
        trustee.expire()
        kept = [each.generation for each in trustee._log.seeds() if each.household_key == home.key]
        assert kept == ([1, 2] if area.today == later else [2])
    again = area.trustee(0, TrusteeLog.open(tmp_path), teaches=False)
    assert again.households == len(area.near)
    assert not any(seed in files_of(tmp_path) for seed in old)


def test_a_longer_deadline_keeps_a_month_open_longer(area, tmp_path):
    area.measures = area.measures_of(deadline_h=24 * 10)
    area.signed_measures = area.signed(draw_up(area.measures))
    trustee = area.stored(tmp_path)
    area.today = CLOSED
    assert isinstance(ask(trustee, area.request(day=LAST)), Answer)
