"""The frames between the household's page and its chip.

A frame is four bytes of length (big-endian) and that many bytes of JSON; each connection carries one
request and its answer.
"""

import msgspec

from edge.household.requests import Question
from edge.household.shown import Answer
from protocol.json_text import read_json

ANSWER_BYTES_MAX = 4_000_000
LENGTH_BYTES = 4


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
