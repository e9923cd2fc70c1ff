"""What hostile chips send: one flood for each kind of message, and for each way to cost others."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count, cycle

import numpy as np

from benchmarks.load import LoadChip
from benchmarks.storm_wire import Publish
from protocol.area_cipher import NONCE_BYTES
from protocol.area_messages import AreaQuestion, Contribution, Part, SeenHeads
from protocol.calendar import day_number, legal_day, month_of
from protocol.ids import new_incarnation
from protocol.messages import STATEMENT_ID_BYTES, Fetch, Seen
from protocol.moving import Leave
from protocol.quotes import QuoteRequest
from protocol.receipt import Receipt
from protocol.renewal import RenewalRequest
from protocol.seeds import DrawnSeeds, draw_seeds, write_letters
from protocol.status import State, Status, encode_status
from protocol.topics import SENT_BY_CHIPS, Kind, device_topic
from protocol.versions import VERSIONS
from system.mqtt.message import Incoming
from volet.area.fleet import Sealing

# The first of a month of the past year, with days after it.
DAY = month_of(legal_day(datetime.now(UTC)) - timedelta(days=330))
DAYS = 300
LARGE_BYTES = 60_000
# So many messages are made and signed; then the same are sent again, which costs less.
DIFFERENT = 4_000
SUBSCRIPTIONS = 200_000

Messages = Iterator[Publish]


def _publish(message: Incoming, *, retain: bool = False) -> Publish:
    return Publish(message.topic, message.payload, retain)


def retained(chip: LoadChip) -> Messages:
    """Retain large messages on own topics, and on topics that the protocol does not have."""
    payload = secrets.token_bytes(LARGE_BYTES)
    for number in count():
        for kind in SENT_BY_CHIPS:
            own = device_topic(chip.collectivity, chip.device, kind)
            yield Publish(own, payload, retain=True)
            yield Publish(f"{own}/{number:x}", payload, retain=True)


def blocks(chip: LoadChip) -> Messages:
    """Send blocks of new days and sequences, and then the same again."""
    rng, incarnation = np.random.default_rng(2), new_incarnation()
    months = {month_of(DAY + timedelta(days=n)) for n in range(DAYS)}
    yield from (_publish(chip.header(incarnation, month)) for month in sorted(months))
    yield from cycle(
        _publish(chip.block(incarnation, 1 + n, DAY + timedelta(days=n % DAYS), rng))
        for n in range(DIFFERENT)
    )


def incarnations(chip: LoadChip) -> Messages:
    """Begin one incarnation after another, and ask for the state of all of them each time."""
    fetch = _publish(chip.sign(Kind.FETCH, Fetch(chip.household_key, None, 1, 0, VERSIONS.newest)))
    for _ in count():
        yield _publish(chip.header(new_incarnation(), DAY))
        yield fetch


def letters(chip: LoadChip, sealing: Sealing) -> Messages:
    """Send one generation of seeds after another, each sealed to all trustees."""
    trustees, document = sealing.trustees, sealing.trustee_set
    seen = SeenHeads(document, bytes(32), 1, bytes(32))
    for generation in count(2):
        seeds = draw_seeds(trustees.shape)
        drawn = DrawnSeeds(chip.household_key, generation, sealing.month, seeds)
        body = write_letters(drawn, trustees, document, sealing.sealing_keys, seen)
        yield _publish(chip.sign(Kind.KEY, body), retain=True)


def quotes(chip: LoadChip, heads: tuple[bytes, ...]) -> Messages:
    """Ask for quotes under each of the list's heads in turn."""
    start = day_number(DAY)
    for head in cycle(heads):
        body = QuoteRequest(
            chip.household_key, secrets.token_bytes(STATEMENT_ID_BYTES), start, start + DAYS, head
        )
        yield _publish(chip.sign(Kind.QUOTE, body))


def malformed(chip: LoadChip) -> Messages:
    """Send bytes that are no envelope, and envelopes under a wrong signature."""
    rng = np.random.default_rng(3)
    good = chip.block(new_incarnation(), 1, DAY, rng)
    forged = good.payload[:-1] + bytes([good.payload[-1] ^ 1])
    for kind in cycle(SENT_BY_CHIPS):
        topic = device_topic(chip.collectivity, chip.device, kind)
        yield Publish(topic, forged)
        yield Publish(topic, b"\xff" * 100)
        yield Publish(topic, b"")


def _seen(chip: LoadChip) -> Seen:
    return Seen(chip.household_key, secrets.token_bytes(STATEMENT_ID_BYTES))


def _receipt(chip: LoadChip) -> Receipt:
    statement = secrets.token_bytes(STATEMENT_ID_BYTES)
    return Receipt(chip.household_key, statement, secrets.token_bytes(40_000))


def _contribution(chip: LoadChip) -> Contribution:
    part = Part("curve", "751010101", secrets.token_bytes(8 * 97))
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Contribution(chip.household_key, day_number(DAY), bytes(32), 1, 0, nonce, (part,))


def _ask(chip: LoadChip) -> AreaQuestion:
    return AreaQuestion(chip.household_key, None)


def _leave(chip: LoadChip) -> Leave:
    return Leave(chip.household_key, day_number(DAY), (bytes(100),))


def _renewal(chip: LoadChip) -> RenewalRequest:
    return RenewalRequest(chip.household_key, secrets.token_bytes(300))


# Kinds of which a flood is many different bodies.
_BODIES: Mapping[Kind, Callable[[LoadChip], object]] = {
    Kind.SEEN: _seen,
    Kind.RECEIPT: _receipt,
    Kind.AREA: _contribution,
    Kind.ASK: _ask,
    Kind.LEAVE: _leave,
    Kind.RENEW: _renewal,
}


def others(chip: LoadChip) -> Messages:
    """Send all other kinds in turn: seen, receipt, area, ask, leave, renew, status."""
    made = (
        _publish(chip.sign(kind, make(chip)))  # type: ignore[arg-type]
        for _ in range(DIFFERENT // 50)
        for kind, make in _BODIES.items()
    )
    status = encode_status(Status(state=State.READY))
    topic = device_topic(chip.collectivity, chip.device, Kind.STATUS)
    for message in cycle(made):
        yield message
        yield Publish(topic, status, retain=True)


def filters() -> list[str]:
    """Return filters that match nothing, each of them new to the broker."""
    root = secrets.token_hex(8)
    return [f"{root}/{number:x}/+" for number in range(SUBSCRIPTIONS)]
