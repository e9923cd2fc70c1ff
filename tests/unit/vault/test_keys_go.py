"""The keys of a year leave the chip's directory on time, and not a day before."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from edge.metering.events import NoticeKind, QuarterHourClosed
from edge.metering.state import MeterState
from edge.moving.bundle import Bundle
from edge.moving.transfer import take_in
from edge.vault.epochs import NO_KEYS
from edge.vault.keyring import Keyring, files_in
from edge.vault.rebuild import RecoveredBlock, RecoveredHeader
from edge.vault.rows import Key
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol.calendar import day_number, days_between, month_of, quarter_hours
from protocol.errors import ConfigError
from protocol.ids import new_device_id, new_incarnation
from protocol.keys import HouseholdSecret
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import Block, Epoch, IncarnationState
from protocol.ternary import pack_ternary
from tests.support.household import closed_day

IN_2026, NEXT_DAY = date(2026, 12, 30), date(2026, 12, 31)
LAST_DAY, MARCH = date(2028, 2, 29), date(2028, 3, 1)
SLICE_BYTES = 16
# What all files of keys have alike: magic, version, year.
HEAD_BYTES = 18


class Chip:
    """A vault with its keys in `directory/keys`; `close_day` closes a day and gets it acknowledged."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.household = HouseholdSecret.generate()
        self._device, self._key = new_device_id(), Ed25519PrivateKey.generate()
        self._sequence = 0
        self.vault = None

    @property
    def keys(self) -> Path:
        return self.directory / "keys"

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        self.keyring = Keyring.read(self.household, self.keys)
        signer = Signer("ville", self._device, self._key, self.household, self.keyring)
        self.vault = Vault.open(self.directory, signer)
        self.vault.catch_up()

    def kill(self) -> None:
        if self.vault is not None:
            self.vault.close()
        self.vault = None

    def live(self, until: date, days: int = 8) -> None:
        """Meter and close the `days` before `until`, and get each acknowledged."""
        for day in days_between(until - timedelta(days=days), until):
            quarters = [QuarterHourClosed(day, j, 100) for j in range(quarter_hours(day))]
            self.vault.record(quarters, MeterState())
            self.close_day(day)

    def close_day(self, day: date, *, is_stored: bool = True) -> None:
        self.vault.record([closed_day(day, (3, 5))], MeterState())
        if is_stored:
            blocks = self.vault.blocks.between(date(2026, 1, 1), date(2040, 1, 1))
            own = [row for row in blocks if row.incarnation == self.vault.incarnation]
            months = tuple(sorted({day_number(month_of(row.day)) for row in own}))
            state = IncarnationState(self.vault.incarnation, len(own), (), months)
            self.vault.reconcile([state], is_whole=False)


@pytest.fixture
def chip(tmp_path):
    made = Chip(tmp_path / "chip")
    made.start()
    yield made
    made.kill()


def secrets_of(keyring, year) -> list[bytes]:
    """Slices of a year's keys: stored, and in clear."""
    keys = keyring.of_year(year)
    (path,) = (path for path in files_in(keyring.folder) if keys.id.hex() in path.name)
    whole = (path.read_bytes()[HEAD_BYTES:], keys._root, pack_ternary(keys.seal.ternary))
    return [
        each[at : at + SLICE_BYTES]
        for each in whole
        for at in range(0, len(each) - SLICE_BYTES + 1, SLICE_BYTES)
    ]


def holders(directory: Path, secrets: list[bytes]) -> set[str]:
    """The files in which any of the secrets stands."""
    return {
        path.name
        for path in directory.rglob("*")
        if path.is_file() and any(each in path.read_bytes() for each in secrets)
    }


def test_a_card_copied_in_march_opens_nothing_of_two_years_before(chip):
    chip.close_day(IN_2026)
    payload = chip.vault.payload(Key(chip.vault.incarnation, 0, day_number(month_of(IN_2026))))
    header = msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Epoch)
    assert Keyring.read(chip.household, chip.keys).maker_of(header) is not None
    chip.live(MARCH)
    assert Keyring.read(chip.household, chip.keys).maker_of(header) is None


def test_keys_are_in_no_byte_of_the_directory_once_their_last_block_has_left_the_cloud(chip):
    chip.close_day(IN_2026)
    secrets = secrets_of(chip.keyring, 2026)
    left_behind = chip.keys / f".{files_in(chip.keys)[0].name}.0123456789abcdef"
    left_behind.write_bytes(files_in(chip.keys)[0].read_bytes())
    chip.live(LAST_DAY)
    found = holders(chip.directory, secrets)
    assert len(found) == 2
    assert all(name.lstrip(".").startswith("year-2026-") for name in found)
    chip.live(MARCH, days=1)
    assert holders(chip.directory, secrets) == set()
    assert chip.keyring.years == {2028}
    chip.kill()
    assert holders(chip.directory, secrets) == set()


def test_the_bytes_are_overwritten_before_the_file_is_removed(chip, tmp_path):
    """A second name keeps the file's own blocks in view."""
    chip.close_day(IN_2026)
    secrets = secrets_of(chip.keyring, 2026)
    view = tmp_path / "view"
    view.hardlink_to(files_in(chip.keys)[0])
    assert holders(tmp_path, secrets) >= {"view"}
    chip.live(MARCH)
    assert not view.read_bytes().strip(b"\0")


def test_a_day_that_has_not_reached_the_cloud_destroys_nothing(chip):
    """A clock that is years ahead may still be put right until then."""
    chip.close_day(IN_2026)
    chip.live(MARCH - timedelta(days=1))
    chip.close_day(LAST_DAY, is_stored=False)
    chip.vault.reconcile([], is_whole=False)
    assert 2026 in chip.keyring.years
    chip.kill()
    chip.start()
    assert 2026 in chip.keyring.years


def test_a_clock_that_jumped_years_ahead_destroys_nothing_for_a_week(chip):
    """The days that it skipped are estimates, whatever the cloud has acknowledged."""
    chip.close_day(IN_2026)
    jumped = date(2031, 5, 5)
    for day in days_between(jumped - timedelta(days=9), jumped):
        quarters = [QuarterHourClosed(day, j, 100, is_estimated=True) for j in range(96)]
        chip.vault.record(quarters, MeterState())
        chip.close_day(day)
    chip.live(jumped + timedelta(days=6), days=6)
    assert chip.keyring.years == {2026, 2031}
    chip.live(jumped + timedelta(days=7), days=1)
    assert chip.keyring.years == {2031}


def test_keys_that_cannot_be_destroyed_stop_no_chip_and_go_at_the_next_start(chip, monkeypatch):
    chip.close_day(IN_2026)

    def refuse(path):
        raise ConfigError(f"{path.name} cannot be erased: Read-only file system; run this again.")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr("edge.vault.keyring.destroy", refuse)
        chip.live(MARCH)
    assert "year_keys_not_destroyed" in [each["event"] for each in logs]
    assert len(files_in(chip.keys)) == 2
    chip.kill()
    chip.start()
    chip.live(MARCH + timedelta(days=1), days=1)
    assert [path.name[:9] for path in files_in(chip.keys)] == ["year-2028"]


@pytest.mark.parametrize(("today", "years"), [(LAST_DAY, {2026, 2028}), (MARCH, {2028})])
def test_a_bundle_from_before_brings_no_keys_back(chip, tmp_path, today, years):
    chip.close_day(IN_2026)
    chip.close_day(date(2028, 1, 5))
    stored = tuple(path.read_bytes() for path in files_in(chip.keys))
    bundle = Bundle(chip.household.to_bytes(), stored, bytes(32), (), {}, (), None)
    take_in(tmp_path / "new", bundle, today)
    taken = Keyring.read(chip.household, tmp_path / "new" / "keys")
    assert taken.years == years


def test_blocks_that_nobody_opens_take_no_value_away(chip):
    """The cloud holds a day under keys that are gone, and the chip has metered it itself."""
    chip.live(IN_2026, days=2)
    quarters = [QuarterHourClosed(IN_2026, j, 250) for j in range(96)]
    chip.vault.record(quarters, MeterState())
    chip.close_day(IN_2026, is_stored=False)
    lost, number = new_incarnation(), day_number(IN_2026)
    header = Epoch(chip.household.id, day_number(month_of(IN_2026)), lost, bytes(64), bytes(32))
    block = Block(chip.household.id, number, lost, 1, 0, bytes(8 * DAY_COEFFICIENTS))
    is_behind = chip.vault.restore(
        [RecoveredHeader(header, b"", NO_KEYS)],
        [RecoveredBlock(block, b"", None)],
        datetime(2026, 12, 31, tzinfo=UTC),
    )
    assert not is_behind
    assert chip.vault.curve(IN_2026) == [250] * 96
    assert [row.closed.day for row in chip.vault.day_rows(IN_2026, NEXT_DAY)] == [IN_2026]
    (notice,) = chip.vault.values.notices()
    assert (notice.kind, notice.detail) == (NoticeKind.KEYS_LOST, f"{IN_2026} {IN_2026}")
