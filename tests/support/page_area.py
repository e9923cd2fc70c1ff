"""Puts the home of a page into a neighbourhood, as if its chip had all documents of it."""

import math
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from cloud.registry.key_files import load_platform_key
from cloud.registry.pki import issue_role
from edge.area.settings import AreaChoices, save_choices
from edge.area.trust import MEASURES, TRANSFORM, TRUSTEE_SET
from edge.identity.enrolment import load_identity, signer_of
from edge.vault.vault import Vault
from protocol.calendar import quarter_hours
from protocol.roster import FIRST_PREVIOUS, RosterEntry, sign_entry
from protocol.topics import NEIGHBOURHOODS, area_topic
from tests.support.broker import COLLECTIVITY, Broker
from tests.support.chip_area import CELL, Trustees, make_measures, small_transform
from tests.support.figures import CODE, HOUSEHOLDS, curve_payload
from tests.support.mqtt import SUCCESS, Peer, role_pass

RELEASE = "worker-release"


def certify_release(broker: Broker) -> None:
    """Give the release worker its certificate; the broker starts anew."""
    issue_role(broker.cloud, RELEASE, datetime.now(UTC))
    broker.configure()


def settle_in_area(cloud: Path, chip: Path) -> None:
    """Give the chip in a directory, which must not run, confirmed trustees, measures and an entry."""
    trustees, identity = Trustees(load_platform_key(cloud)), load_identity(chip)
    signed = trustees.sign(trustees.set(collectivity=COLLECTIVITY))
    transform = msgspec.msgpack.encode(small_transform())
    measures = trustees.sign(
        make_measures(signed.hash, sha256(transform).digest(), collectivity=COLLECTIVITY)
    )
    entry = RosterEntry(
        number=3,
        previous=FIRST_PREVIOUS,
        household_key=identity.household_key,
        device=identity.device,
        signing_key=identity.signing_key.public_key().public_bytes_raw(),
        point=bytes(32),
        cell=CELL,
        provider="edf",
        start=0,
    )
    documents = (
        (signed.hash, TRUSTEE_SET, msgspec.msgpack.encode(signed)),
        (measures.hash, MEASURES, msgspec.msgpack.encode(measures)),
        (sha256(transform).digest(), TRANSFORM, transform),
    )
    vault = Vault.open(chip, signer_of(identity), is_quarter_hourly=False)
    try:
        with vault.area_change() as area:
            for name, kind, data in documents:
                area.put_document(name, kind, data, 0)
            area.put_entry(entry.number, sign_entry(entry, trustees.registrar_key))
    finally:
        vault.close()
    save_choices(chip, AreaChoices(trustees=signed.hash.hex()))


def publish_curve(broker: Broker, day: date) -> None:
    """Publish the neighbourhood's curve of a day as the release worker does."""
    topic = area_topic(COLLECTIVITY, NEIGHBOURHOODS, CODE)
    count = quarter_hours(day)
    # Low at night, with an evening.
    mean_wh = [
        80 + 60 * math.sin(math.pi * j / count) + 150 * math.exp(-(((j - 0.82 * count) / 7) ** 2))
        for j in range(count)
    ]
    curve = curve_payload(
        day,
        quarter_hours=tuple(HOUSEHOLDS * each for each in mean_wh),
        band_90=(40.0 * HOUSEHOLDS,) * count,
    )
    with Peer(broker.port, role_pass(broker.cloud, RELEASE).context()) as worker:
        assert worker.publish(topic, curve, retain=True) == SUCCESS
