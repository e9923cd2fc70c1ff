"""A command that people are told to type works as it stands, also where a path has a space."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from system.shell import quoted
from tests.support.product import parts_of_f_strings
from volet.main import volet

ROOT = Path(__file__).parents[3]
PACKAGES = (
    "protocol",
    "system",
    "mosquitto",
    "edge",
    "cloud",
    "trustee",
    "provider",
    "monitor",
    "volet",
)
COMMAND = re.compile(r"`(?:volet|sudo|chmod|chown|rm) [^`]*`")
# Names that Volet draws, or takes only without spaces.
NAMES = {
    "name",
    "DEFAULT_NAME",
    "token.id",
    "current.device",
    "party",
    "party.name",
    "header.party",
    "public",
}
# Dates, as they are typed.
NAMES |= {"change", "offer_from", "other.end"}
# `arguments` are the demo's own, and the end of a process of its own.
NAMES |= {"' '.join(arguments[:3])"}


def unquoted(text):
    """Return what a module puts into commands without `quoted`, of f-strings and of templates."""
    found, places = [], set()
    tree = ast.parse(text)
    inner = parts_of_f_strings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = [each for each in node.values if isinstance(each, ast.FormattedValue)]
            numbers = iter(range(len(values)))
            line = "".join(
                each.value if isinstance(each, ast.Constant) else f"\0{next(numbers)}\0"
                for each in node.values
            )
            named = re.findall("\0(\\d+)\0", " ".join(COMMAND.findall(line)))
            found += [ast.unparse(values[int(each)].value) for each in named]
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
        ):
            places |= set(re.findall(r"{(\w+)}", " ".join(COMMAND.findall(node.value))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format":
            found += [ast.unparse(each.value) for each in node.keywords if each.arg in places]
    return [each for each in found if not each.startswith("quoted(") and each not in NAMES]


def test_every_value_in_a_command_to_type_is_quoted():
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.relative_to(ROOT).parts[:2] != ("edge", "french")
    }
    assert {path: found for path, text in texts.items() if (found := unquoted(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        'f"Next: `volet edge run --dir {directory}`."',
        'f"{why} `chmod 600 {path}`"',
        'W = "Next: `volet edge run --dir {directory}`."\nW.format(directory=directory)',
    ],
)
def test_a_new_one_that_is_not_is_found(text):
    assert unquoted(text)
    text = text.replace('{directory}`."', '{quoted(directory)}`."').replace(
        "{path}", "{quoted(path)}"
    )
    assert not unquoted(text.replace("=directory", "=quoted(directory)"))


def test_what_is_printed_for_a_directory_with_a_space_can_be_typed(tmp_path):
    directory = tmp_path / "my chip"
    done = CliRunner().invoke(volet, ["edge", "--lang", "en", "init", "--dir", str(directory)])
    (command,) = re.findall(r"`(volet edge request[^`]*)`", done.output)
    assert shlex.split(command)[-1] == str(directory)
    assert shlex.split(quoted(directory)) == [str(directory)]
