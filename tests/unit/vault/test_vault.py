"""What the vault keeps, and how it behaves when it cannot."""

import contextlib
import os
import sqlite3
import stat
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlite_utils import Database

from edge.identity.enrolment import signer_of
from edge.metering.events import Notice, NoticeKind, QuarterHourClosed
from edge.metering.state import MeterState
from edge.tic.frame import Mode
from edge.vault import epochs as epochs_module
from edge.vault.closing import closing_values, read_closing
from edge.vault.reader import read_vault
from edge.vault.rows import FULL_DAY, BlockState, Key, missing_runs, span_bits
from edge.vault.vault import Vault
from protocol.calendar import day_number, month_of
from protocol.doubt import Doubt
from protocol.errors import CoefficientUsed, ConfigError, StoreError
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import Block, IncarnationState
from protocol.ternary import pack_ternary
from protocol.topics import Kind
from tests.support.chip_bench import make_identity
from tests.support.household import closed_day

DAY = date(2026, 3, 10)
IDENTITY = make_identity()
SIGNER = signer_of(IDENTITY)


def open_vault(directory, **more):
    return Vault.open(directory, SIGNER, **more)


@pytest.fixture
def vault(tmp_path):
    vault = open_vault(tmp_path)
    vault.catch_up()
    yield vault
    vault.close()


def quarter(j, wh=100, day=DAY):
    return QuarterHourClosed(day, j, wh)


def bodies(vault):
    """Every block that is to be sent, opened."""
    return [
        SIGNER.open_own(Kind.BLOCK, vault.payload(key), Block)
        for key in vault.unsent(10_000)
        if not key.is_header
    ]


def test_a_quarter_hour_is_one_transaction_for_value_ciphertext_sequence_and_state(vault):
    commits = []
    vault._database.conn.set_trace_callback(
        lambda sql: commits.append(sql) if sql == "COMMIT" else None
    )
    vault.record([quarter(0)], MeterState())
    assert commits == ["COMMIT"]
    assert vault.values.state() == MeterState()
    (block,) = vault.blocks_between(DAY, DAY + timedelta(days=1))
    assert (block.sequence, block.j0, block.j1, block.state) == (1, 0, 1, BlockState.OPEN)
    assert vault.values.intervals(DAY, DAY + timedelta(days=1))[0].energy_wh == 100


def test_a_closed_day_is_one_block_of_128_coefficients(vault):
    for j in range(96):
        vault.record([quarter(j)], MeterState())
    made = vault.record([closed_day(DAY, (1, 2))], MeterState())
    assert made == [Key(vault.incarnation, 1)]
    (block,) = bodies(vault)
    assert (block.j0, block.j1, block.day) == (0, DAY_COEFFICIENTS, day_number(DAY))
    (row,) = vault.day_rows(DAY, DAY + timedelta(days=1))
    assert row.is_encrypted
    assert [(b.j0, b.j1) for b in row.blocks] == [(0, 128)]


def test_absent_quarter_hours_go_out_as_zeros_of_the_closing_incarnation(vault):
    vault.record([quarter(j) for j in range(40, 50)], MeterState())
    vault.record([quarter(j) for j in range(60, 96)], MeterState())
    vault.record([closed_day(DAY, ())], MeterState())
    covered = 0
    for block in bodies(vault):
        assert covered & span_bits(block.j0, block.j1) == 0
        covered |= span_bits(block.j0, block.j1)
    assert covered == FULL_DAY


def test_quarter_hourly_seals_each_value_and_the_rest_of_the_day(tmp_path):
    vault = open_vault(tmp_path, is_quarter_hourly=True)
    vault.catch_up()
    for j in range(96):
        assert [key.sequence for key in vault.record([quarter(j)], MeterState())][-1] == j + 1
    vault.record([closed_day(DAY, ())], MeterState())
    spans = [(block.j0, block.j1) for block in bodies(vault)]
    assert spans == [(j, j + 1) for j in range(96)] + [(96, 128)]
    vault.close()


def test_each_process_is_another_incarnation_with_its_own_sequence(tmp_path):
    seen = set()
    for start in (0, 30, 60):
        vault = open_vault(tmp_path)
        vault.catch_up()
        vault.record([quarter(j) for j in range(start, start + 30)], MeterState())
        seen.add(vault.incarnation)
        vault.close()
    vault = open_vault(tmp_path)
    vault.catch_up()
    blocks = vault.blocks_between(DAY, DAY + timedelta(days=1))
    assert {block.incarnation for block in blocks} == seen
    assert [(b.sequence, b.j0, b.j1) for b in blocks] == [(1, 0, 30), (1, 30, 60), (1, 60, 90)]
    assert all(block.state is BlockState.SEALED for block in blocks)
    vault.close()


def test_nothing_is_encrypted_before_it_is_known_what_the_cloud_holds(tmp_path):
    vault = open_vault(tmp_path)
    vault.record([quarter(0), quarter(1)], MeterState())
    vault.record([closed_day(DAY, (3,))], MeterState())
    assert vault.blocks_between(DAY, DAY + timedelta(days=1)) == []
    made = vault.catch_up()
    assert [key.is_header for key in made] == [True, False]
    (block,) = bodies(vault)
    assert (block.j0, block.j1) == (0, 128)
    vault.close()


def test_a_quarter_hour_that_is_encrypted_already_is_not_encrypted_again(vault):
    vault.record([quarter(0, 100)], MeterState())
    vault.record([quarter(0, 999)], MeterState())
    (block,) = vault.blocks_between(DAY, DAY + timedelta(days=1))
    assert block.j1 == 1
    assert vault.values.intervals(DAY, DAY + timedelta(days=1))[0].energy_wh == 100


def test_a_used_pad_refuses_a_second_value(vault):
    epoch, _ = vault.epochs.live(month_of(DAY))
    epoch.pad.encrypt(DAY, 0, 1)
    with pytest.raises(CoefficientUsed):
        epoch.pad.encrypt(DAY, 0, 2)


def test_after_a_failed_commit_the_vault_refuses_everything(vault, monkeypatch):
    real = vault._database.atomic

    @contextlib.contextmanager
    def failing():
        with real():
            yield
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(vault._database, "atomic", failing)
    with pytest.raises(StoreError, match="disk is full"):
        vault.record([quarter(0)], MeterState())
    monkeypatch.undo()
    for again in (
        lambda: vault.record([quarter(0)], MeterState()),
        vault.catch_up,
        lambda: vault.begin(month_of(DAY)),
        lambda: vault.reconcile([], is_whole=True),
    ):
        with pytest.raises(StoreError, match="start the chip again"):
            again()


def test_no_pad_and_no_household_key_is_ever_in_the_file(tmp_path, monkeypatch):
    pads = []
    real = epochs_module.Epochs.live

    def spy(self, month):
        epoch, made = real(self, month)
        pads.append(epoch.pad)
        return epoch, made

    monkeypatch.setattr(epochs_module.Epochs, "live", spy)
    vault = open_vault(tmp_path)
    vault.catch_up()
    vault.record([quarter(j) for j in range(20)], MeterState())
    words = [pad.to_bytes(8, "little") for pad in pads[0]._pad if pad is not None]
    secret, year = IDENTITY.household._root, IDENTITY.keyring.of_year(DAY.year)
    ternary = pack_ternary(year.seal.ternary)
    vault.close()
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(words) > 4_000
    assert not any(word in data for word in words[:500])
    assert not any(each in data for each in (secret, year._root, ternary[:32]))


def test_the_file_is_for_its_owner_only_and_says_what_it_is(tmp_path):
    old = os.umask(0)
    try:
        vault = open_vault(tmp_path)
        vault.catch_up()
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        database = vault._database
        assert database.journal_mode == "wal"
        assert database.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert all(table.strict for table in database.tables)
        vault.reconcile([], is_whole=True)
        assert database.execute("PRAGMA synchronous").fetchone()[0] == 2
        vault.close()
    finally:
        os.umask(old)


@pytest.mark.parametrize(
    ("pragma", "words"),
    [("user_version = 199", "version 199"), ("application_id = 7", "not a vault")],
)
def test_a_file_of_another_version_or_program_is_refused_and_left_alone(tmp_path, pragma, words):
    open_vault(tmp_path).close()
    database = Database(tmp_path / "vault.db")
    database.execute(f"PRAGMA {pragma}")
    database.close()
    with pytest.raises(StoreError, match=words):
        open_vault(tmp_path)
    assert not list(tmp_path.glob("*damaged*"))


@pytest.mark.parametrize(
    "data", [b"this is no database" * 500, b"SQLite format 3\0" + bytes(9_000)]
)
def test_a_damaged_file_is_moved_aside_with_its_log(tmp_path, data):
    (tmp_path / "vault.db").write_bytes(data)
    (tmp_path / "vault.db-wal").write_bytes(b"log")
    vault = open_vault(tmp_path)
    assert vault.figures().blocks == 0
    assert (tmp_path / "vault.db.damaged-1").read_bytes() == data
    vault.close()


@pytest.mark.usefixtures("vault")
def test_only_one_process_uses_a_vault(tmp_path):
    with pytest.raises(ConfigError, match="in use by another chip"):
        open_vault(tmp_path)


def test_a_vault_can_be_read_while_the_chip_runs_and_after(vault, tmp_path):
    vault.record([quarter(0)], MeterState())
    with read_vault(tmp_path) as reader:
        assert reader.figures().last_quarter_hour == (DAY, 0)
    vault.close()
    with read_vault(tmp_path) as reader:
        assert reader.figures().intervals == 1


def test_reading_a_vault_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="volet edge init"), read_vault(tmp_path):
        pass


def test_old_values_go_and_what_is_not_acknowledged_stays(vault):
    vault.record([quarter(0), closed_day(DAY, ())], MeterState())
    kept = DAY + timedelta(days=1)
    vault.record([quarter(0, day=kept), closed_day(kept, ())], MeterState())
    incarnation = vault.incarnation
    vault.reconcile(
        [IncarnationState(incarnation, 1, (), (day_number(month_of(DAY)),))], is_whole=False
    )
    late = DAY + timedelta(days=17 * 31)
    vault.record([quarter(0, day=late), closed_day(late, ())], MeterState())
    days = [row.closed.day for row in vault.day_rows(DAY, late + timedelta(days=1))]
    assert days == [late]
    blocks = vault.blocks_between(DAY, late)
    assert vault.unsent(100)[1:] == [Key(incarnation, 2), Key(incarnation, 3)]
    by_day = {block.day: Key(block.incarnation, block.sequence) for block in blocks}
    assert vault.payload(by_day[kept]) is not None
    assert vault.payload(by_day[DAY]) is None
    assert vault.values.intervals(DAY, late) == []


def test_what_was_dropped_after_13_months_is_not_fetched_again(vault):
    vault.record([quarter(0), closed_day(DAY, ())], MeterState())
    state = IncarnationState(vault.incarnation, 1, (), (day_number(month_of(DAY)),))
    vault.reconcile([state], is_whole=True)
    late = DAY + timedelta(days=14 * 31)
    vault.record([closed_day(late, ())], MeterState())
    assert vault.blocks.missing_here(state, 10) == []
    vault.reconcile([], is_whole=True)
    assert [body.day for body in bodies(vault)] == [day_number(late)]


def test_what_both_sides_dropped_years_ago_is_not_asked_for_at_each_start(vault):
    vault.record([quarter(0), closed_day(DAY, ())], MeterState())
    state = IncarnationState(vault.incarnation, 1, (), (day_number(month_of(DAY)),))
    vault.reconcile([state], is_whole=True)
    vault.record([closed_day(DAY + timedelta(days=1_200), ())], MeterState())
    assert vault.blocks.missing_here(state, 10) == []


def test_a_state_that_names_billions_of_blocks_is_counted_to_the_limit_only(vault):
    vault.record([quarter(0), closed_day(DAY, ())], MeterState())
    boast = IncarnationState(vault.incarnation, 2**31, ((2**31, 2**31 + 1),), ())
    assert vault.blocks.missing_here(boast, 3) == [2, 3, 4]


def test_a_block_that_is_still_open_cannot_be_talked_away(vault):
    vault.record([quarter(0)], MeterState())
    vault.supersede(Key(vault.incarnation, 1))
    assert [block.day for block in vault.blocks_between(DAY, DAY + timedelta(days=1))] == [DAY]


def test_made_up_statements_fill_no_card_and_push_no_bill_out(vault):
    vault.save_statement(b"a bill", datetime(2026, 1, 1, tzinfo=UTC), b"p", '{"verdict":"correct"}')
    for number in range(300):
        at = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(hours=number)
        vault.save_statement(number.to_bytes(2, "big"), at, b"p", None)
        vault.save_statement(number.to_bytes(2, "big"), at, b"p", '{"verdict":"refused"}')
    kept = vault.statements()
    assert len(kept) <= 241
    assert kept[0].id == b"a bill"
    assert kept[-1].id == (299).to_bytes(2, "big")


def test_what_the_cloud_lost_is_to_be_sent_again(vault):
    vault.record([quarter(0), closed_day(DAY, ())], MeterState())
    (sent,) = bodies(vault)
    months = (day_number(month_of(DAY)),)
    vault.reconcile([IncarnationState(vault.incarnation, 1, (), months)], is_whole=True)
    assert vault.unsent(10) == []
    vault.reconcile([IncarnationState(vault.incarnation, 0, (), months)], is_whole=False)
    assert bodies(vault) == [sent]
    vault.reconcile([], is_whole=True)
    assert [key.is_header for key in vault.unsent(10)] == [True, False]


def test_statements_keep_their_first_arrival_and_their_last_verdict(vault):
    first, later = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    vault.save_statement(b"i" * 16, first, b"payload", None)
    vault.save_statement(b"i" * 16, later, b"payload", "{}")
    vault.save_statement(b"i" * 16, later, b"payload", None)
    (row,) = vault.statements()
    assert (row.received_at, row.verdict) == (first, "{}")


def test_notices_are_kept_for_the_household(vault):
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    vault.record([Notice(NoticeKind.GAP, at, "no reading")], MeterState())
    assert vault.values.notices() == [Notice(NoticeKind.GAP, at, "no reading")]


def test_seeds_are_known_by_incarnation_and_month(vault):
    vault.record([quarter(0)], MeterState())
    epoch = vault.epoch(vault.incarnation, month_of(DAY))
    assert len(epoch.seed) == 64
    assert epoch.keys == IDENTITY.keyring.of_year(DAY.year).id
    with pytest.raises(StoreError, match="no epoch"):
        vault.epoch(vault.incarnation, date(2020, 1, 1))


@pytest.mark.parametrize("mode", [None, *Mode])
def test_a_closing_reads_back_as_it_was_written(mode):
    closed = closed_day(
        DAY,
        tuple(range(10)),
        injected_wh=12_345,
        injected_step_kwh=12,
        register_index_kwh=tuple(range(100, 110)),
        injected_index_kwh=777,
        injected_index_wh=777_123,
        drawn_index_wh=999_999_999,
        meter_serial="",
        calendar="",
        doubts=tuple(Doubt),
        mode=mode,
    )
    assert read_closing(DAY, closing_values(closed, 54_321)) == (closed, 54_321)


def test_missing_runs_are_what_coverage_lacks():
    assert missing_runs(0) == [(0, 128)]
    assert missing_runs(FULL_DAY) == []
    assert missing_runs(span_bits(0, 10) | span_bits(20, 100)) == [(10, 20), (100, 128)]
