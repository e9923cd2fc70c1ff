"""Identifiers: their grammar, and that they are drawn."""

import pytest

from protocol.ids import is_collectivity, is_device_id, new_device_id, new_incarnation


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ville", True),
        ("a", True),
        ("ville-2", True),
        ("v" * 32, True),
        ("v" * 33, False),
        ("", False),
        ("Ville", False),
        ("ville/x", False),
        ("ville\n", False),
        ("+", False),
    ],
)
def test_a_collectivitys_name_can_stand_in_a_topic(text, is_one):
    assert is_collectivity(text) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a" * 26, True),
        ("234567" + "z" * 20, True),
        ("a" * 25, False),
        ("a" * 27, False),
        ("A" * 26, False),
        ("1" * 26, False),
        ("a" * 26 + "\n", False),
    ],
)
def test_a_device_id_has_its_alphabet_and_length(text, is_one):
    assert is_device_id(text) is is_one


def test_ids_are_drawn():
    devices = {new_device_id() for _ in range(50)}
    assert len(devices) == 50
    assert all(is_device_id(device) for device in devices)
    incarnations = {new_incarnation() for _ in range(50)}
    assert {len(incarnation) for incarnation in incarnations} == {8}
    assert len(incarnations) == 50
