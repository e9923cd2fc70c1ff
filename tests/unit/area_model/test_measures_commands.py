"""`volet cloud measures draw-up` and `show`, as an operator types them."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from cloud.commands.measures import LIFE_DAYS, measures
from cloud.governance.documents import cosigned_file, read_cosigned_file
from protocol.calendar import day_number, day_of_number
from protocol.errors import DocumentRefused
from protocol.governance import NOTICE_DAYS, read_cosigned
from protocol.measures import Measures, check_measures
from tests.support.area_town import AreaTown
from tests.unit.area_model.test_measures_plan import GROUPS, transform_for

TOWN = AreaTown()


def run(*args):
    return CliRunner().invoke(measures, [str(each) for each in args], catch_exceptions=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "trustees.json").write_bytes(cosigned_file(TOWN.signed_trustees))
    (tmp_path / "groups.json").write_bytes(msgspec.json.encode(GROUPS))
    for number, (homes, rows) in enumerate(((200, 30), (1_000, 96))):
        (tmp_path / f"{number}.transform.msgpack").write_bytes(transform_for(homes, rows))
    return tmp_path


def draw_up(folder, *options):
    return run(
        *("draw-up", folder / "groups.json"),
        *("--trustees", folder / "trustees.json", "--constants", folder),
        *("--out", folder / "measures.json", *options),
    )


def test_what_is_drawn_up_is_a_sound_document_under_its_trustees(folder):
    assert draw_up(folder).exit_code == 0
    first = folder / "first.json"
    (folder / "measures.json").rename(first)
    result = draw_up(
        folder,
        *("--effective", "2026-03-01", "--end", "2026-09-01", "--follows", first),
        *("--epsilon", 1, "--days-a-week", 3),
    )
    assert result.exit_code == 0, result.output
    assert "4 groups, hash" in result.output
    assert "volet cloud documents sign" in result.output
    cosigned = read_cosigned_file(folder / "measures.json")
    assert not cosigned.signatures
    document = read_cosigned(cosigned, Measures)
    check_measures(document)
    assert (document.collectivity, document.version) == ("testville", 2)
    assert document.previous == read_cosigned_file(first).hash
    assert document.trustees == TOWN.signed_trustees.hash
    assert str(day_of_number(document.effective)) == "2026-03-01"
    assert str(day_of_number(document.end)) == "2026-09-01"
    assert (document.epsilon, document.days_a_week) == (1.0, 3)


def test_without_a_day_it_takes_effect_after_the_notice(folder, monkeypatch):
    today = day_of_number(20_500)
    monkeypatch.setattr("cloud.commands.measures.legal_day", lambda _: today)
    assert draw_up(folder).exit_code == 0
    document = read_cosigned(read_cosigned_file(folder / "measures.json"), Measures)
    assert document.effective == day_number(today) + NOTICE_DAYS
    assert document.end == document.effective + LIFE_DAYS
    assert (document.version, document.previous) == (1, None)


def test_show_tells_each_group_and_all_of_it_as_json(folder):
    draw_up(folder, "--effective", "2026-03-01")
    shown = run("show", folder / "measures.json").output
    assert (
        "ville, version 1, from 2026-03-01 until before 2027-03-01: epsilon 4.3 between any two days "
        "of a household (2 for taking part or not), delta 1e-06" in shown
    )
    for words in ("751010101", "75/edf", "edf", "all", "161", "1200", "840"):
        assert words in shown
    found = json.loads(run("show", folder / "measures.json", "--json").output)
    assert [each["name"] for each in found["measures"]] == ["curve", "classes", "profile"]
    constants = run("show", folder / "0.transform.msgpack").output
    assert "homes: 200" in constants
    assert "slots: 30" in constants


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("groups.json", b"[{}]", "is no list of groups"),
        ("trustees.json", b"{}", "trustees.json"),
    ],
)
def test_what_cannot_be_read_is_named(folder, name, data, words):
    (folder / name).write_bytes(data)
    with pytest.raises(DocumentRefused, match=words):
        draw_up(folder)
    assert not (folder / "measures.json").exists()


def test_a_folder_without_constants_is_refused_with_the_next_step(folder):
    for each in folder.glob("*.msgpack"):
        each.unlink()
    with pytest.raises(DocumentRefused, match="volet cloud measures derive --out"):
        draw_up(folder)


def test_measures_are_no_set_of_trustees(folder):
    (folder / "trustees.json").write_bytes(cosigned_file(TOWN.signed_measures))
    with pytest.raises(DocumentRefused):
        draw_up(folder)
