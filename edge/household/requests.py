"""What the household's page asks of its chip."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from edge.household.visitors import HouseholdName, KnockId, VisitorRole
from edge.language.choice import Lang

# Of a file that a visitor chooses, in characters; as JSON, each takes six bytes at most.
_DOCUMENT_LENGTH_MAX = 64_000
REQUEST_BYTES_MAX = 6 * _DOCUMENT_LENGTH_MAX + 1_000

_Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}(?!\n)$")]
_ContractName = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{16})?(?!\n)$")]
_Document = Annotated[str, msgspec.Meta(max_length=_DOCUMENT_LENGTH_MAX)]
# Whether as many can live here the chip says, with the same sentence as at a console.
_Persons = Annotated[int, msgspec.Meta(ge=-9_999, le=9_999)]
StatementId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request; `household` is the one that let the visitor in, None if nobody has.

    `role`: as whom; without it, as one who sees the least.
    """

    lang: Lang = Lang.FR
    household: HouseholdName | None = None
    role: VisitorRole = VisitorRole.VIEWER


class _ChangeRequest(_Request, frozen=True, kw_only=True):
    """A change; with `is_trial` the chip says only whether it can be made, and changes nothing."""

    is_trial: bool = False


class AskToday(_Request, frozen=True, tag="today"):
    """Ask what the meter says today, and what waits for the household."""


class AskShared(_Request, frozen=True, tag="shared"):
    """Ask what left the home for a day; without one, for the last day that is closed."""

    day: date | None = None


class AskState(_Request, frozen=True, tag="state"):
    """Ask for the state of line, link, clock and machine."""


class AskBudget(_Request, frozen=True, tag="budget"):
    """Ask what the neighbourhood's figures have cost in privacy."""


class AskBills(_Request, frozen=True, tag="bills"):
    """Ask for the bills that have arrived, and for the lines of one; without one, of the latest."""

    statement: StatementId | None = None


class AskBillPdf(_Request, frozen=True, tag="bill-pdf"):
    """Ask for a bill as PDF."""

    statement: StatementId


class AskLetters(_Request, frozen=True, tag="letters"):
    """Ask for the providers' private messages."""


class AskOffers(_Request, frozen=True, tag="offers"):
    """Ask for the quotes as they stand; nothing is asked of anybody else."""


class AskAgreements(_Request, frozen=True, tag="agreements"):
    """Ask for contracts, consent, the part in the neighbourhood's figures, and the trustees."""


class AskMoving(_Request, frozen=True, tag="moving"):
    """Ask how far the household is with moving out."""


class AskOwnCurve(_Request, frozen=True, tag="own-curve"):
    """Ask how much of the load curve the chip keeps."""


class AskQuarters(_Request, frozen=True, tag="quarters"):
    """Ask for the quarter-hours of the days from `first` to `last`, 31 at most."""

    first: date
    last: date


class KeepCurve(_ChangeRequest, frozen=True, tag="keep-curve"):
    """Choose for how many months the chip keeps the load curve."""

    months: Annotated[int, msgspec.Meta(ge=-99, le=99)]


class RepeatLine(_ChangeRequest, frozen=True, tag="repeat-line"):
    """Have the line repeated on the home network, with other numbers in it, or no longer."""

    is_on: bool


class TakePart(_ChangeRequest, frozen=True, tag="take-part"):
    """Take part in the neighbourhood's figures, or no longer."""

    is_on: bool


class SetProfile(_ChangeRequest, frozen=True, tag="set-profile"):
    """Say who lives here, for the figures: persons of each age band, and how many are employed.

    Without numbers the chip forgets who lives here.
    """

    ages: Annotated[tuple[_Persons, ...], msgspec.Meta(min_length=6, max_length=6)] | None = None
    employed: _Persons = 0


class CapYear(_ChangeRequest, frozen=True, tag="cap-year"):
    """Choose what a year of the neighbourhood's figures may cost in privacy (zCDP)."""

    rho: Annotated[float, msgspec.Meta(ge=0, le=1_000)]


class AskForQuotes(_ChangeRequest, frozen=True, tag="ask-for-quotes"):
    """Order the question for quotes; it leaves hours later."""


class EraseHousehold(_ChangeRequest, frozen=True, tag="erase"):
    """Ask at the panel whether the household, which has left, is to be erased from the chip."""


class AskFirstRun(_Request, frozen=True, tag="first-run"):
    """Ask how far the chip has come from its meter's line to its enrolment."""


class MakeRequest(_Request, frozen=True, tag="make-request"):
    """Make the enrolment request; unless `is_sure`, only say what it would hold.

    Attributes:
        offer: a provider's signed offer as JSON, which the household takes; empty for none.
        start: the first day of the contract.
        consent: what a receipt may tell the provider.
        follows: whether the contract follows listed offers that extend its own.
        contract: by its name, the contract that was shown before the yes; empty for none.
    """

    offer: _Document = ""
    start: date | None = None
    consent: Literal["nothing", "total", "lines"] = "total"
    follows: bool = True
    contract: _ContractName = ""
    is_sure: bool = False


class TakeAnswer(_Request, frozen=True, tag="take-answer"):
    """Install the collectivity's answer to the request; unless `is_sure`, only say whose it is."""

    answer: _Document
    is_sure: bool = False


class SeeOffer(_Request, frozen=True, tag="see-offer"):
    """Ask what contract a provider's signed offer makes from `start` on, and how it is signed.

    Without `consent` or `follows` they are as in the household's contract until now.
    """

    offer: _Document
    start: date
    consent: Literal["nothing", "total", "lines"] | None = None
    follows: bool | None = None


class AskRequest(_Request, frozen=True, tag="waiting-request"):
    """Ask for the request that was made at the chip and has no answer yet."""


class AskLive(_Request, frozen=True, tag="live"):
    """Ask for the latest values on the meter's line."""


class AskPairing(_Request, frozen=True, tag="pairing"):
    """Ask whether a visitor can pair now."""


class Pair(_Request, frozen=True, tag="pair"):
    """Pair a visitor by the code that the chip's console shows."""

    code: _Code


class AskToEnter(_Request, frozen=True, tag="to-enter"):
    """Ask that whoever is at the panel lets this visitor in, by a press of its button."""


class AskWhetherLetIn(_Request, frozen=True, tag="whether-let-in"):
    """Ask whether the button was pressed for this visitor."""

    knock: KnockId


Question = (
    AskToday
    | AskShared
    | AskBudget
    | AskBills
    | AskBillPdf
    | AskLetters
    | AskOffers
    | AskAgreements
    | AskMoving
    | AskState
    | AskOwnCurve
    | AskQuarters
    | KeepCurve
    | RepeatLine
    | TakePart
    | SetProfile
    | CapYear
    | AskForQuotes
    | EraseHousehold
    | AskFirstRun
    | MakeRequest
    | TakeAnswer
    | SeeOffer
    | AskRequest
    | AskLive
    | AskPairing
    | Pair
    | AskToEnter
    | AskWhetherLetIn
)

# What a visitor may ask who sees the curve alone; a request that is not listed is the owner's.
FOR_VIEWERS: frozenset[type[Question]] = frozenset(
    {AskToday, AskShared, AskBudget, AskState, AskLive}
)
