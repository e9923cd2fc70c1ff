"""New Year by the product's own programs: broker, worker, and a chip that is killed at midnight."""

import json
from datetime import date, timedelta

import msgspec
import pytest

from edge.identity.enrolment import load_identity
from edge.vault.keyring import files_in
from edge.vault.reader import read_vault
from protocol.bill import price_bill, register_energies
from protocol.calendar import QUARTER_HOUR, day_of_number, day_start, days_between
from protocol.messages import Epoch
from provider import service as provider
from tests.integration.test_chip_process import Program
from tests.integration.test_moving_story import PRM_1, Place, open_store, volet
from tests.support.broker import wait_until
from tests.support.provider_side import accept, request_statement
from tests.support.tariffs import simple_tariff

FIRST, NEW_YEAR, END = date(2026, 12, 30), date(2027, 1, 1), date(2027, 1, 3)


@pytest.fixture
def worker(broker, tmp_path):
    worker = Program(tmp_path / "worker.log", "cloud", "run", "--dir", str(broker.cloud))
    worker.start()
    yield worker
    worker.end()


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path, "one", 3, day_start(FIRST) - 8 * QUARTER_HOUR, FIRST)
    yield place
    place.close()


@pytest.mark.usefixtures("worker")
def test_a_bill_over_new_year_is_right_to_the_cent(broker, place, tmp_path):
    provider.draw_key(tmp_path / "provider")
    key = provider.load_key(tmp_path / "provider")
    tariff = simple_tariff(valid_from=FIRST)
    sealing_key = provider.load_sealing_key(tmp_path / "provider")
    offer = tmp_path / "offer.json"
    offer.write_bytes(msgspec.json.encode(provider.make_offer([tariff], key, sealing_key)))

    volet("edge", "init", "--dir", place.directory)
    place.enrol(broker.cloud, PRM_1, offer, FIRST)
    with open_store(broker) as store:
        (contract,) = store.contracts()
        accept(store, key, contract.hash)
    place.run()
    place.send_until(day_start(NEW_YEAR))
    place.program.end()  # the incarnation ends with the year
    place.run()
    place.send_until(day_start(END) + timedelta(hours=1))

    def is_stored():
        with read_vault(place.directory) as vault:
            days = vault.day_rows(FIRST, END)
            return len(days) == (END - FIRST).days and not vault.outbox_depth()

    place.send_while(is_stored, "all days to be stored")
    with open_store(broker) as store:
        request_statement(store, key, contract.hash, FIRST, END)

    def bills():
        told = volet("edge", "bills", "--dir", place.directory, "--json", check=False)
        return json.loads(told)["bills"] if told.startswith("{") else []

    wait_until(bills, f"the bill\n{place.program.log[-3000:]}")
    (bill,) = bills()
    assert (bill["verdict"], bill["findings"]) == ("correct", [])
    before, after = place.index_kwh(day_start(FIRST)), place.index_kwh(day_start(END))
    steps = [b - a for a, b in zip(before, after, strict=True)]
    steps += [0] * (10 - len(steps))
    energies = register_energies(0, tariff, days_between(FIRST, END), steps)
    assert bill["bill"]["total_ttc"] == str(price_bill((tariff,), FIRST, END, energies).total_ttc)

    names = [path.name[:9] for path in files_in(place.directory / "keys")]
    assert names == ["year-2026", "year-2027"]
    identity = load_identity(place.directory)
    with open_store(broker) as store:
        payloads = [row.payload for row in store.epochs(identity.household_key)]
    for payload in payloads:
        header = msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Epoch)
        keys = identity.keyring.maker_of(header)
        assert keys is not None
        assert keys.year == day_of_number(header.month).year
