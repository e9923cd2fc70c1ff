"""What the chip answers its page: what each page shows, in the language of the request.

No answer holds a key, a seed or a secret of the chip.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from edge.household.shown_bills import BillRow
from edge.household.visitors import HouseholdName, KnockId, KnockNumber, VisitorRole
from edge.language.choice import Lang
from protocol.calendar import Instant

# Of one answer with quarter-hours.
SPAN_DAYS_MAX = 31


class Quarter(msgspec.Struct, frozen=True):
    """A quarter-hour's energy; `energy_wh` is None if it is not known."""

    start: Instant
    energy_wh: int | None = None
    is_estimated: bool = False


class Row(msgspec.Struct, frozen=True):
    """A label and a text."""

    label: str
    text: str


class Today(msgspec.Struct, frozen=True, tag="today"):
    """The day so far.

    Attributes:
        quarters: the quarter-hours of the whole day, in order.
        energy_wh: what they have together.
        last_day: the last day that is closed, and `last_day_wh` its energy, None if there is none.
        is_line_good: a good frame came within ten seconds; None if the chip has just started.
        line, city: each in words.
        waiting: what the household can do, the most urgent first.
        notices: what has happened that the household should know, newest last.
        has_left: the household has moved out.
        bill: the latest bill, None if there is none, and `wrong_bills` how many may ask
            for something to be done; neither is told to who may see the curve only.
        beside: the last day of which there is a curve of the neighbourhood, None if there is none.
    """

    day: date
    quarters: tuple[Quarter, ...]
    energy_wh: int
    last_day: date | None
    last_day_wh: int | None
    is_line_good: bool | None
    line: str
    city: str
    is_connected: bool
    waiting: tuple[str, ...]
    notices: tuple[Row, ...]
    has_left: bool
    beside: date | None
    bill: BillRow | None = None
    wrong_bills: int = 0


class MeanCurve(msgspec.Struct, frozen=True):
    """A neighbourhood's curve of a day, as the collectivity published it; nobody signed it.

    Attributes:
        households: how many are in it.
        mean_wh: their mean energy in each quarter-hour of the day.
        band_wh: half-width of the band around it that contains the true mean 90 times in 100.
    """

    households: int
    mean_wh: tuple[float, ...]
    band_wh: tuple[float, ...]


class Beside(msgspec.Struct, frozen=True):
    """What stands beside the household's own curve of a day.

    Attributes:
        curve: None if there is none of that day.
        why_none: a sentence; empty if there is one.
        days: of which there is one, the newest first.
    """

    curve: MeanCurve | None
    why_none: str
    days: tuple[date, ...]


class SentBlock(msgspec.Struct, frozen=True):
    """A block of encrypted values: the bytes as they leave the home.

    `is_stored`: the city has acknowledged it. `first` and `last` are the quarter-hours that it has,
    None if it has only the day's closing values. `data` is empty once the bytes are deleted here.
    """

    sequence: int
    first: Instant | None
    last: Instant | None
    size_bytes: int
    is_stored: bool
    data: bytes


class SentContribution(msgspec.Struct, frozen=True):
    """A day's contribution to the figures of the neighbourhood; `state` is in words.

    `epsilon` bounds what it reveals of the home, at delta 1e-6.
    """

    state: str
    epsilon: float
    measures: tuple[str, ...]


class SentMessages(msgspec.Struct, frozen=True):
    """The messages of one kind that left on a day; `size_bytes` is of their payloads.

    `kind` is the topic's, "will" for what a connection leaves in case it breaks, or "other".
    """

    kind: str
    count: int
    size_bytes: int
    first: Instant
    last: Instant


class SentOnDay(msgspec.Struct, frozen=True):
    """Every message that left on a day, counted from `since` on, None: from its beginning.

    `is_anew`: the count of before was damaged.
    """

    since: Instant | None
    is_anew: bool
    messages: tuple[SentMessages, ...]


class Shared(msgspec.Struct, frozen=True, tag="shared"):
    """One day: what the meter said, and what left the home for it.

    `days` are the first and the last day that can be asked for. `sent` left on that day, of
    whatever day it speaks; None: there is no count of it.
    """

    day: date
    days: tuple[date, date]
    quarters: tuple[Quarter, ...]
    energy_wh: int
    blocks: tuple[SentBlock, ...]
    contribution: SentContribution | None
    participation: str
    beside: Beside
    sent: SentOnDay | None = None


class SpentNoise(msgspec.Struct, frozen=True):
    """What a period has cost in privacy.

    Attributes:
        epsilon: bounds what taking part or not reveals, at delta 1e-6.
        epsilon_replaced: bounds what one day instead of another reveals, at delta 1e-6.
        spent: the fraction of `cap_rho` that is spent, 0 to 1.
    """

    label: str
    rho: float
    cap_rho: float
    epsilon: float
    epsilon_replaced: float
    spent: float


class SpentBudget(msgspec.Struct, frozen=True, tag="budget"):
    """What the neighbourhood's figures have cost on `day`, in its month and in its year.

    `next_day` and `explained` are sentences, on what one more day costs and on what all this means.
    The household can cap a year at `most_rho` at most.
    """

    day: date
    participation: str
    spent: tuple[SpentNoise, ...]
    most_rho: float
    profile: Row
    next_day: str
    explained: tuple[str, ...]


class ReceivedLetter(msgspec.Struct, frozen=True):
    """A provider's private message."""

    provider: str
    written_on: date
    text: str


class LetterList(msgspec.Struct, frozen=True, tag="letters"):
    """The latest of the providers' messages, the newest first; `older` more are on the chip."""

    letters: tuple[ReceivedLetter, ...]
    older: int


class OfferRow(msgspec.Struct, frozen=True):
    """What an offer would have cost, with all taxes, and how much more than the household's own.

    `is_estimate`: the meter does not run its calendar.
    """

    provider: str
    product: str
    total_eur: Decimal
    difference_eur: Decimal | None
    is_current: bool
    is_estimate: bool


class OfferList(msgspec.Struct, frozen=True, tag="offers"):
    """The quotes as they stand, the cheapest first.

    Attributes:
        title: over which days the offers are compared; empty if there are no quotes.
        why_none: why there are none; empty if there are some.
        ordered: when a question leaves that has not left yet; empty if there is none.
        notes: what to know of all quotes, and `unquoted` why offers have none, in words; `more`
            offers, quoted or not, are on the chip.
        asked_at: when the answered question was asked.
        listed_on: the day of the newest document of the list, and `documents` how many it has, of
            which `missing` have not arrived yet; None if the list has not arrived.
    """

    title: str
    why_none: str
    ordered: str
    rows: tuple[OfferRow, ...]
    notes: tuple[str, ...]
    unquoted: tuple[str, ...]
    more: int
    asked_at: Instant | None
    listed_on: date | None
    documents: int
    missing: int


class MovingStep(StrEnum):
    """The household stays, has ordered to leave, is being sent, has left, or is in a bundle too."""

    STAYS = "stays"
    ORDERED = "ordered"
    SENDING = "sending"
    LEFT = "left"
    TAKEN = "taken"


class MovingTask(msgspec.Struct, frozen=True):
    """Something to do; `commands` are typed at the chip, one after the other, as they stand."""

    title: str
    text: str
    commands: tuple[str, ...]
    is_done: bool = False
    is_next: bool = False


class Moving(msgspec.Struct, frozen=True, tag="moving"):
    """How far the household is with moving out, in words, and what there is to do for it.

    `can_erase`: the household has left, and the chip has a panel at which its erasure is confirmed;
    `asked_until`: until when it is asked for there, None if it is not.
    """

    step: MovingStep
    standing: str
    warnings: tuple[str, ...]
    tasks: tuple[MovingTask, ...]
    can_erase: bool = False
    asked_until: Instant | None = None


class ChipState(msgspec.Struct, frozen=True, tag="state"):
    """The state of everything, row by row.

    `repeater`: how the line is repeated on the home network; `is_repeated`: whether it is to be.
    """

    rows: tuple[Row, ...]
    waiting: tuple[str, ...]
    notices: tuple[Row, ...]
    repeater: str
    is_repeated: bool


class OwnCurve(msgspec.Struct, frozen=True, tag="own-curve"):
    """What the chip keeps of the load curve.

    Attributes:
        months: for how many months quarter-hours are kept, one of `lengths`.
        first, last: the first and the last day of which there is one, None if there is none.
        known: how many there are, `estimated` of them put in the place of missing ones.
        missing: how many between the first and the last one are not known.
        texts: the same in words, what whoever has the card sees, and what fewer months cost.
        asked_until: until when the panel asks whether only `asked_months` are to stay, None if it
            does not.
    """

    months: int
    lengths: tuple[int, ...]
    first: date | None
    last: date | None
    known: int
    estimated: int
    missing: int
    texts: tuple[str, ...]
    asked_until: Instant | None = None
    asked_months: int = 0

    def days(self, first: date | None, last: date | None) -> tuple[date, date] | None:
        """Return the first and the last kept day from `first` to `last`; None if there is none.

        Without `first` or `last` they are the first and the last that are kept.
        """
        if self.first is None or self.last is None:
            return None
        days = max(first or self.first, self.first), min(last or self.last, self.last)
        return days if days[0] <= days[1] else None


class Quarters(msgspec.Struct, frozen=True, tag="quarters"):
    """All quarter-hours of the days that were asked for, in order."""

    quarters: tuple[Quarter, ...]


class Feasible(msgspec.Struct, frozen=True, tag="feasible"):
    """A change that was tried and can be made; nothing is changed yet.

    `is_at_panel`: it cannot be undone, so that the panel's button has to confirm it too.
    """

    is_at_panel: bool = False


class Live(msgspec.Struct, frozen=True, tag="live"):
    """The latest values on the line; `at` is when they came, None if nothing has come yet.

    Attributes:
        drawn_va: apparent power drawn, over all phases.
        injected_va: apparent power injected.
        register: the name of the tariff period now, as the meter shows it.
    """

    at: Instant | None = None
    drawn_va: int | None = None
    injected_va: int | None = None
    register: str = ""
    is_line_good: bool = False


class Pairing(msgspec.Struct, frozen=True, tag="pairing"):
    """Whether a visitor can pair now; `until` is when the window shuts.

    `by_button`: the chip has a panel whose button can let somebody in while the window is open.
    """

    is_open: bool
    until: Instant | None = None
    by_button: bool = False


class Knocked(msgspec.Struct, frozen=True, tag="knocked"):
    """A visitor waits until somebody presses the button, `until` at the latest.

    The home light flashes `number`, so that the one at the panel knows whom the press lets in.
    """

    knock: KnockId
    number: KnockNumber
    until: Instant


class Paired(msgspec.Struct, frozen=True, tag="paired"):
    """A visitor is let in, by the household of that name."""

    role: VisitorRole
    household: HouseholdName


class FormerHouseholds(msgspec.Struct, frozen=True, tag="former"):
    """The visitor was let in by another household than the one that the chip has now."""


class NotEnrolled(msgspec.Struct, frozen=True, tag="not-enrolled"):
    """The chip is not enrolled yet, so there is nothing else to show than its first run."""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The chip has done what was asked; `texts` say in each language what holds now.

    In both, since it is done once, and a visitor may change the language afterwards. `is_at_panel`:
    it has asked its panel, whose button answers.
    """

    texts: dict[Lang, str]
    is_at_panel: bool = False


def done(text: Callable[[Lang], str], *, is_at_panel: bool = False) -> Done:
    """Return that it is done, with what `text` says of it in each language."""
    return Done({lang: text(lang) for lang in Lang}, is_at_panel)


class NotDone(msgspec.Struct, frozen=True, tag="refused"):
    """The chip does not do what was asked; `texts` say in each language why."""

    texts: dict[Lang, str]


def not_done(text: Callable[[Lang], str]) -> NotDone:
    """Return that it is not done, with why in each language, as `text` says it."""
    return NotDone({lang: text(lang) for lang in Lang})
