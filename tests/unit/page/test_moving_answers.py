"""How far a household is with moving out, and what it is told to type for the next step."""

import shlex
from datetime import timedelta

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.household.moving import moving
from edge.household.requests import AskMoving
from edge.household.shown import MovingStep
from edge.household.visitors import VisitorRole, household_name
from edge.language.choice import Lang
from edge.moving import exported
from edge.moving.departure import ORDER, leave_order
from edge.moving.exported import NOTE, note_export
from edge.vault.reader import read_vault
from protocol.topics import Kind, parse_device_topic
from tests.support.billing_home import BillingHome
from tests.support.lived_home import answers_of

NEXT = {
    MovingStep.STAYS: "volet edge move-out",
    MovingStep.ORDERED: "volet edge move-out --cancel",
    MovingStep.SENDING: "volet edge move-out",
    MovingStep.LEFT: "volet edge export --out household.volet --sheet sheet.html --draw",
    MovingStep.TAKEN: "volet edge erase",
}


@pytest.fixture
def home(tmp_path):
    home = BillingHome(tmp_path / "it's a home")
    home.start()
    home.live(2)
    yield home
    home.kill()


def asked(home, lang=Lang.EN):
    household = household_name(home.identity.household_key)
    question = AskMoving(lang=lang, household=household, role=VisitorRole.OWNER)
    return answers_of(home).answer(question)


def bring(home, step):
    """Let a household come as far as a step."""
    steps = list(MovingStep)
    if step is MovingStep.ORDERED:
        leave_order(home.directory, home.clock.now())
    elif steps.index(step) > steps.index(MovingStep.ORDERED):
        if step is MovingStep.SENDING:
            home.drop = lambda message: parse_device_topic(message.topic).kind is Kind.LEFT
        home.move_out()
        if step is not MovingStep.SENDING:
            home.wait(40)
    if step is MovingStep.TAKEN:
        note_export(home.directory, home.clock.now(), has_vault=True)


@pytest.mark.parametrize("step", MovingStep)
def test_each_step_names_the_command_that_comes_next(home, step):
    bring(home, step)
    found = asked(home)
    assert found.step is step
    (task,) = (each for each in found.tasks if each.is_next)
    directory = shlex.quote(str(home.directory))
    assert f"`{NEXT[step]} --dir {directory}`" in task.commands
    done = [each.is_done for each in found.tasks[:4]]
    count = max(0, list(MovingStep).index(step) - 1)
    assert done == [True] * count + [False] * (4 - count)
    commands = [command for each in found.tasks for command in each.commands]
    assert any("volet edge erase" in each for each in commands) == (step is MovingStep.TAKEN)


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("step", MovingStep)
def test_all_is_said_in_both_languages_and_filled_in(home, step, lang):
    bring(home, step)
    found = asked(home, lang)
    texts = [found.standing, *(text for each in found.tasks for text in (each.title, each.text))]
    assert all(texts)
    assert not any(sign in text for text in texts for sign in "{}")
    if step in {MovingStep.LEFT, MovingStep.TAKEN, MovingStep.SENDING}:
        assert "2026" in found.standing


@pytest.mark.parametrize(("is_early", "has_vault"), [(True, True), (False, False)])
def test_an_export_that_lacks_something_does_not_count(home, is_early, has_vault):
    bring(home, MovingStep.LEFT)
    at = home.clock.now() - timedelta(days=5 if is_early else 0)
    note_export(home.directory, at, has_vault=has_vault)
    found = asked(home)
    assert found.step is MovingStep.LEFT
    assert "make it again" in found.tasks[2].text


def test_the_export_command_leaves_the_note(home, tmp_path):
    bundle = tmp_path / "a.volet"
    arguments = ["export", "--dir", str(home.directory), "--out", str(bundle), "--draw"]
    done = CliRunner().invoke(edge, arguments)
    assert done.exit_code == 0, done.output
    assert NOTE.read(home.directory).has_vault
    assert "Last export" in asked(home).tasks[2].text


@pytest.mark.parametrize("damage", ["", "{", '{"at": 3}'])
def test_a_damaged_note_stops_nothing_and_a_damaged_order_says_how_it_is_removed(home, damage):
    (home.directory / NOTE.name).write_text(damage)
    assert asked(home).step is MovingStep.STAYS
    (home.directory / ORDER.name).write_text(damage)
    (home.directory / ORDER.name).chmod(0o600)
    assert "`volet edge move-out --cancel`" in asked(home).texts[Lang.EN]


def test_an_export_counts_where_no_note_can_be_left(home, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(exported.OrderFile, "leave", refuse)
    note_export(home.directory, home.clock.now(), has_vault=True)
    assert "Last export" not in asked(home).tasks[2].text


def test_where_systemd_runs_the_chip_it_is_stopped_before_it_is_erased(home, monkeypatch, tmp_path):
    bring(home, MovingStep.TAKEN)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    (task,) = (each for each in asked(home).tasks if each.is_next)
    assert task.commands[0].startswith("`sudo systemctl stop volet-edge@")


def test_a_revoked_chip_warns_before_it_is_asked_to_leave(home):
    with read_vault(home.directory) as vault:
        found = moving(home.directory, vault, home.first, Lang.EN, is_revoked=True, has_unit=False)
    (warning,) = found.warnings
    assert "has revoked this chip" in warning
    assert f"--dir {shlex.quote(str(home.directory))}" in warning


def test_a_contract_that_begins_later_is_said_before_one_leaves(home):
    early = home.first - timedelta(days=1)
    with read_vault(home.directory) as vault:
        found = moving(home.directory, vault, early, Lang.EN, is_revoked=False, has_unit=False)
    assert "holds on no day" in found.warnings[0]
