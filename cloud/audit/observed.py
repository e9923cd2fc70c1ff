"""Messages as an attacker sees them once names are taken off: kind, day, time, size, words.

Topic, household key, incarnation, signature and roster entry name the chip on purpose (a pseudonym
that every week carries); whoever links weeks by them has linked nothing. What is asked here is
whether the rest gives a household away, so names are taken off first, and with them the bytes by
which a longer number makes a message longer.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec
import numpy as np

from cloud.audit.capture import Captured
from cloud.store import Store
from cloud.store.area import FigureKey
from protocol.area_cipher import Words
from protocol.area_messages import Contribution
from protocol.calendar import day_number, day_of_number, legal_day, quarter_hour_start
from protocol.envelope import decode_body
from protocol.errors import MessageRefused
from protocol.governance import read_cosigned
from protocol.household import Q
from protocol.ids import HouseholdKeyId
from protocol.layout import DAY_COEFFICIENTS
from protocol.measures import Measures
from protocol.messages import Block
from protocol.topics import Kind, parse_device_topic

BLOCK = "block"


class Observed(msgspec.Struct, frozen=True):
    """One message or stored row, or one part of it.

    Attributes:
        household: the device id, by which the auditor (not the attacker) knows whose it is.
        day: the legal day (a number) it is about; of its arrival, where it does not say.
        kind: its topic's kind.
        channel: whose words these are: `block` or a measure; empty: no words that are of interest.
        cell: the group in clear, empty where there is none.
        at_s: when it came; NaN in a store, which does not keep it.
        size_bytes: without names; 0 for a further part of the same message.
        first: number of the first word in the channel's day.
        words: uint64[…].
    """

    household: str
    day: int
    kind: str
    channel: str
    cell: str
    at_s: float
    size_bytes: int
    first: int
    words: Words


_NO_WORDS = np.zeros(0, np.uint64)


def from_traffic(messages: Iterable[Captured]) -> Iterator[Observed]:
    """Take the devices' messages apart."""
    for message in messages:
        try:
            topic = parse_device_topic(message.topic)
        except MessageRefused:
            continue
        body = _body(topic.kind, message.payload)
        if isinstance(body, Block):
            yield _of_block(topic.device, body, message)
        elif isinstance(body, Contribution):
            yield from _of_contribution(topic.device, body, message)
        else:
            day = day_number(legal_day(datetime.fromtimestamp(message.at_s, UTC)))
            yield Observed(
                topic.device,
                day,
                topic.kind,
                "",
                "",
                message.at_s,
                len(message.payload),
                0,
                _NO_WORDS,
            )


def from_store(store: Store, days: Iterable[int]) -> Iterator[Observed]:
    """Read blocks and contributions of these days (numbers)."""
    wanted = sorted(days)
    if not wanted:
        return
    start, end = day_of_number(wanted[0]), day_of_number(wanted[-1] + 1)
    for device in store.devices():
        for block in store.blocks_of_days(HouseholdKeyId(device.household_key), start, end):
            words = np.frombuffer(block.coefficients, "<u8").astype(np.uint64)
            day = day_number(block.day)
            size = len(block.payload) - _length(block.sequence)
            yield Observed(block.device, day, BLOCK, BLOCK, "", np.nan, size, block.j0, words)
    for cosigned in store.area.cosigned_documents(Measures.__name__):
        measures = read_cosigned(cosigned, Measures)
        for measure in measures.measures:
            for group in measure.groups:
                for day in wanted:
                    key = FigureKey(cosigned.hash, measure.name, group.code, day)
                    for row in store.area.rows(key):
                        words = np.frombuffer(row.words, "<u8").astype(np.uint64)
                        yield Observed(
                            row.device,
                            day,
                            Kind.AREA,
                            measure.name,
                            group.code,
                            np.nan,
                            len(row.words),
                            0,
                            words,
                        )


def modulus(channel: str) -> int:
    """Return what a channel's words are residues of."""
    return Q if channel == BLOCK else 1 << 64


def nominal_s(day: int, j: int) -> float:
    """Return when quarter-hour `j` of a day ends, in seconds since 1970."""
    return quarter_hour_start(day_of_number(day), j).timestamp()


def _body(kind: Kind, payload: bytes) -> Block | Contribution | None:
    """Decode without verifying: an attacker does not ask who signed."""
    types: dict[Kind, type[Block | Contribution]] = {
        Kind.BLOCK: Block,
        Kind.AREA: Contribution,
    }
    if kind not in types:
        return None
    try:
        envelope = msgspec.msgpack.decode(payload, type=tuple[int, bytes, bytes])
        return decode_body(envelope[1], types[kind])
    except (msgspec.MsgspecError, ValueError, MessageRefused):
        return None


def _of_block(device: str, body: Block, message: Captured) -> Observed:
    size = len(message.payload) - _length(body.sequence)
    first = min(body.j0, DAY_COEFFICIENTS - 1)
    return Observed(
        device, body.day, Kind.BLOCK, BLOCK, "", message.at_s, size, first, body.values()
    )


def _of_contribution(device: str, body: Contribution, message: Captured) -> Iterator[Observed]:
    size = len(message.payload) - _length(body.entry) - _length(body.generation)
    for number, part in enumerate(body.parts):
        words = np.frombuffer(part.words[: len(part.words) // 8 * 8], "<u8").astype(np.uint64)
        yield Observed(
            device,
            body.day,
            Kind.AREA,
            part.measure,
            part.group,
            message.at_s,
            size if number == 0 else 0,
            0,
            words,
        )


def _length(number: int) -> int:
    return len(msgspec.msgpack.encode(number))
