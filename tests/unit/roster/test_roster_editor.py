"""The registrar: keys of its own; households join, move, change chips and leave."""

import stat
from datetime import date, timedelta

import pytest

from cloud.geo.codes import Codes
from cloud.roster import registrar
from cloud.roster.editor import RosterAssignment, RosterEditor, read_places
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number
from protocol.errors import ConfigError, DocumentRefused, StoreError
from protocol.key_list import KeyList, ListedKey, ListedRoot
from protocol.roster import Roster
from tests.support.area_town import AreaTown
from tests.support.fake_chip import FakeChip

TODAY = date(2026, 1, 12)
IRIS, OTHER, THIRD = "751010101", "751010102", "751010103"


@pytest.fixture
def keys(tmp_path):
    assert registrar.draw(tmp_path / "registrar")
    return registrar.load(tmp_path / "registrar")


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def editor(keys, store):
    return RosterEditor(keys, store, Codes(), TODAY)


def joined(store, chip=None):
    chip = chip or FakeChip()
    store.enrol(chip.enrolment)
    return chip


def kept(store, keys):
    roster = Roster(keys.public_key)
    roster.extend(store.area.roster())
    return roster


def membership(store, keys, chip, day):
    return kept(store, keys).membership(chip.household_key, day_number(day))


# keys


def test_keys_are_the_owners_alone_and_drawn_once(tmp_path):
    folder = tmp_path / "registrar"
    assert registrar.draw(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (registrar.KEY, registrar.SALT):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    before = registrar.load(folder)
    assert not registrar.draw(folder)
    assert registrar.load(folder).public_key == before.public_key
    assert registrar.load(folder).salt == before.salt
    assert registrar.read_public_key(folder / registrar.PUBLIC_KEY) == before.public_key
    with pytest.raises(ConfigError, match="public key"):
        registrar.read_public_key(folder / registrar.KEY)
    (folder / registrar.SALT).unlink()
    with pytest.raises(ConfigError, match="backup"):
        registrar.load(folder)


def test_a_point_is_one_whatever_its_spaces_and_says_nothing_without_the_salt(tmp_path, keys):
    assert keys.point("12 345 678 901 234") == keys.point("12345678901234")
    assert keys.point("1") != keys.point("2")
    registrar.draw(tmp_path / "other")
    assert registrar.load(tmp_path / "other").point("1") != keys.point("1")
    with pytest.raises(DocumentRefused, match="none is given"):
        keys.point("  ")


# joining


def test_a_newcomer_stands_from_today_and_counts_after_30_days(editor, store, keys):
    chip = joined(store)
    assert editor.add([RosterAssignment(chip.device, IRIS, "1", "blue")]) == 1
    assert membership(store, keys, chip, TODAY - timedelta(days=1)) is None
    for days, is_counted in ((0, False), (29, False), (30, True)):
        found = membership(store, keys, chip, TODAY + timedelta(days=days))
        assert found.is_counted is is_counted
    assert found.entry.cell == IRIS
    assert found.entry.provider == "blue"
    assert found.entry.signing_key == chip.enrolment.signing_key


def test_the_30_days_are_days_though_one_has_23_hours(keys, store):
    start = date(2026, 3, 15)
    editor = RosterEditor(keys, store, Codes(), start)
    chip = joined(store)
    editor.add([RosterAssignment(chip.device, IRIS, "1")])
    assert not membership(store, keys, chip, date(2026, 4, 13)).is_counted
    assert membership(store, keys, chip, date(2026, 4, 14)).is_counted


def test_a_list_may_be_given_again(editor, store, keys):
    chips = [joined(store) for _ in range(3)]
    places = [RosterAssignment(chip.device, IRIS, str(n)) for n, chip in enumerate(chips)]
    assert editor.add(places[:2]) == 2
    assert editor.add(places) == 1
    assert RosterEditor(keys, store, Codes(), TODAY).add(places) == 0
    assert len(store.area.roster()) == 3


def test_a_list_with_one_bad_line_enters_nobody(editor, store):
    chips = [joined(store) for _ in range(2)]
    places = [
        RosterAssignment(chips[0].device, IRIS, "1"),
        RosterAssignment(chips[1].device, IRIS, "1"),
    ]
    with pytest.raises(DocumentRefused, match=f"{chips[1].device}.*another one stands"):
        editor.add(places)
    assert store.area.roster() == ()


def test_strangers_and_revoked_chips_are_not_entered(editor, store):
    chip = joined(store)
    store.revoke(chip.device)
    for device, why in ((chip.device, "it was revoked"), (FakeChip().device, "not enrolled here")):
        with pytest.raises(DocumentRefused, match=f"{device}: {why}"):
            editor.add([RosterAssignment(device, IRIS, "1")])
    with pytest.raises(DocumentRefused, match="no code"):
        editor.add([RosterAssignment(joined(store).device, "75", "1")])


# moving


def test_a_household_changes_its_cell_once_a_quarter(editor, store, keys):
    chip = joined(store)
    editor.add([RosterAssignment(chip.device, IRIS, "1")])
    editor.add([RosterAssignment(chip.device, OTHER, "2")])
    with pytest.raises(DocumentRefused, match="second change of cell in a quarter"):
        RosterEditor(keys, store, Codes(), TODAY).add([RosterAssignment(chip.device, THIRD, "3")])
    # The next quarter begins on 1 April.
    late = RosterEditor(keys, store, Codes(), TODAY)
    with pytest.raises(DocumentRefused, match="quarter"):
        late.add([RosterAssignment(chip.device, THIRD, "3", start=date(2026, 3, 31))])
    RosterEditor(keys, store, Codes(), TODAY).add(
        [RosterAssignment(chip.device, THIRD, "3", start=date(2026, 4, 1))]
    )
    for day, cell in ((TODAY, IRIS), (date(2026, 3, 31), OTHER), (date(2026, 4, 1), THIRD)):
        assert membership(store, keys, chip, day).entry.cell == cell


def test_once_there_are_figures_no_newcomer_is_dated_back(keys, store):
    town = AreaTown(registrar_key=keys.key)
    town.settle(store)
    today = date(2026, 3, 20)
    editor = RosterEditor(keys, store, Codes(), today)
    chip = joined(store)
    with pytest.raises(DocumentRefused, match=r"--from 2026-03-16 lies back more than 3 days"):
        editor.add([RosterAssignment(chip.device, IRIS, "1", start=today - timedelta(days=4))])
    assert (
        editor.add([RosterAssignment(chip.device, IRIS, "1", start=today - timedelta(days=3))]) == 1
    )
    assert RosterEditor(keys, store, Codes(), TODAY).add(
        [RosterAssignment(joined(store).device, IRIS, "2", start=date(2025, 1, 1))]
    )


def test_a_move_takes_notice_and_goes_on_counting(editor, store, keys):
    chip = joined(store)
    editor.add([RosterAssignment(chip.device, IRIS, "1", start=TODAY - timedelta(days=40))])
    editor.add([RosterAssignment(chip.device, OTHER, "2")])
    before = membership(store, keys, chip, TODAY + timedelta(days=2))
    after = membership(store, keys, chip, TODAY + timedelta(days=3))
    assert (before.entry.cell, after.entry.cell) == (IRIS, OTHER)
    assert before.is_counted
    assert after.is_counted


def test_another_provider_or_chip_is_no_change_of_cell(editor, store, keys):
    chip = joined(store)
    editor.add([RosterAssignment(chip.device, IRIS, "1")])
    editor.add([RosterAssignment(chip.device, OTHER, "2")])
    assert editor.add([RosterAssignment(chip.device, OTHER, "2", "green")]) == 1
    newer = FakeChip(household_key=chip.household_key)
    store.revoke(chip.device)
    joined(store, newer)
    assert editor.add([RosterAssignment(newer.device, OTHER, "2", "green")]) == 1
    found = membership(store, keys, newer, TODAY + timedelta(days=3))
    assert (found.entry.device, found.entry.provider) == (newer.device, "green")


# leaving


def test_who_leaves_makes_room_at_the_point_and_begins_anew_on_return(editor, store, keys):
    chip, next_one = joined(store), joined(store)
    editor.add([RosterAssignment(chip.device, IRIS, "1", start=TODAY - timedelta(days=40))])
    editor.leave(chip.device, TODAY)
    assert membership(store, keys, chip, TODAY - timedelta(days=1)).is_counted
    assert membership(store, keys, chip, TODAY) is None
    editor.add([RosterAssignment(next_one.device, IRIS, "1")])
    editor.add([RosterAssignment(chip.device, IRIS, "2", start=TODAY + timedelta(days=1))])
    back = membership(store, keys, chip, TODAY + timedelta(days=1))
    assert not back.is_counted
    with pytest.raises(DocumentRefused, match="stands in no cell"):
        editor.leave(FakeChip().device)


def test_leaving_and_coming_back_is_no_way_round_the_quarter(editor, store):
    chip = joined(store)
    editor.add([RosterAssignment(chip.device, IRIS, "1")])
    editor.add([RosterAssignment(chip.device, OTHER, "1", start=TODAY)])
    editor.leave(chip.device, TODAY)
    with pytest.raises(DocumentRefused, match="quarter"):
        editor.add([RosterAssignment(chip.device, THIRD, "1", start=TODAY)])


# whose roster


def test_a_roster_of_another_registrar_is_not_added_to(tmp_path, editor, store):
    editor.add([RosterAssignment(joined(store).device, IRIS, "1")])
    registrar.draw(tmp_path / "other")
    with pytest.raises(DocumentRefused, match="registrar has not signed"):
        RosterEditor(registrar.load(tmp_path / "other"), store, Codes(), TODAY)


def test_a_registrar_whose_key_was_replaced_enters_nobody(tmp_path, keys, store):
    succession = registrar.succeed(tmp_path / "registrar", tmp_path / "next", "town", TODAY)
    listed = KeyList(
        "town",
        (ListedRoot(b""),),
        (b"",),
        (ListedKey(bytes(32), 0),),
        (ListedKey(keys.public_key, 0), succession.successor),
    )
    with pytest.raises(ConfigError, match=rf"replaced on {TODAY}.*--registrar"):
        RosterEditor(keys, store, Codes(), TODAY, listed)
    own = registrar.load(tmp_path / "next")
    editor = RosterEditor(own, store, Codes(), TODAY, listed)
    assert editor.add([RosterAssignment(joined(store).device, IRIS, "1")]) == 1


def test_the_registrar_is_the_one_that_the_trustees_know(keys, store):
    AreaTown().settle(store)
    with pytest.raises(ConfigError, match="another registrar"):
        RosterEditor(keys, store, Codes(), TODAY)


def test_two_registrars_at_once_cannot_both_write(editor, store, keys):
    other = RosterEditor(keys, store, Codes(), TODAY)
    editor.add([RosterAssignment(joined(store).device, IRIS, "1")])
    with pytest.raises(StoreError, match="run the command again"):
        other.add([RosterAssignment(joined(store).device, IRIS, "2")])
    assert len(kept(store, keys)) == 1


# fleets


def test_a_fleet_is_read_from_csv(tmp_path):
    path = tmp_path / "fleet.csv"
    path.write_text(
        "device,cell,point,provider,from\naa,751010101,12 345,blue,2026-02-01\nbb, 751010102 ,6,,\n"
    )
    assert read_places(path) == [
        RosterAssignment("aa", "751010101", "12 345", "blue", date(2026, 2, 1)),
        RosterAssignment("bb", "751010102", "6"),
    ]
    path.write_text("device,cell,point,from\naa,1,2,soon\n")
    with pytest.raises(DocumentRefused, match=r"line 2: 'soon' is no day"):
        read_places(path)
    path.write_text("device,cell\n")
    with pytest.raises(DocumentRefused, match="no column point"):
        read_places(path)
