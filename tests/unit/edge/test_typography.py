"""French stands as it is printed in France, and a terminal that lacks its signs shows it still."""

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge
from edge.language.choice import Lang
from edge.language.french.help import HELP
from edge.language.french.looking_up import help_in, sentence_in
from edge.language.french.sentences import SENTENCES
from edge.language.typography import (
    NARROW_SPACE,
    PLACEHOLDERS,
    WIDE_SPACE,
    bilingual,
    measure,
    typeset,
)
from edge.vault.database import open_database
from tests.support.french import plain
from tests.support.sweeps import swept

ROOT = Path(__file__).parents[3]
SIGNS = st.text(" ;:!?«»`{}5€%hsW,'n\n" + NARROW_SPACE + WIDE_SPACE, max_size=30)


@given(SIGNS)
def test_typesetting_twice_is_typesetting_once(text):
    assert typeset(typeset(text)) == typeset(text)


@given(SIGNS)
def test_only_spaces_change_and_none_in_a_command(text):
    done = typeset(text)
    assert plain(done) == plain(text)
    assert re.findall("`[^`]*`", done) == re.findall("`[^`]*`", text)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Oui ; non ! Ou ?", "Oui_; non_! Ou_?"),
        ("Relevé : « - »", "Relevé~: «~-~»"),
        ("{rate} % sur 1,62 €, 12 kVA (101 kWh)", "{rate}~% sur 1,62~€, 12~kVA (101~kWh)"),
        ("{step} s ; 5 min, 2 h, 30 W", "{step}~s_; 5~min, 2~h, 30~W"),
        ("(le {day} ?)", "(le {day}_?)"),
    ],
)
def test_signs_and_units_keep_to_what_they_follow(typed, printed):
    assert typeset(typed) == printed.replace("_", NARROW_SPACE).replace("~", WIDE_SPACE)


@pytest.mark.parametrize(
    "text",
    [
        "`volet edge run ; echo ?` à 18:30, http://x/?a;b :x",
        '{"a":1,"b" :2} --from -x',
        "le {day} s'il vient, 5 semaines, 3 Watteau",
        "01/03/2026 00:30:00",
    ],
)
def test_commands_times_options_and_words_stay(text):
    assert typeset(text) == text


def texts_in(value):
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case tuple() | list():
            for each in value:
                yield from texts_in(each)


def tables():
    """Give each table with French texts of the chip's modules, and where it stands."""
    for module in pkgutil.walk_packages(edge.__path__, "edge."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, dict) and Lang.FR in value:
                yield f"{module.name}.{name}", value


TABLES = dict(tables())
LOOKED_UP = {*HELP.values(), *SENTENCES.values()}
LACKING = re.compile(r"[\w})](?=[;!?:](?!\S))|«(?![ \u00a0])|(?<![ \u00a0])»")


def breaking(texts):
    return [text for text in texts if typeset(text) != text]


def test_every_french_table_is_typeset():
    assert len(TABLES) > 40
    assert {
        where: bad for where, by in TABLES.items() if (bad := breaking(texts_in(by[Lang.FR])))
    } == {}


def test_a_table_that_is_typed_by_hand_is_found():
    by_hand = {Lang.FR: {"a": "Quoi ?"}, Lang.EN: {"a": "What?"}}
    assert breaking(texts_in(by_hand[Lang.FR])) == ["Quoi ?"]
    assert breaking(texts_in(bilingual(fr={"a": ("Quoi ?",)}, en={"a": ("What?",)})[Lang.FR])) == []


def test_no_french_text_lacks_the_space_that_is_set():
    said = LOOKED_UP | {text for by in TABLES.values() for text in texts_in(by[Lang.FR])}
    assert [text for text in said if LACKING.search(re.sub("`[^`]*`", "x", text))] == []


def test_french_that_is_looked_up_again_stays_as_it_is():
    """An error whose text comes from a table goes through the sentences once more."""
    said = {text for by in TABLES.values() for text in texts_in(by[Lang.FR])}
    assert {text: again for text in said if (again := sentence_in(Lang.FR, text)) != text} == {}


def test_help_and_sentences_come_out_typeset():
    for english in HELP:
        assert breaking([help_in(Lang.FR, english)]) == []
    places = {"{path}": "/tmp/a b", "{why}": "x"}
    for english in SENTENCES:
        said = re.sub(r"\{\w+\}", lambda found: places.get(found[0], "x9"), english)
        assert breaking([sentence_in(Lang.FR, said)]) == []


# A sign with the space before it that French has, and English has not.
SPACED = re.compile(r"\S (?:[;!:](?!\S)|\?(?![^\s»)])|»)|« ")


def typed_loosely(tree, table_names):
    """Give texts with French spaces that neither `typeset` nor `bilingual` takes."""
    taken = {
        each for node in ast.walk(tree) if is_typeset(node, table_names) for each in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in taken:
            continue
        match node:
            case ast.JoinedStr(values=values):
                taken |= set(values)
                parts = (each.value if isinstance(each, ast.Constant) else "x9" for each in values)
                text = "".join(parts)
            case ast.Constant(value=str(text)):
                pass
            case _:
                continue
        if SPACED.search(text):
            yield text


def is_typeset(node, table_names):
    """Say whether the texts in a node are typeset, or of no household: docstrings."""
    match node:
        case ast.Call():
            return any(name in ast.unparse(node)[:12] for name in ("typeset", "bilingual"))
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[target]):
            return ast.unparse(target) in table_names
    return False


def test_no_french_is_printed_that_nothing_typesets():
    trees = {
        path.relative_to(ROOT): ast.parse(path.read_text("utf-8"))
        for path in sorted((ROOT / "edge").rglob("*.py"))
        # The catalogues are typeset when looked up; the vault speaks SQL.
        if path.parent.name not in {"french", "vault"}
    }
    table_names = {
        ast.unparse(keyword.value)
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "bilingual"
        for keyword in node.keywords
        if isinstance(keyword.value, ast.Name)
    }
    loose = {
        str(path): found
        for path, tree in trees.items()
        if (found := [*typed_loosely(tree, table_names)])
    }
    assert loose == {}


@pytest.mark.parametrize(
    "source", ['print("Pas encore : rien")', 'print(f"{a} : {b}")', 'X = {"fr": "Quoi ?"}']
)
def test_a_loose_text_is_found(source):
    assert [*typed_loosely(ast.parse(source), set())]


def test_a_measure_keeps_its_unit():
    assert measure("1,5", "kWh", Lang.FR) == f"1,5{WIDE_SPACE}kWh"
    assert measure("1.5", "kWh", Lang.EN) == "1.5 kWh"


def told(arguments, **environment):
    """Return what `volet edge` says, as bytes of standard output and standard error."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    done = subprocess.run(
        [sys.executable, "-m", "volet.main", "edge", *arguments],
        env={**known, "LANG": "fr_FR.UTF-8", "PYTHONUTF8": "0", **environment},
        capture_output=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_what_a_household_reads_does_not_break_before_a_sign(tmp_path):
    missing = told(["letters", "--dir", str(tmp_path)], PYTHONIOENCODING="utf-8").decode()
    assert f"n'existe pas{NARROW_SPACE}; " in missing
    usage = told(["letters", "--help"], PYTHONIOENCODING="utf-8").decode()
    assert usage.startswith(f"Usage{WIDE_SPACE}:")


@pytest.mark.parametrize(
    ("encoding", "epsilon"),
    # click takes a terminal in ASCII for one in UTF-8 that nobody has told so.
    swept([("ascii", "ε"), ("latin-1", "epsilon"), ("cp1252", "epsilon"), ("utf-8", "ε")], 2),
)
def test_a_terminal_without_these_signs_shows_the_text(tmp_path, encoding, epsilon):
    open_database(tmp_path / "vault.db").close()
    said = [
        told([command, "--dir", str(tmp_path)], PYTHONIOENCODING=encoding)
        for command in ("budget", "letters")
    ]
    budget, missing = (
        plain(each.decode("utf-8" if encoding == "ascii" else encoding)) for each in said
    )
    assert "Traceback" not in budget + missing
    assert "\\u" not in budget + missing
    assert f"{epsilon} = 0,0" in budget
    assert "dépensé : " in budget
    assert "n'existe pas ; " in missing


def test_what_is_filled_in_has_a_french_name_in_french_commands():
    """So it stands in each text with a command, and a new placeholder needs its French."""
    texts = (
        node.value
        for path in Path(edge.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    commands = [each for text in texts for each in re.findall(r"`(?:sudo )?volet [^`]*`", text)]
    filled_in = {
        word for each in commands for word in re.findall(r"(?<= )[A-Z]{3,}(?:\.\w+)?(?=[ `])", each)
    }
    assert filled_in >= {"DAY", "OFFER.json", "ENROLMENT.json", "FILE"}
    assert filled_in <= {*PLACEHOLDERS, *PLACEHOLDERS.values()}
    assert typeset("`volet edge request --offer OFFER.json --from DAY` DAY") == (
        "`volet edge request --offer OFFRE.json --from JOUR` DAY"
    )
    typed = "To take an offer, make this request again: `volet edge request --offer OFFER.json --from DAY`."
    assert sentence_in(Lang.FR, typed).endswith(" --offer OFFRE.json --from JOUR`.")
