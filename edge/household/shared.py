"""What left the home for a day, beside what the meter said."""

from datetime import date, timedelta

from edge.area.neighbourhood import Neighbourhood
from edge.area.report import participation
from edge.area.settings import AreaChoices, AreaConfig
from edge.area.words import participation_on_page
from edge.household.neighbourhood import beside
from edge.household.shown import SentBlock, SentContribution, Shared
from edge.household.today import energy_wh, first_day, quarters_of
from edge.language.choice import Lang
from edge.language.typography import bilingual
from edge.privacy.ledger import DELTA, Ledger
from edge.vault.area import AreaState
from edge.vault.reader import VaultReader
from edge.vault.rows import BlockRow, BlockState, Key
from protocol.calendar import day_number, day_of_number, quarter_hour_start, quarter_hours
from protocol.errors import DocumentRefused
from protocol.privacy import epsilon_of_rho

STATES = bilingual(
    en={
        AreaState.UNSENT: "ready to be sent",
        AreaState.STORED: "sent, and acknowledged by the city",
        AreaState.REFUSED: "sent, and not counted",
        AreaState.MISSED: "not sent in time, and deleted",
    },
    fr={
        AreaState.UNSENT: "prête à partir",
        AreaState.STORED: "envoyée, et reçue par la collectivité",
        AreaState.REFUSED: "envoyée, mais pas comptée",
        AreaState.MISSED: "pas envoyée à temps, et supprimée",
    },
)


def shared(
    vault: VaultReader,
    choices: AreaChoices,
    config: AreaConfig,
    known: Neighbourhood,
    day: date | None,
    today: date,
    lang: Lang,
) -> Shared:
    """Return what left for `day`; None: the last closed day, or today if none is closed.

    `known` is of the neighbourhood.

    Raises:
        DocumentRefused: there is nothing of that day.
    """
    first = first_day(vault, today)
    closed = vault.values.last_closed()
    asked = day or (today if closed is None else day_of_number(closed))
    if not first <= asked <= today:
        raise DocumentRefused(f"There is nothing of {asked}; the chip keeps {first} to {today}.")
    quarters = quarters_of(vault, asked)
    ledger = vault.area.ledger(day_number(today))
    taking_part = participation(ledger, choices, config, day_number(today))
    return Shared(
        day=asked,
        days=(first, today),
        quarters=quarters,
        energy_wh=energy_wh(quarters),
        blocks=tuple(
            _sent(vault, block)
            for block in vault.blocks.between(asked, asked + timedelta(days=1))
            if block.state is not BlockState.OPEN
        ),
        contribution=_contribution(vault, ledger, day_number(asked), lang),
        participation=participation_on_page(taking_part, lang),
        beside=beside(known, asked, first, lang),
    )


def _sent(vault: VaultReader, block: BlockRow) -> SentBlock:
    data = vault.blocks.payload(Key(block.incarnation, block.sequence)) or b""
    count = quarter_hours(block.day)
    has_values = block.j0 < count
    return SentBlock(
        sequence=block.sequence,
        first=quarter_hour_start(block.day, block.j0) if has_values else None,
        last=quarter_hour_start(block.day, min(block.j1, count)) if has_values else None,
        size_bytes=len(data),
        is_stored=block.state is BlockState.STORED,
        data=data,
    )


def _contribution(
    vault: VaultReader, ledger: Ledger, day: int, lang: Lang
) -> SentContribution | None:
    state = next((state for found, state, _ in vault.area.states(day) if found == day), None)
    if state is None:
        return None
    spends = [spend for spend in ledger.spends if spend.day == day]
    return SentContribution(
        state=STATES[lang][state],
        epsilon=epsilon_of_rho(sum(spend.rho for spend in spends), DELTA),
        measures=tuple(sorted({spend.measure for spend in spends})),
    )
