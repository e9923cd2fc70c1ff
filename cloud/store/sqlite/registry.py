"""Enrolments and contracts in SQLite."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import msgspec
import sqlite_utils

from cloud.store import Device, StoredContract
from cloud.store.sqlite.tables import Tables, instant, placeholders, seconds
from protocol import versions
from protocol.calendar import day_number, day_of_number
from protocol.contract import Signed
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.packed import read_packed

# SQLite allows 32 766 parameters in a statement; a batch has 512.
_IDS_MAX = 10_000

_DEVICE = """
SELECT e.device, e.signing_key, h.key, e.since, e.until, e.is_revoked,
  min(e.reads, (SELECT version FROM store))
FROM enrolment e JOIN household h ON h.id = e.household WHERE e.until IS NULL
"""
_CONTRACT = """
SELECT c.hash, h.key, c.provider, c.provider_key, c.offer, c.contract, c.acceptance,
  t.last_day
FROM contract c JOIN household h ON h.id = c.household
LEFT JOIN termination t ON t.contract = c.hash
"""
# If a contract is ended twice, the earlier end counts.
_END = """
INSERT INTO termination (contract, last_day, document, at) VALUES (?, ?, ?, ?) ON CONFLICT (contract) DO UPDATE
SET last_day = excluded.last_day, document = excluded.document, at = excluded.at
WHERE excluded.last_day < last_day
"""
# What a chip has not seen is written again: for the household's next chip, or in another version.
_REQUESTS_WAIT = """
UPDATE request SET state = 'pending', device = NULL, statement = NULL, published_at = NULL
WHERE state = 'published' AND device = ?
"""
_LETTERS_WAIT = """
UPDATE letter SET state = 'pending' WHERE state = 'published' AND household IN
  (SELECT household FROM enrolment WHERE device = ? AND until IS NULL)
"""


def write_again(database: sqlite_utils.Database, device: DeviceId) -> None:
    """Let what a chip has not seen be written again, within the open transaction."""
    database.execute(_REQUESTS_WAIT, [device])
    database.execute(_LETTERS_WAIT, [device])


class Registry(Tables):
    """Enrolled devices, and contracts between households and providers."""

    def enrol(self, device: Device) -> None:
        """See `Store.enrol`."""
        with self._writing():
            self._db.execute(
                "UPDATE enrolment SET until = ? WHERE device = ? AND until IS NULL",
                [seconds(device.since), device.device],
            )
            self._db.execute(
                "INSERT OR REPLACE INTO enrolment"
                " (device, household, signing_key, since, until, is_revoked)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    device.device,
                    self._household(device.household_key),
                    device.signing_key,
                    seconds(device.since),
                    None if device.until is None else seconds(device.until),
                    int(device.is_revoked),
                ],
            )

    def revoke(self, device: DeviceId) -> bool:
        """See `Store.revoke`."""
        with self._writing():
            cursor = self._db.execute(
                "UPDATE enrolment SET is_revoked = 1 WHERE device = ?", [device]
            )
            write_again(self._db, device)
            return cursor.rowcount > 0

    def devices(self, ids: Collection[DeviceId] | None = None) -> tuple[Device, ...]:
        """See `Store.devices`."""
        if ids is None:
            return tuple(_device(row) for row in self._rows(f"{_DEVICE} ORDER BY e.device"))
        if len(ids) > _IDS_MAX:
            raise ValueError(f"ask for at most {_IDS_MAX} devices at once")
        sql = f"{_DEVICE} AND e.device IN ({placeholders(len(ids))}) ORDER BY e.device"
        return tuple(_device(row) for row in self._rows(sql, list(ids)))

    def device_of(self, household_key: HouseholdKeyId) -> Device | None:
        """See `Store.device_of`."""
        sql = f"{_DEVICE} AND h.key = ? AND e.is_revoked = 0 ORDER BY e.since DESC, e.rowid DESC"
        row = self._row(sql, [household_key])
        return _device(row) if row else None

    def put_contract(self, contract: StoredContract) -> None:
        """See `Store.put_contract`."""
        with self._writing():
            self._insert(contract)

    def put_next_contract(self, contract: StoredContract, last_day: date, at: datetime) -> None:
        """See `Store.put_next_contract`."""
        document = msgspec.msgpack.encode(contract.contract)
        household = contract.household_key
        with self._writing():
            ended = [
                [ended_contract.hash, day_number(last_day), document, seconds(at)]
                for ended_contract in self.contracts_of(household)
            ]
            self._insert(contract)
            for row in ended:
                self._db.execute(_END, row)

    def contracts_of(self, household_key: HouseholdKeyId) -> tuple[StoredContract, ...]:
        """See `Store.contracts_of`."""
        rows = self._rows(f"{_CONTRACT} WHERE h.key = ? ORDER BY c.rowid", [household_key])
        return tuple(_contract(row) for row in rows)

    def _insert(self, contract: StoredContract) -> None:
        self._db.execute(
            "INSERT INTO contract (hash, household, provider, provider_key, offer, contract)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                contract.hash,
                self._household(contract.household_key),
                contract.provider,
                contract.provider_key,
                msgspec.msgpack.encode(contract.offer),
                msgspec.msgpack.encode(contract.contract),
            ],
        )

    def accept(self, contract_hash: bytes, acceptance: Signed) -> bool:
        """See `Store.accept`."""
        with self._writing():
            cursor = self._db.execute(
                "UPDATE contract SET acceptance = ifnull(acceptance, ?) WHERE hash = ?",
                [msgspec.msgpack.encode(acceptance), contract_hash],
            )
            return cursor.rowcount > 0

    def contract(self, contract_hash: bytes) -> StoredContract | None:
        """See `Store.contract`."""
        row = self._row(f"{_CONTRACT} WHERE c.hash = ?", [contract_hash])
        return _contract(row) if row else None

    def contracts(self) -> tuple[StoredContract, ...]:
        """See `Store.contracts`."""
        return tuple(_contract(row) for row in self._rows(f"{_CONTRACT} ORDER BY c.rowid"))


def _device(row: tuple[Any, ...]) -> Device:
    device, signing_key, key, since, until, is_revoked, version = row
    return Device(
        DeviceId(device),
        signing_key,
        HouseholdKeyId(key),
        instant(since),
        None if until is None else instant(until),
        bool(is_revoked),
        versions.VERSIONS.common_with(version),
    )


def _contract(row: tuple[Any, ...]) -> StoredContract:
    contract_hash, key, provider, provider_key, offer, contract, acceptance, last_day = row
    return StoredContract(
        contract_hash,
        HouseholdKeyId(key),
        provider,
        provider_key,
        read_packed(offer, Signed),
        read_packed(contract, Signed),
        None if acceptance is None else read_packed(acceptance, Signed),
        None if last_day is None else day_of_number(last_day + 1),
    )
