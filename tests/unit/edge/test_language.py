"""A household reads its chip in the language that its machine speaks, unless it asks for another."""

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edge.commands.table import edge
from edge.language.choice import VARIABLES, Lang, household_language
from edge.vault.database import open_database

FRENCH = "Aucune facture n'est encore arrivée."
ENGLISH = "No bill has arrived yet."


@pytest.fixture
def chip(tmp_path):
    open_database(tmp_path / "vault.db").close()
    return tmp_path


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_machine_language_is_the_language_of_bills(chip, monkeypatch, variable):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for locale, said in (
        ("fr_FR.UTF-8", FRENCH),
        ("fr", FRENCH),
        ("C", ENGLISH),
        ("de_DE", ENGLISH),
    ):
        monkeypatch.setenv(variable, locale)
        assert CliRunner().invoke(edge, ["bills", "--dir", str(chip)]).output.strip() == said


@pytest.mark.parametrize(
    "arguments", [("--lang", "fr", "bills", "--dir"), ("bills", "--lang", "fr", "--dir")]
)
def test_the_option_overrides_the_machine_in_either_place(chip, arguments):
    said = CliRunner().invoke(edge, [*arguments, str(chip)], env={"LC_ALL": "en_GB.UTF-8"})
    assert said.output.strip() == FRENCH


def test_a_language_given_to_the_command_overrides_one_in_front(chip):
    said = CliRunner().invoke(edge, ["--lang", "fr", "bills", "--lang", "en", "--dir", str(chip)])
    assert said.output.strip() == ENGLISH


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            VARIABLES,
            st.sampled_from(
                [
                    "",
                    "C",
                    "POSIX",
                    "C.UTF-8",
                    "fr",
                    "fr_CA.utf8",
                    "FR_fr",
                    "en_GB.UTF-8",
                    "fro",
                    "frp_FR",
                ]
            ),
        ),
    )
)
def test_the_first_variable_that_is_set_decides(environment):
    first = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    is_french = first.split(".")[0].split("_")[0].lower() == "fr"
    assert household_language(environment) is (Lang.FR if is_french else Lang.EN)
