"""Contributions and area figures in SQLite; `SqliteDocuments` adds documents and roster."""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import sqlite_utils

from cloud.store.area import (
    ContributionItem,
    ContributionRow,
    Figure,
    FigureKey,
    FigureStage,
    LettersItem,
)
from cloud.store.put import Put
from cloud.store.sqlite.documents import SqliteDocuments
from cloud.store.sqlite.tables import instant, placeholders, seconds
from protocol.errors import Reason, StoreError
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.packed import read_packed

_ENDED = (FigureStage.RELEASED, FigureStage.DISCARDED)
_RANKS = {
    FigureStage.FIXED: 0,
    FigureStage.CHECKED: 1,
    FigureStage.RELEASED: 2,
    FigureStage.DISCARDED: 2,
}
# SQLite allows 32 766 parameters in a statement.
_KEYS_MAX = 10_000

_ROWS = """
SELECT h.key, c.device, c.entry, c.nonce, c.generation, p.words
FROM area_part p JOIN area_contribution c ON c.id = p.contribution
JOIN household h ON h.id = c.household
WHERE p.figure = (
  SELECT id FROM area_figure WHERE measure = ? AND code = ? AND day = ? AND measures = ?
) ORDER BY p.entry, p.contribution
"""
_GENERATIONS = """
SELECT h.key, l.generation FROM household h JOIN area_letters l ON l.household = h.id
"""
_FIGURE = """
SELECT measures, measure, code, day, stage, at, requests, left_out, opened, release, detail, late,
  is_witnessed
FROM area_figure WHERE stage IS NOT NULL
"""
# Starts from ended figures, since most of them have no parts left.
_EXPIRED = """
SELECT DISTINCT p.contribution FROM area_figure f JOIN area_part p ON p.figure = f.id
WHERE f.stage IN (?, ?) AND f.at < ? AND NOT EXISTS (
  SELECT 1 FROM area_part q JOIN area_figure g ON g.id = q.figure
  WHERE q.contribution = p.contribution
    AND (g.stage IS NULL OR g.stage NOT IN (?, ?) OR g.at >= ?)
) LIMIT ?
"""


class SqliteArea(SqliteDocuments):
    """`AreaStore` in the file of `SqliteStore`."""

    def put_contributions(
        self, items: Sequence[ContributionItem], at: datetime
    ) -> tuple[Put | Reason, ...]:
        """See `AreaStore.put_contributions`."""
        if not items:
            return ()
        with self._writing():
            writer = _ContributionWriter(self._db, seconds(at))
            return tuple(writer.put(item) for item in items)

    def rows(self, key: FigureKey) -> tuple[ContributionRow, ...]:
        """See `AreaStore.rows`."""
        return tuple(
            ContributionRow(household_key, DeviceId(device), entry, nonce, generation, words)
            for household_key, device, entry, nonce, generation, words in self._rows(
                _ROWS, [key.measure, key.group, key.day, key.measures]
            )
        )

    def days(self, measures: bytes) -> tuple[int, ...]:
        """See `AreaStore.days`."""
        rows = self._rows(
            "SELECT DISTINCT f.day FROM area_figure f WHERE f.measures = ?"
            " AND EXISTS (SELECT 1 FROM area_part p WHERE p.figure = f.id) ORDER BY f.day",
            [measures],
        )
        return tuple(day for (day,) in rows)

    def put_letters(self, items: Sequence[LettersItem]) -> tuple[Put | Reason, ...]:
        """See `AreaStore.put_letters`."""
        if not items:
            return ()
        with self._writing():
            return tuple(self._put_letters(item) for item in items)

    def _put_letters(self, item: LettersItem) -> Put | Reason:
        letters = item.letters
        household = self._household(HouseholdKeyId(letters.household_key))
        stored = self._row(
            "SELECT generation, payload FROM area_letters WHERE household = ?", [household]
        )
        if stored and stored[1] == item.payload:
            return Put.AGAIN
        if stored and letters.generation <= stored[0]:
            return Reason.CONFLICT
        self._db.execute(
            "INSERT OR REPLACE INTO area_letters (household, device, generation, trustees, payload) VALUES (?, ?, ?, ?, ?)",
            [household, item.device, letters.generation, letters.trustees, item.payload],
        )
        return Put.STORED

    def generations(self, household_keys: Collection[bytes]) -> dict[bytes, int]:
        """See `AreaStore.generations`."""
        if len(household_keys) > _KEYS_MAX:
            raise ValueError(f"ask for at most {_KEYS_MAX} households at once")
        sql = f"{_GENERATIONS} WHERE h.key IN ({placeholders(len(household_keys))})"
        return dict(self._rows(sql, list(household_keys)))

    def put_figure(self, figure: Figure) -> None:
        """See `AreaStore.put_figure`."""
        with self._writing():
            number = _figure_number(self._db.conn.cursor(), figure.key)
            row = self._row("SELECT stage FROM area_figure WHERE id = ?", [number])
            before = FigureStage(row[0]) if row and row[0] else None
            if before and before != figure.stage and _RANKS[before] >= _RANKS[figure.stage]:
                raise StoreError(
                    f"The figure of {figure.key.group} is {before} and cannot be {figure.stage} "
                    "again; the release at hand is out of date, run it anew."
                )
            self._db.execute(
                "UPDATE area_figure SET stage = ?, at = ?, requests = ?, left_out = ?, opened = ?,"
                " release = ?, detail = ?, is_witnessed = ? WHERE id = ?",
                [
                    figure.stage,
                    seconds(figure.at),
                    msgspec.msgpack.encode(figure.requests),
                    msgspec.msgpack.encode(figure.left_out),
                    figure.opened,
                    figure.release,
                    figure.detail,
                    figure.is_witnessed,
                    number,
                ],
            )

    def figure(self, key: FigureKey) -> Figure | None:
        """See `AreaStore.figure`."""
        row = self._row(
            f"{_FIGURE} AND measure = ? AND code = ? AND day = ? AND measures = ?",
            [key.measure, key.group, key.day, key.measures],
        )
        return _figure(row) if row else None

    def figures(
        self, measure: str, group: str, start: int, end: int, stage: FigureStage | None = None
    ) -> tuple[Figure, ...]:
        """See `AreaStore.figures`."""
        rows = self._rows(
            f"{_FIGURE} AND measure = ? AND code = ? AND day >= ? AND day < ?"
            " AND stage = ifnull(?, stage) ORDER BY day, id",
            [measure, group, start, end, stage],
        )
        return tuple(_figure(row) for row in rows)

    def unfinished(self) -> tuple[Figure, ...]:
        """See `AreaStore.unfinished`."""
        rows = self._rows(
            f"{_FIGURE} AND stage IN (?, ?) ORDER BY day, id",
            [FigureStage.FIXED, FigureStage.CHECKED],
        )
        return tuple(_figure(row) for row in rows)

    def expire_rows(self, released_before: datetime, limit: int = 10_000) -> int:
        """See `AreaStore.expire_rows`."""
        before = seconds(released_before)
        with self._writing():
            cursor = self._db.conn.cursor()
            expired = cursor.execute(_EXPIRED, (*_ENDED, before, *_ENDED, before, limit)).fetchall()
            cursor.executemany("DELETE FROM area_part WHERE contribution = ?", expired)
            cursor.executemany("DELETE FROM area_contribution WHERE id = ?", expired)
            return len(expired)


class _ContributionWriter:
    """Stores the contributions of one transaction; used only within it."""

    def __init__(self, database: sqlite_utils.Database, at_s: int) -> None:
        # A bare cursor avoids a scan of each statement for implicit transactions.
        self._cursor = database.conn.cursor()
        self._at_s = at_s
        self._figures: dict[FigureKey, tuple[int, bool]] = {}

    def put(self, item: ContributionItem) -> Put | Reason:
        """Store one contribution, or return the reason why not."""
        contribution = item.contribution
        digest = sha256(item.payload).digest()
        household = self._household(contribution.household_key)
        stored = self._cursor.execute(
            "SELECT digest FROM area_contribution WHERE household = ? AND day = ? AND measures = ?",
            (household, contribution.day, contribution.measures),
        ).fetchone()
        if stored:
            return Put.AGAIN if stored[0] == digest else Reason.CONFLICT
        figures = [
            self._figure(
                FigureKey(contribution.measures, part.measure, part.group, contribution.day)
            )
            for part in contribution.parts
        ]
        if fixed := [(number,) for number, is_fixed in figures if is_fixed]:
            self._cursor.executemany("UPDATE area_figure SET late = late + 1 WHERE id = ?", fixed)
            return Reason.LATE
        number = self._cursor.execute(
            "INSERT INTO area_contribution"
            " (household, device, day, measures, entry, generation, nonce, digest, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                household,
                item.device,
                contribution.day,
                contribution.measures,
                contribution.entry,
                contribution.generation,
                contribution.nonce,
                digest,
                self._at_s,
            ),
        ).lastrowid
        self._cursor.executemany(
            "INSERT INTO area_part (figure, entry, contribution, words) VALUES (?, ?, ?, ?)",
            [
                (figure, contribution.entry, number, part.words)
                for (figure, _), part in zip(figures, contribution.parts, strict=True)
            ],
        )
        return Put.STORED

    def _household(self, key: bytes) -> int:
        row = self._cursor.execute("SELECT id FROM household WHERE key = ?", (key,)).fetchone()
        if row:
            return int(row[0])
        number = self._cursor.execute("INSERT INTO household (key) VALUES (?)", (key,)).lastrowid
        return int(number or 0)

    def _figure(self, key: FigureKey) -> tuple[int, bool]:
        """Return a figure's number, and whether its set is fixed."""
        if key not in self._figures:
            number = _figure_number(self._cursor, key)
            stage = self._cursor.execute(
                "SELECT stage FROM area_figure WHERE id = ?", (number,)
            ).fetchone()[0]
            self._figures[key] = (number, stage is not None)
        return self._figures[key]


def _figure_number(cursor: Any, key: FigureKey) -> int:
    """Return a figure's number, assigned on first use. Call within a transaction."""
    name = (key.measure, key.group, key.day, key.measures)
    cursor.execute(
        "INSERT INTO area_figure (measure, code, day, measures) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        name,
    )
    row = cursor.execute(
        "SELECT id FROM area_figure WHERE measure = ? AND code = ? AND day = ? AND measures = ?",
        name,
    ).fetchone()
    return int(row[0])


def _figure(row: tuple[Any, ...]) -> Figure:
    measures, measure, code, day, stage, at, requests, left_out, *rest = row
    opened, release, detail, late, is_witnessed = rest
    return Figure(
        FigureKey(measures, measure, code, day),
        FigureStage(stage),
        instant(at),
        read_packed(requests, tuple[bytes, ...]),
        read_packed(left_out, tuple[tuple[int, Reason], ...]),
        opened,
        release,
        detail,
        late,
        bool(is_witnessed),
    )
