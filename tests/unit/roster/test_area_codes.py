"""Codes of areas: grammar always, existence and names where a list is installed."""

import csv
import os
from pathlib import Path

import pytest

from cloud.geo.codes import Codes, commune_of, departement_of, installed_codes, read_codes
from protocol.errors import DocumentRefused

SHARED = Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[4] / "shared"))
GEO = SHARED / "geo"

LIST = (
    "code,nom,type,departement,region,population\n"
    '01001,"L\'Abergement-Clémenciat",C,01,84,860\n'
    "2A004,Ajaccio,C,2A,94,70000\n"
    "97411,Saint-Denis,C,974,04,150000\n"
)


@pytest.mark.parametrize("code", ["751010101", "75101", "2A0040101", "2B033", "974110101", "97411"])
def test_cells_are_iris_or_communes(code):
    Codes().check_cell(code)


@pytest.mark.parametrize(
    "code", ["", "75", "7510", "751010", "75101010", "7510101011", "2C004", "00001", "96001", "97901",
             "99101", "2a004", "75101 ", "75101\n", "٧٥١٠١", "20004"]
)  # fmt: skip
def test_what_is_no_cell_is_refused(code):
    with pytest.raises(DocumentRefused, match="no code"):
        Codes().check_cell(code)


def test_what_holds_a_code():
    assert commune_of("751010101") == "75101"
    assert [departement_of(code) for code in ("751010101", "2A004", "97411", "97")] == [
        "75",
        "2A",
        "974",
        "97",
    ]


def test_a_list_gives_names_and_regions_and_refuses_unknown_communes(tmp_path):
    (tmp_path / "communes.csv").write_text(LIST)
    codes = installed_codes(tmp_path)
    assert codes.name("010010000") == "L'Abergement-Clémenciat"
    assert codes.region_of("2A0040101") == "94"
    assert codes.region_of("974") == "04"
    codes.check_cell("974110101")
    with pytest.raises(DocumentRefused, match="list of communes has no 01002"):
        codes.check_cell("010020000")
    installed_codes(tmp_path / "none").check_cell("010020000")  # no list, the grammar alone
    assert Codes().region_of("75101") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code,nom\n", "no column departement"),
        ("code,nom,departement,region\n", "names no commune"),
        ("code,nom,departement,region\n01001,A,02,84\n", "line 2"),
        ("code,nom,departement,region\n1,A,1,84\n", "line 2"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_line(tmp_path, text, words):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(DocumentRefused, match=words):
        read_codes(path)


@pytest.mark.skipif(not GEO.is_dir(), reason="no code lists (set VOLET_SHARED)")
def test_the_official_list_and_all_iris_of_paris_fit():
    codes = read_codes(GEO / "communes.csv")
    with (GEO / "iris_paris.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            codes.check_cell(row["code_iris"])
            assert codes.name(row["code_iris"]) == row["nom_commune"]
    assert codes.region_of("75101") == "11"
    assert [codes.region_of(each) for each in ("2A", "2B")] == ["94", "94"]
