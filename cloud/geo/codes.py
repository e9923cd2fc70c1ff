"""INSEE codes: an IRIS has 9 characters, a commune 5, a département 2 or 3.

A code begins with that of the area that contains it, except that a région must be looked up. The
grammar is always checked. Names, régions and the existence of a commune come from a list that the
operator installs (`volet cloud roster codes FILE`), since no package includes one.
"""

import csv
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from protocol.errors import DocumentRefused

LIST_NAME = "communes.csv"
COMMUNE_CHARACTERS = 5
# An undivided commune is a single IRIS.
UNDIVIDED = "0000"

_DEPARTEMENT = r"(?:0[1-9]|1\d|2[1-9AB]|[3-8]\d|9[0-5]|97[1-8]|98[4-9])"
_IRIS = re.compile(rf"(?=.{{9}}$){_DEPARTEMENT}\d{{6,7}}")
_COMMUNE = re.compile(rf"(?=.{{5}}$){_DEPARTEMENT}\d{{2,3}}")
_COLUMNS = ("code", "nom", "departement", "region")


class Commune(msgspec.Struct, frozen=True):
    """A commune, or an arrondissement of Paris, Lyon or Marseille."""

    code: str
    name: str
    departement: str
    region: str


class Codes:
    """Checks codes and looks them up; without a list it knows only the grammar."""

    def __init__(self, communes: Mapping[str, Commune] | None = None) -> None:
        self._communes = communes or {}

    def check_cell(self, code: str) -> None:
        """Check the code of a cell.

        Raises:
            DocumentRefused: neither an IRIS nor a commune, or of a commune missing from the list.
        """
        if not (_IRIS.fullmatch(code) or _COMMUNE.fullmatch(code)):
            raise DocumentRefused(
                f"{code!r} is no code of an IRIS (9 characters) or a commune (5 characters)."
            )
        if self._communes and commune_of(code) not in self._communes:
            raise DocumentRefused(f"{code}: the list of communes has no {commune_of(code)}.")

    def name(self, code: str) -> str:
        """Return the commune's name for a cell or commune, empty if it is unknown."""
        commune = self._communes.get(commune_of(code))
        return commune.name if commune else ""

    def region_of(self, code: str) -> str | None:
        """Return the région of a cell, commune or département, None if it is unknown."""
        commune = self._communes.get(commune_of(code))
        return commune.region if commune else self._regions.get(departement_of(code))

    @cached_property
    def _regions(self) -> dict[str, str]:
        return {commune.departement: commune.region for commune in self._communes.values()}


def commune_of(code: str) -> str:
    """Return the commune of an IRIS or commune."""
    return code[:COMMUNE_CHARACTERS]


def departement_of(code: str) -> str:
    """Return the département of an IRIS, commune or département."""
    return code[:3] if code.startswith(("97", "98")) else code[:2]


def read_codes(path: Path) -> Codes:
    """Read a list of communes: CSV with the columns code, nom, departement and region at least.

    Raises:
        DocumentRefused: names the line.
    """
    communes: dict[str, Commune] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [column for column in _COLUMNS if column not in (rows.fieldnames or ())]:
                raise DocumentRefused(f"{path}: there is no column {missing[0]}.")
            for row in rows:
                code, departement = row["code"] or "", row["departement"] or ""
                if not _COMMUNE.fullmatch(code) or departement != departement_of(code):
                    raise DocumentRefused(f"{path}, line {rows.line_num}: {code!r} is no commune.")
                communes[code] = Commune(code, row["nom"] or "", departement, row["region"] or "")
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DocumentRefused(f"{path} cannot be read as CSV: {exc}.") from exc
    if not communes:
        raise DocumentRefused(f"{path} names no commune.")
    return Codes(communes)


def installed_codes(directory: Path) -> Codes:
    """Return the list in the cloud's directory, or the grammar alone."""
    path = directory / LIST_NAME
    return read_codes(path) if path.exists() else Codes()
