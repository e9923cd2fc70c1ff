"""What the chip answers its page of the bills that have arrived."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from edge.bills.sheet import BillDocument


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


class ShownBill(msgspec.Struct, frozen=True):
    """One bill: the verdict as a sentence, its faults, what else to know, and its lines.

    `sheet` is None if the bill was refused or its contract is not there; the notes say so.
    """

    row: BillRow
    verdict: str
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    sheet: BillDocument | None


class BillList(msgspec.Struct, frozen=True, tag="bills"):
    """The bills that have arrived, the newest first, and one of them.

    `warnings`: how the meter differs from the contract, what holds receipts back, and how many
    bills are not judged yet. Without a contract no bill comes.
    """

    rows: tuple[BillRow, ...]
    shown: ShownBill | None
    warnings: tuple[str, ...]
    has_contract: bool


class BillPdf(msgspec.Struct, frozen=True, tag="bill-pdf"):
    """A bill as PDF; `data` is None while the chip lays one out, and to be asked for again."""

    data: bytes | None
