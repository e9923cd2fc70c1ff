"""What stands on a bill's page, as text in one language: `document` composes it, `render` lays it out.

The household's page and the process that lays out a PDF import this and nothing of metering or
ciphers, which would take 50 MB.
"""

import msgspec

from edge.language.choice import Lang


class TableRow(msgspec.Struct, frozen=True):
    """One line of a table, as it is printed."""

    label: str
    period: str
    quantity: str
    unit_price: str
    ht: str
    vat: str


class Section(msgspec.Struct, frozen=True):
    """Lines of one kind and their sum before tax."""

    title: str
    rows: tuple[TableRow, ...]
    subtotal: str


class IndexRow(msgspec.Struct, frozen=True):
    """A register's index at the period's start and end, and the energy between, in kWh."""

    label: str
    start: str
    end: str
    energy: str


class Bar(msgspec.Struct, frozen=True):
    """One of two bars that compare periods; `share` is its length, 0 to 100 % of the longer one."""

    label: str
    text: str
    share: int


class BillDocument(msgspec.Struct, frozen=True):
    """The whole content of the page, as text in one language."""

    lang: Lang
    words: dict[str, str]
    provider: str
    product: str
    contract: str
    statement: str
    period: str
    is_correct: bool
    is_credit: bool
    is_estimated: bool
    findings: tuple[str, ...]
    sections: tuple[Section, ...]
    total_ht: str
    vat: tuple[tuple[str, str], ...]
    total_ttc: str
    indices: tuple[IndexRow, ...]
    bars: tuple[Bar, ...]
    messages: tuple[str, ...]
