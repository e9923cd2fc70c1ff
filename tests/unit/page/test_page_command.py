"""What `volet edge page` says at the console."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from edge.household.door import open_door
from edge.household.pairing import ORDER
from edge.household.shown import Pairing
from protocol.errors import ConfigError
from tests.support.page_process import ENTER, PageProcess
from volet.demo.ports import free_ports

COMMAND = (sys.executable, "-m", "volet.main", "edge", "--lang")
NOBODY = "The chip does not run, and nobody is let in until it does: "


@pytest.fixture
def chip(tmp_path):
    draw_keys(tmp_path / "chip")
    return tmp_path / "chip"


def page(chip, *arguments, lang="en"):
    return CliRunner().invoke(edge, ["--lang", lang, "page", "--dir", str(chip), *arguments])


def served(chip, *arguments):
    """Serve the page until it has said where it is; return what it said, and on standard error."""
    program = [
        *COMMAND,
        "en",
        "page",
        "--dir",
        str(chip),
        "--port",
        str(*free_ports(1)),
        *arguments,
    ]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        said = process.stdout.readline()
        process.terminate()
        rest, complaints = process.communicate()
    return said + rest, complaints


def test_no_code_is_shown_that_lets_nobody_in_while_no_chip_runs(chip):
    done = page(chip, "--pair")
    assert isinstance(done.exception, ConfigError)
    assert done.stdout == ""
    assert f"`volet edge run --dir {chip}`" in str(done.exception)
    assert ORDER.read(chip) is None
    french = page(chip, "--pair", lang="fr").exception
    assert str(french).startswith("Le boîtier ne fonctionne pas")


def test_a_code_says_nothing_more_where_a_chip_answers(chip):
    with open_door(chip, lambda _: Pairing(is_open=True)):
        assert page(chip, "--pair").stderr == ""


def test_the_page_says_at_its_start_that_no_chip_runs(chip):
    said, complaints = served(chip)
    assert said.startswith("The page is at https://")
    assert complaints.startswith(NOBODY)
    assert f"`volet edge run --dir {chip}`" in complaints


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_its_language_is_for_those_who_ask_for_neither(chip, lang):
    with PageProcess(chip, (*COMMAND, lang, "page", "--dir", str(chip))) as process:
        for asked, spoken in (("de", lang), ("de, fr;q=0.9, en;q=0.8", "fr"), ("en-GB", "en")):
            with process.visitor(**{"Accept-Language": asked}) as visitor:
                assert f'<html lang="{spoken}">' in visitor.get(ENTER).text
