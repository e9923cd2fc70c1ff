"""Generates the JSON schema of each kind of document from its type, and describes every field."""

from collections.abc import Iterator

import msgspec

from protocol.contract import Offer, Signed
from protocol.schedule import Calendar, PriceSeries
from protocol.tariff import DECIMALS_MAX, Tariff
from tariffs.calendars import Windows

KINDS: dict[str, type[msgspec.Struct]] = {
    "tariff": Tariff,
    "offer": Offer,
    "calendar": Calendar,
    "series": PriceSeries,
    "signed": Signed,
    "windows": Windows,
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DECIMAL = {
    "type": ["string", "number"],
    "pattern": rf"^-?[0-9]+(\.[0-9]{{1,{DECIMALS_MAX}}})?(?!\n)$",
}
_WORDS = {
    "Tariff.provider": "Who sells under it.",
    "Tariff.name": "The tariff's name; tariffs of one name follow each other in time.",
    "Tariff.calendar": "The meter's calendar that the registers belong to, as NGTF or OPTARIF.",
    "Tariff.valid_from": "The first day.",
    "Tariff.valid_to": "The day after the last; null: until the next tariff of the offer begins.",
    "Tariff.currency": "Always EUR.",
    "Tariff.fixed": "Lines that no energy changes, in the order of the bill.",
    "Tariff.energy": "Lines that energy is priced by, in the order of the bill.",
    "Tariff.source": "Where the figures were read.",
    "Tariff.register_calendar": "By which quarter-hours another meter's registers would count.",
    "Tariff.kva": "The subscribed power it is for, kVA; null: any.",
    "FixedLine.eur": "Euros before tax.",
    "FixedLine.per": "What the euros are for; days of a part are counted pro rata.",
    "RegisterLine.registers": "Supplier registers whose whole kWh are summed.",
    "CalendarLine.publisher": "The key that signs the calendar, Ed25519, base64.",
    "CalendarLine.calendar": "The calendar's name.",
    "CalendarLine.classes": "The classes whose quarter-hours the line prices.",
    "MarketLine.publisher": "The key that signs the series, Ed25519, base64.",
    "MarketLine.series": "The series' name.",
    "MarketLine.factor": "What the market price is multiplied with, at most 6 decimals.",
    "MarketLine.eur_per_kwh": "What is added to it, €/kWh before tax, at most 5 decimals.",
    "RegisterCalendar.publisher": "The key that signs the calendar, Ed25519, base64.",
    "RegisterCalendar.calendar": "The calendar's name; its class n is register n.",
    "Offer.provider": "Who offers; the provider of every tariff.",
    "Offer.provider_key": "The Ed25519 key that signs the offer, base64.",
    "Offer.sealing_key": "The key to which receipts are sealed, base64.",
    "Offer.product": "What is offered.",
    "Offer.tariffs": "Its dated tariffs.",
    "Offer.extends": "The hash of the offer that this one adds later tariffs to, base64, or null.",
    "Calendar.publisher": "The key that signs it, Ed25519, base64.",
    "Calendar.name": "Its name; documents of one name follow each other without overlap.",
    "Calendar.classes": "The classes; a run names them by number from 0.",
    "Calendar.runs": "[quarter-hour since 1970-01-01 00:00 UTC, class], in order.",
    "Calendar.end": "The quarter-hour after the last.",
    "Calendar.source": "Where it was read.",
    "PriceSeries.publisher": "The key that signs it, Ed25519, base64.",
    "PriceSeries.name": "Its name; documents of one name follow each other without overlap.",
    "PriceSeries.start": "The first quarter-hour since 1970-01-01 00:00 UTC.",
    "PriceSeries.step": "How many quarter-hours each price holds for: 1, or 4 for an hour.",
    "PriceSeries.prices": "Prices before tax in 0.00001 €/kWh (0.01 €/MWh).",
    "PriceSeries.source": "Where it was read.",
    "Signed.kind": "What the document is: Offer, Calendar, PriceSeries, …",
    "Signed.body": "Its exact bytes, base64.",
    "Signed.signature": "Ed25519 over kind and body, base64.",
    "Windows.seasons": "Seasons that together hold every day of the year once.",
    "Windows.source": "Who said so.",
    "Season.from": "The first day, MM-DD.",
    "Season.to": "The day after the last, MM-DD.",
    "Season.off_peak": "Windows of legal time on quarter-hours, 8 hours together: 22:30-06:30.",
}
_EVERY_LINE = {
    "name": "What stands on the bill.",
    "vat": "The VAT rate as a fraction.",
    "is_tax": "Whether it stands among taxes and contributions.",
    "eur_per_kwh": "€/kWh before tax, at most 5 decimals; a credit is negative.",
    "by": "Which energy the line prices.",
}


def document_schema(kind: str) -> dict[str, object]:
    """Return the JSON schema (2020-12) of one of `KINDS`."""
    schema = msgspec.json.schema(KINDS[kind])
    definitions = schema.get("$defs", {})
    for name, definition in definitions.items():
        definition["description"] = " ".join(definition.get("description", "").split())
        for field, described in definition.get("properties", {}).items():
            word = _WORDS.get(f"{name}.{field}", _EVERY_LINE.get(field))
            if word is not None:
                described["description"] = word
    for part in _parts(schema):
        if part.get("format") == "decimal":
            del part["format"]
            part.update(_DECIMAL)
    return {"$schema": DIALECT, "title": KINDS[kind].__name__, **schema}


def schema_text(kind: str) -> str:
    """Return a schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(document_schema(kind)), indent=2).decode() + "\n"


def _parts(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)
