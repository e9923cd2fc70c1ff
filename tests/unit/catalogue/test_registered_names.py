"""An offer's name is the one under which the collectivity registered its key, seen by a person."""

import msgspec
import pytest
from click.testing import CliRunner

from cloud.catalogue.log import OpenedLog
from cloud.store.names import check_title, look_of
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import DocumentRefused
from protocol.ids import public_key_text
from tests.support.broker import make_cloud
from tests.support.listing import TODAY, Provider, register
from volet.main import volet


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


def test_an_offer_that_names_itself_after_another_is_refused_and_the_other_is_not(store):
    listed, thief, edf = OpenedLog(store), Provider("EDF"), Provider("EDF")
    with pytest.raises(DocumentRefused, match="No provider is registered"):
        listed.add(thief.offer(), TODAY)
    thief.name = "Watt"
    register(store, thief.offer())
    thief.name = "EDF"
    with pytest.raises(DocumentRefused, match="registered for Watt"):
        listed.add(thief.offer(), TODAY)
    register(store, edf.offer())
    listed.add(edf.offer(), TODAY)


@pytest.mark.parametrize(
    "title", ["EDF", "edf", "\u0415DF", "E D F", "\uff25\uff24\uff26", "\u00c9DF", "E\u200bDF"]
)
def test_what_looks_like_a_registered_name_is_that_name(title):
    assert look_of(title) == look_of("EDF")


@pytest.mark.parametrize("title", ["EDG", "ENGIE", "EDF 2", "Ville \u00c9nergie"])
def test_other_names_are_others(title):
    assert look_of(title) != look_of("EDF")


def test_a_title_has_one_form_and_can_be_printed():
    assert check_title("  Ville   Energie\u0301 ") == "Ville Energi\u00e9"
    for bad in ("", " ", "x" * 81, "E\u202eDF"):
        with pytest.raises(DocumentRefused, match="printable"):
            check_title(bad)


def test_the_command_registers_a_name_once_however_it_is_written(tmp_path):
    make_cloud(tmp_path / "cloud")

    def add(name, title):
        key = public_key_text(Provider().key.public_key().public_bytes_raw())
        arguments = ["cloud", "provider", "add", "--dir", str(tmp_path / "cloud")]
        return CliRunner().invoke(volet, [*arguments, name, "--title", title, "--key", key])

    assert add("edf", "EDF").exit_code == 0
    impostor = add("edf2", "\u0415DF")
    assert impostor.exit_code != 0
    assert add("watt", "Watt").exit_code == 0
    shown = CliRunner().invoke(
        volet, ["cloud", "provider", "list", "--dir", str(tmp_path / "cloud"), "--json"]
    )
    rows = msgspec.json.decode(shown.output)["providers"]
    assert [(row["name"], row["title"]) for row in rows] == [("edf", "EDF"), ("watt", "Watt")]
