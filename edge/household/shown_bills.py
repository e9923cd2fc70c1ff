"""What the chip answers its page of the bills that have arrived."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec


class BillVerdict(StrEnum):
    """The chip's verdict: it agrees with the meter, it does not, or it was not opened."""

    CORRECT = "correct"
    DIFFERS = "differs"
    REFUSED = "refused"


class BillRow(msgspec.Struct, frozen=True):
    """A bill from `first` to `last`; `receipt` is in words.

    `total_eur` has all taxes, and is None if the bill was refused. `asks_for_action`: it is wrong,
    and no other bill covers its days.
    """

    statement: str
    first: date
    last: date
    verdict: BillVerdict
    asks_for_action: bool
    total_eur: Decimal | None
    receipt: str


class BillLine(msgspec.Struct, frozen=True):
    """A line of a bill, as it is printed."""

    label: str
    period: str
    quantity: str
    unit_price: str
    ht: str
    vat: str


class BillPart(msgspec.Struct, frozen=True):
    """Lines of one kind, and their sum before tax."""

    title: str
    rows: tuple[BillLine, ...]
    subtotal: str


class BillIndex(msgspec.Struct, frozen=True):
    """A register's index at the start and at the end, and the energy between."""

    label: str
    start: str
    end: str
    energy: str


class BillBar(msgspec.Struct, frozen=True):
    """One of two periods that are compared; `share` is 0 to 100 % of the longer bar."""

    label: str
    text: str
    share: int


class BillSheet(msgspec.Struct, frozen=True):
    """What stands on a bill, as text; `words` names its parts."""

    words: dict[str, str]
    provider: str
    product: str
    contract: str
    is_credit: bool
    is_estimated: bool
    sections: tuple[BillPart, ...]
    total_ht: str
    vat: tuple[tuple[str, str], ...]
    total_ttc: str
    indices: tuple[BillIndex, ...]
    bars: tuple[BillBar, ...]


class ShownBill(msgspec.Struct, frozen=True):
    """One bill: the verdict as a sentence, its faults, what else to know, and its lines.

    `sheet` is None if the bill was refused or its contract is not there; the notes say so.
    """

    row: BillRow
    verdict: str
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    sheet: BillSheet | None


class BillList(msgspec.Struct, frozen=True, tag="bills"):
    """The bills that have arrived, the newest first, and one of them.

    `warnings`: how the meter differs from the contract, what holds receipts back, and how many
    bills are not judged yet.
    """

    rows: tuple[BillRow, ...]
    shown: ShownBill | None
    warnings: tuple[str, ...]


class BillPdf(msgspec.Struct, frozen=True, tag="bill-pdf"):
    """A bill as PDF; `data` is None while the chip lays one out, and to be asked for again."""

    data: bytes | None
