"""A household's month on the wire, by kind of message; every kind of the protocol has a line."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.area_household import AreaChip
from benchmarks.household import COLLECTIVITY, DAYS, Chip, month_of_readings
from benchmarks.mqtt_size import exchange_bytes
from benchmarks.row import Bound, Row, Rows
from benchmarks.sizes import Cloud, usual_status
from benchmarks.wire_bodies import usual_bodies
from benchmarks.wire_figures import released_curve
from benchmarks.wire_keys import key_list, renewal, sealing_notice
from cloud.registry.authority import DEVICE_VALIDITY
from protocol.envelope import ALL, Address, seal_message
from protocol.topics import (
    NEIGHBOURHOODS,
    Kind,
    PublicKind,
    TrusteeKind,
    area_topic,
    device_topic,
    hub_topic,
    keys_topic,
    page_topic,
)

# What both lanes may take in a month, with all that keeps them going.
MONTH_LIMIT_BYTES = 64_000
_MONTHS, _DAYS = 12, 365
# A start a month, as after an upgrade or a power cut, and a session that ends otherwise.
_STARTS, _SESSIONS = 12, 24
# Two counted days a week, at most; on four of them the profile counts.
_COUNTED, _PROFILES = 106, 4
# Key shares of each quarter, anew after a document of the year, and again after an outage of more
# than a quarter of an hour.
_LETTERS, _OUTAGES = 5, 2
# A new document and a new roster entry a year: the cloud sends terms with each ack until the chip
# contributes under them, which is two weeks later for a document. The chip asks for the document and
# its transform by their hashes.
_TERMS, _ASKED = 5, 2
_RENEWALS = 365 / (DEVICE_VALIDITY.days / 2)

# What a household sends or gets; a trustee's sealing keys are the only such kind of trustees.
Sent = Kind | PublicKind | TrusteeKind


class Lane(StrEnum):
    """What a message is for."""

    BILLING = "billing"
    AREA = "area"
    RENEWAL = "renewal"
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Line:
    """How many messages of a kind a household has in a year; `note` says why."""

    lane: Lane
    a_year: float
    note: str


LINES: Mapping[Sent, Line] = {
    Kind.EPOCH: Line(Lane.BILLING, _MONTHS + _STARTS, "each month, and after a start"),
    Kind.BLOCK: Line(Lane.BILLING, _DAYS, "each day"),
    Kind.FETCH: Line(Lane.BILLING, _SESSIONS, "after a start or a lost session"),
    Kind.ACK: Line(Lane.BILLING, _DAYS + _MONTHS + _STARTS + _SESSIONS, "each of these"),
    Kind.AREA: Line(Lane.AREA, _COUNTED, "each counted day, without the profile"),
    Kind.AREA_ACK: Line(Lane.AREA, _COUNTED, "each counted day"),
    Kind.KEY: Line(Lane.AREA, _LETTERS + _OUTAGES, "each quarter, a new document, long outages"),
    TrusteeKind.SEALING: Line(Lane.AREA, 4 * _LETTERS, "four trustees' keys, for key shares"),
    Kind.ASK: Line(Lane.AREA, _ASKED, "for a new document and its transform"),
    Kind.TERMS: Line(Lane.AREA, _TERMS, "with an ack, while a document or an entry is new"),
    Kind.RENEW: Line(Lane.RENEWAL, _RENEWALS, "at half of a certificate's lifetime"),
    Kind.CERTIFICATE: Line(Lane.RENEWAL, _RENEWALS, "when asked"),
    Kind.DOCUMENT: Line(Lane.BESIDE, 1, "measures of fifty cells a year, with a transform"),
    Kind.STATEMENT: Line(Lane.BESIDE, _MONTHS, "a bill a month, of three energy lines"),
    Kind.SEEN: Line(Lane.BESIDE, _MONTHS + 4, "each statement and provider message"),
    Kind.RECEIPT: Line(Lane.BESIDE, _MONTHS, "each statement"),
    Kind.RECEIPT_ACK: Line(Lane.BESIDE, _MONTHS, "each receipt"),
    Kind.QUOTE: Line(Lane.BESIDE, _MONTHS, "each month"),
    Kind.QUOTES: Line(Lane.BESIDE, _MONTHS, "forty tariffs over a year"),
    Kind.LETTER: Line(Lane.BESIDE, 4, "a provider's message a quarter"),
    Kind.STATUS: Line(Lane.BESIDE, _DAYS + _SESSIONS, "each day, and read at each session"),
    PublicKind.HUB: Line(Lane.BESIDE, _SESSIONS, "at each session"),
    PublicKind.KEYS: Line(Lane.BESIDE, _SESSIONS, "at each session"),
    PublicKind.CURVE: Line(
        Lane.BESIDE, _COUNTED + _SESSIONS, "each counted day, and the last one at each session"
    ),
    PublicKind.LIST: Line(Lane.BESIDE, _SESSIONS, "the last segment, with forty entries"),
    Kind.STORED_EPOCH: Line(Lane.BESIDE, 0, "only to a chip whose vault is lost"),
    Kind.STORED_BLOCK: Line(Lane.BESIDE, 0, "only to a chip whose vault is lost"),
    Kind.LEAVE: Line(Lane.BESIDE, 0, "once, when a household moves out"),
    Kind.LEFT: Line(Lane.BESIDE, 0, "once, when a household moves out"),
}


def run(scale: float) -> list[Row]:
    """Count the bytes of each kind; `scale` changes nothing."""
    del scale
    rows = Rows("wire")
    sizes = message_bytes()
    totals = dict.fromkeys(Lane, 0.0)
    for kind, line in LINES.items():
        month = sizes[kind] * line.a_year / _MONTHS
        totals[line.lane] += month
        rows.add(f"{line.lane}: {kind}, a month", month, "bytes", note=line.note)
    month = _profile_bytes() * _PROFILES / _MONTHS
    totals[Lane.AREA] += month
    rows.add("area: the profile, a month", month, "bytes", note=f"{_PROFILES} days a year")
    lanes = sum(total for lane, total in totals.items() if lane is not Lane.BESIDE)
    bound = Bound("below", MONTH_LIMIT_BYTES)
    rows.add("both lanes, a month", lanes, "bytes", bound=bound, note="MQTT and PUBACK counted")
    rows.add("all of it, a month", sum(totals.values()), "bytes", note="what is beside them too")
    return rows.rows


def message_bytes() -> dict[Sent, float]:
    """Return the bytes of a message of each kind, with its PUBLISH and PUBACK."""
    chip, area, platform = Chip.generate(), AreaChip.generate(), Ed25519PrivateKey.generate()
    sizes = _readings(chip)
    bodies = dict(usual_bodies(chip, area))
    bodies[Kind.RENEW], bodies[Kind.CERTIFICATE] = renewal(chip)
    for kind, body in bodies.items():
        address = Address(COLLECTIVITY, chip.device if isinstance(kind, Kind) else ALL, kind)
        sizes[kind] = exchange_bytes(_topic(chip, kind), seal_message(address, body, platform))
    sizes[Kind.STATUS] = exchange_bytes(_topic(chip, Kind.STATUS), usual_status())
    sizes[PublicKind.KEYS] = exchange_bytes(keys_topic(COLLECTIVITY), key_list())
    curve = area_topic(COLLECTIVITY, NEIGHBOURHOODS, "751114101")
    sizes[PublicKind.CURVE] = exchange_bytes(curve, released_curve())
    # SUBSCRIBE and UNSUBSCRIBE name the topic once more each.
    topic, notice = sealing_notice()
    sizes[TrusteeKind.SEALING] = exchange_bytes(topic, notice) + 2 * exchange_bytes(topic, b"")
    sizes[Kind.STORED_EPOCH], sizes[Kind.STORED_BLOCK] = sizes[Kind.EPOCH], sizes[Kind.BLOCK]
    return sizes


def _readings(chip: Chip) -> dict[Sent, float]:
    """Send a month to a cloud with a store of its own, and return the size of each message."""
    sizes: dict[Sent, list[int]] = {}
    with tempfile.TemporaryDirectory() as directory:
        cloud = Cloud(Path(directory), [chip])
        pad = chip.new_pad()
        month_wh = month_of_readings(np.random.default_rng(1))
        sent = {
            Kind.EPOCH: [chip.header(pad)],
            Kind.FETCH: [chip.fetch()],
            Kind.BLOCK: list(chip.daily_blocks(pad, month_wh)),
        }
        for kind, messages in sent.items():
            for message in messages:
                sizes.setdefault(kind, []).append(exchange_bytes(message.topic, message.payload))
                for ack in cloud.take([message]):
                    size = exchange_bytes(ack.topic, ack.payload)
                    sizes.setdefault(Kind.ACK, []).append(size)
        cloud.store.close()
    return {kind: sum(each) / len(each) for kind, each in sizes.items()}


def _profile_bytes() -> int:
    """Return what the profile adds to a day's contribution."""
    chip = AreaChip.generate()
    with_profile, without = (
        chip.sign(Kind.AREA, chip.contribution(DAYS[0], with_profile=is_sent))
        for is_sent in (True, False)
    )
    return len(with_profile.payload) - len(without.payload)


def _topic(chip: Chip, kind: Kind | PublicKind) -> str:
    if kind is PublicKind.HUB:
        return hub_topic(COLLECTIVITY)
    if kind is PublicKind.LIST:
        return page_topic(COLLECTIVITY, 0)
    rest = {Kind.STATEMENT: "0" * 32, Kind.LETTER: "0" * 32, Kind.QUOTES: "0" * 32 + "/0"}
    return device_topic(COLLECTIVITY, chip.device, Kind(kind), rest.get(Kind(kind), ""))
