"""The parts list, and the tables of the guide that are made and not typed."""

import csv
import io
from dataclasses import astuple, dataclass, fields

HEAD = ("| | part | value | instead | why |", "|---|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class ListedPart:
    """A line of the parts list."""

    ref: str
    part: str
    value: str
    instead: str
    why: str
    footprint: str


def parts_csv(parts: list[ListedPart]) -> str:
    """Return the parts list as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(field.name for field in fields(ListedPart))
    writer.writerows(astuple(part) for part in parts)
    return out.getvalue()


def listed_parts(text: str) -> list[ListedPart]:
    """Return the parts of a list as CSV."""
    return [ListedPart(**row) for row in csv.DictReader(io.StringIO(text))]


def parts_table(parts: list[ListedPart]) -> str:
    """Return the parts list as the guide shows it."""
    lines = (
        f"| {part.ref} | {part.part} | {part.value} | {part.instead} | {part.why} |"
        for part in parts
    )
    return "\n".join((*HEAD, *lines))


def with_table(page: str, table: str) -> str:
    """Return a page in which a table takes the place of the one under the same head.

    Raises ValueError if there is none.
    """
    head = table.partition("\n")[0]
    before, found, rest = page.partition(f"{head}\n")
    if not found:
        raise ValueError(f"The page has no table under {head}")
    after = rest.partition("\n\n")[2]
    return f"{before}{table}\n\n{after}"
