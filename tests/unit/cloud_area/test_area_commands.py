"""The commands of roster and documents, from the first key to a status."""

import csv
import json

import msgspec
import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud
from cloud.governance import documents as governance
from cloud.roster.registrar import PUBLIC_KEY
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import DocumentRefused
from protocol.governance import TrusteeSet, draw_up, read_cosigned
from tests.support.area_town import AreaTown
from tests.support.broker import COLLECTIVITY, make_cloud
from tests.support.fake_chip import FakeChip


@pytest.fixture
def bench(tmp_path):
    make_cloud(tmp_path / "cloud")
    return tmp_path


def volet(*arguments):
    done = CliRunner().invoke(cloud, [str(each) for each in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def enrolled(directory, count):
    store = SqliteStore.open(directory, is_checked=False)
    chips = [FakeChip() for _ in range(count)]
    for chip in chips:
        store.enrol(chip.enrolment)
    store.close()
    return chips


def drawn_set(bench, town):
    """Draw up the trustees; returns the file with all signatures."""
    folder, keys = bench / "cloud", bench / "registrar"
    volet("roster", "init", "--registrar", keys)
    named = []
    for trustee in town.trustees.trustees:
        path = bench / f"{trustee.name}.json"
        path.write_bytes(msgspec.json.encode(trustee))
        named += ["--trustee", path]
    out = bench / "trustees.json"
    said = volet(
        "documents", "trustees", "--dir", folder, *named, "--registrar-key", keys / PUBLIC_KEY,
        "--out", out,
    )  # fmt: skip
    assert "fingerprint" in said
    cosigned = governance.read_cosigned_file(out)
    trustees = read_cosigned(cosigned, TrusteeSet)
    assert trustees.collectivity == COLLECTIVITY
    assert trustees.trustees == town.trustees.trustees
    assert len(cosigned.signatures) == 1
    for name, key in zip(town.names, town.trustee_keys, strict=True):
        cosigned = cosigned.signed(name, key)
    out.write_bytes(governance.cosigned_file(cosigned))
    return out


def test_documents_are_drawn_up_signed_added_and_listed(bench):
    folder, town = bench / "cloud", AreaTown(COLLECTIVITY)
    trustees = drawn_set(bench, town)
    volet("documents", "add", "--dir", folder, trustees)
    said = volet("documents", "replace", "--dir", folder, "trustee-b", "--out", bench / "bare")
    assert "sign copies of it; add it with" in said  # there are no measures yet
    parent = governance.read_cosigned_file(trustees)
    start = read_cosigned(parent, TrusteeSet).effective
    bare = draw_up(town.measures_of(parent.hash, effective=start))
    measures, transform = bench / "measures.json", bench / "transform"
    measures.write_bytes(governance.cosigned_file(town.signed(bare, (0, 2, 3), collectivity=False)))
    transform.write_bytes(town.transform)
    with pytest.raises(DocumentRefused, match="not signed by the collectivity"):
        volet("documents", "add", "--dir", folder, measures, "--blob", transform)
    volet("documents", "sign", "--dir", folder, measures)
    volet("documents", "add", "--dir", folder, measures)
    listed = json.loads(volet("documents", "list", "--dir", folder, "--json"))
    assert [(each["kind"], each["version"]) for each in listed] == [
        ("TrusteeSet", 1),
        ("Measures", 1),
    ]
    assert listed[1]["hash"] == bare.hash.hex()
    assert set(listed[1]["signers"]) == {"trustee-a", "trustee-c", "trustee-d", "collectivity"}
    assert "Measures" in volet("documents", "list", "--dir", folder)
    status = json.loads(volet("status", "--dir", folder, "--json"))
    assert status["documents"] == [
        {"word": "Measures", "count": 1},
        {"word": "TrusteeSet", "count": 1},
    ]


def test_one_command_draws_up_what_puts_a_trustee_out(bench):
    folder, town = bench / "cloud", AreaTown(COLLECTIVITY)
    with pytest.raises(DocumentRefused, match="no set of trustees"):
        volet("documents", "replace", "--dir", folder, "trustee-b", "--out", bench / "next")
    trustees = drawn_set(bench, town)
    volet("documents", "add", "--dir", folder, trustees)
    said = volet("documents", "replace", "--dir", folder, "trustee-b", "--out", bench / "bare")
    assert "sign copies of it; add it with" in said  # there are no measures yet
    parent = governance.read_cosigned_file(trustees)
    start = read_cosigned(parent, TrusteeSet).effective
    measures, transform = bench / "measures.json", bench / "transform"
    bare = draw_up(town.measures_of(parent.hash, effective=start))
    measures.write_bytes(governance.cosigned_file(town.signed(bare, (0, 2, 3), collectivity=False)))
    transform.write_bytes(town.transform)
    volet("documents", "sign", "--dir", folder, measures)
    volet("documents", "add", "--dir", folder, measures, "--blob", transform)
    with pytest.raises(DocumentRefused, match="trustee-z is not in this set"):
        volet("documents", "replace", "--dir", folder, "trustee-z", "--out", bench / "next")
    said = volet("documents", "replace", "--dir", folder, "trustee-b", "--out", bench / "next")
    assert "2 of 3, without trustee-b" in said
    assert "add the set, then the measures, with" in said
    for file in ("set.json", "measures.json"):
        path = bench / "next" / file
        cosigned = governance.read_cosigned_file(path)
        for number in (0, 2, 3):
            cosigned = cosigned.signed(town.names[number], town.trustee_keys[number])
        path.write_bytes(governance.cosigned_file(cosigned))
        volet("documents", "add", "--dir", folder, path)
    listed = json.loads(volet("documents", "list", "--dir", folder, "--json"))
    assert [(each["kind"], each["version"]) for each in listed] == [
        ("TrusteeSet", 1),
        ("TrusteeSet", 2),
        ("Measures", 1),
        ("Measures", 2),
    ]


def test_a_fleet_is_entered_and_its_cells_are_shown(bench):
    folder, keys = bench / "cloud", bench / "registrar"
    volet("roster", "init", "--registrar", keys)
    assert "nothing was changed" in volet("roster", "init", "--registrar", keys)
    chips = enrolled(folder, 205)
    fleet = bench / "fleet.csv"
    with fleet.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["device", "cell", "point", "provider", "from"])
        for number, chip in enumerate(chips[1:]):
            cell = "751010101" if number < 150 else "751010102"
            rows.writerow([chip.device, cell, number, "blue", "2026-01-01"])
    own = ("--dir", folder, "--registrar", keys)
    assert "Entered 204 of 204" in volet("roster", "import", *own, fleet)
    assert "Entered 0 of 204" in volet("roster", "import", *own, fleet)
    volet("roster", "add", *own, chips[0].device, "--cell", "751020101", "--point", "a")
    cells = json.loads(volet("roster", "status", "--dir", folder, "--json"))
    assert [(each["cell"], each["counted"], each["needs_for_curve"]) for each in cells] == [
        ("751010101", 150, 50),
        ("751010102", 54, 146),
        ("751020101", 0, 200),
    ]
    assert cells[0]["merged_with"] == ["751010102", "751020101"]
    assert "751010102" in volet("roster", "status", "--dir", folder)
    groups = json.loads(volet("roster", "groups", "--dir", folder))
    assert groups == [
        {"measure": "curve", "code": "75101", "areas": ["75101"], "provider": "", "roster": 204},
        {"measure": "profile", "code": "75101", "areas": ["75101"], "provider": "", "roster": 204},
        {"measure": "classes", "code": "75/blue", "areas": ["75"], "provider": "blue", "roster": 204},
    ]  # fmt: skip
    assert "leaves" in volet("roster", "leave", *own, chips[1].device)
    status = json.loads(volet("status", "--dir", folder, "--json"))
    assert status["roster"] == 206
    assert "roster entries" in volet("status", "--dir", folder)


def test_a_list_of_communes_is_installed_and_refuses_what_it_lacks(bench):
    folder, keys = bench / "cloud", bench / "registrar"
    volet("roster", "init", "--registrar", keys)
    communes = bench / "list.csv"
    communes.write_text("code,nom,departement,region\n75101,Paris 1er,75,11\n")
    (chip,) = enrolled(folder, 1)
    add = ("roster", "add", "--dir", folder, "--registrar", keys, chip.device, "--point", "a")
    with pytest.raises(DocumentRefused, match="has no 75102"):
        volet(*add, "--cell", "751020101", "--codes", communes)
    volet(*add, "--cell", "751010101")
    (cell,) = json.loads(volet("roster", "status", "--dir", folder, "--json"))
    assert cell["name"] == "Paris 1er"
    volet("roster", "codes", "--dir", folder, communes)
