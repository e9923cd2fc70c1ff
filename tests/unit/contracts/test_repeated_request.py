"""A request that is typed again keeps what the household has chosen, and says what it keeps."""

import shutil
from dataclasses import fields

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.commands.table import edge
from edge.contracts.choices import ContractChoices
from edge.contracts.enrolling import draw_keys, requested_contract, sign_contract
from edge.contracts.former import FormerContract, write_former
from edge.contracts.requests import FOLDER, asked_agreements
from edge.contracts.signed import CONTRACT, SignedAgreement, read_agreement
from edge.contracts.words import AS_BEFORE, CONSENTS, PRICES, WHOSE
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.language.numbers import day_text
from protocol.contract import Consent, Contract, Signed, open_offer
from protocol.envelope import decode_body
from protocol.errors import ConfigError
from protocol.ids import public_key_text
from system.files import changed_together
from tests.support.dwelling import OLD, day, make_offer

_CONSENT = st.sampled_from(Consent)
GIVEN = st.fixed_dictionaries({}, optional={"consent": _CONSENT, "follows": st.booleans()})


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    """A chip with its keys and an offer."""
    directory = tmp_path_factory.mktemp("chip")
    draw_keys(directory)
    (directory / "edge.toml").write_text(f'source = "{directory / "gone"}"\n')
    (directory / "offer.json").write_bytes(msgspec.json.encode(make_offer()))
    return directory


def take(chip, consent, follows):
    """Make a contract with these choices the present one, on its own."""
    offer = msgspec.json.decode((chip / "offer.json").read_bytes(), type=Signed)
    contract = sign_contract(load_keys(chip), offer, OLD, day(0), consent=consent, follows=follows)
    agreement = SignedAgreement(offer, contract)
    (chip / CONTRACT).write_bytes(msgspec.json.encode(agreement))
    (chip / CONTRACT).chmod(0o600)
    (chip / "request.json").unlink(missing_ok=True)


def ask(chip, *options, lang="en"):
    """Type the request with an offer."""
    taken = ("--offer", chip / "offer.json", "--from", day(1), "--meter", OLD, *options)
    return CliRunner().invoke(
        edge, ["--lang", str(lang), "request", "--dir", str(chip), *map(str, taken)]
    )


def options_of(chosen):
    consent = ["--consent", chosen["consent"]] if "consent" in chosen else []
    follows = ["--follow" if chosen["follows"] else "--fixed"] if "follows" in chosen else []
    return [*consent, *follows]


def asked_for(chip):
    """Return the consent of the contract in the request, and whether it follows."""
    signed = requested_contract(chip, load_keys(chip))
    contract = decode_body(signed.contract.body, Contract)
    return contract.consent, contract.follows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(consent=_CONSENT, follows=st.booleans(), chosen=GIVEN)
def test_a_request_keeps_each_choice_of_the_contract_unless_it_is_given(
    chip, consent, follows, chosen
):
    take(chip, consent, follows)
    said = ask(chip, *options_of(chosen))
    assert said.exit_code == 0, said.output
    assert asked_for(chip) == (chosen.get("consent", consent), chosen.get("follows", follows))
    assert said.output.count("as until now") == 2 - len(chosen)


@pytest.mark.parametrize("lang", Lang)
def test_before_it_is_written_a_contract_is_said_in_words(chip, lang):
    take(chip, Consent.NOTHING, follows=False)
    said = ask(chip, lang=lang.value).output.splitlines()
    assert OLD in said[2]
    assert day_text(day(1), lang) in said[3]
    assert any(line.endswith(CONSENTS[lang][Consent.NOTHING] + AS_BEFORE[lang]) for line in said)
    assert any(line.endswith(PRICES[lang][False] + AS_BEFORE[lang]) for line in said)


@pytest.mark.parametrize("lang", Lang)
def test_it_says_which_key_signed_the_offer_and_that_nobody_has_confirmed_whose_it_is(chip, lang):
    offer = open_offer(msgspec.json.decode((chip / "offer.json").read_bytes(), type=Signed))
    said = " ".join(ask(chip, lang=lang.value).output.split())
    assert public_key_text(offer.provider_key) in said
    assert " ".join(WHOSE[lang][False].format(provider=offer.provider).split()) in said


def test_a_first_contract_has_the_choices_that_the_help_promises(chip):
    (chip / CONTRACT).unlink(missing_ok=True)
    (chip / "request.json").unlink(missing_ok=True)
    assert "as until now" not in ask(chip).output
    assert asked_for(chip) == (Consent.TOTAL, True)


def test_a_request_that_was_not_installed_yet_is_not_undone_either(chip):
    (chip / CONTRACT).unlink(missing_ok=True)
    ask(chip, "--consent", "nothing", "--fixed")
    ask(chip)
    assert asked_for(chip) == (Consent.NOTHING, False)


def test_where_contract_and_last_request_differ_the_household_says_which(chip):
    take(chip, Consent.NOTHING, follows=True)
    ask(chip, "--consent", "total")
    assert "differ in --consent" in str(ask(chip).exception)
    assert asked_for(chip) == (Consent.TOTAL, True)
    ask(chip, "--consent", "nothing")
    assert asked_for(chip) == (Consent.NOTHING, True)
    (chip / "request.json").write_text("damaged")
    ask(chip)
    assert asked_for(chip) == (Consent.NOTHING, True)


def test_choices_survive_a_move(chip, tmp_path):
    take(chip, Consent.NOTHING, follows=False)
    agreement = read_agreement(chip)
    shutil.copytree(chip, tmp_path, dirs_exist_ok=True)
    (tmp_path / CONTRACT).unlink()
    former = FormerContract(agreement.offer, agreement.contract, day(0).isoformat())
    with changed_together() as files:
        write_former(tmp_path, [former], files)
    ask(tmp_path)
    assert asked_for(tmp_path) == (Consent.NOTHING, False)


@pytest.mark.parametrize("option", [("--consent", "nothing"), ("--fixed",)])
def test_a_choice_without_an_offer_is_wrong_usage(chip, option):
    said = CliRunner().invoke(edge, ["--lang", "en", "request", "--dir", str(chip), *option])
    assert "go with --offer" in said.output
    assert said.exit_code == 2


def test_each_field_of_a_contract_is_said_or_kept():
    """A new field of a contract, or option of the command, is to be kept as the others are."""
    kept = {field.name for field in fields(ContractChoices)}
    of_household = {"household_key", "sealing_key"}
    assert set(Contract.__struct_fields__) == kept | of_household | {
        *("offer", "meter", "start"),  # said or read anew each time
        "end",  # none in a request
    }
    options = {option.name for option in edge.get_command(None, "request").params}
    assert options == kept | {
        *("directory", "offer", "meter_serial", "start", "out", "is_json", "lang")
    }


def test_what_is_said_of_a_damaged_request_that_was_kept_puts_it_right(chip):
    ask(chip)
    kept = min((chip / FOLDER).iterdir())
    kept.write_text("damaged")
    with pytest.raises(ConfigError, match="delete it and make a new request"):
        asked_agreements(chip)
    ask(chip)
    with pytest.raises(ConfigError, match=kept.name):
        asked_agreements(chip)  # a new request alone does not
    kept.unlink()
    assert asked_agreements(chip)
