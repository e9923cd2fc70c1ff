"""For how long a chip keeps its quarter-hours: as many months as the household chose, to the day."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.identity.enrolment import signer_of
from edge.metering.events import QuarterHourClosed
from edge.metering.state import MeterState
from edge.vault.kept_curve import (
    FILE_NAME,
    LENGTHS_MONTHS,
    MONTHS_DEFAULT,
    UNREADABLE,
    KeptCurve,
    load_kept_curve,
    save_kept_curve,
)
from edge.vault.rebuild import RecoveredBlock
from edge.vault.vault import Vault
from protocol.calendar import day_number, days_between
from protocol.errors import ConfigError
from protocol.ids import Incarnation
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import Block
from tests.support.chip_bench import make_identity
from tests.support.household import closed_day

FIRST = date(2026, 1, 1)
DAYS = 420
ONE_DAY = timedelta(days=1)
SIGNER = signer_of(make_identity())
AT = datetime(2027, 3, 1, tzinfo=UTC)
DAMAGED = (b"", b"{", b"null", b"\xff", b'{"months": 0}', b'{"months": 13}', b'{"months": "1"}')


class Chip:
    """A vault in a directory, which gets a quarter-hour a day, encrypts and closes it."""

    def __init__(self, directory):
        self.directory, self.vault, self.next = directory, None, FIRST
        self.start()

    def start(self):
        self.vault = Vault.open(self.directory, SIGNER)
        self.vault.catch_up()

    def kill(self):
        if self.vault is not None:
            self.vault.close()
        self.vault = None

    def live(self, days=1):
        for day in days_between(self.next, self.next + timedelta(days=days)):
            self.vault.record([QuarterHourClosed(day, 0, 100)], MeterState())
            self.vault.record([closed_day(day, (1,))], MeterState())
        self.next += timedelta(days=days)

    def choose(self, months):
        save_kept_curve(self.directory, KeptCurve(months))

    def kept(self):
        """Return the days that have a quarter-hour."""
        return [each.day for each in self.vault.values.intervals(FIRST, date(2029, 1, 1))]

    def due(self, span):
        """Return the days that are kept over `span`, as of the last closed one."""
        return days_between(max(FIRST, self.next - ONE_DAY - span), self.next)


@contextmanager
def running(directory):
    chip = Chip(directory)
    try:
        yield chip
    finally:
        chip.kill()


@pytest.fixture
def chip(tmp_path):
    with running(tmp_path) as chip:
        yield chip


def test_the_default_is_a_hundred_days():
    """A bill of two months, requested a month later, is recounted on them."""
    assert KeptCurve().months == MONTHS_DEFAULT == 3
    assert KeptCurve().span == timedelta(days=100)
    assert [KeptCurve(months).span.days for months in (1, 12)] == [38, 379]


@pytest.mark.parametrize("months", [1, 3, 12])
def test_a_chip_keeps_what_was_chosen_to_the_day_over_restarts(chip, months):
    if months != MONTHS_DEFAULT:
        chip.choose(months)
    span = KeptCurve(months).span
    for days in (span.days, 1, 1, 9):
        chip.live(days)
        assert chip.kept() == chip.due(span)
        chip.kill()
        chip.start()
        assert chip.kept() == chip.due(span)
    assert len(chip.kept()) == span.days + 1 < len(days_between(FIRST, chip.next))


def recovered(day):
    values = (100, *([0] * (DAY_COEFFICIENTS - 1)))
    life = Incarnation(day.isoformat().encode()[-8:])
    block = Block(SIGNER.household.id, day_number(day), life, 1, 0, bytes(8 * DAY_COEFFICIENTS))
    return RecoveredBlock(block, b"", values)


@pytest.mark.parametrize("months", [1, 3, 12])
def test_after_a_recovery_a_chip_has_what_it_would_have_kept(chip, months):
    """All days that the cloud holds come back, and their quarter-hours as far as chosen."""
    chip.choose(months)
    chip.kill()
    chip.vault = Vault.open(chip.directory, SIGNER)
    chip.next = FIRST + timedelta(days=DAYS)
    days = days_between(FIRST, chip.next)
    chip.vault.restore([], [recovered(day) for day in days], AT)
    span = KeptCurve(months).span
    first = chip.next - ONE_DAY - span
    assert sorted(set(chip.kept())) == days_between(first, chip.next)
    chip.vault.catch_up()
    chip.live()
    assert sorted(set(chip.kept())) == chip.due(span)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(LENGTHS_MONTHS), st.integers(1, 45)), max_size=4))
def test_a_choice_holds_from_the_next_closed_day_without_a_restart(tmp_path_factory, story):
    """What is deleted once does not come back; what is there stays for as long as the choice says."""
    oldest = FIRST
    with running(tmp_path_factory.mktemp("chip")) as chip:
        for months, days in story:
            chip.choose(months)
            for _ in range(days):
                chip.live()
                oldest = max(oldest, chip.next - ONE_DAY - KeptCurve(months).span)
            assert chip.kept() == days_between(oldest, chip.next)


@pytest.mark.parametrize("data", DAMAGED)
def test_a_damaged_choice_deletes_least_and_stops_nothing(chip, data):
    chip.choose(1)
    chip.live(30)
    (chip.directory / FILE_NAME).write_bytes(data)
    chip.live(100)
    assert chip.kept() == days_between(FIRST, chip.next)
    with pytest.raises(ConfigError, match="choose again"):
        load_kept_curve(chip.directory)
    chip.kill()
    chip.start()
    chip.live()
    assert chip.kept() == days_between(FIRST, chip.next)
    chip.choose(1)
    chip.live()
    assert chip.kept() == chip.due(KeptCurve(1).span)


def test_a_choice_that_others_may_have_written_deletes_least(chip):
    chip.choose(1)
    (chip.directory / FILE_NAME).chmod(0o644)
    chip.live(60)
    assert chip.kept() == days_between(FIRST, chip.next)
    assert UNREADABLE.months == LENGTHS_MONTHS[-1]


def test_what_is_not_encrypted_yet_is_kept_whatever_was_chosen(chip):
    """A chip without a connection must not lose what no bill has counted."""
    chip.choose(1)
    chip.kill()
    chip.vault = Vault.open(chip.directory, SIGNER)
    chip.live(60)
    assert chip.kept() == days_between(FIRST, chip.next)
    chip.vault.catch_up()
    chip.live()
    assert chip.kept() == chip.due(KeptCurve(1).span)


def test_a_choice_is_written_whole_and_for_its_owner_alone(tmp_path):
    for months in LENGTHS_MONTHS:
        save_kept_curve(tmp_path, KeptCurve(months))
        assert load_kept_curve(tmp_path) == KeptCurve(months)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    assert load_kept_curve(tmp_path) == KeptCurve()
