"""The frames between the household's page and its chip.

A frame is four bytes of length (big-endian) and that many bytes of JSON; each connection carries one
request and its answer.
"""

import msgspec

from edge.household.requests import Question
from edge.household.shown import (
    ChipState,
    Done,
    Feasible,
    FormerHouseholds,
    Knocked,
    LetterList,
    Live,
    Moving,
    NotDone,
    NotEnrolled,
    OfferList,
    OwnCurve,
    Paired,
    Pairing,
    Quarters,
    Shared,
    SpentBudget,
    Today,
)
from edge.household.shown_agreements import AgreementList, ShownOffer, WaitingRequest
from edge.household.shown_bills import BillList, BillPdf
from edge.household.shown_first_run import ShownAnswer, ShownFirstRun, ShownRequest
from protocol.json_text import read_json

ANSWER_BYTES_MAX = 4_000_000
LENGTH_BYTES = 4

Answer = (
    Today
    | Shared
    | SpentBudget
    | BillList
    | BillPdf
    | LetterList
    | OfferList
    | AgreementList
    | Moving
    | ChipState
    | OwnCurve
    | Quarters
    | ShownFirstRun
    | ShownRequest
    | ShownAnswer
    | ShownOffer
    | WaitingRequest
    | NotEnrolled
    | Live
    | Pairing
    | Knocked
    | Paired
    | FormerHouseholds
    | Feasible
    | Done
    | NotDone
)


def encode(message: Question | Answer) -> bytes:
    """Return a message as a frame."""
    body = msgspec.json.encode(message)
    return len(body).to_bytes(LENGTH_BYTES) + body


def read_question(body: bytes) -> Question:
    """Decode a request. Raises msgspec.MsgspecError if it is none."""
    request: Question = read_json(body, Question)  # type: ignore[arg-type]
    return request


def read_answer(body: bytes) -> Answer:
    """Decode an answer. Raises msgspec.MsgspecError if it is none."""
    answer: Answer = read_json(body, Answer)  # type: ignore[arg-type]
    return answer
