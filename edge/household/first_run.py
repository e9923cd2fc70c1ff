"""Answers the page of a chip that is not enrolled yet: its line, its request, the answer to it.

Nothing is kept but what `volet edge request` and `volet edge enrol` write, so that a chip whose power
was cut goes on where it was, and page and console may take turns.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.contracts.answered import answered_contract
from edge.contracts.enrolling import (
    check_no_import,
    checked_answer,
    install_answer,
    make_request,
    requested_contract,
    sign_contract,
    write_request,
)
from edge.contracts.fitting import MeterNow
from edge.contracts.meter import check_is_named
from edge.contracts.recognizing import check_is_offer
from edge.contracts.requests import latest_made_at
from edge.contracts.sequence import check_follows
from edge.contracts.signed import SignedAgreement
from edge.household.asked_contract import asked_contract
from edge.household.entrance import Entrance
from edge.household.messages import Answer
from edge.household.pairing import PairingWindow
from edge.household.requests import AskFirstRun, MakeRequest, Question, TakeAnswer
from edge.household.shown import Done, NotEnrolled, Row, done
from edge.household.shown_agreements import ShownContract
from edge.household.shown_first_run import FirstRunStep, ShownAnswer, ShownFirstRun, ShownRequest
from edge.identity.enrolment import ca_fingerprint, openssl_spelling
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from edge.language.typography import bilingual
from edge.stage import REQUEST, Stage, stage
from edge.tic.diagnosis import LineFault
from edge.tic.frame import InformationGroup, Mode
from edge.tic.hints import HINTS
from edge.tic.report import group_cells
from protocol.calendar import legal_day
from protocol.contract import Consent, check_start, parse_signed
from protocol.errors import ConfigError, DocumentRefused, MessageRefused
from system.files import read_document

# What a meter says of itself that a household can compare: serial, calendar, subscribed power.
_TOLD = ("ADSC", "ADCO", "NGTF", "OPTARIF", "PREF", "ISOUSC")
_THREE_PHASES = frozenset({"IRMS2", "IINST2", "URMS2"})
_PRODUCES = "EAIT"
_WORDS = bilingual(
    fr={
        "meter": "Compteur",
        "one": "monophasé",
        "three": "triphasé",
        "produces": ", avec injection",
        "mode": "Mode de la sortie",
        Mode.STANDARD: "standard",
        Mode.HISTORIQUE: "historique",
    },
    en={
        "meter": "Meter",
        "one": "one phase",
        "three": "three phases",
        "produces": ", with injection",
        "mode": "Mode of its output",
        Mode.STANDARD: "standard",
        Mode.HISTORIQUE: "historique",
    },
)


@dataclass(frozen=True, slots=True)
class SeenLine:
    """What has been read of the meter's line.

    Attributes:
        serial: the serial on which two successive frames agree, None before.
        mode: the mode of the meter's output.
        groups: the groups of the latest frames, by label.
        faults: what is wrong with the line now, the likeliest first.
        trouble: why the device is not open, as a sentence.
        calendar, subscribed_kva: as the latest frame that had them gave them.
    """

    serial: str | None = None
    mode: Mode | None = None
    groups: Mapping[str, InformationGroup] = field(default_factory=dict)
    faults: tuple[LineFault, ...] = ()
    trouble: str | None = None
    calendar: str | None = None
    subscribed_kva: int | None = None


class FirstRunAnswers:
    """Answers for a chip in one directory whose keys are drawn and which is not enrolled."""

    def __init__(
        self,
        directory: Path,
        window: PairingWindow,
        line: Callable[[], SeenLine],
        now: Callable[[], datetime],
    ) -> None:
        """Read `directory` at each request: an import may change the household meanwhile."""
        self._directory = directory
        self._line, self._now = line, now
        self._answers: dict[type[Question], Callable[[Any], Answer]] = {
            AskFirstRun: self._first_run,
            MakeRequest: self._make_request,
            TakeAnswer: self._take_answer,
        }
        self._entrance = Entrance(lambda: load_keys(directory).household.id, window)

    def answer(self, request: Question) -> Answer:
        """Return the answer; what cannot be done is `NotDone`."""
        return self._entrance.answer(request, self._found)

    def _found(self, request: Question) -> Answer:
        known = self._answers.get(type(request))
        return NotEnrolled() if known is None else known(request)

    def _first_run(self, asked: AskFirstRun) -> ShownFirstRun:
        line, request = self._line(), self._request()
        step = FirstRunStep.REQUEST if line.serial is not None else FirstRunStep.LINE
        if stage(self._directory) is Stage.ENROLLED:
            step = FirstRunStep.DONE
        elif request:
            step = FirstRunStep.ANSWER
        return ShownFirstRun(
            step,
            line=_line_rows(line, asked.lang),
            faults=_faults(line, asked.lang),
            is_away=line.trouble is not None,
            request=request,
            contract=self._requested(asked.lang) if request else None,
        )

    def _request(self) -> str:
        """Return the request that was made, empty if there is none."""
        path = self._directory / REQUEST
        return read_document(path, "make a new request.").decode() if path.exists() else ""

    def _requested(self, lang: Lang) -> ShownContract | None:
        """Return the contract of the request; a new one replaces a damaged one."""
        with suppress(ConfigError, DocumentRefused, MessageRefused):
            found = requested_contract(self._directory, load_keys(self._directory))
            return None if found is None else self._shown(found, lang)
        return None

    def _shown(
        self, agreement: SignedAgreement, lang: Lang, *, is_answered: bool = False
    ) -> ShownContract:
        """Return a contract in words, and what speaks against it as far as the line tells."""
        line = self._line()
        salt, today = load_keys(self._directory).meter_salt, legal_day(self._now())
        meter = MeterNow(line.serial, line.calendar, line.subscribed_kva)
        return asked_contract(agreement, meter, salt, today, lang, is_answered=is_answered)

    def _make_request(self, asked: MakeRequest) -> ShownRequest:
        check_no_import(self._directory)
        self._check_not_enrolled()
        keys, offer, contract = load_keys(self._directory), None, None
        if asked.offer:
            check_is_offer(data := asked.offer.encode())
            offer, meter = parse_signed(data, "The offer"), self._meter()
            if asked.start is None:
                raise DocumentRefused("An offer is taken from a day on; name the first one.")
            check_start(asked.start, legal_day(self._now()))
            contract = sign_contract(
                keys,
                offer,
                meter,
                asked.start,
                consent=Consent(asked.consent),
                follows=asked.follows,
            )
            check_follows(self._directory, contract)
        shown = None
        if offer is not None and contract is not None:
            shown = self._shown(SignedAgreement(offer, contract), asked.lang)
        if asked.is_sure:
            _check_is_shown(asked, shown)
            after = latest_made_at(self._directory)
            request = make_request(keys, offer, contract, after=after)
            write_request(self._directory, self._directory / REQUEST, request)
        return ShownRequest(asked.is_sure, shown)

    def _meter(self) -> str:
        """Return the serial of the meter on the line.

        Raises:
            DocumentRefused: none has been read, or it is masked.
        """
        serial = self._line().serial
        if serial is None:
            raise DocumentRefused(
                "A contract names its meter, and this chip has read none yet; see what is wrong with "
                "the line first, or make a request without an offer."
            )
        check_is_named(serial)
        return serial

    def _take_answer(self, asked: TakeAnswer) -> ShownAnswer | Done:
        check_no_import(self._directory)
        self._check_not_enrolled()
        data, name = asked.answer.encode(), "This file"
        if not asked.is_sure:
            enrolment, record = checked_answer(self._directory, data, name)
            authority = ca_fingerprint(enrolment.ca_pem)
            agreement = answered_contract(self._directory, record)
            return ShownAnswer(
                record.device,
                record.collectivity,
                authority,
                openssl_spelling(authority),
                None if agreement is None else self._shown(agreement, asked.lang, is_answered=True),
            )
        record, line = install_answer(self._directory, data, name), self._line()
        says = f"This chip is {record.device} of {record.collectivity}; it begins to meter now."
        if line.serial is None or line.trouble is not None or line.faults:
            says = (
                f"This chip is {record.device} of {record.collectivity}; it meters as soon as it reads its "
                "meter, which it does not now."
            )
        return done(lambda lang: sentence_in(lang, says))

    def _check_not_enrolled(self) -> None:
        """Check that no answer was installed meanwhile, as from the console.

        Raises:
            DocumentRefused: one was.
        """
        if stage(self._directory) is Stage.ENROLLED:
            raise already_enrolled()


def already_enrolled() -> DocumentRefused:
    """Return the error of what a chip does on its first run alone."""
    return DocumentRefused(
        "This chip is enrolled already; another offer is taken with `volet edge request --offer "
        "OFFER.json --from DAY`, and an answer to it installed with `volet edge enrol "
        "ENROLMENT.json`."
    )


def _check_is_shown(asked: MakeRequest, contract: ShownContract | None) -> None:
    """Check that the household says yes to the contract that it saw.

    Raises:
        DocumentRefused: it is another one, as when another meter is on the line by now.
    """
    if asked.contract != ("" if contract is None else contract.contract):
        raise DocumentRefused(
            "This is no longer the contract that was shown, as when the line leads to another meter "
            "now; begin again, and compare the serial with the one that is printed on the meter."
        )


def _line_rows(line: SeenLine, lang: Lang) -> tuple[Row, ...]:
    """Return what the meter says of itself; nothing before it is read."""
    if line.serial is None or line.mode is None:
        return ()
    words = _WORDS[lang]
    kind = words["three" if _THREE_PHASES & line.groups.keys() else "one"]
    kind += words["produces"] if _PRODUCES in line.groups else ""
    cells = [group_cells(name, line.groups[name], lang) for name in _TOLD if name in line.groups]
    return (
        Row(words["meter"], kind),
        Row(words["mode"], words[line.mode]),
        *(Row(meaning, value) for _, value, meaning in cells),
    )


def _faults(line: SeenLine, lang: Lang) -> tuple[str, ...]:
    if line.trouble is not None:
        return (sentence_in(lang, line.trouble),)
    return tuple(HINTS[lang][fault] for fault in line.faults)
