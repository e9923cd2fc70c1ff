"""`volet edge panel test`, as whoever has wired a panel types it."""

import pytest
from click.testing import CliRunner
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from edge.commands import panel as command
from edge.commands.table import edge
from edge.status.lights import Press
from edge.status.line import LineState
from edge.status.panel import Panel
from edge.status.presence import Presence, SessionState, StatusFile, StatusRecord, this_process
from tests.support.chip_bench import instant


@pytest.fixture
def wired(tmp_path, monkeypatch):
    (tmp_path / "edge.toml").write_text(
        "[panel]\nline_gpio = 17\nhome_gpio = 23\nbutton_gpio = 27\n"
    )
    monkeypatch.setattr(command, "LIT_S", 0.0)
    monkeypatch.setattr(command, "PRESS_WITHIN_S", 0.0)
    monkeypatch.setattr(Device, "pin_factory", MockFactory())
    return tmp_path


def typed(directory, lang="en"):
    return CliRunner().invoke(edge, ["panel", "test", "--dir", str(directory), "--lang", lang])


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_light_that_there_is_is_named_in_each_rhythm(wired, monkeypatch, lang):
    monkeypatch.setattr(Panel, "press", lambda _: Press.YES)
    done = typed(wired, lang)
    assert done.exit_code == 0
    words = command.WORDS[lang]
    for name in ("line", "home"):
        assert done.output.count(words[name]) == 4
    assert words["city"] not in done.output
    assert done.output.endswith(f"{words['yes']}\n")


def test_a_button_that_nobody_holds_is_a_sentence_and_leaves_the_pins_free(wired):
    for _ in range(2):
        done = typed(wired)
        assert "Nobody held the button" in str(done.exception)


def test_without_a_table_the_next_step_is_named(tmp_path):
    (tmp_path / "edge.toml").write_text("")
    assert "there is no chip in this directory" in str(typed(tmp_path).exception)
    CliRunner().invoke(edge, ["init", "--dir", str(tmp_path)], catch_exceptions=False)
    assert "no table [panel]" in str(typed(tmp_path).exception)


def test_a_chip_that_runs_keeps_its_pins(wired):
    at = instant(2026, 1, 1)
    session = SessionState(is_up=False, since=at)
    presence = Presence(*this_process(), "boot", at, LineState(), at, session)
    StatusFile(wired).write(StatusRecord(presence=presence))
    assert "stop it first" in str(typed(wired).exception)
