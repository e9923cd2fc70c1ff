"""A trustee's backup names the day on which to destroy it, and a restore past that day warns."""

import json
import shutil
from datetime import date

import pytest

from protocol.calendar import day_number
from tests.support.backups import contents
from tests.support.sweeps import swept
from tests.support.trustee_place import TrusteePlace
from trustee.database import FILE_NAME


@pytest.fixture
def place(tmp_path, monkeypatch):
    return TrusteePlace(tmp_path, monkeypatch)


def test_a_backup_before_there_are_measures_names_no_day(place):
    place.runs(teaches=False)
    assert "There are no measures yet" in place.backup()
    assert "2026" not in place.backup("again").splitlines()[-1]


def test_a_backup_is_to_be_destroyed_when_its_first_month_closes(place):
    place.runs()
    assert "on 2026-04-13, and destroy this one then" in place.backup()


def test_a_backup_of_its_time_is_restored_without_a_warning(place):
    place.runs()
    place.backup()
    shutil.rmtree(place.directory)
    place.area.today = day_number(date(2026, 4, 12))
    assert "WARNING" not in place.restore()


@pytest.mark.parametrize("option", swept(["", "--json"], 2))
def test_a_check_says_what_a_restore_would_say_and_changes_nothing(place, option):
    place.runs()
    place.backup()
    place.area.today = day_number(date(2026, 4, 12))
    assert "WARNING" not in place.restore("--check", *filter(None, [option]))
    place.area.today = day_number(date(2026, 4, 13))
    before = contents(place.directory)
    said = place.restore("--check", *filter(None, [option]))
    assert contents(place.directory) == before
    shutil.rmtree(place.directory)
    restored = json.loads(place.restore("--json"))["said"]
    assert restored.startswith("WARNING: this backup should have been destroyed on 2026-04-13")
    if option:
        assert json.loads(said)["said"] == restored
    else:
        assert said.splitlines()[-1] == f"A restore would say: {restored}"


@pytest.mark.parametrize("option", swept(["", "--database-only", "--json"], 3))
def test_a_backup_past_its_day_is_restored_with_a_warning(place, option):
    place.runs()
    place.backup()
    if option == "--database-only":
        for path in place.directory.glob(f"{FILE_NAME}*"):
            path.unlink()
    else:
        shutil.rmtree(place.directory)
    place.area.today = day_number(date(2026, 4, 13))
    said = place.restore(*filter(None, [option]))
    assert "should have been destroyed on 2026-04-13" in said
    assert "from 2026-03 on" in said
    place.runs(teaches=False)
    assert place.status()["closed_before"] == "2026-04"
