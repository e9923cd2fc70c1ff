"""A provider sees until when each contract holds, in the list and in what is billed by it."""

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cloud.api.local_backend import LocalBackend
from protocol.calendar import day_of_number
from protocol.contract import StatementRequest
from protocol.envelope import decode_body
from protocol.provider_api import ContractFilter, Drafting, bytes_of
from provider.service import KEY
from tests.support.dwelling import PROVIDER, accept_all, day, enrolled, make_offer
from volet.provider import provider

SUPERSEDED = 20


@pytest.fixture
def home(tmp_path):
    offer = make_offer()
    with enrolled(tmp_path, offer) as home:
        home.begin()
        home.live(2)
        home.sign(offer, day(SUPERSEDED))
        accept_all(home)
        yield home


def listed(home, tmp_path, *options):
    directory = tmp_path / "provider"
    directory.mkdir()
    pem = PROVIDER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / KEY).write_bytes(pem)
    (directory / KEY).chmod(0o600)
    places = ["--dir", str(directory), "--cloud", str(home.cloud.directory)]
    return CliRunner().invoke(provider, ["contracts", *places, *options]).output


def counter(home):
    return LocalBackend(home.cloud.store, PROVIDER.public_key().public_bytes_raw())


def test_the_list_shows_the_end_of_a_contract_that_a_later_one_has_ended(home, tmp_path):
    assert f"from {day(0)} until {day(SUPERSEDED)}" in listed(home, tmp_path)


def test_a_contract_of_the_api_has_its_end(home):
    former, present = counter(home).contracts(ContractFilter())
    assert (former.end, present.end) == (day(SUPERSEDED), None)
    assert list(counter(home).contracts(ContractFilter(on=day(SUPERSEDED)))) == [present]
    assert list(counter(home).contracts(ContractFilter(on=day(SUPERSEDED - 1)))) == [former]


def test_a_batch_asks_for_no_day_after_a_contract_has_ended(home):
    drafting = Drafting(day(10), day(30), without_missing=False)
    requests = [
        decode_body(bytes_of(draft.body), StatementRequest)
        for draft in counter(home).drafts(ContractFilter(), drafting)
    ]
    assert [(day_of_number(each.start), day_of_number(each.end)) for each in requests] == [
        (day(10), day(SUPERSEDED)),
        (day(SUPERSEDED), day(30)),
    ]
