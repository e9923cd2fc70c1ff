"""A provider withdraws its offers: nobody is quoted them, chips drop their bytes, hashes stay."""

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.catalogue import Catalogue
from protocol.contract import parse_signed, sign_document
from protocol.errors import DocumentRefused
from protocol.listed import Withdrawal
from protocol.quotes import QuotePlan
from provider.service import load_key
from tests.support.listing import TODAY, Provider
from tests.unit.catalogue.test_chip_copy import World, listing
from tests.unit.quotes.test_quote_quota import END, START
from volet.main import volet

PROVIDER, OTHER = Provider(), Provider()
OLD, NEW = PROVIDER.offer(product="old"), PROVIDER.offer(product="new")


def withdrawal(provider, *offers, key=None):
    own = provider.key.public_key().public_bytes_raw()
    names = tuple(offer.hash for offer in offers)
    return sign_document(Withdrawal(own, names), key or provider.key)


def test_a_withdrawn_offer_is_quoted_no_more_but_was_under_the_head_before():
    catalogue = Catalogue()
    for signed in (OLD, NEW, withdrawal(PROVIDER, OLD)):
        catalogue.admit(signed, TODAY)
    assert [quoted.product for quoted in QuotePlan(catalogue, START, END).quoted] == ["new"]
    before = QuotePlan(catalogue.at(2), START, END)
    assert [quoted.product for quoted in before.quoted] == ["old", "new"]
    assert OLD.hash in catalogue


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (withdrawal(OTHER, OLD), "not listed"),
        (withdrawal(PROVIDER, OTHER.offer()), "not listed"),
        (withdrawal(PROVIDER, OLD, key=Ed25519PrivateKey.generate()), "signature"),
        (withdrawal(PROVIDER), "cannot be read"),
        (PROVIDER.offer(extends=OLD), None),
    ],
)
def test_a_provider_withdraws_only_its_own_listed_offers(signed, why):
    catalogue = Catalogue()
    catalogue.admit(OLD, TODAY)
    if why is None:
        catalogue.admit(withdrawal(PROVIDER, OLD), TODAY)
    with pytest.raises(DocumentRefused, match=why or "withdrawn"):
        catalogue.admit(signed, TODAY)


def test_a_chip_drops_the_bytes_and_keeps_the_hash_also_after_a_restart(tmp_path):
    world = World(tmp_path / "chip")
    gone = withdrawal(PROVIDER, OLD)
    world.page(listing(OLD, NEW, gone))
    for signed in (OLD, NEW, gone):
        world.document(signed)
    for _ in range(2):
        assert set(world.vault.catalogue.document_sizes()) == {NEW.hash, gone.hash}
        assert world.copy.is_complete
        assert world.copy.missing() == []
        assert [name for name, _ in world.copy.catalogue.latest_offers()] == [NEW.hash]
        assert world.copy.catalogue.listed(OLD.hash).name == "old"
        world.start()
    world.vault.close()


def test_the_command_signs_what_the_list_takes(tmp_path):
    def run(*arguments):
        return CliRunner().invoke(volet, ["provider", *map(str, arguments)])

    own = ("--dir", tmp_path / "provider")
    assert run("init", *own).exit_code == 0
    key, out = load_key(tmp_path / "provider"), tmp_path / "gone.json"
    provider = Provider()
    provider.key = key
    offer = provider.offer()
    assert run("withdraw", *own, "--out", out, offer.hash.hex()).exit_code == 0
    catalogue = Catalogue()
    catalogue.admit(offer, TODAY)
    catalogue.admit(parse_signed(out.read_bytes(), "gone.json"), TODAY)
    assert catalogue.is_withdrawn(offer.hash)
    for bad in ("xyz", "00" * 31):
        assert "is no hash" in str(run("withdraw", *own, "--out", out, bad).exception)
    assert run("withdraw", *own, "--out", out, *["00" * 32] * 257).exit_code != 0
