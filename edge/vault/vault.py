"""The vault: one transaction for everything that a quarter-hour changes.

Pads are in memory, and a coefficient may be used only once, so a failed transaction leaves memory
ahead of the disk. The vault then refuses to continue: the process ends, its incarnation ends with
it, and the next process starts from the disk. No value is ever encrypted under a coefficient that
has carried another.

Until it is known what the cloud holds (`catch_up`), values are kept only in the clear: a restored
image does not know which quarter-hours were encrypted after it was taken.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec
import structlog
from sqlite_utils import Database

from edge.metering.events import DayClosed, Event, Notice, QuarterHourClosed
from edge.metering.reopening import Undone
from edge.metering.state import MeterState
from edge.privacy.ledger import oldest_needed
from edge.vault.area import AreaTables, ContributionRow
from edge.vault.billed import BilledRow
from edge.vault.catalogue import CatalogueTables
from edge.vault.database import BUSY_MS, FILE_NAME, open_database
from edge.vault.epochs import Epochs
from edge.vault.kept_curve import KeptCurve, watched_kept_curve
from edge.vault.key_changes import destroy_old_keys, look_at_keys
from edge.vault.lock import lock_vault
from edge.vault.moving import Departure
from edge.vault.reader import VaultReader
from edge.vault.rebuild import Rebuilder, RecoveredBlock, RecoveredHeader
from edge.vault.receipts import Receipts
from edge.vault.reopening import Reopener
from edge.vault.rows import Key, QuarterHour
from edge.vault.signer import Signer
from edge.vault.writer import BlockWriter
from protocol.calendar import day_number, month_of
from protocol.errors import StoreError
from protocol.ids import Incarnation
from protocol.messages import IncarnationState
from system.sqlite_errors import CAUSED_BY_A_VALUE

# The errors after which the vault cannot continue.
UNUSABLE = (StoreError, sqlite3.Error)

MONTH_DAYS = 31
PAYLOADS_KEPT = timedelta(days=13 * MONTH_DAYS)
DAYS_KEPT = timedelta(days=14 * MONTH_DAYS)
# The cloud keeps blocks for 14 months, but reports forever that it has had them. A vault that
# forgot its own would ask for them at each start.
ROWS_KEPT = timedelta(days=240 * MONTH_DAYS)

# Makes the area lane's contribution for a closed day, or None; called once for each day.
Contributor = Callable[[DayClosed, Sequence[QuarterHour]], ContributionRow | None]

log = structlog.get_logger()


class Vault(VaultReader):
    """A chip's store, used by one process at a time."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        lock: int,
        kept_curve: Callable[[], KeptCurve],
        *,
        is_quarter_hourly: bool = False,
    ) -> None:
        """Use `open` instead."""
        super().__init__(database)
        self.signer = signer
        self._kept_curve = kept_curve
        self._lock = lock
        self._is_dead = False
        self.is_caught_up = False
        self.epochs = Epochs(database, signer)
        self._writer = BlockWriter(
            self.blocks, self.epochs, signer, is_quarter_hourly=is_quarter_hourly
        )

    @classmethod
    def open(cls, directory: Path, signer: Signer, *, is_quarter_hourly: bool = False) -> Self:
        """Open the vault in `directory`, as a new incarnation.

        Raises:
            ConfigError: another process uses it, or it cannot be opened.
            StoreError: it is of another program or version.
        """
        lock = lock_vault(directory)
        try:
            database = open_database(directory / FILE_NAME)
        except BaseException:
            os.close(lock)
            raise
        kept_curve = watched_kept_curve(directory)
        vault = cls(database, signer, lock, kept_curve, is_quarter_hourly=is_quarter_hourly)
        with vault._transaction():
            look_at_keys(signer.keyring, vault.epochs, vault.blocks, vault.values)
        return vault

    @property
    def incarnation(self) -> Incarnation:
        """The incarnation that encrypts now."""
        return self.epochs.incarnation

    def begin(self, month: date) -> list[Key]:
        """Make the header of `month` before there is any value; return the keys to send."""
        with self._transaction():
            self._writer.make_header(month)
        return self._made()

    def record(
        self, events: Sequence[Event], state: MeterState, contribute: Contributor | None = None
    ) -> list[Key]:
        """Commit what metering closed, encrypted if that is allowed yet, and metering's state.

        `contribute` is called for each day that is closed and encrypted. Returns the keys of
        headers and blocks to send.

        Raises:
            StoreError: nothing was committed, and nothing more can be; end the process.
        """
        with self._transaction():
            self._record(events, state, contribute)
        return self._made()

    def depart(self, events: Sequence[Event], at: datetime) -> list[Key]:
        """Commit the household's last day, which `events` close at `at`; metering ends with it.

        The day makes no area contribution. Returns the keys to send.

        Raises:
            StoreError: as `record`.
        """
        last_day = max(event.day for event in events if isinstance(event, DayClosed))
        with self._transaction():
            self._record(events, MeterState(), contribute=None)
            self.departures.put(Departure(last_day, at, is_told=False))
        return self._made()

    def confirm_departure(self) -> None:
        """Record that the cloud has confirmed the departure. Raises StoreError as `record`."""
        departure = self.departures.get()
        if departure is not None:
            with self._transaction():
                self.departures.put(msgspec.structs.replace(departure, is_told=True))

    def reopen(
        self,
        since: tuple[date, int],
        has_left: Callable[[Key], bool],
        go_on: Callable[[Undone], tuple[MeterState, Notice]],
    ) -> list[Key]:
        """Undo what was closed from quarter-hour `since` on, unless it `has_left` the chip.

        `go_on` returns the state from which metering continues, and the household's notice. What
        was encrypted is encrypted again as another incarnation, so that no coefficient carries two
        values. Returns the keys to send.

        Raises:
            StoreError: as `record`.
        """
        with self._transaction():
            reopener = Reopener(self.blocks, self.values, self.incarnation, has_left)
            undone = reopener.take_out(since)
            if undone.quarter_hours:
                state, notice = go_on(undone)
                self._writer.rotate()
                self.values.put_notice(notice)
                self.values.save_state(state)
                if self.is_caught_up:
                    self._encrypt_all_pending(None)
        return self._made()

    def suspend_encryption(self) -> None:
        """Encrypt nothing until `catch_up`, since the cloud may hold what this vault lacks."""
        self.is_caught_up = False

    def catch_up(self, contribute: Contributor | None = None) -> list[Key]:
        """Encrypt what waited, now that the cloud holds nothing that the vault lacks.

        Seals what earlier processes left open. `contribute` is called for each closed day. Returns
        the keys to send.

        Raises:
            StoreError: as `record`.
        """
        with self._transaction():
            self._encrypt_all_pending(contribute)
        self.is_caught_up = True
        return self._made()

    def restore(
        self, headers: Sequence[RecoveredHeader], blocks: Sequence[RecoveredBlock], at: datetime
    ) -> bool:
        """Store in one transaction what the cloud returned, with a notice of the time `at`.

        Returns whether metering must continue from `values.restore_point()`. The vault continues as
        another incarnation, since what it encrypted meanwhile may conflict with what came back.

        Raises:
            StoreError: as `record`.
        """
        with self._transaction():
            rebuilder = Rebuilder(self.blocks, self.epochs, self.values, self._kept_curve().span)
            is_behind = rebuilder.restore(headers, blocks, at)
            self.area.presume_spent({recovered.block.day for recovered in blocks})
            if blocks:
                # The lost vault may have given a receipt for any of them.
                self.receipts.presume(self.values.days_from(0))
            self._writer.rotate()
        return is_behind

    def reconcile(self, states: Sequence[IncarnationState], *, is_whole: bool) -> None:
        """Record what the cloud holds: `states`, and if `is_whole` nothing else.

        This is committed without waiting for the disk: if it is lost, the next full ack repeats it.
        """
        self._refuse_if_dead()
        known = list(states)
        if is_whole:
            reported = {state.incarnation for state in states}
            others = (self.blocks.incarnations() | self.epochs.incarnations()) - reported
            known += [IncarnationState(incarnation, 0, (), ()) for incarnation in others]
        self._database.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._transaction():
                for state in known:
                    self.blocks.reconcile(state)
                    self.epochs.reconcile(state.incarnation, state.months)
        finally:
            self._database.execute("PRAGMA synchronous = FULL")
        destroy_old_keys(self.signer.keyring, self.blocks, self.values)

    def supersede(self, key: Key) -> None:
        """Mark a block as superseded, for which the cloud holds other coefficients."""
        with self._transaction():
            self.blocks.supersede(key)

    def name_meter(self, fingerprint: int, serial: str, calendar: str) -> None:
        """Set serial and calendar in days that were rebuilt without them."""
        with self._transaction():
            self.values.name_meter(fingerprint, serial, calendar)

    def payload(self, key: Key) -> bytes | None:
        """Return the signed message with this key, None if it is not to be sent any more."""
        return self.epochs.payload(key) if key.is_header else self.blocks.payload(key)

    def unsent(self, limit: int) -> list[Key]:
        """Return at most `limit` unacknowledged messages, headers first, then the oldest blocks."""
        headers = self.epochs.unsent(limit)
        return headers + self.blocks.unsent(limit - len(headers))

    def keep_billed(self, row: BilledRow) -> None:
        """Store a billed statement for good; storing it again changes nothing."""
        with self._transaction():
            self._billed.put(row)

    def save_statement(
        self, statement_id: bytes, received_at: datetime, payload: bytes, verdict: str | None
    ) -> None:
        """Store a statement; storing it again updates the verdict and keeps the first arrival."""
        with self._transaction():
            self._statements.save(statement_id, received_at, payload, verdict)

    def save_letter(self, letter_id: bytes, received_at: datetime, letter: bytes) -> None:
        """Store a sealed private letter; storing it again changes nothing."""
        with self._transaction():
            self.letters.save(letter_id, received_at, letter)

    @contextmanager
    def receipt_change(self) -> Iterator[Receipts]:
        """Change the tables of receipts in one transaction. Raises StoreError as `record`."""
        with self._transaction():
            yield self.receipts

    @contextmanager
    def area_change(self) -> Iterator[AreaTables]:
        """Change the area lane's tables in one transaction. Raises StoreError as `record`."""
        with self._transaction():
            yield self.area

    def truncate_wal(self) -> bool:
        """Empty the write-ahead log, so that overwritten bytes are gone; False if a reader is in.

        It does not wait for the reader, so call it again later.
        """
        self._refuse_if_dead()
        self._database.execute("PRAGMA busy_timeout = 0")
        (is_busy, *_) = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._database.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        return not is_busy

    @contextmanager
    def catalogue_change(self) -> Iterator[CatalogueTables]:
        """Change the transparency log's copy in one transaction. Raises StoreError as `record`."""
        with self._transaction():
            yield self.catalogue

    def close(self) -> None:
        """Close the file and release the lock; closing twice is not an error."""
        if self._lock >= 0:
            self._database.close()
            os.close(self._lock)
            self._lock = -1

    def _record(
        self, events: Sequence[Event], state: MeterState, contribute: Contributor | None
    ) -> None:
        for event in events:
            if isinstance(event, QuarterHourClosed):
                self._record_quarter_hour(event)
            elif isinstance(event, DayClosed):
                self._record_day(event, contribute)
            else:
                self.values.put_notice(event)
        self._writer.save()
        self.values.save_state(state)

    def _record_quarter_hour(self, event: QuarterHourClosed) -> None:
        if not self.is_caught_up:
            self.values.put_interval(event, is_encrypted=False)
        elif self._writer.is_covered(event.day, event.j):
            if self.values.has_interval(event.day, event.j):
                log.warning("quarter_hour_covered_already", day=str(event.day), j=event.j)
            else:  # the cloud holds it under keys that are gone
                self.values.put_interval(event, is_encrypted=True)
        else:
            self._writer.put_values(event.day, event.j, [event.energy_wh])
            self.values.put_interval(event, is_encrypted=True)

    def _record_day(self, closed: DayClosed, contribute: Contributor | None) -> None:
        fingerprint = self.signer.household.meter_fingerprint(closed.meter_serial, closed.calendar)
        if self.is_caught_up:
            self._writer.close_day(closed, fingerprint)
            self._contribute(closed, contribute)
        self.values.put_day(closed, fingerprint, is_encrypted=self.is_caught_up)
        self._prune(closed.day)

    def _encrypt_all_pending(self, contribute: Contributor | None) -> None:
        self._writer.seal_left_open()
        for day in self.values.pending_days():
            self._encrypt_pending(day, contribute)
        self._writer.save()

    def _encrypt_pending(self, day: date, contribute: Contributor | None) -> None:
        for interval in self.values.pending_intervals(day):
            event = QuarterHourClosed(day, interval.j, interval.energy_wh, interval.is_estimated)
            if not self._writer.is_covered(day, interval.j):
                self._writer.put_values(day, interval.j, [interval.energy_wh])
            self.values.put_interval(event, is_encrypted=True)
        if pending := self.values.pending_day(day):
            closed, fingerprint = pending
            self._writer.close_day(closed, fingerprint)
            self._contribute(closed, contribute)
            self.values.put_day(closed, fingerprint, is_encrypted=True)

    def _contribute(self, closed: DayClosed, contribute: Contributor | None) -> None:
        """Make a day's contribution with noise, in the transaction that closes it; never twice."""
        if contribute is None or self.area.is_spent(day_number(closed.day)):
            return
        curve = self.values.intervals(closed.day, closed.day + timedelta(days=1))
        row = contribute(closed, curve)
        if row is not None:
            self.area.put_contribution(row)

    def _prune(self, today: date) -> None:
        days_before = today - DAYS_KEPT
        self.values.prune(
            day_number(today - self._kept_curve().span),
            day_number(days_before),
            int(datetime.combine(days_before, datetime.min.time(), UTC).timestamp()),
        )
        self.area.prune(oldest_needed(day_number(today)))
        self.receipts.prune(day_number(days_before))
        rows_before = today - ROWS_KEPT
        self.blocks.prune(day_number(today - PAYLOADS_KEPT), day_number(rows_before))
        self.epochs.prune(day_number(month_of(rows_before)))

    def _made(self) -> list[Key]:
        made = self._writer.made
        self._writer.made = []
        return made

    def _refuse_if_dead(self) -> None:
        if self._is_dead:
            raise StoreError("The vault refused a commit before; start the chip again.")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._refuse_if_dead()
        try:
            with self._database.atomic():
                yield
        except BaseException as exc:
            self._is_dead = True
            if isinstance(exc, sqlite3.Error) and not isinstance(exc, CAUSED_BY_A_VALUE):
                raise StoreError(f"The vault cannot be written: {exc}.") from exc
            raise
