"""Everything that `volet edge` says of itself is there in French, and errors are put into it."""

import ast
import inspect
import re
import string
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edge.cli import edge
from edge.french.help import HELP
from edge.french.looking_up import help_in, sentence_in
from edge.french.sentences import SENTENCES
from edge.household_command import HouseholdCommand
from edge.language import Lang
from protocol.errors import VoletError

ROOT = Path(__file__).parents[3]
COMMANDS = edge.list_commands(click.Context(edge))
FRENCH = {"LC_ALL": "fr_FR.UTF-8"}


def command(name):
    return edge.get_command(click.Context(edge), name)


def flat(text):
    return " ".join(inspect.cleandoc(text).split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_both_languages(name):
    assert isinstance(command(name), HouseholdCommand)
    assert flat(command(name)._help) in HELP
    for parameter in command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help is None or flat(parameter.help) in HELP


def test_no_french_stands_for_english_that_nobody_says():
    said = {flat(edge._help), "Options", "Commands", "Usage:", "Show this message and exit."}
    for name in COMMANDS:
        said |= {flat(command(name)._help)}
        said |= {flat(each.help) for each in command(name).params if getattr(each, "help", None)}
    assert {" ".join(each.split()) for each in HELP} <= said


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_french_where_the_machine_is(name):
    said = CliRunner().invoke(edge, [name, "--help"], env=FRENCH).output
    assert said.startswith("Usage : ")
    assert "Montre ce message et s'arrête." in said
    assert HELP[flat(command(name)._help)].split("\n")[0][:40] in " ".join(said.split())
    english = CliRunner().invoke(edge, ["--lang", "en", name, "--help"], env=FRENCH).output
    assert english.startswith("Usage: ")


def test_a_sentence_keeps_what_the_english_has_in_its_places(tmp_path):
    done = CliRunner().invoke(edge, ["--lang", "fr", "letters", "--dir", str(tmp_path)])
    assert isinstance(done.exception, VoletError)
    assert str(done.exception) == (
        f"{tmp_path}/enrolment.json n'existe pas ; inscrivez d'abord ce boîtier : "
        f"`volet edge request --dir {tmp_path}`."
    )


def test_wrong_usage_is_told_in_french():
    done = CliRunner().invoke(edge, ["bills", "--colour"], env=FRENCH)
    assert done.exit_code == 2
    assert "Usage : " in done.output
    assert "Erreur : Il n'y a pas d'option" in done.output


@pytest.mark.parametrize("english", SENTENCES)
def test_a_translation_has_the_places_of_its_english(english):
    def places(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    assert places(SENTENCES[english]) == places(english)


@given(data=st.data(), english=st.sampled_from(sorted(SENTENCES)))
def test_every_sentence_is_found_again(data, english):
    words = st.text("abcdefgh/_0123456789", min_size=1, max_size=12)
    names = {name for _, name, _, _ in string.Formatter().parse(english) if name}
    places = {name: data.draw(words) for name in sorted(names)}
    said = english.format(**places)
    assert sentence_in(Lang.EN, said) == said
    assert sentence_in(Lang.FR, said) != said
    for each in places.values():
        assert each in sentence_in(Lang.FR, said)


@given(text=st.text(max_size=40))
def test_what_has_no_french_stays_english(text):
    assert help_in(Lang.FR, f"?{text}") == f"?{text}"
    assert help_in(Lang.EN, text) == text


# Raised with these, a text reaches the household.
ERRORS = {
    *("ConfigError", "DocumentRefused", "FrameError", "StoreError", "StoreBusy", "VoletError"),
    *("TransportError", "UsageError"),
}
HOLE = "x9"
# Nothing but places: what stands in them is looked up by itself, or is another's word.
PLACES_ONLY = re.compile(rf"({HOLE}|[:;., ])+")


def raised():
    """Give the text of every error that code of the chip raises, a mark in each of its places."""
    for package in ("edge", "system"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and node.args and name_of(node.func) in ERRORS:
                    text = text_of(node.args[0])
                    if text and not PLACES_ONLY.fullmatch(text):
                        yield " ".join(text.split())


def name_of(function):
    return getattr(function, "id", getattr(function, "attr", ""))


def text_of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            each.value if isinstance(each, ast.Constant) else HOLE for each in node.values
        )
    return None


@pytest.mark.parametrize("text", sorted(set(raised())))
def test_every_error_of_the_chip_has_its_french(text):
    assert sentence_in(Lang.FR, text) != text
