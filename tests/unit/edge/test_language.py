"""A household reads its chip in the language that its machine speaks, unless it asks for another."""

import pytest
from click.testing import CliRunner

from edge.cli import edge
from edge.vault.database import open_database

FRENCH = "Aucune facture n'est encore arrivée."
ENGLISH = "No bill has arrived yet."


@pytest.fixture
def chip(tmp_path):
    open_database(tmp_path / "vault.db").close()
    return tmp_path


@pytest.mark.xfail(reason="bills are French whatever the machine speaks")
def test_the_machine_language_is_the_language_of_bills(chip):
    for locale, said in (("fr_FR.UTF-8", FRENCH), ("C", ENGLISH), ("de_DE", ENGLISH)):
        result = CliRunner().invoke(edge, ["bills", "--dir", str(chip)], env={"LC_ALL": locale})
        assert result.output.strip() == said
