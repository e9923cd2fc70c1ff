"""Everything that `volet edge` says of itself is there in French, and errors are put into it."""

import ast
import importlib
import inspect
import re
import string
from collections import defaultdict

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edge.commands.household import HouseholdCommand
from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from edge.language.choice import Lang
from edge.language.french.help import HELP
from edge.language.french.looking_up import help_in, known_sentence, sentence_in
from edge.language.french.sentences import SENTENCES
from edge.language.numbers import days_in_french
from edge.language.typography import FILLED_IN
from edge.tic.groups import GroupRefusal
from edge.tic.labels import LABELS
from edge.vault.database import open_database
from protocol.errors import VoletError
from tests.support.french import plain
from tests.support.product import ROOT, sources_with

FRENCH = {"LC_ALL": "fr_FR.UTF-8"}
# What a person fills in, in a line on how a command is used.
FILL_IN = re.compile(r"[^\s\[\]']*[A-Z]{2,}[^\s\[\]']*")


def names_in(group):
    """Yield what is typed behind a group, groups within it included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield name
        inner = group.get_command(context, name)
        if isinstance(inner, click.Group):
            yield from (f"{name} {each}" for each in names_in(inner))


COMMANDS = list(names_in(edge))


def command(name):
    found = edge
    for word in name.split():
        found = found.get_command(click.Context(found), word)
    return found


def flat(text):
    return " ".join(inspect.cleandoc(text).split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_both_languages(name):
    assert isinstance(command(name), HouseholdCommand)
    options = [each for each in command(name).params if isinstance(each, click.Option)]
    english = [flat(command(name)._help), *(flat(each.help) for each in options if each.help)]
    missing = [text for text in english if text not in HELP]
    assert not missing, f"add the French to edge/language/french/help.py: {missing}"


def test_no_french_stands_for_english_that_nobody_says():
    said = {flat(edge._help), "Options", "Commands", "Usage:", "Show this message and exit."}
    for name in COMMANDS:
        said |= {flat(command(name)._help)}
        said |= {flat(each.help) for each in command(name).params if getattr(each, "help", None)}
    assert {" ".join(each.split()) for each in HELP} <= said


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_french_where_the_machine_is(name):
    said = plain(CliRunner().invoke(edge, [*name.split(), "--help"], env=FRENCH).output)
    assert said.startswith("Usage : ")
    assert "Affiche ce message et s'arrête." in said
    assert HELP[flat(command(name)._help)].split("\n")[0][:40] in " ".join(said.split())
    told = re.findall(r"^(?:Usage : .*|  -.*?)(?=  |$)", said, re.MULTILINE)
    words = {word for line in told for word in re.findall(FILL_IN, line)}
    french = {word for text in FILLED_IN.values() for word in re.findall(FILL_IN, text)}
    assert words <= french | {"OPTIONS"}, "what a person fills in has a French name"
    english = CliRunner().invoke(edge, ["--lang", "en", *name.split(), "--help"], env=FRENCH).output
    assert english.startswith("Usage: ")


def test_a_sentence_keeps_what_the_english_has_in_its_places(tmp_path):
    done = CliRunner().invoke(edge, ["--lang", "fr", "letters", "--dir", str(tmp_path)])
    assert isinstance(done.exception, VoletError)
    assert plain(str(done.exception)) == (
        f"{tmp_path}/enrolment.json n'existe pas ; il n'y a pas de boîtier dans ce répertoire : "
        "est-ce le bon (`--dir`) ? Pour un nouveau boîtier, créez-en les clés avec "
        f"`volet edge init --dir {tmp_path}`."
    )


def test_wrong_usage_is_told_in_french():
    done = CliRunner().invoke(edge, ["bills", "--colour"], env=FRENCH)
    assert done.exit_code == 2
    assert "Usage : " in plain(done.output)
    assert "Erreur : Il n'y a pas d'option" in plain(done.output)


def test_how_a_command_is_used_is_told_in_the_language_that_was_asked_for():
    said = plain(CliRunner().invoke(edge, ["--lang", "fr", "enrol"]).output)
    assert said.startswith("Usage : edge enrol [OPTIONS] INSCRIPTION.json\n")
    assert said.endswith("Il manque l'argument 'INSCRIPTION.json'.\n")


def test_only_confirm_asks_a_household():
    asking = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources_with(["click.confirm", "click.prompt"], ["edge"])
        if path != ROOT / "edge/commands/household.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"click.confirm", "click.prompt"}
    ]
    assert asking == []


def test_a_translation_has_the_places_of_its_english():
    def places(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    wrong = [english for english in SENTENCES if places(SENTENCES[english]) != places(english)]
    assert wrong == []


ISO = re.compile(r"(?<![\w/.:-])\d{4}-\d\d-\d\d")
# What French writes so too: how a day is typed.
TYPED_SO = {"2025-01-10", "2026-03-01"}


def days_of(said):
    """Return the days that a text has as English writes them, but for what is typed."""
    return set(ISO.findall(re.sub(r"`[^`]*`", "", said)))


def test_no_french_sentence_writes_a_day_as_english_does():
    """Whichever place a day comes to stand in; `time_text` and `day_text` write the others."""
    value = "2026-11-29, 2026-11-30 14:05"
    for english in SENTENCES:
        names = {name for _, name, _, _ in string.Formatter().parse(english) if name}
        said = sentence_in(Lang.FR, english.format(**dict.fromkeys(names, value)))
        assert days_of(said) <= TYPED_SO - {"2026-11-30"}, said
        typed = "".join(re.findall(r"`[^`]*`", SENTENCES[english]))
        for _, name, _, _ in string.Formatter().parse(typed):
            assert name is None or value in said, f"{english}: a command takes days as typed"


def test_a_day_in_a_path_a_name_or_a_command_stays():
    for kept in ("/a/2026-11-30/b", "2026-11-30.json", "a-2026-11-30", "`--from 2026-11-30`", "1"):
        assert days_in_french(f"{kept} 2026-13-01") == f"{kept} 2026-13-01"
    assert days_in_french("until 2026-11-30, or 2026-11-29.") == "until 30/11/2026, or 29/11/2026."


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


# Where a text that the household gets stands among the arguments of a call, by the call's name.
SAID_BY = {
    **dict.fromkeys(("ConfigError", "DocumentRefused", "FrameError", "StoreError", "StoreBusy"), 0),
    **dict.fromkeys(("VoletError", "TransportError", "CipherError", "BoundExceeded"), 0),
    **dict.fromkeys(("ScheduleMissing", "UsageError", "BadParameter", "echo_translated"), 0),
    **dict.fromkeys(("read_secret", "read_document", "read_signed"), 1),
    "refusal": 2,
    "_check_once": 1,
}
# What these raise no command of the household's shows: it stays in logs, or with other parties.
OF_PROGRAMS = {
    *("amount_proof", "commitment", "household", "receipt", "seal", "seal_form", "ternary"),
    *("chunks", "quotes", "roster", "seeds", "statement"),
}
# Of programs that are no chip, as is all of system/mqtt.
OF_SERVERS = {ROOT / "system/listening.py", ROOT / "system/metrics.py"}
HOLE = "x9"
COMMAND = re.compile(r"(volet|sudo|chmod) .*")
WORD = re.compile("[A-Za-z]{3,}")


def said(*packages):
    """Give each text of a call in SAID_BY, with marks in its places, and where it stands."""
    for path in sources_with(SAID_BY, packages):
        if path.parent == ROOT / "protocol" and path.stem in OF_PROGRAMS:
            continue
        if path.parent == ROOT / "system/mqtt" or path in OF_SERVERS:
            continue
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        named = named_texts(nodes)
        for node in nodes:
            if isinstance(node, ast.Call) and name_of(node.func) in SAID_BY:
                for argument in node.args[SAID_BY[name_of(node.func)] :][:1]:
                    for text in texts_of(argument, named):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", " ".join(text.split())


def named_texts(nodes):
    """Return the texts that each name of a module is bound to."""
    named = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] += texts_of(node.value, {})
    return named


def name_of(function):
    return getattr(function, "id", getattr(function, "attr", ""))


def texts_of(node, named):
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            parts = (each.value if isinstance(each, ast.Constant) else HOLE for each in values)
            return ["".join(parts)]
        case ast.Name(id=name):
            return named.get(name, [])
        case ast.IfExp(body=body, orelse=other):
            return texts_of(body, named) + texts_of(other, named)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return [re.sub(r"\{\w*\}", HOLE, text) for text in texts_of(value, named)]
    return []


def has_french(text):
    """Say whether a text has its French, and so has what stands in the places of the French."""
    known = known_sentence(text)
    if COMMAND.fullmatch(text) or known is None:
        return COMMAND.fullmatch(text) or not WORD.search(re.sub("`[^`]*`", "", text))
    return all(has_french(value) for value in known[1].values())


def test_every_error_and_answer_of_the_chip_has_its_french():
    missing = [each for each in said("edge", "system", "protocol") if not has_french(each[1])]
    assert not missing, f"add the French to a module of edge/language/french: {missing}"


def test_no_command_of_the_chip_prints_words_of_one_language():
    """What is printed is looked up by `echo_translated`, or comes from words of both languages."""
    printed = [
        (f"{path.relative_to(ROOT)}:{node.lineno}", text)
        for path in (*sources_with(["click.echo"], ["edge"]), ROOT / "system/backup/cli.py")
        if path != ROOT / "edge/commands/household.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "click.echo"
        for text in texts_of(node.args[0], {})
    ]
    assert [each for each in printed if WORD.search(each[1])] == []


# Whatever click says to people, by `_("…")` in its sources, but for what only programmers see.
OF_CLICK = ("core", "exceptions", "parser", "types")
# Of programs, of commands that are none of the chip's, or said in another way (`edge.commands.household`).
OF_CLICKS_PROGRAMMERS = {
    *("(dynamic)", "Aborted!", "Choice(x9)", "Commands", "Options", "Positional arguments"),
    *("Error: x9", "Try 'x9 x9' for help.", "default: x9", "deprecated", "env var: x9"),
    *(
        "unknown error",
        "file",
        "directory",
        "path",
        "Value must be an iterable.",
        "Name 'x9' defined twice",
    ),
    "Arguments take exactly one parameter declaration, got x9: x9.",
    "Boolean option x9 cannot use the same flag for true/false.",
    "Could not determine name for option with declarations x9",
    "Could not open file x9: x9",
    "DeprecationWarning: The command x9 is deprecated.x9",
    "DeprecationWarning: The x9 x9 is deprecated.x9",
    "Invalid start character for option (x9)",
    "Missing argument",
    "Missing option",
    "Missing parameter",
    (
        "No options defined but a name was passed (x9). Did you mean to declare an argument "
        "instead? Did you mean to pass '--x9'?"
    ),
    "x9 is not a valid UUID.",
    "Choose from:\n\tx9",
}


def said_by_click():
    for module in OF_CLICK:
        tree = ast.parse(inspect.getsource(importlib.import_module(f"click.{module}")))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in {"_", "ngettext"}:
                for text in (each.value for each in node.args if isinstance(each, ast.Constant)):
                    if isinstance(text, str):
                        yield re.sub(r"\{[^}]*\}", HOLE, text)


def test_whatever_click_refuses_has_its_french():
    said = set(said_by_click()) - OF_CLICKS_PROGRAMMERS
    assert {each for each in said if not has_french(each)} == set()


def test_a_question_is_asked_and_answered_in_french(tmp_path):
    open_database(tmp_path / "vault.db").close()
    release = ["receipts", "--release", "--dir", str(tmp_path)]
    done = CliRunner().invoke(edge, release, env=FRENCH, input="peut-être\noui\n")
    assert "[o/N]" in done.output
    assert "Erreur : répondez par o (oui) ou n (non)." in plain(done.output)
    assert done.output.endswith("Les reçus repartent.\n")
    assert isinstance(
        CliRunner().invoke(edge, release, env=FRENCH, input="\n", standalone_mode=False).exception,
        click.Abort,
    )


def test_two_passphrases_that_differ_are_told_in_french(tmp_path):
    draw_keys(tmp_path / "chip")
    done = CliRunner().invoke(
        edge,
        ["backup", "--keys-only", "--dir", str(tmp_path / "chip"), "--out", str(tmp_path / "b")],
        env=FRENCH,
        input="un deux trois quatre\nun deux trois cinq\n" * 2,
    )
    assert "ne sont pas les mêmes" in done.output
    assert "Error" not in done.output


CAPTURE = b"\x02\nADCO 021861000000 )\r\nBASE 002565285 ,\r\x03"


def test_what_a_meter_sends_is_shown_in_french(tmp_path):
    path = tmp_path / "capture"
    path.write_bytes(CAPTURE)
    shown = CliRunner().invoke(edge, ["decode", str(path)], env=FRENCH).output
    assert "trame historique" in shown
    assert "numéro de série du compteur" in shown
    assert "qualité de la ligne 100,0" in shown
    for label in LABELS.values():
        assert sentence_in(Lang.FR, label.english) != label.english
    for refusal in GroupRefusal:
        assert sentence_in(Lang.FR, refusal) != refusal


def parameters_of(tree: click.Command) -> list[click.Parameter]:
    commands = [tree]
    for command in commands:
        if isinstance(command, click.Group):
            context = click.Context(command)
            commands += [
                command.get_command(context, each) for each in command.list_commands(context)
            ]
    return [each for command in commands for each in command.params]


def test_each_kind_of_value_that_an_option_takes_has_its_french():
    kinds = {
        each.type.name
        for each in parameters_of(edge)
        if isinstance(each.type, click.types.IntParamType | click.types.FloatParamType)
    }
    assert kinds
    assert [each for each in kinds if not has_french(each)] == []


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        (("confirm", "--oui"), ""),
        (("bills", "--speedd"), ""),
        (("confrm",), ""),
        (("simulate", "--kva", "dix"), ""),
        (("run",), "[metering]\nis_simulted = true\n"),
        (("run",), "source = 3\n"),
        (("run",), "source = \n"),
        (("run",), "source\n"),
    ],
)
def test_a_mistake_is_said_in_french_to_its_end(tmp_path, arguments, config):
    (tmp_path / "edge.toml").write_text(config)
    where = ("--dir", str(tmp_path)) if config else ()
    result = CliRunner().invoke(edge, ["--lang", "fr", *arguments, *where])
    said = plain(result.output + str(result.exception))
    assert result.exit_code != 0
    for english in (
        "No such",
        "Did you mean",
        "range",
        "known here",
        "see docs",
        "Invalid",
        "line",
    ):
        assert english not in said.replace(" ligne ", " ")
