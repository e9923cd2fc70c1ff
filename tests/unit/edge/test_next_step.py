"""What a household types next, where units run its chip and where it started the program itself."""

import pytest
from click.testing import CliRunner

from edge import stage
from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from tests.support.french import plain

START = 'sudo systemctl enable --now "volet-edge@$USER"'
PAGE = f"`{START} volet-edge-page.socket`, then type `volet edge page --pair`"


@pytest.fixture
def chip(tmp_path, monkeypatch):
    """The directory in which an installed chip is, with no unit on the machine yet."""
    monkeypatch.setattr("edge.stage.DEFAULT_DIRECTORY", tmp_path / "chip")
    monkeypatch.setattr("system.systemd.UNITS", tmp_path / "units")
    (tmp_path / "units").mkdir()
    return tmp_path / "chip"


def install(chip, *names):
    for name in names:
        (chip.parent / "units" / name).touch()


@pytest.mark.parametrize(("lang", "begins"), [("en", "Next: start it"), ("fr", "Ensuite : démar")])
def test_a_new_chip_that_is_installed_leads_to_its_page(chip, lang, begins):
    install(chip, "volet-edge@.service", "volet-edge-page.socket")
    said = plain(CliRunner().invoke(edge, ["--lang", lang, "init", "--dir", str(chip)]).output)
    assert begins in said
    assert f"`{START} volet-edge-page.socket`" in said
    assert "request" not in said
    assert PAGE in stage.next_step(chip)
    assert "mène" in sentence_in(Lang.FR, stage.next_step(chip))


def test_where_no_unit_serves_a_page_the_request_comes_next(chip):
    install(chip, "volet-edge@.service")
    said = CliRunner().invoke(edge, ["init", "--dir", str(chip)]).output
    assert f"Next: `volet edge request --dir {chip}`.\n" in said


def test_a_chip_is_started_as_it_is_installed(chip):
    assert stage.start_command(chip) == f"volet edge run --dir {chip}"
    install(chip, "volet-edge@.service")
    assert stage.start_command(chip) == START
    other = chip.parent / "other"
    draw_keys(other)
    assert stage.start_command(other) == f"volet edge run --dir {other}"


@pytest.mark.parametrize("locale", ["en_GB.UTF-8", "fr_FR.UTF-8"])
def test_who_names_no_command_gets_the_list_of_them(locale):
    machine = {"LC_ALL": locale}
    said = CliRunner().invoke(edge, env=machine).output
    assert "\n  page " in said
    assert said.strip() == CliRunner().invoke(edge, ["--help"], env=machine).output.strip()
