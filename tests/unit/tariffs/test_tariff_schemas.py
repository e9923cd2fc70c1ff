"""The committed JSON schemas are those of the types, describe every field, and hold for data."""

import json
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.contract import sign_document
from protocol.hpke import SealingKey
from provider.service import make_offer
from tariffs.calendars import Windows, tempo_calendar
from tariffs.days import tempo_days
from tariffs.grids import GridOption, grids
from tariffs.regulated import regulated_tariff, regulated_tariffs
from tariffs.schema import KINDS, document_schema, schema_text
from tariffs.series import make_series, read_prices

jsonschema_rs = pytest.importorskip("jsonschema_rs", reason="the schema validator is not installed")

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "schema"


def is_valid(kind, document):
    return jsonschema_rs.is_valid(document_schema(kind), json.loads(msgspec.json.encode(document)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_committed_schema_is_the_generated_one(kind):
    path = COMMITTED / f"{kind}.json"
    assert path.read_text() == schema_text(kind), (
        f"write it with `volet provider tariff schema {kind} > docs/reference/schema/{kind}.json`"
    )


def undescribed(kind: str) -> list[str]:
    """Name the fields of a schema that have no description."""
    definitions = msgspec.convert(
        document_schema(kind).get("$defs", {}), dict[str, dict[str, object]]
    )
    return [
        f"{name}.{field}"
        for name, definition in definitions.items()
        for field, described in msgspec.convert(
            definition.get("properties", {}), dict[str, dict[str, object]]
        ).items()
        if "description" not in described
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described(kind):
    assert undescribed(kind) == []


def test_shipped_tariffs_hold_under_the_schema():
    for grid in grids():
        for option in GridOption:
            for row in grid.options[option].subscriptions:
                assert is_valid("tariff", regulated_tariff(grid, option, row.kva, None))


def test_offers_calendars_series_and_windows_hold_under_their_schemas():
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    days = tempo_days()
    calendar = tempo_calendar(public, "tempo", days, min(days), max(days))
    rows = read_prices("2026-01-01T00:00Z,1\n2026-01-01T01:00Z,-1\n", "x")
    signed = make_offer(regulated_tariffs(GridOption.HPHC, 9), key, SealingKey.generate())
    assert is_valid("calendar", calendar)
    assert is_valid("signed", sign_document(calendar, key))
    assert is_valid("series", make_series(public, "spot", rows, "x")[0])
    assert is_valid("signed", signed)
    assert is_valid(
        "windows", msgspec.convert({"seasons": [{"off_peak": ["22:30-06:30"]}]}, Windows)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "CHF"},
        {"extra": 1},
        {"name": ""},
        {"fixed": [{"name": "x", "eur": "1,5", "per": "month", "vat": "0.2"}]},
        {"fixed": [{"name": "x", "eur": "1", "per": "week", "vat": "0.2"}]},
        {"energy": [{"name": "x", "by": "meter", "eur_per_kwh": "1", "vat": "0.2"}]},
        {"valid_from": "soon"},
    ],
)
def test_what_is_no_tariff_does_not_hold(changes):
    document = json.loads(msgspec.json.encode(regulated_tariffs(GridOption.BASE, 6)[-1]))
    assert jsonschema_rs.is_valid(document_schema("tariff"), document)
    validator = jsonschema_rs.validator_for(document_schema("tariff"), validate_formats=True)
    assert not validator.is_valid(document | changes)
