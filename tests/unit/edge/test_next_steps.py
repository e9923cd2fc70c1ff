"""Whatever a household tries too early, the chip names the one step that comes next."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys, make_request, write_request
from edge.identity.keys import load_keys
from edge.language.french.looking_up import known_sentence
from edge.stage import REQUEST, Stage, next_step, stage
from protocol.errors import ConfigError
from tests.support.broker import enrol_chip, make_cloud


def empty(chip: Path) -> None:
    del chip


def keys_drawn(chip: Path) -> None:
    draw_keys(chip)


def requested(chip: Path) -> None:
    draw_keys(chip)
    write_request(chip, chip / REQUEST, make_request(load_keys(chip), None, None))


def enrolled(chip: Path) -> None:
    make_cloud(chip.parent / "cloud")
    enrol_chip(chip.parent / "cloud", chip)


STEPS = {empty: "init", keys_drawn: "request", requested: "enrol", enrolled: "run"}
STAGES = dict(zip(STEPS, Stage, strict=True))
COMMANDS = (
    "status",
    "bills",
    "receipts",
    "receipts --release --yes",
    "letters",
    "budget",
    "trustees",
    "area",
    "catalogue",
    "quotes",
    "export --out bundle --draw",
)
STEP = re.compile(r"`volet edge (\w+) --dir ")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_comes_too_early_names_the_next_step(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    named = {}
    for make in STEPS:
        chip = tmp_path / make.__name__ / "chip"
        make(chip)
        assert stage(chip) is STAGES[make]
        assert known_sentence(next_step(chip)) is not None
        done = CliRunner().invoke(edge, ["--lang", "en", *command.split(), "--dir", str(chip)])
        assert isinstance(done.exception, ConfigError)
        named[make] = STEP.findall(str(done.exception))
    assert named == {make: [step] for make, step in STEPS.items()}
