"""Messages as an attacker sees them without names: kind, day, time, size, words.

Topic, household key, incarnation, signature and roster entry name the chip on purpose (a pseudonym
that every week carries), so linking weeks by them proves nothing. The audit asks whether the rest
identifies a household. So names are removed first, including the bytes by which a longer number
makes a message longer.
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
from protocol.packed import read_packed
from protocol.topics import Kind, parse_device_topic

BLOCK = "block"


class Observed(msgspec.Struct, frozen=True):
    """One message or stored row, or one part of it.

    Attributes:
        household: the device id, known to the auditor but not the attacker.
        day: the legal day (a number) it is about, or of its arrival.
        kind: its topic's kind.
        channel: the kind of its words: `block` or a measure; empty if it has none of interest.
        cell: the group in clear, empty if there is none.
        at_s: its arrival; NaN in a store, which does not keep it.
        size_bytes: without names; 0 for a further part of the same message.
        first: position of the first word in the channel's day.
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
    """Yield the parts of the devices' messages."""
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
    """Yield blocks and contributions of these days (numbers)."""
    ordered_days = sorted(days)
    if not ordered_days:
        return
    start, end = day_of_number(ordered_days[0]), day_of_number(ordered_days[-1] + 1)
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
                for day in ordered_days:
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
    """Return the modulus of a channel's words."""
    return Q if channel == BLOCK else 1 << 64


def nominal_s(day: int, j: int) -> float:
    """Return the start of quarter-hour `j` of a day, in seconds since 1970."""
    return quarter_hour_start(day_of_number(day), j).timestamp()


def _body(kind: Kind, payload: bytes) -> Block | Contribution | None:
    """Decode without verifying, since an attacker does not care about signatures."""
    types: dict[Kind, type[Block | Contribution]] = {
        Kind.BLOCK: Block,
        Kind.AREA: Contribution,
    }
    if kind not in types:
        return None
    try:
        envelope = read_packed(payload, tuple[int, bytes, bytes])
        return decode_body(envelope[1], types[kind])
    except (msgspec.MsgspecError, MessageRefused):
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
