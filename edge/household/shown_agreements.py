"""What the chip answers its page of contracts, trustees and the neighbourhood's figures."""

from datetime import date
from enum import StrEnum

import msgspec

from edge.household.shown import Row


class ContractStanding(StrEnum):
    """A contract is in force, begins later, has ended, or waits for its answer."""

    IN_FORCE = "in_force"
    TO_COME = "to_come"
    ENDED = "ended"
    ASKED = "asked"


class ShownContract(msgspec.Struct, frozen=True):
    """A contract from `first` to `last` (None: open); `receipts` and `prices` are in words.

    Attributes:
        meter: the serial of its meter, empty if that is not the one on the line.
        terms: what its offer says of power, calendar and prices, in words.
        doubts: what will not work with it as it stands, in words.
    """

    provider: str
    product: str
    contract: str
    standing: ContractStanding
    first: date
    last: date | None
    receipts: str
    prices: str
    meter: str = ""
    terms: tuple[Row, ...] = ()
    doubts: tuple[str, ...] = ()


class ShownTrustees(msgspec.Struct, frozen=True):
    """A set of trustees from the day `since`; `standing`, `shape` and `risks` are in words."""

    fingerprint: str
    standing: str
    is_confirmed: bool
    shape: str
    since: date
    trustees: tuple[Row, ...]
    risks: tuple[str, ...]


class WaitingRequest(msgspec.Struct, frozen=True, tag="waiting-request"):
    """The request that has no answer yet, as JSON to hand over; empty if none waits.

    `commands` are typed at the chip once its answer is there.
    """

    request: str
    commands: tuple[str, ...]


class AgreementList(msgspec.Struct, frozen=True, tag="agreements"):
    """To what the household has agreed.

    Attributes:
        contracts: those in force first.
        is_taking_part: it contributes to the neighbourhood's figures; `participation` is in words.
        is_on: it wants to; another reason may keep it from it.
        profile: who lives here, as the household has said it; empty if it has not.
        bands: the age bands that are counted, each with the number of persons, 0 if it has not.
        employed: how many of them are employed.
        trustees: the sets that have arrived.
        groups: the household's groups, and `forks` what proves that trustees signed twice, in words.
        waiting: the request that has no answer yet.
    """

    contracts: tuple[ShownContract, ...]
    is_taking_part: bool
    is_on: bool
    participation: str
    bands: tuple[tuple[str, int], ...]
    employed: int
    profile: tuple[Row, ...]
    trustees: tuple[ShownTrustees, ...]
    groups: tuple[str, ...]
    forks: tuple[str, ...]
    waiting: WaitingRequest = WaitingRequest("", ())


class ShownOffer(msgspec.Struct, frozen=True, tag="offer"):
    """A contract that can be signed at the chip, and the command for it."""

    contract: ShownContract
    command: str
