"""The household's choice to have its line repeated: said, kept, and forgotten when others live there."""

import json

import pytest
from click.testing import CliRunner

from edge.commands.directory import settle
from edge.commands.table import edge
from edge.contracts.enrolling import install_answer
from edge.moving.erasing import erase
from edge.stage import ENROLMENT
from edge.tic.repeater.choice import (
    FILE_NAME,
    RepeaterChoice,
    load_repeater,
    turn_off,
    turn_on,
    watched_repeater,
)
from protocol.errors import DocumentRefused
from tests.support.broker import enrol_chip, make_cloud


@pytest.fixture
def chip(tmp_path):
    make_cloud(tmp_path / "cloud")
    enrol_chip(tmp_path / "cloud", tmp_path / "chip")
    return tmp_path / "chip"


def command(chip, *options, typed=None):
    words = ["--lang", "en", "repeater", "--dir", str(chip), *options]
    return CliRunner().invoke(edge, words, input=typed)


def test_it_is_off_until_somebody_says_yes(chip):
    assert command(chip).output == "not repeated on the home network\n"
    refused = command(chip, "on", typed="n\n")
    assert "Everybody on the home network can then read" in refused.output
    assert not (chip / FILE_NAME).exists()
    said = command(chip, "on", typed="y\n")
    assert said.exit_code == 0, said.output
    assert "nobody gets it while the chip does not run" in said.output
    assert load_repeater(chip).is_on
    assert not load_repeater(chip).has_true_numbers
    assert (chip / FILE_NAME).stat().st_mode & 0o777 == 0o600
    status = CliRunner().invoke(edge, ["--lang", "en", "repeater", "--dir", str(chip), "--json"])
    assert json.loads(status.output)["now"]["fault"] == "chip_does_not_run"
    assert command(chip, "off").output == "not repeated on the home network\n"


def test_true_numbers_are_asked_for_in_words_of_their_own(chip):
    said = command(chip, "on", "--true-numbers", typed="y\n")
    assert "the true numbers of your meter and point of delivery" in said.output
    assert load_repeater(chip).has_true_numbers
    command(chip, "on", "--yes")
    assert not load_repeater(chip).has_true_numbers


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "203.0.113.7", "2001:db8::1", "volet.local"])
def test_an_address_that_is_not_of_a_home_is_refused(chip, address):
    said = command(chip, "on", "--yes", "--address", address)
    assert isinstance(said.exception, DocumentRefused)
    assert not (chip / FILE_NAME).exists()


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.20", "fd00::1", "fe80::1%eth0", "::1"])
def test_an_address_of_a_home_is_taken_and_can_be_taken_back(chip, address):
    assert command(chip, "on", "--yes", "--address", address, "--port", "2000").exit_code == 0
    assert (load_repeater(chip).address, load_repeater(chip).port) == (address, 2000)
    command(chip, "off")
    command(chip, "on", "--yes")
    assert (load_repeater(chip).address, load_repeater(chip).port) == (address, 2000)
    command(chip, "on", "--yes", "--address", "")
    assert load_repeater(chip).address == ""


def test_a_chip_that_is_not_enrolled_repeats_nothing(chip):
    (chip / ENROLMENT).unlink()
    assert "hand " in str(command(chip, "on", "--yes").exception)
    assert not (chip / FILE_NAME).exists()


def test_what_cannot_be_read_is_off_for_the_chip(chip):
    turn_on(chip, has_true_numbers=True)
    (chip / FILE_NAME).write_text("{}x")
    assert watched_repeater(chip)() == RepeaterChoice()


def test_it_stays_over_a_restart_and_is_off_after_each_enrolment(chip):
    turn_on(chip, has_true_numbers=False)
    assert load_repeater(chip).is_on
    # The same answer again, as when a household asks its collectivity once more.
    install_answer(chip, (chip / ENROLMENT).read_bytes(), "enrolment.json")
    assert not (chip / FILE_NAME).exists()


def test_it_is_forgotten_by_an_erasure(chip):
    turn_on(chip, has_true_numbers=False)
    erase(chip)
    assert not (chip / FILE_NAME).exists()


def test_a_restore_forgets_it_where_it_was_and_where_it_comes_to(chip, tmp_path):
    restored = tmp_path / "restored"
    (restored / "keys").mkdir(parents=True)
    for place in (chip, restored):
        turn_on(place, has_true_numbers=False)
    settle(restored, chip)
    assert not (chip / FILE_NAME).exists()
    assert not (restored / FILE_NAME).exists()


def test_turning_off_what_was_never_on_writes_nothing(tmp_path):
    turn_off(tmp_path)
    assert list(tmp_path.iterdir()) == []
