from edge.language.choice import Lang
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from edge.tic.report import group_cells
from edge.tic.views import decode_profile, decode_relais, decode_stge
from tests.unit.tic.tic_streams import frame_bytes


def test_stge_fields_stand_where_enedis_puts_them():
    places = {
        "dry_contact_open": (0, 1),
        "cutoff": (1, 3),
        "terminal_cover_open": (4, 1),
        "overvoltage": (6, 1),
        "over_reference_power": (7, 1),
        "producer": (8, 1),
        "active_energy_negative": (9, 1),
        "clock_degraded": (16, 1),
        "tic_standard": (17, 1),
        "euridis": (19, 2),
        "cpl_status": (21, 2),
        "cpl_sync": (23, 1),
        "tempo_today": (24, 2),
        "tempo_tomorrow": (26, 2),
        "pm_notice": (28, 2),
        "pm_active": (30, 2),
    }
    for name, (low, count) in places.items():
        most = (1 << count) - 1
        status = decode_stge(f"{most << low:08X}")
        assert getattr(status, name) == most, name
        others = (getattr(status, other) for other in places if other != name)
        assert not any(others), name


def test_stge_indexes_count_from_one():
    assert decode_stge("00000000").supplier_index == 1
    assert decode_stge(f"{9 << 10 | 3 << 14:08X}").supplier_index == 10
    assert decode_stge(f"{9 << 10 | 3 << 14:08X}").distributor_index == 4


def test_relais_140_closes_relays_3_4_and_8():
    assert decode_relais("140") == (0, 0, 1, 1, 0, 0, 0, 1)


def test_profile_slots_carry_contacts_and_index():
    (slot,) = decode_profile(" ".join(["1230C7F2", *["NONUTILE"] * 10]))
    assert (slot.start, slot.script, slot.index) == ("12:30", "C7F2", 2)
    assert (slot.dry_contact, slot.virtual_contacts) == (3, 0x7F)


def test_a_profile_without_slots_is_empty():
    assert decode_profile(" ".join(["NONUTILE"] * 11)) == ()


def test_the_meters_clock_is_shown_as_a_value():
    frame = frame_bytes(Mode.STANDARD, [("DATE", "", "e260714182030"), ("EAST", "000000001", None)])
    (decoded,) = Decoder().feed(frame)
    name, value, meaning = group_cells("DATE", decoded.groups["DATE"], Lang.EN)
    assert (name, value) == ("DATE", "2026-07-14T18:20:30+02:00 (clock degraded)")
    assert meaning == "meter's clock"
