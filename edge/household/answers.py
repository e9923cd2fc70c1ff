"""Finds the answer to each request of the page, by what the chip's directory holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from edge.area.neighbourhood import Neighbourhood
from edge.area.settings import AreaConfig, load_choices
from edge.bills.papers import document_of
from edge.bills.sheet import BillDocument
from edge.household.agreements import agreements
from edge.household.bills import bills, latest
from edge.household.budget import budget
from edge.household.changes import Changes
from edge.household.contracts import see_offer, waiting_request
from edge.household.curve import asked_in, own_curve, quarters_between
from edge.household.entrance import Entrance
from edge.household.erasing import Erasing
from edge.household.first_run import already_enrolled
from edge.household.letters import letters
from edge.household.messages import Answer
from edge.household.moving import moving
from edge.household.offers import ComparedOffers
from edge.household.pairing import PairingWindow
from edge.household.panel_questions import PanelQuestions
from edge.household.printing import BillPrinter
from edge.household.requests import (
    AskAgreements,
    AskBillPdf,
    AskBills,
    AskBudget,
    AskFirstRun,
    AskForQuotes,
    AskLetters,
    AskLive,
    AskMoving,
    AskOffers,
    AskOwnCurve,
    AskQuarters,
    AskRequest,
    AskShared,
    AskState,
    AskToday,
    CapYear,
    EraseHousehold,
    KeepCurve,
    MakeRequest,
    Question,
    RepeatLine,
    SeeOffer,
    SetProfile,
    TakeAnswer,
    TakePart,
)
from edge.household.sent import sent_on
from edge.household.shared import shared
from edge.household.shown import Live
from edge.household.shown_agreements import WaitingRequest
from edge.household.shown_bills import BillPdf
from edge.household.shown_first_run import FirstRunStep, ShownFirstRun
from edge.household.state import state, without_contract
from edge.household.today import today
from edge.household.visitors import VisitorRole
from edge.language.choice import Lang
from edge.mqtt.sent import SentDay
from edge.status.live import LiveValues
from edge.status.news import News, look
from edge.status.report import ChipReport
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import day_number, legal_day
from protocol.ids import HouseholdKeyId
from system.systemd import runtime_directory

# Values older than this are of a line that has fallen silent.
LIVE_FOR_S = 10.0


@dataclass(frozen=True, slots=True)
class LiveChip:
    """What the chip's process knows: line, state, neighbourhood's curves, what it sent on a day.

    A meter that `is_simulated` lives on a day of its own, which is the household's then.
    """

    live: Callable[[], LiveValues]
    report: Callable[[], ChipReport]
    neighbourhood: Callable[[], Neighbourhood]
    sent: Callable[[date], SentDay | None]
    is_simulated: bool = False


class Answers:
    """Answers for the chip in one directory."""

    def __init__(
        self,
        directory: Path,
        household: HouseholdKeyId,
        window: PairingWindow,
        questions: PanelQuestions,
        area: AreaConfig,
        now: Callable[[], datetime],
        chip: LiveChip,
    ) -> None:
        """Read `directory` at each request, ask `chip` what only its process knows, and the panel.

        Visitors whom another household than `household` let in are told nothing.
        """
        self._directory = directory
        self._area = area
        self._now = now
        self._chip = chip
        self._questions = questions
        self._compared = ComparedOffers(directory)
        self._printer = BillPrinter()
        changes, self._erasing = (
            Changes(directory, area, now, questions),
            Erasing(directory, questions),
        )
        self._answers: dict[type[Question], Callable[[Any], Answer]] = {
            AskToday: self._today,
            AskShared: self._shared,
            AskBudget: self._budget,
            AskBills: self._bills,
            AskBillPdf: self._bill_pdf,
            AskLetters: self._letters,
            AskOffers: self._offers,
            AskAgreements: self._agreements,
            AskMoving: self._moving,
            SeeOffer: self._see_offer,
            AskRequest: self._waiting_request,
            AskState: self._state,
            AskOwnCurve: self._own_curve,
            AskQuarters: self._quarters,
            KeepCurve: changes.keep_curve,
            RepeatLine: changes.repeat_line,
            TakePart: changes.take_part,
            SetProfile: changes.set_profile,
            CapYear: changes.cap_year,
            AskForQuotes: changes.ask_for_quotes,
            EraseHousehold: self._erasing.ask,
            AskLive: self._latest,
            AskFirstRun: lambda _: ShownFirstRun(FirstRunStep.DONE),
            MakeRequest: _is_past,
            TakeAnswer: _is_past,
        }
        self._entrance = Entrance(lambda: household, window)

    def answer(self, request: Question) -> Answer:
        """Return the answer; what cannot be done is `NotDone`."""
        return self._entrance.answer(request, self._found)

    def close(self) -> None:
        """End what is in work; nothing is answered any more."""
        self._printer.close()

    def _found(self, request: Question) -> Answer:
        return self._answers[type(request)](request)

    def _today(self, asked: AskToday) -> Answer:
        known = self._chip.neighbourhood()
        with read_vault(self._directory) as vault:
            found = today(vault, self._report_for(asked), known, self._day(vault), asked.lang)
            if asked.role is not VisitorRole.OWNER:
                return found
            bill, wrong_bills = latest(self._directory, vault, asked.lang)
        return msgspec.structs.replace(found, bill=bill, wrong_bills=wrong_bills)

    def _shared(self, asked: AskShared) -> Answer:
        choices, known = load_choices(self._directory), self._chip.neighbourhood()
        with read_vault(self._directory) as vault:
            on = self._day(vault)
            found = shared(vault, choices, self._area, known, asked.day, on, asked.lang)
        sent = sent_on(self._chip.sent(found.day), asked.role)
        return msgspec.structs.replace(found, sent=sent)

    def _budget(self, asked: AskBudget) -> Answer:
        choices = load_choices(self._directory)
        with read_vault(self._directory) as vault:
            on = day_number(self._day(vault))
            return budget(vault, choices, self._area, on, asked.lang)

    def _day(self, vault: VaultReader) -> date:
        """Return the legal day that it is where the meter is."""
        state = vault.values.state() if self._chip.is_simulated else None
        if state is None or state.account is None:
            return legal_day(self._now())
        return state.account.day

    def _bills(self, asked: AskBills) -> Answer:
        with read_vault(self._directory) as vault:
            look(vault, self._directory, self._now(), News.BILL)
            return bills(self._directory, vault, asked.statement, asked.lang)

    def _bill_pdf(self, asked: AskBillPdf) -> Answer:
        def document() -> BillDocument:
            with read_vault(self._directory) as vault:
                return document_of(self._directory, vault, asked.statement, asked.lang)

        return BillPdf(self._printer.pdf(f"{asked.statement} {asked.lang}", document))

    def _letters(self, _: AskLetters) -> Answer:
        with read_vault(self._directory) as vault:
            look(vault, self._directory, self._now(), News.LETTER)
            return letters(self._directory, vault)

    def _offers(self, asked: AskOffers) -> Answer:
        with read_vault(self._directory) as vault:
            return self._compared.offers(vault, self._now(), asked.lang)

    def _agreements(self, asked: AskAgreements) -> Answer:
        on = legal_day(self._now())
        with read_vault(self._directory) as vault:
            found = agreements(self._directory, vault, self._area, on, asked.lang)
        return msgspec.structs.replace(found, waiting=self._waiting(asked.lang))

    def _see_offer(self, asked: SeeOffer) -> Answer:
        with read_vault(self._directory) as vault:
            return see_offer(self._directory, vault, asked, legal_day(self._now()))

    def _waiting_request(self, asked: AskRequest) -> Answer:
        return self._waiting(asked.lang)

    def _waiting(self, lang: Lang) -> WaitingRequest:
        return waiting_request(self._directory, lang, has_unit=runtime_directory() is not None)

    def _moving(self, asked: AskMoving) -> Answer:
        on, is_revoked = legal_day(self._now()), self._chip.report().revoked_at is not None
        has_unit = runtime_directory() is not None
        with read_vault(self._directory) as vault:
            found = moving(
                self._directory, vault, on, asked.lang, is_revoked=is_revoked, has_unit=has_unit
            )
        return self._erasing.shown_in(found)

    def _own_curve(self, asked: AskOwnCurve) -> Answer:
        with read_vault(self._directory) as vault:
            own = own_curve(vault, self._directory, asked.lang)
        return asked_in(own, self._questions)

    def _quarters(self, asked: AskQuarters) -> Answer:
        with read_vault(self._directory) as vault:
            return quarters_between(vault, asked.first, asked.last)

    def _state(self, asked: AskState) -> Answer:
        report, now = self._report_for(asked), self._now()
        if asked.role is VisitorRole.OWNER:
            with read_vault(self._directory) as vault:
                look(vault, self._directory, now, News.RELEASE)
        return state(report, now, asked.lang, asked.role)

    def _report_for(self, asked: AskToday | AskState) -> ChipReport:
        report = self._chip.report()
        return report if asked.role is VisitorRole.OWNER else without_contract(report)

    def _latest(self, _: AskLive) -> Answer:
        live, now = self._chip.live(), self._now()
        is_good = live.at is not None and (now - live.at).total_seconds() <= LIVE_FOR_S
        return Live(live.at, live.drawn_va, live.injected_va, live.register, is_line_good=is_good)


def _is_past(_: MakeRequest | TakeAnswer) -> Answer:
    raise already_enrolled()
