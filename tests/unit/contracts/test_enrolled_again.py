"""A chip that is enrolled is enrolled again: another certificate, another contract, a power cut."""

import shutil
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import system.files
from cloud.registry.roll_over import roll_over_issuer
from edge.bills.judgement import Verdict
from edge.commands.table import edge
from edge.contracts.agreement import load_agreement
from edge.contracts.enrolling import install, make_request, sign_contract, write_request
from edge.contracts.former import former_agreements, read_former, write_former
from edge.contracts.signed import CONTRACT, OFFER, read_agreement
from edge.identity.enrolment import AUTHORITY, load_identity
from edge.identity.keys import load_keys
from protocol.contract import Offer, Signed, sign_document
from protocol.errors import ConfigError, DocumentRefused
from protocol.hpke import SealingKey
from system.files import changed_together
from tests.support.dwelling import OLD, Dwelling, accept_all, day
from tests.support.tariffs import simple_tariff
from tests.unit.contracts.test_meter_replaced import home, offer

__all__ = ["home", "offer"]

YEARS = timedelta(days=400)
OTHER = Ed25519PrivateKey.generate()


class PowerCut(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def other_offer() -> Signed:
    tariff, public = simple_tariff(), OTHER.public_key().public_bytes_raw()
    sealing = SealingKey.generate().public_bytes
    return sign_document(Offer(tariff.provider, public, sealing, "other", (tariff,)), OTHER)


def ask(home: Dwelling, offer: Signed | None = None, start: int = 0) -> Signed:
    """Make a request, which the chip keeps as its last one."""
    keys = load_keys(home.directory)
    contract = None if offer is None else sign_contract(keys, offer, OLD, day(start))
    request = make_request(keys, offer, contract)
    write_request(home.directory, home.directory / "request.json", request)
    return request


def answer(home: Dwelling, request: Signed):
    """Have the collectivity answer; returns the answer's file."""
    path = home.directory / "answer.json"
    path.write_bytes(home.cloud.enrol(request))
    return path


def test_a_chip_takes_an_answer_by_the_next_issuer_of_its_root(home):
    before = (home.directory / AUTHORITY).read_bytes()
    roll_over_issuer(home.cloud.directory, home.cloud.directory / "root", datetime.now(UTC))
    install(home.directory, answer(home, ask(home)))
    assert (home.directory / AUTHORITY).read_bytes() == before
    load_identity(home.directory)


def test_a_power_cut_at_any_write_leaves_a_chip_that_starts_and_is_enrolled_again(
    home, other_offer, monkeypatch
):
    """Offer and contract belong together at every moment, before and after."""
    home.live(40)
    (former,) = accept_all(home)
    path = answer(home, ask(home, other_offer, 40))
    home.kill()
    for cut_at in count():
        writes = count()
        replace = system.files.sync_dir

        def cut(directory, writes=writes, cut_at=cut_at, replace=replace):
            replace(directory)
            if next(writes) == cut_at:
                raise PowerCut

        with monkeypatch.context() as patch:
            patch.setattr(system.files, "sync_dir", cut)
            try:
                install(home.directory, path)
            except PowerCut:
                pass
            else:
                break
        load_identity(home.directory)
        assert load_agreement(home.directory) is not None
        former_agreements(home.directory)
    assert cut_at >= 4
    (kept,) = read_former(home.directory)
    assert (kept.contract.hash, kept.last_day) == (former, day(39).isoformat())
    home.identity = load_identity(home.directory)
    home.start()
    home.live(2)
    for _ in range(5):
        home.clock.seconds += 5
        home.pump()
    assert home.bill(former, day(5), day(35)).verdict is Verdict.CORRECT


@pytest.mark.parametrize("is_running", [True, False])
def test_a_chip_that_runs_is_to_be_started_again_with_its_new_contract(
    home, other_offer, is_running
):
    path = answer(home, ask(home, other_offer, 3))
    if not is_running:
        home.kill()
    arguments = ["--lang", "en", "enrol", "--dir", str(home.directory), str(path)]
    said = CliRunner().invoke(edge, arguments).output
    assert ("start it again, or `sudo systemctl restart" in said) is is_running
    assert "start it again" not in CliRunner().invoke(edge, arguments).output


def test_a_contract_that_was_never_handed_in_does_not_hold(home, offer, other_offer):
    home.live(3)
    taken = load_agreement(home.directory).contract_hash
    without = answer(home, ask(home))
    pending = ask(home, other_offer, 3)
    install(home.directory, without)
    assert load_agreement(home.directory).contract_hash == taken
    install(home.directory, answer(home, pending))
    assert read_agreement(home.directory).offer == other_offer
    lost = answer(home, ask(home, offer, 5))
    ask(home)
    install(home.directory, lost)
    assert read_agreement(home.directory).offer == offer


def test_an_answer_about_a_contract_of_which_there_is_no_copy_is_refused(home, other_offer):
    taken = read_agreement(home.directory)
    lost = answer(home, ask(home, other_offer, 5))
    (home.directory / "request.json").unlink()
    shutil.rmtree(home.directory / "requests")
    with pytest.raises(DocumentRefused, match="a contract that this chip has not"):
        install(home.directory, lost)
    assert read_agreement(home.directory) == taken
    install(home.directory, answer(home, ask(home)))
    assert read_agreement(home.directory) is None
    again = str(home.directory / "answer.json")
    enrolled = ["--lang", "en", "enrol", "--dir", str(home.directory), again]
    assert "of which this chip has no copy" in CliRunner().invoke(edge, enrolled).output


def test_a_contract_of_two_files_is_read_and_made_one(home, other_offer):
    taken = read_agreement(home.directory)
    (home.directory / OFFER).write_bytes(msgspec.json.encode(taken.offer))
    (home.directory / CONTRACT).write_bytes(msgspec.json.encode(taken.contract))
    assert read_agreement(home.directory) == taken
    (home.directory / OFFER).write_bytes(msgspec.json.encode(other_offer))
    with pytest.raises(ConfigError, match=r"in offer\.json's place"):
        load_agreement(home.directory)
    (home.directory / OFFER).write_bytes(msgspec.json.encode(taken.offer))
    install(home.directory, answer(home, ask(home, other_offer, 3)))
    assert not (home.directory / OFFER).exists()
    (kept,) = read_former(home.directory)
    assert (kept.offer, kept.contract) == (taken.offer, taken.contract)


def test_a_former_contract_is_kept_with_its_own_offer(home, other_offer):
    home.sign(other_offer, day(3))
    (kept,) = read_former(home.directory)
    with changed_together() as files:
        write_former(home.directory, [msgspec.structs.replace(kept, offer=other_offer)], files)
    with pytest.raises(ConfigError, match="holds another offer"):
        former_agreements(home.directory)
