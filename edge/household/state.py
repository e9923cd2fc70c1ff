"""The state of line, link, clock and machine, row by row."""

from datetime import datetime

import msgspec

from edge.area.words import PARTICIPATION, participation_on_page
from edge.household.shown import ChipState, Row
from edge.household.visitors import VisitorRole
from edge.language.choice import Lang
from edge.metering.events import NoticeKind
from edge.status.repeater import repeater_text
from edge.status.report import Advice, ChipReport
from edge.status.words import advice_texts, notice_rows, state_rows

# What a household does about its contract, and what happens to it.
_ADVICE = {Advice.CONTRACT, Advice.TARIFF}
_NOTICES = {
    NoticeKind.METER_DIFFERS,
    NoticeKind.CALENDAR_DIFFERS,
    NoticeKind.POWER_DIFFERS,
    NoticeKind.CONTRACT_FITS,
}


def without_contract(report: ChipReport) -> ChipReport:
    """Return what one sees of a report who sees the curve only: no advice and notice of a contract."""
    return msgspec.structs.replace(
        report,
        advice=tuple(each for each in report.advice if each not in _ADVICE),
        notices=tuple(each for each in report.notices if each.kind not in _NOTICES),
        unresolved=tuple(each for each in report.unresolved if each.kind not in _NOTICES),
    )


def state(report: ChipReport, now: datetime, lang: Lang, role: VisitorRole) -> ChipState:
    """Return the answer at the instant `now`; the next bill is for the owner."""
    is_owners = role is VisitorRole.OWNER
    shown = msgspec.structs.replace(report, repeater=None)  # of which the page says more
    rows = (Row(*row) for row in state_rows(shown, now, lang, has_bill=is_owners))
    part = report.area.participation
    own, here = PARTICIPATION[lang][part], participation_on_page(part, lang)
    rows = (Row(row.label, here) if row.text == own else row for row in rows)
    return ChipState(
        rows=tuple(rows),
        waiting=tuple(advice_texts(report, lang)),
        notices=tuple(Row(*row) for row in notice_rows(report, lang)),
        repeater=repeater_text(report.repeater, lang),
        is_repeated=report.repeater is not None,
    )
