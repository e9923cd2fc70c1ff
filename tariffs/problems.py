"""The linter's problems, and a check of a document's form that reports all of them with places."""

import types
import typing
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from tariffs.locate import Place


class Severity(StrEnum):
    """Whether a problem causes refusal of the document (error) or not (warning)."""

    ERROR = "error"
    WARNING = "warning"


class TariffProblem(msgspec.Struct, frozen=True):
    """Something wrong or odd at a place, and how to correct it."""

    severity: Severity
    place: Place
    message: str
    fix: str


_FIXES = {
    "provider": "Write the provider's name, at most 80 printable characters.",
    "name": "Write a name of 1 to 80 printable characters, each once in a tariff.",
    "calendar": "Write the name exactly as the meter (NGTF) or the calendar document has it.",
    "valid_from": "Write the first day as YYYY-MM-DD.",
    "valid_to": "Write the day after the last as YYYY-MM-DD, or null.",
    "currency": 'Write "EUR".',
    "kva": "Write the subscribed power in kVA as a number, or null.",
    "fixed": "Write a list of lines, each with name, eur, per and vat.",
    "energy": "Write a list of lines, each with name, by, eur_per_kwh, vat and what `by` needs.",
    "eur": 'Write euros before tax in quotes, such as "14.68".',
    "per": 'Write "month" or "year".',
    "vat": 'Write the rate as a fraction in quotes, "0.20" or "0.055".',
    "is_tax": "Write true or false.",
    "by": 'Write "registers", "injection", "calendar" or "market".',
    "registers": "Write the numbers of the meter's registers, each once, such as [1] or [1, 2].",
    "eur_per_kwh": 'Write €/kWh before tax with at most 5 decimals, such as "0.14560".',
    "publisher": "Write the publisher's Ed25519 key as `volet provider key` prints it.",
    "classes": 'Write the calendar\'s classes, each once, such as ["hp"].',
    "series": "Write the name of the market series.",
    "factor": 'Write a factor with at most 6 decimals, such as "1.05".',
    "register_calendar": "Write null, or an object with publisher and calendar.",
}
_FIX = "See docs/reference/tariffs.md for what belongs there."


def fix_for(place: Place) -> str:
    """Return how to correct the value at a place."""
    names = [part for part in place if isinstance(part, str)]
    return _FIXES.get(names[-1], _FIX) if names else _FIX


def error(place: Place, message: str, fix: str | None = None) -> TariffProblem:
    """Make an error; without `fix`, it describes what belongs at the place."""
    return TariffProblem(Severity.ERROR, place, message, fix or fix_for(place))


def warning(place: Place, message: str, fix: str) -> TariffProblem:
    """Make a warning."""
    return TariffProblem(Severity.WARNING, place, message, fix)


def form_problems(value: object, hint: object, place: Place = ()) -> Iterator[TariffProblem]:
    """Find every place where a JSON value does not match a type of Structs, tuples and unions."""
    structs = [kind for kind in _members(hint) if _is_struct(kind)]
    if structs and isinstance(value, dict):
        yield from _struct_problems(value, structs, place)
    elif typing.get_origin(hint) is tuple and isinstance(value, list):
        (item, *_) = typing.get_args(hint)
        for number, element in enumerate(value):
            yield from form_problems(element, item, (*place, number))
    else:
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as exc:
            yield error(place, f"{str(exc).split(' - at ')[0]}.")


def _struct_problems(
    value: dict[str, object], structs: list[type[msgspec.Struct]], place: Place
) -> Iterator[TariffProblem]:
    tag_field = structs[0].__struct_config__.tag_field
    chosen = structs[0]
    if tag_field is not None:
        tags = {str(kind.__struct_config__.tag): kind for kind in structs}
        tag = value.get(tag_field)
        if not isinstance(tag, str) or tag not in tags:
            state = "is missing" if tag is None else f"is {tag!r}"
            yield error(
                (*place, tag_field), f"`{tag_field}` {state}; it is one of {', '.join(tags)}."
            )
            return
        chosen = tags[tag]
    hints = typing.get_type_hints(chosen, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(chosen)}
    for name, field in fields.items():
        if name in value:
            yield from form_problems(value[name], hints[field.name], (*place, name))
        elif field.required:
            yield error((*place, name), f"`{name}` is missing.")
    for name in value:
        if name not in fields and name != tag_field:
            yield error(
                (*place, name),
                f"`{name}` is unknown.",
                f"Take it out, or write one of {', '.join(fields)}.",
            )


def _members(hint: object) -> tuple[object, ...]:
    is_union = typing.get_origin(hint) in {types.UnionType, typing.Union}
    return typing.get_args(hint) if is_union else (hint,)


def _is_struct(kind: object) -> typing.TypeGuard[type[msgspec.Struct]]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return False
    return not kind.__struct_config__.array_like
