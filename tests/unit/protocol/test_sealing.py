"""Trustees' sealing keys: each of one month, signed, on the topic of its calendar month."""

from datetime import date

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.calendar import day_number
from protocol.errors import MessageRefused
from protocol.hpke import PUBLIC_KEY_BYTES, SealingKey
from protocol.sealing import SealingNotice, month_topic, open_notice, sign_notice
from protocol.topics import SealingTopic, kind_of, parse_sealing_topic

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
MARCH = day_number(date(2026, 3, 1))
NOTICE = SealingNotice(MARCH, SealingKey.generate().public_bytes)
TOPIC = SealingTopic("ville", "trustee-a", 3)


def test_a_notice_is_on_the_topic_of_its_calendar_month_and_opens_there():
    topic = month_topic("ville", "trustee-a", MARCH)
    assert topic == "volet/v1/ville/trustee/trustee-a/sealing/3"
    assert parse_sealing_topic(topic) == TOPIC
    assert kind_of(topic) == "trustee/sealing"
    assert open_notice(TOPIC, sign_notice("ville", "trustee-a", NOTICE, KEY), PUBLIC) == NOTICE


@pytest.mark.parametrize(
    "topic",
    [
        "volet/v1/ville/trustee/trustee-a/sealing",
        "volet/v1/ville/trustee/trustee-a/sealing/0",
        "volet/v1/ville/trustee/trustee-a/sealing/13",
        "volet/v1/ville/trustee/trustee-a/sealing/03",
        "volet/v1/ville/trustee/other/sealing/3",
        "volet/v1/ville/trustee/trustee-a/log/3",
    ],
)
def test_other_topics_have_no_sealing_key(topic):
    assert parse_sealing_topic(topic) is None


@pytest.mark.parametrize(
    ("collectivity", "trustee", "key"),
    [("elsewhere", "trustee-a", KEY), ("ville", "trustee-b", KEY), ("ville", "trustee-a", OTHER)],
)
def test_nobody_elses_notice_opens(collectivity, trustee, key):
    with pytest.raises(MessageRefused):
        open_notice(TOPIC, sign_notice(collectivity, trustee, NOTICE, key), PUBLIC)


@pytest.mark.parametrize("month", [MARCH + 31, MARCH + 1, MARCH - 1])
def test_a_notice_of_another_month_than_its_topic_is_refused(month):
    notice = msgspec.structs.replace(NOTICE, month=month)
    with pytest.raises(MessageRefused, match="another month"):
        open_notice(TOPIC, sign_notice("ville", "trustee-a", notice, KEY), PUBLIC)


def test_a_notice_of_a_year_ago_opens_as_what_it_is():
    """The chip compares its month with the one that it wants."""
    notice = msgspec.structs.replace(NOTICE, month=day_number(date(2025, 3, 1)))
    assert open_notice(TOPIC, sign_notice("ville", "trustee-a", notice, KEY), PUBLIC) == notice


@pytest.mark.parametrize(
    "bad",
    [
        bytes(PUBLIC_KEY_BYTES),
        b"\xff" * PUBLIC_KEY_BYTES,
        NOTICE.sealing_key[:-32] + bytes(32),  # a point of low order
        b"\xff" * 1184 + NOTICE.sealing_key[-32:],  # coefficients beyond the modulus
    ],
)
def test_a_notice_of_what_is_no_key_is_refused(bad):
    """What is refused later, when the chip seals to it, would cost the keys of all the others."""
    notice = msgspec.structs.replace(NOTICE, sealing_key=bad)
    with pytest.raises(MessageRefused, match="nothing can be sealed"):
        open_notice(TOPIC, sign_notice("ville", "trustee-a", notice, KEY), PUBLIC)
