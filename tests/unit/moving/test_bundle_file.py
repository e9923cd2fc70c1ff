"""A bundle's file: opened by its passphrase alone, and refused by name whatever is wrong with it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.moving.bundle import (
    MAGIC,
    Bundle,
    open_bundle,
    seal_bundle,
)
from edge.vault.signer import FormerDevice
from protocol.errors import ConfigError
from protocol.ids import DeviceId
from protocol.passphrase import check_passphrase, draw_passphrase
from tests.support.passphrases import REAL_LOG2_N

QUICK = 10
PASSPHRASE = "une phrase que personne ne devine"
BUNDLE = Bundle(
    household=b"household secret, planted",
    years=(b"keys of a year, planted",),
    meter_salt=bytes(32),
    devices=(FormerDevice("ville", DeviceId("a" * 26), bytes(32)),),
    documents={"area.json": b"{}"},
    contracts=(),
    vault=b"SQLite format 3\0" + bytes(500),
)
SEALED = seal_bundle(BUNDLE, PASSPHRASE, log2_n=QUICK)


def test_what_was_sealed_opens():
    assert open_bundle(SEALED, PASSPHRASE) == BUNDLE


def test_a_passphrase_is_the_same_however_it_was_typed():
    sealed = seal_bundle(BUNDLE, "née à  l'été 1972", log2_n=QUICK)
    assert open_bundle(sealed, " ne\u0301e a\u0300 l'e\u0301te\u0301 1972") == BUNDLE


@pytest.mark.parametrize("log2_n", list(REAL_LOG2_N.values()), ids=list(REAL_LOG2_N))
def test_the_default_cost_is_128_mebibytes_a_guess(log2_n):
    assert 128 * 8 * (1 << log2_n) == 128 * 1024 * 1024


def test_the_file_says_what_a_guess_costs():
    sealed = seal_bundle(BUNDLE, PASSPHRASE, log2_n=REAL_LOG2_N["seal_bundle"])
    head = len(MAGIC) + 1
    length = int.from_bytes(sealed[head : head + 2], "big")
    header = msgspec.msgpack.decode(sealed[head + 2 : head + 2 + length])
    assert header[0] == REAL_LOG2_N["seal_bundle"]
    assert open_bundle(sealed, PASSPHRASE) == BUNDLE


def test_nothing_of_a_bundle_stands_in_its_file_in_clear():
    for secret in (BUNDLE.household, *BUNDLE.years, b"SQLite", b"area.json", b"ville"):
        assert secret not in SEALED


def test_no_file_is_like_another():
    assert seal_bundle(BUNDLE, PASSPHRASE, log2_n=QUICK)[40:] != SEALED[40:]


def test_another_passphrase_is_told_from_a_damaged_file():
    with pytest.raises(ConfigError, match="passphrase does not open Foyer"):
        open_bundle(SEALED, "une autre phrase", "Foyer")


@given(place=st.integers(0, len(SEALED) - 1), change=st.integers(1, 255))
@settings(max_examples=300)
def test_any_byte_changed_is_refused(place, change):
    altered = bytearray(SEALED)
    altered[place] ^= change
    with pytest.raises(ConfigError):
        open_bundle(bytes(altered), PASSPHRASE)


@given(length=st.integers(0, len(SEALED) - 1))
def test_a_file_cut_anywhere_is_refused(length):
    with pytest.raises(ConfigError, match=r"no bundle|cut short|damaged"):
        open_bundle(SEALED[:length], PASSPHRASE)


def test_a_file_that_has_grown_is_refused():
    with pytest.raises(ConfigError, match="cut short or has grown"):
        open_bundle(SEALED + b"x", PASSPHRASE)


def test_a_newer_file_asks_for_a_newer_volet():
    newer = MAGIC + b"\x04" + SEALED[len(MAGIC) + 1 :]
    with pytest.raises(
        ConfigError, match="format 4, this Volet reads 3; install the Volet that wrote it"
    ):
        open_bundle(newer, PASSPHRASE)


@given(data=st.binary(max_size=300))
def test_any_other_file_is_refused(data):
    with pytest.raises(ConfigError):
        open_bundle(data, PASSPHRASE)


@pytest.mark.parametrize("log2_n", [9, 21, 63])
def test_a_file_cannot_ask_for_less_work_or_for_all_memory(log2_n):
    head = len(MAGIC) + 1
    length = int.from_bytes(SEALED[head : head + 2], "big")
    header = msgspec.msgpack.decode(SEALED[head + 2 : head + 2 + length])
    asked = msgspec.msgpack.encode([log2_n, *header[1:]])
    data = SEALED[:head] + len(asked).to_bytes(2, "big") + asked + SEALED[head + 2 + length :]
    with pytest.raises(ConfigError, match="damaged"):
        open_bundle(data, PASSPHRASE)


def test_a_drawn_passphrase_is_long_different_and_easy_to_read_out():
    drawn = {draw_passphrase() for _ in range(100)}
    assert len(drawn) == 100
    for passphrase in drawn:
        check_passphrase(passphrase)
        assert passphrase.replace(" ", "").isascii()
        assert [len(word) for word in passphrase.split(" ")] == [6] * 4


def test_a_short_passphrase_is_refused():
    with pytest.raises(ConfigError, match="at least 12"):
        check_passphrase("secret   a  b")
