"""The state of line, link, clock and machine, row by row."""

from datetime import datetime

from edge.household.messages import ChipState, Row
from edge.language.choice import Lang
from edge.status.report import ChipReport
from edge.status.words import advice_texts, notice_rows, state_rows


def state(report: ChipReport, now: datetime, lang: Lang) -> ChipState:
    """Return the answer at the instant `now`."""
    return ChipState(
        rows=tuple(Row(*row) for row in state_rows(report, now, lang)),
        waiting=tuple(advice_texts(report, lang)),
        notices=tuple(Row(*row) for row in notice_rows(report, lang)),
    )
