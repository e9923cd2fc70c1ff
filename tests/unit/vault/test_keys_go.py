"""The keys of a year leave the chip's directory on time, and not a day before."""

from datetime import date

import msgspec
import pytest

from edge.contracts.enrolling import draw_keys
from edge.identity.keys import load_keys
from edge.metering.state import MeterState
from edge.vault.rows import Key
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol.calendar import day_number, month_of
from protocol.ids import new_device_id
from protocol.messages import Epoch
from tests.support.household import closed_day

IN_2026 = date(2026, 12, 30)
LAST_DAY = date(2028, 2, 29)


@pytest.mark.xfail(strict=True, reason="one SEAL key opens a household's whole history, for ever")
def test_a_card_copied_in_march_opens_nothing_of_two_years_before(tmp_path):
    draw_keys(tmp_path)
    keys = load_keys(tmp_path)
    vault = Vault.open(tmp_path, Signer("ville", new_device_id(), keys.signing_key, keys.household))
    vault.catch_up()
    for day in (IN_2026, LAST_DAY):
        vault.record([closed_day(day, (3, 5))], MeterState())
    payload = vault.payload(Key(vault.incarnation, 0, day_number(month_of(IN_2026))))
    vault.close()
    header = msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Epoch)
    thief = load_keys(tmp_path).household
    assert not thief.is_own_epoch(header.month, header.incarnation, header.seed, header.mac)
