"""Fills a town's store fast: contracts of one offer, and a month of blocks for each household.

To the cloud a ciphertext is a number below q, so most are drawn at random. A few households have
real keys, so their statements can be opened and compared. The module writes the product's tables
with its own SQL, since filling them is not measured.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.household import Chip, Readings, month_of_readings
from cloud.store.sqlite.store import FILE_NAME, SqliteStore
from protocol.calendar import day_number, days_between, next_month
from protocol.contract import (
    Acceptance,
    Consent,
    Contract,
    Offer,
    Signed,
    StatementRequest,
    sign_document,
)
from protocol.household import Q
from protocol.hpke import PUBLIC_KEY_BYTES
from protocol.ids import new_device_id, new_incarnation
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import COEFFICIENT_BYTES, STATEMENT_ID_BYTES
from protocol.tariff import FixedLine, RegisterLine, Tariff

MONTH = date(2026, 1, 1)
END = next_month(MONTH)
DAYS = tuple(days_between(MONTH, END))
ENVELOPE_BYTES = 112  # everything in a block's payload but the coefficients
AT_ONCE = 1_000
SINCE_S = int(datetime(2025, 12, 1, tzinfo=UTC).timestamp())

_CONTRACT = """
INSERT INTO contract (hash, household, provider, provider_key, offer, contract, acceptance)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_VAT = Decimal("0.20")
TARIFF = Tariff(
    "Bench",
    "Heures creuses",
    "H PLEINE/CREUSE",
    date(2025, 1, 1),
    None,
    "EUR",
    (FixedLine("abonnement", Decimal("12.34"), "month", _VAT),),
    (
        RegisterLine("heures creuses", (1,), Decimal("0.14567"), _VAT),
        RegisterLine("heures pleines", (2,), Decimal("0.18901"), _VAT),
        RegisterLine("accise", (1, 2), Decimal("0.03085"), _VAT),
    ),
)


@dataclass(frozen=True, slots=True)
class Home:
    """A household with known keys, and its consumption (Wh, int64[31, 96])."""

    chip: Chip
    readings_wh: Readings
    contract: bytes
    seed: bytes


@dataclass(frozen=True, slots=True)
class ProviderTown:
    """The provider's key and offer, its contracts in order, and the real households among them."""

    key: Ed25519PrivateKey
    offer: Signed
    contracts: tuple[bytes, ...]
    homes: tuple[Home, ...]

    @property
    def public_key(self) -> bytes:
        """The provider's public key, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def request(self, contract: bytes, batch: str) -> Signed:
        """Sign the request for the month's statement of a contract; it is the same each time."""
        request_id = sha256(batch.encode() + contract).digest()[:STATEMENT_ID_BYTES]
        request = StatementRequest(
            request_id, contract, self.offer.hash, day_number(MONTH), day_number(END)
        )
        return sign_document(request, self.key)


def make_town(
    directory: Path, households: int, real: int, rng: np.random.Generator
) -> ProviderTown:
    """Fill the store of a cloud's directory."""
    SqliteStore.open(directory).close()
    key = Ed25519PrivateKey.generate()
    offer = sign_document(
        Offer(
            TARIFF.provider,
            key.public_key().public_bytes_raw(),
            rng.bytes(PUBLIC_KEY_BYTES),
            TARIFF.name,
            (TARIFF,),
        ),
        key,
    )
    database = sqlite3.connect(directory / FILE_NAME)
    database.execute("PRAGMA synchronous = OFF")
    homes: list[Home] = []
    contracts: list[bytes] = []
    for first in range(0, households, AT_ONCE):
        count = min(AT_ONCE, households - first)
        chips = [Chip.generate() if first + at < real else None for at in range(count)]
        rows = [_Rows.make(first + at + 1, chip, offer, key, rng) for at, chip in enumerate(chips)]
        for sql, values in (
            ("INSERT INTO household (id, key) VALUES (?, ?)", (row.household for row in rows)),
            ("INSERT INTO enrolment VALUES (?, ?, ?, ?, ?, ?, 1)", (r.enrolment for r in rows)),
            (_CONTRACT, (row.contract for row in rows)),
            ("INSERT INTO incarnation VALUES (?, ?, ?, ?, ?, ?, ?)", (r.incarnation for r in rows)),
            (
                "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (block for row in rows for block in row.blocks()),
            ),
        ):
            database.executemany(sql, values)
        database.commit()
        contracts += [row.contract[0] for row in rows]
        homes += [row.home for row in rows if row.home]
    database.close()
    return ProviderTown(key, offer, tuple(contracts), tuple(homes))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one household in the store."""

    household: tuple[int, bytes]
    enrolment: tuple[str, int, bytes, int, None, int]
    contract: tuple[bytes, int, str, bytes, bytes, bytes, bytes]
    incarnation: tuple[int, int, str, bytes, int, bytes, bytes]
    coefficients: tuple[bytes, ...]
    home: Home | None

    @classmethod
    def make(
        cls,
        number: int,
        chip: Chip | None,
        offer: Signed,
        key: Ed25519PrivateKey,
        rng: np.random.Generator,
    ) -> "_Rows":
        household_key = chip.secret.id if chip else secrets.token_bytes(16)
        device = chip.device if chip else new_device_id()
        terms = Contract(
            offer.hash,
            household_key,
            rng.bytes(PUBLIC_KEY_BYTES),
            bytes(32),
            MONTH,
            None,
            Consent.TOTAL,
            follows=False,
        )
        contract = sign_document(terms, key)
        acceptance = sign_document(Acceptance(contract.hash), key)
        name = new_incarnation()
        home, coefficients = None, _drawn(rng)
        if chip:
            readings_wh = month_of_readings(rng)
            pad = chip.new_pad()
            coefficients = tuple(
                chip.encrypt_day(pad, day, day_wh)
                for day, day_wh in zip(DAYS, readings_wh, strict=True)
            )
            name = pad.incarnation
            home = Home(chip, readings_wh, contract.hash, pad.seed)
        encode = msgspec.msgpack.encode
        return cls(
            (number, household_key),
            (device, number, bytes(32), SINCE_S, None, 0),
            (
                contract.hash,
                number,
                TARIFF.provider,
                key.public_key().public_bytes_raw(),
                encode(offer),
                encode(contract),
                encode(acceptance),
            ),
            (number, number, device, name, len(DAYS), encode(()), encode((day_number(MONTH),))),
            coefficients,
            home,
        )

    def blocks(self) -> Iterator[tuple[object, ...]]:
        number = self.household[0]
        for sequence, (day, data) in enumerate(zip(DAYS, self.coefficients, strict=True), 1):
            yield (
                number,
                sequence,
                number,
                day_number(day),
                0,
                DAY_COEFFICIENTS,
                ENVELOPE_BYTES,
                bytes(ENVELOPE_BYTES) + data,
            )


def _drawn(rng: np.random.Generator) -> tuple[bytes, ...]:
    values = rng.integers(0, Q, (len(DAYS), DAY_COEFFICIENTS), np.uint64).astype("<u8")
    data, size = values.tobytes(), DAY_COEFFICIENTS * COEFFICIENT_BYTES
    return tuple(data[at : at + size] for at in range(0, len(data), size))
