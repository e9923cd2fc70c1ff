"""What a provider types is what it gets: contracts by their beginnings, batches by their keys."""

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from provider.service import KEY
from tests.support.dwelling import PROVIDER, accept_all, day, enrolled, make_offer
from volet.provider import provider


@pytest.fixture
def home(tmp_path):
    with enrolled(tmp_path, make_offer()) as home:
        home.begin()
        home.live(2)
        accept_all(home)
        yield home


@pytest.fixture
def run(home, tmp_path):
    directory = tmp_path / "provider"
    directory.mkdir()
    pem = PROVIDER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / KEY).write_bytes(pem)
    (directory / KEY).chmod(0o600)
    places = ["--dir", str(directory), "--cloud", str(home.cloud.directory)]

    def run(*typed):
        return CliRunner().invoke(provider, [*map(str, typed), *places])

    return run


def test_a_letter_takes_a_contract_as_it_stands_abbreviated(home, run, tmp_path):
    (contract,) = home.cloud.store.contracts()
    text = tmp_path / "letter.txt"
    text.write_text("Good morning.")
    for written in ("{}", "{}…", "{}..."):
        said = run("letter", written.format(contract.hash.hex()[:8]), text)
        assert said.exit_code == 0, said.exception
    assert "contracts begin with" in str(run("letter", "zz", text).exception)


def test_a_used_key_is_refused_for_other_days(run):
    period = ("--from", day(0), "--to", day(2))
    first = run("batch", "create", "march", *period)
    assert "1 statement," in first.output
    assert run("batch", "create", "march", *period).output == first.output
    for other in (("--from", day(0), "--to", day(1)), ("--from", day(1), "--to", day(2))):
        said = str(run("batch", "create", "march", *other).exception)
        assert f"Batch march asks for {day(0)} to {day(2)}" in said
    early = ("--from", day(-3), "--to", day(2))
    assert run("batch", "create", "march", *early).exit_code == 0, "the contract begins later"
